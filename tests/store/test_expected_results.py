"""What was not asked for is not taken, neither from a server nor from the store; there it is replaced."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_server import serving
from forged_server import offering
from store_machines import remote
from stores import GIB, KEY

from bootimage.store.build_once import SharedFiles, contents_of, perform, provide_files
from bootimage.store.expected_result import Expected, exactly
from bootimage.store.record import Record, record_content, record_of, seal
from bootimage.store.record_files import Usage, add_to_history, read_history, record_path
from bootimage.store.store import Store
from bootimage.store.store_summary import report_lines

RIGHT = exactly("a", start=b"MZ", largest=100)
WRONG: dict[str, dict[str, bytes]] = {
    "another name": {"b": b"MZ"},
    "one more": {"a": b"MZ", "b": b"MZ"},
    "none": {},
    "another kind": {"a": b"ELF"},
    "too small": {"a": b"M"},
    "too large": {"a": b"MZ" + bytes(100)},
}


def good(folder: Path) -> dict[str, Path]:
    return made_of({"a": b"MZ good"})(folder)


def made_of(contents: dict[str, bytes]) -> Callable[[Path], dict[str, Path]]:
    def build(folder: Path) -> dict[str, Path]:
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return {name: folder / name for name in contents}

    return build


def on_a_server(tmp_path: Path, contents: dict[str, bytes]) -> dict[str, bytes]:
    """What a server has when a machine has offered such a result; sealed and whole."""
    from nginx import Nginx

    (tmp_path / "nginx").mkdir()
    with Nginx(tmp_path / "nginx") as server:
        store = Store(tmp_path / "its", GIB)
        perform(store, remote(server.url), KEY, "x", made_of(contents))
        store.close()
        return server.files()


@pytest.mark.parametrize("what", WRONG)
def test_a_server_with_something_else(tmp_path: Path, store: Store, said: list[str], what: str) -> None:
    with serving(offering(on_a_server(tmp_path, WRONG[what]))) as server:
        cache = remote(server.url, "read")
        entry = perform(store, cache, KEY, "x", good, RIGHT)
        assert entry.files["a"].read_bytes() == b"MZ good"
        warned = [line for line in said if line.startswith("warning")]
        assert len(warned) == 1 and "what it should have is built here" in warned[0]
    assert perform(store, None, KEY, "x", lambda _: pytest.fail("built twice"), RIGHT).blobs.keys() == {"a"}


@pytest.mark.parametrize("what", WRONG)
def test_a_store_with_something_else(store: Store, what: str) -> None:
    """It came there before anybody compared; the next that wants it makes it again, and once."""
    perform(store, None, KEY, "x", made_of(WRONG[what]))
    for build in (good, lambda _: pytest.fail("built twice")):
        entry = perform(store, None, KEY, "x", build, RIGHT)
        assert entry.files["a"].read_bytes() == b"MZ good"
    assert contents_of(store, None, KEY, "x", lambda _: pytest.fail("built"), RIGHT) == entry.blobs


@pytest.mark.parametrize("what", ["another name", "one more", "none"])
def test_files_for_the_build_folder(tmp_path: Path, store: Store, said: list[str], what: str) -> None:
    wanted = SharedFiles("x", {"a": tmp_path / "a"}, lambda: KEY)

    def make() -> bool:
        (tmp_path / "a").write_bytes(b"made here")
        return True

    with serving(offering(on_a_server(tmp_path, WRONG[what]))) as server:
        assert provide_files(store, remote(server.url, "read"), wanted, make)
    assert (tmp_path / "a").read_bytes() == b"made here" and "names other files" in said[0]
    assert not (tmp_path / "b").exists()


def test_digests_alone_are_compared_too(tmp_path: Path, store: Store, said: list[str]) -> None:
    with serving(offering(on_a_server(tmp_path, WRONG["another name"]))) as server:
        assert contents_of(store, remote(server.url, "read"), KEY, "x", good, RIGHT).keys() == {"a"}


def test_the_servers_label_is_not_taken(tmp_path: Path, store: Store) -> None:
    with serving(offering(on_a_server(tmp_path, {"a": b"MZ"}))) as server:
        entry = perform(store, remote(server.url, "read"), KEY, "ours", lambda _: pytest.fail("built"), RIGHT)
        assert entry.label == "ours"


@pytest.mark.parametrize("field", ["seconds", "created"])
@pytest.mark.parametrize(
    "value", [10**400, 10**4000, float("inf"), 1.7e308, float("nan"), -1, 1e12, True, "1"]
)
def test_numbers_without_measure(store: Store, field: str, value: object) -> None:
    perform(store, None, KEY, "x", good)
    path = record_path(store.root, KEY)
    content = record_content(Record(KEY, "x", 1.0, time.time(), {})) | {field: value}
    with pytest.raises(ValueError, match="a number of seconds that cannot be"):
        record_of(content, KEY)
    path.write_bytes(seal(content))
    assert len(report_lines(store)) == 2 and not path.exists(), "forgotten"


@pytest.mark.parametrize(
    "content", [{"hits": -1, "seconds": 1}, {"hits": 1, "seconds": float("nan")}, {"hits": 1.5, "seconds": 1}]
)
def test_a_history_that_cannot_be(store: Store, content: dict[str, float]) -> None:
    store.root.mkdir()
    (store.root / "stats").write_bytes(seal(content))
    assert read_history(store.root).hits == 0
    (store.root / "stats").write_bytes(seal({"hits": 3, "seconds": 1e308}))
    record = Record(KEY, "x", 1e11, 1.0, {})
    for _ in range(3):
        add_to_history(store.root, [Usage(record, 1.0, 1 << 60)], store.root / "partial")
    assert "inf" not in report_lines(store)[-1]


def test_a_record_larger_than_any_is_none(store: Store) -> None:
    perform(store, None, KEY, "x", good)
    record_path(store.root, KEY).write_bytes(b" " * (2 << 20))
    assert store.get(KEY) is None and not record_path(store.root, KEY).exists()


def test_a_result_may_be_anything_where_nothing_is_known() -> None:
    Expected().check_record(Record(KEY, "x", 1.0, 1.0, {}))
