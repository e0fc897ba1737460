"""A network cache that is slow, dead, full, lying or half written costs one warning and a build here."""

from __future__ import annotations

import hashlib
import json
import socket
import time
import zlib
from pathlib import Path

import bad_server
import pytest
from bad_server import Behaviour, answer, serving
from forged_server import forged, offering
from nginx import Nginx
from store_machines import Machine, remote
from stores import CONTENTS, KEY, key_of, read

from bootimage.store import remote_health
from bootimage.store.bazel_action_result import encode_action_result
from bootimage.store.record import seal

QUICK = {"RUSTKERNEL_CACHE_TIMEOUT": "0.4"}

BEHAVIOURS: dict[str, tuple[Behaviour, str]] = {
    "silent": (bad_server.silent, "it takes too long"),
    "dripping": (bad_server.dripping, "it takes too long"),
    "hanging up": (bad_server.hanging_up, "it does not speak HTTP as it should"),
    "endless": (bad_server.endless, "it sends more than 1048576 bytes"),
    "huge": (bad_server.huge, "it sends 999999999999 bytes where at most 1048576 can be"),
    "garbage": (bad_server.garbage, "it does not speak HTTP as it should"),
    "endless headers": (bad_server.endless_headers, "it does not speak HTTP as it should"),
    "500": (bad_server.status(500), "it answers with status 500"),
    "503": (bad_server.status(503, "Retry-After: 100"), "it answers with status 503"),
    "401": (bad_server.status(401), "it refuses access"),
    "200 and a page": (bad_server.status(200), "is none of ours"),
    "compressed": (bad_server.status(200, "Content-Encoding: gzip"), "an encoding that was not asked for"),
    "to another server": (
        bad_server.status(302, "Location: http://other.example/x"),
        "redirects to another server",
    ),
    "to another scheme": (
        bad_server.status(301, "Location: https://127.0.0.1/x"),
        "redirects to another server",
    ),
    "in a circle": (bad_server.status(307, "Location: ?again"), "redirects in a circle"),
    "no length": (
        lambda line, *_: line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        "takes too long",
    ),
}


def warnings(said: list[str]) -> list[str]:
    return [line for line in said if line.startswith("warning")]


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_bad_answers_to_reading(tmp_path: Path, said: list[str], name: str) -> None:
    behaviour, told = BEHAVIOURS[name]
    with serving(behaviour) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read", **QUICK))
        started = time.monotonic()
        for number in range(5):
            assert read(machine.make(key_of(str(number)))) == CONTENTS
        assert time.monotonic() - started < 10
        assert machine.built == 5 and len(warnings(said)) == 1 and told in said[0]
        assert len({path for _, path, _ in server.requests if path.startswith("ac")}) <= 3, (
            "then it is left alone"
        )


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_bad_answers_to_writing(tmp_path: Path, said: list[str], name: str) -> None:
    """A server that is well until something is to be written."""
    behaviour, _ = BEHAVIOURS[name]

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        if method == "PUT":
            behaviour(line, method, path, body)
        else:
            answer(line, 404, method=method)

    with serving(behave) as server:
        machine = Machine(tmp_path / "me", remote(server.url, **QUICK))
        started = time.monotonic()
        for number in range(5):
            assert read(machine.make(key_of(str(number)))) == CONTENTS
        assert time.monotonic() - started < 10 and machine.built == 5
        # Status 200 with whatever text is an answer to a PUT that nobody can fault.
        fine = name in ("200 and a page", "compressed", "endless", "huge", "no length")
        assert len(warnings(said)) <= 1 if fine else len(warnings(said)) == 1
        assert all("is not shared" in line for line in warnings(said))
        assert len([path for method, path, _ in server.requests if method == "GET"]) == 5, "still read"


