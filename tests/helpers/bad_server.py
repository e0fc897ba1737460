"""Servers that misbehave, each in a way of its own, in threads of this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Requests = list[tuple[str, str, dict[str, str]]]
# Gets the connection, the method, the path (below /cache/) and the body, and answers or does not.
Behaviour = Callable[[socket.socket, str, str, bytes], None]


@dataclass
class Server:
    """A server at `url`; `requests` are what it was asked: method, path, headers."""

    url: str
    requests: Requests = field(default_factory=list)


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[Server]:
    """Answer each request by `behaviour`, in a thread for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}/cache")
        threading.Thread(target=_accept, args=(listener, behaviour, server.requests), daemon=True).start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, behaviour: Behaviour, requests: Requests) -> None:
    with suppress(OSError):
        while True:
            line, _ = listener.accept()
            threading.Thread(target=_converse, args=(line, behaviour, requests), daemon=True).start()


def _converse(line: socket.socket, behaviour: Behaviour, requests: Requests) -> None:
    """Answer until either side closes the connection, `behaviour` by an OSError that it raises."""
    with suppress(OSError), line:
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                data += _received(line)
            head, _, data = data.partition(b"\r\n\r\n")
            first, *rest = head.decode().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value for name, value in (row.split(": ", 1) for row in rest)}
            requests.append((method, path.removeprefix("/cache/"), headers))
            body = b""
            if method == "PUT":
                wanted = int(headers["content-length"])
                while len(data) < wanted:
                    data += _received(line)
                body, data = data[:wanted], data[wanted:]
            behaviour(line, method, path.removeprefix("/cache/"), body)


def _received(line: socket.socket) -> bytes:
    """What has come, at least a byte: of a connection that was closed half-way, nothing is waited for."""
    if more := line.recv(65536):
        return more
    raise ConnectionAbortedError("closed by the client")


def answer(line: socket.socket, status: int, body: bytes = b"", *headers: str, method: str = "GET") -> None:
    """A whole answer."""
    head = "".join(f"{row}\r\n" for row in (f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers))
    line.sendall(head.encode() + b"\r\n" + (b"" if method == "HEAD" else body))


def silent(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """Never answer."""
    time.sleep(30)


def dripping(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """A byte of the headers now and then: each wait is short, and there is no end."""
    for _ in range(300):
        line.sendall(b"H")
        time.sleep(0.1)


def hanging_up(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """Close the connection without an answer."""
    raise ConnectionAbortedError("closed by the server")


def endless(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """Send without end, and without saying how much."""
    line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(5000):
        line.sendall(bytes(65536))


def huge(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """Announce more than anybody wants."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nx")


def garbage(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """Something that is no HTTP."""
    line.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n" * 10)
    raise ConnectionAbortedError("closed by the server")


def endless_headers(line: socket.socket, method: str, path: str, body: bytes) -> None:
    """Headers without end."""
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        line.sendall(b"X-%d: y\r\n" % number)


def status(code: int, *headers: str) -> Behaviour:
    """Answer everything with this status."""
    return lambda line, method, path, body: answer(line, code, b"<html>no</html>", *headers, method=method)
