"""The network cache as companies have it: behind a proxy, with an authority of its own, busy now and then."""

from __future__ import annotations

import socket
import time
from email.utils import formatdate
from pathlib import Path

import bad_server
import pytest
import trustme
from bad_server import answer, serving
from nginx import Nginx, free_port
from store_machines import Machine, remote
from stores import CONTENTS, read
from tinyproxy import proxying

SECRET = "open-sesame"


def warned(said: list[str]) -> str:
    """The one warning, after which everything was built here."""
    (line,) = (line for line in said if line.startswith("warning"))
    return line


def shared(tmp_path: Path, url: str, **environ: str) -> bool:
    """Whether one machine gets what another has built; both get the right thing in any case."""
    first = Machine(tmp_path / "ci", remote(url, **environ))
    second = Machine(tmp_path / "me", remote(url, "read", **environ))
    assert read(first.make()) == CONTENTS and first.built == 1
    assert read(second.make()) == CONTENTS
    return second.built == 0


# -- a proxy


def test_through_a_proxy(tmp_path: Path, said: list[str]) -> None:
    with Nginx(tmp_path / "nginx") as server, proxying(tmp_path / "proxy") as proxy:
        assert shared(tmp_path, server.url, HTTP_PROXY=f"http://127.0.0.1:{proxy.port}")
        assert said == ["core: from the network cache"]
        assert len(proxy.requests()) == len(server.requests())
        assert f"GET {server.url}/ac/" in "\n".join(proxy.requests())


def test_past_a_proxy(tmp_path: Path, said: list[str]) -> None:
    with Nginx(tmp_path / "nginx") as server, proxying(tmp_path / "proxy") as proxy:
        environ = {"HTTP_PROXY": f"127.0.0.1:{proxy.port}", "NO_PROXY": "localhost,127.0.0.0/8"}
        assert shared(tmp_path, server.url, **environ)
        assert proxy.requests() == [] and said == ["core: from the network cache"]


def test_a_tunnel_for_https(tmp_path: Path, said: list[str], authority: trustme.CA) -> None:
    with Nginx(tmp_path / "nginx", authority=authority) as server, proxying(tmp_path / "proxy") as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "RUSTKERNEL_CACHE_TOKEN": SECRET}
        assert shared(tmp_path, server.url, **environ) and said == ["core: from the network cache"]
        assert proxy.requests() and all(line.startswith("CONNECT 127.0.0.1:") for line in proxy.requests())
        assert SECRET not in proxy.log.read_text()


def test_a_proxy_with_a_password(tmp_path: Path, said: list[str]) -> None:
    with Nginx(tmp_path / "nginx") as server, proxying(tmp_path / "proxy", ("me", SECRET)) as proxy:
        assert shared(tmp_path / "1", server.url, HTTP_PROXY=f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
        said.clear()
        assert not shared(tmp_path / "2", server.url, HTTP_PROXY=f"http://127.0.0.1:{proxy.port}")
    assert "its proxy wants a password (status 407)" in said[0] and "in HTTP_PROXY" in said[1]


def test_a_tunnel_that_wants_a_password(tmp_path: Path, said: list[str]) -> None:
    with proxying(tmp_path / "proxy", ("me", SECRET)) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
        machine = Machine(tmp_path / "me", remote(f"https://127.0.0.1:{free_port()}", "read", **environ))
        assert read(machine.make()) == CONTENTS and machine.built == 1
    assert "HTTPS_PROXY names a proxy that fails: it answers with status 407" in warned(said)


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("http://127.0.0.1:{port}", "HTTP_PROXY names a proxy that fails: connection refused"),
        ("http://nowhere.invalid", "HTTP_PROXY names a proxy that fails: its host is not known"),
        ("socks5://127.0.0.1:{port}", "HTTP_PROXY names a socks5 proxy; expected http:// or https://"),
        (f"http://me:{SECRET}@127.0.0.1:port", "HTTP_PROXY names a proxy that cannot be understood"),
    ],
)
def test_a_proxy_of_no_use(tmp_path: Path, said: list[str], proxy: str, told: str) -> None:
    with serving(bad_server.status(404)) as server:
        cache = remote(server.url, "read", HTTP_PROXY=proxy.format(port=free_port()))
        machine = Machine(tmp_path / "me", cache)
        assert read(machine.make()) == CONTENTS and machine.built == 1 and server.requests == []
    assert told in warned(said) and "  help: NO_PROXY=127.0.0.1 " in said[1] and SECRET not in "".join(said)


# -- TLS


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made


def test_an_authority_of_ones_own(tmp_path: Path, said: list[str], authority: trustme.CA) -> None:
    with Nginx(tmp_path / "nginx", authority=authority) as server:
        assert shared(tmp_path, server.url) and said == ["core: from the network cache"]