def test_nobody_there(tmp_path: Path, said: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    machine = Machine(tmp_path / "me", remote(f"http://127.0.0.1:{port}/x"))
    assert read(machine.make()) == CONTENTS and machine.built == 1
    assert said == [
        f"warning: network cache http://127.0.0.1:{port}/x: connection refused; "
        "what it should have is built here; no more reading in this run",
        f"warning: network cache http://127.0.0.1:{port}/x: connection refused; "
        "what is built here is not shared; no more writing in this run",
    ]


@pytest.mark.parametrize("host", ["nowhere.invalid", "x" * 70, "a..b"])
def test_no_such_host(tmp_path: Path, said: list[str], host: str) -> None:
    machine = Machine(tmp_path / "me", remote(f"http://{host}/x", "read", RUSTKERNEL_CACHE_TIMEOUT="2"))
    assert read(machine.make()) == CONTENTS and len(warnings(said)) == 1


def test_http_where_https_is_wanted(tmp_path: Path, said: list[str]) -> None:
    with serving(bad_server.garbage) as server:
        machine = Machine(tmp_path / "me", remote(server.url.replace("http", "https"), "read", **QUICK))
        assert read(machine.make()) == CONTENTS and len(warnings(said)) == 1


def test_credentials_go_nowhere_else(tmp_path: Path, said: list[str]) -> None:
    with serving(bad_server.status(404)) as thief:
        with serving(bad_server.status(302, f"Location: {thief.url}/x")) as server:
            cache = remote(server.url, "read", RUSTKERNEL_CACHE_TOKEN="secret-token")
            Machine(tmp_path / "me", cache).make()
        assert thief.requests == [] and "secret-token" not in "".join(said)


def test_a_redirection_on_the_same_server_is_followed(tmp_path: Path, said: list[str]) -> None:
    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        if path.startswith("moved"):
            answer(line, 404, method=method)
        else:
            answer(line, 302, b"", f"Location: /cache/moved/{path}", method=method)

    with serving(behave) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        machine.make()
        assert [path for _, path, _ in server.requests] == [f"ac/{KEY}", f"moved/ac/{KEY}"] and said == []


# -- full


def test_a_content_that_is_too_large(tmp_path: Path, said: list[str]) -> None:
    with Nginx(tmp_path / "nginx", largest="16") as server:
        machine = Machine(tmp_path / "me", remote(server.url))
        machine.make()
        assert "too large for it (status 413)" in said[0] and len(said) == 1
        assert not any(name.startswith("ac/") for name in server.files()), "no record without its contents"


def test_a_full_server_is_still_read(tmp_path: Path, said: list[str]) -> None:
    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        answer(line, 507 if method == "PUT" else 404, method=method)

    with serving(behave) as server:
        machine = Machine(tmp_path / "me", remote(server.url))
        for number in range(4):
            machine.make(key_of(str(number)))
        assert len(said) == 1 and "it is full (status 507)" in said[0]
        assert [method for method, _, _ in server.requests] == ["GET", "HEAD", "PUT", "GET", "GET", "GET"]


# -- lying and half written


def test_every_file_damaged_in_every_way(
    tmp_path: Path, said: list[str], filled: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_health, "_FAILURES", 1_000_000)
    number = 0
    files = dict(filled)
    with serving(offering(files)) as server:
        cache = remote(server.url, "read")
        for name, content in filled.items():
            if not content:
                continue
            step = max(1, len(content) // 60)
            cuts = [content[:place] for place in range(0, len(content), step)]
            flips = [
                content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
                for at in range(0, len(content), step)
            ]
            for damaged in [*cuts, *flips, content + b"x", content * 2, bytes(len(content))]:
                files[name] = damaged
                machine = Machine(tmp_path / str(number), cache)
                number += 1
                entry = machine.make()
                assert read(entry) == CONTENTS and entry.blobs["liba.rlib"].executable, (name, damaged)
                machine.store.close()
            files[name] = content
    assert number > 200 and len(warnings(said)) == 1


def test_other_bytes_for_the_same_content(tmp_path: Path, said: list[str], filled: dict[str, bytes]) -> None:
    """What is not what was asked for is refused, even if it happens to expand to the right thing."""
    for name, packed in filled.items():
        if packed and name.startswith("cas/"):
            filled[name] = zlib.compress(zlib.decompress(packed), 9)
            assert filled[name] != packed and len(filled[name]) <= len(packed)
    with serving(offering(filled)) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(machine.make()) == CONTENTS and machine.built == 1 and "its digest is wrong" in said[-1]


def test_half_an_answer(tmp_path: Path, said: list[str], filled: dict[str, bytes]) -> None:
    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        content = filled[path]
        line.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content[: len(content) // 2]
        )
        line.shutdown(socket.SHUT_RDWR)

    with serving(behave) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(machine.make()) == CONTENTS and machine.built == 1 and "bytes; what it" in said[0]


def test_the_record_of_another_key(tmp_path: Path, said: list[str], filled: dict[str, bytes]) -> None:
    filled[f"ac/{key_of('other')}"] = filled[f"ac/{KEY}"]
    with serving(offering(filled)) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        machine.make(key_of("other"))
        assert machine.built == 1 and "is none of ours (a record of another key or version)" in said[0]


BOMB = zlib.compress(bytes(50 << 20), 9)
BOMB_DIGEST = hashlib.sha256(BOMB).hexdigest()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "../../evil"}, "a label or file name that cannot be"),
        ({"name": "/etc/evil"}, "a label or file name that cannot be"),
        ({"plain": {"size": -1}}, "a digest or size that cannot be"),
        ({"plain": {"size": 1e3}}, "a digest or size that cannot be"),
        ({"plain": {"sha256": "../" * 21 + "x"}}, "a digest or size that cannot be"),
        ({"sha256": "../../" + "0" * 58}, "a digest, size or encoding that cannot be"),
        ({"encoding": "brotli"}, "a digest, size or encoding that cannot be"),
        ({"plain": {"size": 10 << 40}, "encoding": "zlib"}, "larger than the whole store may be"),
        (
            {"plain": {"size": len(BOMB)}, "sha256": BOMB_DIGEST, "size": len(BOMB), "encoding": "zlib"},
            "larger than its record",
        ),
        (
            {"plain": {"size": 5}, "sha256": BOMB_DIGEST, "size": len(BOMB), "encoding": "zlib"},
            "a packed size or digest that cannot be of its file",
        ),
        ({"sha256": BOMB_DIGEST}, "a packed size or digest that cannot be of its file"),
        ({"plain": {"size": 1 << 80}}, "a digest or size that cannot be"),
        (
            {"plain": {"size": 50 << 20}, "sha256": BOMB_DIGEST, "size": len(BOMB), "encoding": "zlib"},
            "something else",
        ),
        (
            {"plain": {"size": 10}, "sha256": BOMB_DIGEST, "size": 10, "encoding": "zlib"},
            "bytes where at most 10 can be",
        ),
    ],
)
def test_a_forged_record(
    tmp_path: Path, said: list[str], filled: dict[str, bytes], changes: dict[str, object], told: str
) -> None:
    files = forged({**filled, f"cas/{BOMB_DIGEST}": BOMB}, **dict(changes))
    with serving(offering(files)) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(machine.make()) == CONTENTS and machine.built == 1
    assert told in said[-1] and not list(tmp_path.rglob("evil"))


