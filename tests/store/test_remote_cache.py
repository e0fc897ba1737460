"""The network cache on a real nginx, and on a server that checks what it gets as bazel-remote does."""

from __future__ import annotations

import hashlib
import socket
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_server import Behaviour, answer, serving
from bazel_messages import output_digests
from nginx import Nginx
from store_machines import Machine, remote
from stores import CONTENTS, GIB, KEY, finished, key_of, python, read

from bootimage.store.build_once import perform
from bootimage.store.remote_cache import open_remote
from bootimage.store.remote_settings import remote_settings
from bootimage.store.store import Store


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    with Nginx(tmp_path / "nginx") as server:
        yield server


def test_what_one_machine_built_another_fetches(nginx: Nginx, tmp_path: Path, said: list[str]) -> None:
    ci = Machine(tmp_path / "ci", remote(nginx.url + "/"))
    ci.make()
    contributor = Machine(tmp_path / "me", remote(nginx.url, "read"))
    entry = contributor.make()
    assert (ci.built, contributor.built) == (1, 0)
    assert read(entry) == CONTENTS and entry.label == "core"
    assert [name for name, blob in entry.blobs.items() if blob.executable] == ["liba.rlib"]
    assert said == ["core: from the network cache"]
    assert contributor.make().files == entry.files and len(nginx.requests("GET")) == 1 + 4


def test_what_lies_on_the_server(nginx: Nginx, tmp_path: Path) -> None:
    """Contents under their own digests, compressed; one record, whose contents are all there."""
    Machine(tmp_path / "ci", remote(nginx.url)).make()
    files = nginx.files()
    contents = {name.removeprefix("cas/"): data for name, data in files.items() if name.startswith("cas/")}
    assert all(hashlib.sha256(data).hexdigest() == digest for digest, data in contents.items())
    assert zlib.compress(CONTENTS["c"], 1) in contents.values() and b"" in contents.values()
    assert set(files) - {f"cas/{digest}" for digest in contents} == {f"ac/{KEY}"}
    assert {digest: len(contents[digest]) for digest in contents} == output_digests(files[f"ac/{KEY}"])
    puts = [line.split()[1] for line in nginx.requests("PUT")]
    assert puts[-1] == f"/cache/ac/{KEY}", "the record comes last"
    assert all('"*"' in line for line in nginx.requests("PUT"))


def test_what_is_there_is_never_written_again(nginx: Nginx, tmp_path: Path, said: list[str]) -> None:
    Machine(tmp_path / "ci", remote(nginx.url)).make()
    before = nginx.files()
    second = Machine(tmp_path / "second", None)
    cache = remote(nginx.url)
    cache.publish(second.store, second.make())
    with second.store.work("other") as folder:
        (folder / "f").write_bytes(b"another result for the same key")
        third = Store(tmp_path / "third", GIB)
        cache.publish(third, third.put(KEY, {"f": folder / "f"}, "core", 1))
    assert {name: nginx.files()[name] for name in before} == before
    assert len([line for line in nginx.requests("PUT") if "/ac/" in line]) == 1 and said == []


def test_a_reader_writes_nothing(nginx: Nginx, tmp_path: Path) -> None:
    Machine(tmp_path / "me", remote(nginx.url, "read")).make()
    assert nginx.files() == {} and nginx.requests("PUT") == []


def test_one_fetch_for_all_that_want_it(nginx: Nginx, tmp_path: Path) -> None:
    Machine(tmp_path / "ci", remote(nginx.url)).make()
    before = len(nginx.requests())
    script = """
        from bootimage.store.build_once import perform
        from bootimage.store.remote_cache import open_remote
        cache = open_remote({"RUSTKERNEL_CACHE": sys.argv[2]})
        entry = perform(Store(Path(sys.argv[1]), 1 << 30), cache, sys.argv[3], "core", None)
        assert entry.files["c"].read_bytes() == b"first" * 1000
    """
    for each in [python(script, tmp_path / "store", nginx.url, KEY) for _ in range(4)]:
        finished(each)
    assert len(nginx.requests()) - before == 1 + 3, "the record, and three contents"


def test_what_the_store_has_is_not_fetched(nginx: Nginx, tmp_path: Path) -> None:
    ci = Machine(tmp_path / "ci", remote(nginx.url))
    ci.make()
    ci.make(key_of("other"))
    machine = Machine(tmp_path / "me", remote(nginx.url, "read"))
    machine.make()
    before = len(nginx.requests())
    assert read(machine.make(key_of("other"))) == CONTENTS and machine.built == 0
    assert [line.split()[1] for line in nginx.requests()[before:]] == [f"/cache/ac/{key_of('other')}"]


def test_contents_that_the_server_dropped_come_back(nginx: Nginx, tmp_path: Path, said: list[str]) -> None:
    Machine(tmp_path / "ci", remote(nginx.url)).make()
    for path in nginx.root.glob("cas/*"):
        path.unlink()
    again = Machine(tmp_path / "again", remote(nginx.url))
    assert read(again.make()) == CONTENTS and again.built == 1
    last = Machine(tmp_path / "last", remote(nginx.url))
    assert read(last.make()) == CONTENTS and last.built == 0
    assert not [line for line in said if line.startswith("warning")]


def test_a_store_that_is_off(nginx: Nginx, tmp_path: Path) -> None:
    Machine(tmp_path / "ci", remote(nginx.url)).make()
    store = Store(None, GIB)
    assert read(perform(store, remote(nginx.url), KEY, "core", lambda _: pytest.fail("built"))) == CONTENTS
    store.close()


