"""HTTP as a cache needs it: GET, HEAD and PUT below one folder, within a time and a size, or a clear problem.

Connections are kept for the next request. A redirection is followed on the same server only, so that
credentials go nowhere else. Whatever goes wrong is a RemoteProblem.
"""

from __future__ import annotations

import errno
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.remote_health import RemoteProblem
from bootimage.store.remote_patience import Patience
from bootimage.store.remote_settings import RemoteSettings

_CHUNK = 1 << 18
_REDIRECTS = 3
# Of an answer that nobody wants, so much is read to keep the connection.
_DRAIN = 1 << 16


@dataclass(frozen=True)
class Answer:
    """The server's answer: its status, and the number of bytes that it announced, if it did."""

    status: int
    length: int | None


class HttpFolder:
    """The folder on a server that `settings` name. Several threads may use it at once."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings
        self._idle: list[HTTPConnection] = []
        self._guard = threading.Lock()
        self._tls = ssl.create_default_context() if settings.scheme == "https" else None

    def get(self, name: str, limit: int, sink: Callable[[bytes], object], patience: Patience) -> Answer:
        """GET `name`; with status 200 pass the body, at most `limit` bytes, to `sink` piece by piece."""

        def take(chunk: bytes) -> None:
            patience.earn(len(chunk))
            sink(chunk)

        def receive(line: HTTPConnection, response: HTTPResponse) -> Answer:
            if response.status == 200:
                return _receive(response, limit, take)
            return _drain(line, response)

        return self._timed(patience, lambda line: self._follow(line, "GET", name, receive))

    def head(self, name: str, patience: Patience) -> Answer:
        """HEAD `name`."""
        return self._timed(patience, lambda line: self._follow(line, "HEAD", name, _drain))

    def put(self, name: str, body: Path | bytes, patience: Patience) -> Answer:
        """PUT `body` as `name`, on the condition that there is none yet (which not every server honours)."""
        size = len(body) if isinstance(body, bytes) else body.stat().st_size
        headers = {
            "Content-Length": str(size),
            "Content-Type": "application/octet-stream",
            "If-None-Match": "*",
        }
        path = f"{self._settings.path}/{name}"

        def send(line: HTTPConnection) -> Answer:
            return _drain(line, self._ask(line, "PUT", path, headers, body, patience.earn))

        return self._timed(patience, send)

    def _timed(self, patience: Patience, act: Callable[[HTTPConnection], Answer]) -> Answer:
        """Run `act` with a connection, in the time that is left."""
        line = self._connection()
        try:
            answer = patience.within(lambda: act(line))
        except BaseException as problem:
            _cut(line)
            told = _as_remote_problem(problem, self._settings.timeout)
            if told is None:
                raise
            raise told from problem
        with self._guard:
            self._idle.append(line)
        return answer

    def _connection(self) -> HTTPConnection:
        with self._guard:
            if self._idle:
                return self._idle.pop()
        place = self._settings
        if self._tls is None:
            return HTTPConnection(place.host, place.port, timeout=place.timeout, blocksize=_CHUNK)
        return HTTPSConnection(
            place.host, place.port, timeout=place.timeout, context=self._tls, blocksize=_CHUNK
        )

    def _follow(
        self,
        line: HTTPConnection,
        method: str,
        name: str,
        receive: Callable[[HTTPConnection, HTTPResponse], Answer],
    ) -> Answer:
        path = f"{self._settings.path}/{name}"
        for _ in range(_REDIRECTS):
            response = self._ask(line, method, path)
            target = response.getheader("Location")
            if response.status not in (301, 302, 303, 307, 308) or target is None:
                return receive(line, response)
            _drain(line, response)
            path = self._redirected(path, target)
        raise RemoteProblem("it redirects in a circle", final=True)

    def _redirected(self, path: str, target: str) -> str:
        here = urlsplit(self._settings.name)
        there = urlsplit(urljoin(f"{here.scheme}://{here.netloc}{path}", target))
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise RemoteProblem(
                f"it redirects to another server ({there.scheme}://{there.hostname})", final=True
            )
        return there.path + (f"?{there.query}" if there.query else "")

    def _ask(
        self,
        line: HTTPConnection,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: Path | bytes = b"",
        sent: Callable[[int], object] = lambda _count: None,
    ) -> HTTPResponse:
        everything = {"Accept-Encoding": "identity", "User-Agent": "rustkernel", **(headers or {})}
        if self._settings.authorization:
            everything["Authorization"] = self._settings.authorization
        kept = line.sock is not None
        try:
            return _send(line, method, path, everything, body, sent)
        except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if not kept:
                raise
            line.close()  # the server had closed the connection since its last answer
            return _send(line, method, path, everything, body, sent)


def _send(
    line: HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: Path | bytes,
    sent: Callable[[int], object],
) -> HTTPResponse:
    with io.BytesIO(body) if isinstance(body, bytes) else body.open("rb") as content:
        pieces = _pieces(content, sent) if method == "PUT" else None
        try:
            line.request(method, path, body=pieces, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            # A server that wants no more may have said why before it closed the connection.
            with suppress(OSError, HTTPException):
                return line.getresponse()
            raise
    return line.getresponse()


def _pieces(content: BinaryIO, sent: Callable[[int], object]) -> Iterator[bytes]:
    """The content piece by piece; each that has been taken is told to `sent`."""
    while piece := content.read(_CHUNK):
        yield piece
        sent(len(piece))


def _receive(response: HTTPResponse, limit: int, sink: Callable[[bytes], object]) -> Answer:
    """Pass the body to `sink`, as long as it is what can be expected."""
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise RemoteProblem("it sends an encoding that was not asked for")
    announced = _announced(response)
    if announced is not None and announced > limit:
        raise RemoteProblem(f"it sends {announced} bytes where at most {limit} can be")
    received = 0
    while chunk := response.read1(_CHUNK):
        received += len(chunk)
        if received > limit:
            raise RemoteProblem(f"it sends more than {limit} bytes")
        sink(chunk)
    if announced is not None and received < announced:
        raise RemoteProblem(f"it sends {received} of {announced} bytes")
    response.close()
    return Answer(response.status, announced)


def _drain(line: HTTPConnection, response: HTTPResponse) -> Answer:
    """The answer without its body, of which a little is read, so that the connection can be kept."""
    read = 0
    while read < _DRAIN and (chunk := response.read1(_CHUNK)):
        read += len(chunk)
    if read >= _DRAIN:
        line.close()
    response.close()
    return Answer(response.status, _announced(response))


def _announced(response: HTTPResponse) -> int | None:
    text = response.getheader("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _cut(line: HTTPConnection) -> None:
    """End a connection, also under a thread that waits for it."""
    with suppress(OSError, AttributeError):
        line.sock.shutdown(socket.SHUT_RDWR)
    line.close()


def _as_remote_problem(problem: BaseException, timeout: float) -> RemoteProblem | None:
    """`problem` in words, when it is one of the network that has none yet."""
    if isinstance(problem, TimeoutError):
        return RemoteProblem(f"it takes too long (RUSTKERNEL_CACHE_TIMEOUT is {timeout:g} s)", final=True)
    if isinstance(problem, socket.gaierror):
        return RemoteProblem("its host is not known", final=True)
    if isinstance(problem, ssl.SSLError):
        return RemoteProblem(f"TLS fails ({problem.reason or type(problem).__name__})", final=True)
    if isinstance(problem, HTTPException | ValueError):
        return RemoteProblem(f"it does not speak HTTP as it should ({type(problem).__name__})")
    if isinstance(problem, OSError):
        unreachable = problem.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)
        return RemoteProblem((problem.strerror or type(problem).__name__).lower(), final=unreachable)
    return None