def test_an_authority_that_is_not_trusted(tmp_path: Path, said: list[str], authority: trustme.CA) -> None:
    with Nginx(tmp_path / "nginx", authority=trustme.CA()) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(machine.make()) == CONTENTS and machine.built == 1
    assert "TLS fails (CERTIFICATE_VERIFY_FAILED)" in warned(said)
    assert said[1] == "  help: SSL_CERT_FILE should name the certificate of the authority of 127.0.0.1"


@pytest.mark.parametrize("apart", [False, True])
def test_a_certificate_of_the_clients(
    tmp_path: Path, said: list[str], authority: trustme.CA, apart: bool
) -> None:
    own = authority.issue_cert("ci@cache.example")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    own.private_key_pem.write_to_path(key)
    (own.cert_chain_pems[0] if apart else own.private_key_and_cert_chain_pem).write_to_path(certificate)
    environ = {"RUSTKERNEL_CACHE_CLIENT_CERTIFICATE": str(certificate)}
    with Nginx(tmp_path / "nginx", authority=authority, clients=True) as server:
        if apart:
            environ["RUSTKERNEL_CACHE_CLIENT_KEY"] = str(key)
        assert shared(tmp_path / "1", server.url, **environ)
        said.clear()
        assert not shared(tmp_path / "2", server.url) and "it answers with status 400" in said[0]


@pytest.mark.parametrize("text", ["nothing", ""])
def test_a_certificate_that_is_none(tmp_path: Path, said: list[str], text: str) -> None:
    (tmp_path / "own.pem").write_text(text)
    environ = {"RUSTKERNEL_CACHE_CLIENT_CERTIFICATE": str(tmp_path / "own.pem")}
    machine = Machine(tmp_path / "me", remote(f"https://127.0.0.1:{free_port()}", "read", **environ))
    assert read(machine.make()) == CONTENTS and machine.built == 1
    assert f"the client's certificate {tmp_path}/own.pem cannot be used: " in warned(said)


def test_a_key_with_a_password_is_not_asked_for(
    tmp_path: Path, said: list[str], authority: trustme.CA
) -> None:
    from cryptography.hazmat.primitives import serialization

    own = authority.issue_cert("ci@cache.example")
    key = serialization.load_pem_private_key(own.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"x"),
    )
    (tmp_path / "own.pem").write_bytes(locked + own.cert_chain_pems[0].bytes())
    environ = {"RUSTKERNEL_CACHE_CLIENT_CERTIFICATE": str(tmp_path / "own.pem")}
    machine = Machine(tmp_path / "me", remote(f"https://127.0.0.1:{free_port()}", "read", **environ))
    assert read(machine.make()) == CONTENTS and "its key is locked by a password" in warned(said)


# -- busy


def test_a_server_that_is_asked_too_fast(tmp_path: Path, said: list[str]) -> None:
    with Nginx(tmp_path / "nginx", busy=True) as server:
        assert shared(tmp_path, server.url) and said == ["core: from the network cache"]
        assert [line for line in server.requests() if " 503 " in line], "it was busy indeed"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("kind", ["none", "seconds", "date", "nonsense"])
def test_busy_twice(tmp_path: Path, said: list[str], status: int, kind: str) -> None:
    held: dict[str, bytes] = {}
    asked: dict[str, int] = {}

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        asked[method + path] = asked.get(method + path, 0) + 1
        if asked[method + path] <= 2:
            when = {"seconds": "0", "date": formatdate(time.time() - 5, usegmt=True), "nonsense": "soon"}
            pause = [] if kind == "none" else [f"Retry-After: {when[kind]}"]
            answer(line, status, b"busy", *pause, method=method)
        elif method == "PUT":
            held[path] = body
            answer(line, 201)
        else:
            answer(line, 200 if path in held else 404, held.get(path, b""), method=method)

    with serving(behave) as server:
        first = Machine(tmp_path / "ci", remote(server.url, RUSTKERNEL_CACHE_TIMEOUT="9"))
        first.make()
        second = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(second.make()) == CONTENTS and second.built == 0
    assert said == ["core: from the network cache"]


def test_a_pause_that_a_server_asks_for_is_kept_and_shown(tmp_path: Path, said: list[str]) -> None:
    times: list[float] = []

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        times.append(time.monotonic())
        answer(line, 429 if len(times) == 1 else 404, b"", "Retry-After: 2", method=method)

    with serving(behave) as server:
        Machine(tmp_path / "me", remote(server.url, "read")).make()
    assert len(times) == 2 and times[1] - times[0] >= 2
    assert said == [f"network cache {server.url} is busy: asking again in 2 s"]


@pytest.mark.parametrize("pause", ["3600", "99999999999999999999", formatdate(4e9, usegmt=True)])
def test_a_pause_that_is_too_long_is_not_waited_for(tmp_path: Path, said: list[str], pause: str) -> None:
    with serving(bad_server.status(503, f"Retry-After: {pause}")) as server:
        began = time.monotonic()
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(machine.make()) == CONTENTS and machine.built == 1
        assert time.monotonic() - began < 2 and len(server.requests) == 1
    assert "it answers with status 503" in warned(said)