# -- credentials

SECRET = "hunter2-swordfish"


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("kind", ["environment", "netrc"])
def test_credentials(tmp_path: Path, said: list[str], kind: str, closed: bool) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login ci password {SECRET}\nmachine other login x password y\n")
    given = {
        "environment": {"RUSTKERNEL_CACHE_USER": "ci", "RUSTKERNEL_CACHE_PASSWORD": SECRET},
        "netrc": {"NETRC": str(netrc)},
    }[kind]
    with Nginx(tmp_path / "nginx", users={"ci": SECRET}, closed=closed) as server:
        ci = Machine(tmp_path / "ci", remote(server.url, **given))
        ci.make()
        assert f"ac/{KEY}" in server.files() and " ci" in server.requests("PUT")[-1] and said == []
        stranger = Machine(tmp_path / "stranger", remote(server.url, "read"))
        assert read(stranger.make()) == CONTENTS and stranger.built == int(closed)
        wrong = {"RUSTKERNEL_CACHE_USER": "ci", "RUSTKERNEL_CACHE_PASSWORD": SECRET + "!"}
        intruder = Machine(tmp_path / "intruder", remote(server.url, **wrong))
        assert read(intruder.make(key_of("new"))) == CONTENTS
        assert f"ac/{key_of('new')}" not in server.files()
    warnings = [line for line in said if line.startswith("warning")]
    assert all("(status 401)" in line for line in warnings) and len(warnings) == (3 if closed else 1)
    kept = [
        path.read_text(errors="replace") for path in (tmp_path / "nginx/root").rglob("*") if path.is_file()
    ]
    everything = [*said, *kept]
    assert SECRET not in "".join(everything)
    assert SECRET not in repr(remote_settings({"RUSTKERNEL_CACHE": server.url, **given}))


def test_a_token(tmp_path: Path) -> None:
    with serving(lambda line, method, path, body: answer(line, 404, method=method)) as server:
        Machine(tmp_path / "me", remote(server.url, "read", RUSTKERNEL_CACHE_TOKEN=SECRET)).make()
        assert [headers["authorization"] for _, _, headers in server.requests] == [f"Bearer {SECRET}"]


# -- a server that checks what it gets


def checking_server(held: dict[str, bytes]) -> Behaviour:
    """As bazel-remote: it checks digests, takes only an ActionResult, and gives it only with its contents."""

    def put(path: str, body: bytes) -> int:
        kind, digest = path.split("/")
        right = hashlib.sha256(body).hexdigest() == digest if kind == "cas" else bool(output_digests(body))
        if right:
            held[path] = body
        return 200 if right else 400

    def there(path: str) -> bool:
        if path not in held or path.startswith("cas/"):
            return path in held
        wanted = output_digests(held[path]).items()
        return all(len(held.get(f"cas/{digest}", b"none")) == size for digest, size in wanted)

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        if method == "PUT":
            answer(line, put(path, body))
        elif there(path):
            answer(line, 200, held[path], method=method)
        else:
            answer(line, 404, b"Not found", method=method)

    return behave


def test_a_server_that_checks(tmp_path: Path, said: list[str]) -> None:
    held: dict[str, bytes] = {}
    with serving(checking_server(held)) as server:
        Machine(tmp_path / "ci", remote(server.url)).make()
        machine = Machine(tmp_path / "me", remote(server.url))
        assert read(machine.make()) == CONTENTS and machine.built == 0
        dropped = next(path for path, body in held.items() if path.startswith("cas/") and body)
        del held[dropped]
        again = Machine(tmp_path / "again", remote(server.url))
        assert read(again.make()) == CONTENTS and again.built == 1 and dropped in held
    assert set(said) == {"core: from the network cache"}


def test_a_connection_that_the_server_has_closed_meanwhile(tmp_path: Path, said: list[str]) -> None:
    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        answer(line, 201 if method == "PUT" else 404, b"no", method=method)
        # A request that comes between the answer and the end is not read, so it is not counted.
        raise ConnectionAbortedError("closed by the server")

    with serving(behave) as server:
        cache = remote(server.url)
        for number in range(3):
            Machine(tmp_path / str(number), cache).make(key_of(str(number)))
            time.sleep(0.05)
        assert len([path for _, path, _ in server.requests if path.startswith("ac/")]) == 9
    assert said == []


def test_a_connection_that_the_server_closes_when_it_is_used_again(tmp_path: Path, said: list[str]) -> None:
    used: set[int] = set()

    def behave(line: socket.socket, method: str, path: str, body: bytes) -> None:
        if line.fileno() in used:
            used.discard(line.fileno())
            raise ConnectionAbortedError("idle for too long")
        used.add(line.fileno())
        answer(line, 201 if method == "PUT" else 404, b"no", method=method)

    with serving(behave) as server:
        cache = remote(server.url)
        for number in range(3):
            Machine(tmp_path / str(number), cache).make(key_of(str(number)))
        assert len(server.requests) > len(used) > 0
    assert said == []


def test_one_object_for_one_server() -> None:
    environ = {"RUSTKERNEL_CACHE": "http://127.0.0.1:1/x"}
    assert open_remote(environ) is open_remote(dict(environ))
    assert open_remote({}) is None and open_remote({"RUSTKERNEL_CACHE": "off"}) is None
