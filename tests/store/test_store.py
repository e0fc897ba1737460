"""The store: what goes in comes out as it was, checked once, with the user told what matters."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import CONTENTS, GIB, KEY, build, filled, held, key_of, put, read, use

from bootimage.base.errors import BuildError
from bootimage.store import blobs as store_blobs
from bootimage.store.build_once import perform
from bootimage.store.keys import action_key
from bootimage.store.record import is_file_name
from bootimage.store.store import Store
from bootimage.store.store_summary import duration_text, report_lines, size_text
from bootimage.store.tree import tree_path


def test_a_result_comes_back_as_it_went_in(store: Store) -> None:
    assert store.get(KEY) is None
    made = perform(store, None, KEY, "the thing", build)
    again = perform(store, None, KEY, "the thing", lambda _: pytest.fail("built twice"))
    assert read(made) == read(again) == CONTENTS
    assert again.label == "the thing" and again.blobs["sub/b"].size == 0
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in again.files.values())


names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=8).filter(
    is_file_name
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, st.tuples(st.binary(max_size=200), st.booleans()), max_size=5), st.text())
def test_any_names_and_contents(store: Store, files: dict[str, tuple[bytes, bool]], label: str) -> None:
    key = action_key(
        "test", {name: f"{content!r} {label!r}" for name, (content, _) in files.items()} | {"l": label}
    )
    with store.work(label) as folder:
        for number, (content, executable) in enumerate(files.values()):
            (folder / str(number)).write_bytes(content)
            (folder / str(number)).chmod(0o755 if executable else 0o644)
        store.put(key, {name: folder / str(number) for number, name in enumerate(files)}, label, 1)
    entry = store.get(key)
    assert entry is not None and entry.label == label
    assert {
        name: (entry.files[name].read_bytes(), blob.executable) for name, blob in entry.blobs.items()
    } == files
    tree = store.tree(entry, {name: f"in/{name}" for name in files})
    found = {path.name: path for path in tree.rglob("*") if path.is_file()}
    assert {n: (p.read_bytes(), os.access(p, os.X_OK)) for n, p in found.items()} == files


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../b", "a//b", "./a", ".", "a/", "a\0b", "\udcff"])
def test_names_that_leave_the_folder_are_refused(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(ValueError):
        store.put(KEY, {name: tmp_path / "f"})
    entry = store.put(KEY, {"f": tmp_path / "f"})
    with pytest.raises(ValueError):
        store.tree(entry, {"f": name})


def test_a_users_file_is_copied_and_left_as_it_is(store: Store, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"1")
    mine.chmod(0o600)
    entry = store.put(KEY, {"f": mine})
    mine.write_bytes(b"2")
    assert entry.files["f"].read_bytes() == b"1" and stat.S_IMODE(mine.stat().st_mode) == 0o600


def test_a_file_that_was_not_made_is_named(store: Store) -> None:
    with pytest.raises(BuildError, match=r"gone: error: the loader was to make this file, and did not"):
        perform(store, None, KEY, "the loader", lambda folder: {"f": folder / "gone"})
    assert store.get(KEY) is None


def test_a_failed_build_leaves_nothing(store: Store) -> None:
    def fail(folder: Path) -> dict[str, Path]:
        (folder / "half").touch()
        raise BuildError("no")

    with pytest.raises(BuildError):
        perform(store, None, KEY, "x", fail)
    assert store.get(KEY) is None
    assert [path for path in store.root.rglob("*") if path.name == "half"] == []


def test_the_first_result_for_a_key_stays(store: Store) -> None:
    put(store, "key", b"first")
    assert put(store, "key", b"second").files["f"].read_bytes() == b"first"


def test_equal_contents_are_kept_once(store: Store) -> None:
    one, two = put(store, "one", b"same"), put(store, "two", b"same")
    assert one.files["f"] == two.files["f"]
    assert store.content(one.blobs["f"]) == one.files["f"]


def test_keys_are_unambiguous() -> None:
    keys = {
        action_key("a", {"b": "c"}),
        action_key("a", {"b": "c", "d": ""}),
        action_key("ab", {"": "c"}),
        action_key("a", {"bc": ""}),
        action_key("a", {"b": 'c"],["d', "e": ""}),
    }
    assert len(keys) == 5
    assert action_key("a", {"x": "1", "y": "2"}) == action_key("a", {"y": "2", "x": "1"})


def test_trees_are_named_by_content(store: Store) -> None:
    entry, tree = use(store)
    assert tree == tree_path(store.root, tree.name) and len(tree.name) == 64
    assert store.tree(entry, {"c": "x"}) != store.tree(entry, {"c": "y"})
    assert store.tree(entry, {"c": "x"}) == store.tree(entry, {"liba.rlib": "x"})


def test_what_was_checked_is_not_hashed_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    original = store_blobs._hash
    monkeypatch.setattr(store_blobs, "_hash", lambda descriptor: hashed.append("x") or original(descriptor))
    put(store, "key", b"x" * 100)
    monkeypatch.setattr(store_blobs, "_TICK_NS", 1 << 60)
    assert store.get(KEY) and store.get(KEY)
    assert len(hashed) == 2, "a file that has just been changed has no stamp that counts"
    monkeypatch.setattr(store_blobs, "_TICK_NS", 0)
    time.sleep(0.05)
    assert store.get(KEY) and store.get(KEY)
    assert len(hashed) == 3
    other = Store(store.root, GIB)
    entry = other.get(KEY)
    other.close()
    assert entry is not None and len(hashed) == 3
    os.utime(entry.files["f"])
    assert store.get(KEY) and len(hashed) == 4


def test_a_change_with_its_time_put_back_is_noticed(store: Store) -> None:
    content = put(store, "key", b"x" * 100).files["f"]
    for _ in range(2):
        time.sleep(0.15)
        assert store.get(KEY) is not None
    before = content.stat()
    content.chmod(0o644)
    content.write_bytes(b"y" * 100)
    os.utime(content, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.get(KEY) is None and not content.exists()


def test_a_get_takes_about_a_millisecond(store: Store) -> None:
    put(store, "key", bytes(32 << 20))
    time.sleep(0.15)
    store.get(KEY)
    times = []
    for _ in range(20):
        started = time.perf_counter()
        store.get(KEY)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.003


def test_report(store: Store) -> None:
    put(store, "core for x86_64-blog_os", bytes(2048))
    for _ in range(3):
        user = Store(store.root, GIB)
        user.get(key_of("core for x86_64-blog_os"))
        user.close()
    put(store, "stage-4", b"x")
    lines = report_lines(store)
    assert lines[0] == f"Store {store.root}: 2 results, 2.0 kB of at most 1.0 GB"
    assert "stage-4: not used again yet" in lines[1]
    assert (
        " ".join(lines[2].split()) == "2.0 kB used 0.0 s ago core for x86_64-blog_os: saved 6.0 s in 3 uses"
    )
    assert lines[3] == "Saved so far: 6.0 s of building, in 3 uses"


def test_what_has_left_still_counts_as_saved(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    for _ in range(2):
        user = Store(tmp_path / "store", GIB)
        user.get(key_of("r0"))
        user.close()
    small = Store(tmp_path / "store", 15_000)
    put(small, "new", b"n" * 10_000)
    assert held(small) == {"new"}
    assert report_lines(small)[-1] == "Saved so far: 4.0 s of building, in 2 uses"
    small.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59, "59 s"),
        (125, "2 min 5 s"),
        (12_000, "3 h 20 min"),
        (86_400, "1 day"),
        (1e6, "11 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_size_texts() -> None:
    assert [size_text(size) for size in (0, 1023, 1536, 10 << 30, 5 << 40)] == [
        "0 B", "1023 B", "1.5 kB", "10.0 GB", "5.0 TB",
    ]  # fmt: skip


def test_a_label_that_a_terminal_would_obey(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", GIB)
    with store.work("x") as folder:
        (folder / "f").write_bytes(b"x")
        label = "core\nSaved so far: 900 days\x1b]0;title\x07\u202e" + "x" * 100_000
        store.put(key_of("x"), {"f": folder / "f"}, label, 2.0)
    _head, line, _saved = report_lines(store)
    assert r"core\x0aSaved so far: 900 days\x1b]0;title\x07\u202exxx" in line
    assert line.isprintable() and len(line) < 300