def test_a_record_that_is_no_record(tmp_path: Path, said: list[str]) -> None:
    for number, inner in enumerate(
        [[], {}, {"record": 1}, {"record": {"version": 1, "key": KEY}}, "x", None]
    ):
        body = encode_action_result(
            [], seal(inner) if isinstance(inner, dict) else json.dumps(inner).encode()
        )
        with serving(offering({f"ac/{KEY}": body})) as server:
            machine = Machine(tmp_path / str(number), remote(server.url, "read"))
            assert read(machine.make()) == CONTENTS and "is none of ours" in said[-1]


def test_a_copy_on_the_server_that_has_another_size(tmp_path: Path, said: list[str]) -> None:
    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        answer(line, 200 if path.startswith("cas/") else 404, b"half", method=method)

    with serving(behave) as server:
        Machine(tmp_path / "me", remote(server.url)).make()
        assert "PUT" not in [method for method, _, _ in server.requests]
    assert "has 4 bytes instead of" in said[0] and "it should be removed there" in said[0]


def test_a_full_disk_here(
    tmp_path: Path, said: list[str], filled: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    from bootimage.store import remote_pack

    monkeypatch.setattr(remote_pack.Unpacker, "_write", full)
    with serving(offering(filled)) as server:
        machine = Machine(tmp_path / "me", remote(server.url, "read"))
        assert read(machine.make()) == CONTENTS and machine.built == 1
    assert "what it sends cannot be written: No space left on device" in said[-1]


def test_a_result_that_cannot_be_sent(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bootimage.store import remote_pack

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(remote_pack, "pack", fail)
    with serving(bad_server.status(404)) as server:
        assert read(Machine(tmp_path / "me", remote(server.url)).make()) == CONTENTS
    assert "of no use: Input/output error" in said[0]
