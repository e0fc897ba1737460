"""Damage at every place of the store is found and mended, and never used."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import CONTENTS, GIB, KEY, LAYOUT, put, read, use

from bootimage.store.blobs import discard
from bootimage.store.store import Store


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 1] = b"!"
    path.write_bytes(content)


def _flip_and_hide(path: Path) -> None:
    before = path.stat()
    _flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"!"),
    "flipped": _flip,
    "flipped, its time put back": _flip_and_hide,
    "a folder": _replace_by(lambda path: (path / "x").mkdir(parents=True)),
    "a link to elsewhere": _replace_by(lambda path: path.symlink_to("/etc/passwd")),
    "a link to itself": _replace_by(lambda path: path.symlink_to(path)),
    "a pipe": _replace_by(os.mkfifo),
    "its folder a file": lambda path: (shutil.rmtree(path.parent), path.parent.write_text("x")),
    "JSON of another kind": lambda path: path.write_text("[" * 5000),
}


def _can_happen(damage: str, place: Path) -> bool:
    if damage == "its folder a file":
        return place.parent != Path()
    if damage == "a pipe":
        return place.parts[0] in ("cas", "trees") or place.suffix == ".json"
    return True


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_at_every_place_is_found_and_mended(tmp_path: Path, damage: str) -> None:
    model = tmp_path / "model"
    first = Store(model, GIB)
    use(first)
    time.sleep(0.15)  # until stamps count
    use(first)
    first.close()
    places = [path.relative_to(model) for path in model.rglob("*") if path.is_file()]
    assert len({place.parts[0] for place in places} & {"cas", "ac", "stamps", "trees"}) == 4
    for number, place in enumerate(places):
        copy = tmp_path / str(number)
        subprocess.run(["cp", "-a", model, copy], check=True)
        if _can_happen(damage, place):
            DAMAGES[damage](copy / place)
        damaged = Store(copy, GIB)
        for _ in range(2):
            entry, tree = use(damaged)
            assert read(entry) == CONTENTS, place
            layout = {inner: name for name, inner in LAYOUT.items()}
            found = {str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}
            assert found == set(layout), place
            assert all((tree / inner).read_bytes() == CONTENTS[name] for inner, name in layout.items()), place
        damaged.close()


def test_a_record_of_another_key_is_none(store: Store) -> None:
    put(store, "other", b"other")
    record = next(store.root.glob("ac/*/*.json"))
    moved = store.root / "ac" / KEY[:2] / f"{KEY}.json"
    moved.parent.mkdir(exist_ok=True)
    shutil.copy(record, moved)
    assert store.get(KEY) is None and not moved.exists()


def test_a_strange_file_in_a_tree_is_removed(store: Store) -> None:
    _, tree = use(store)
    (tree / "lib/rustlib/t/lib/libevil.rlib").touch()
    (tree / "more").mkdir()
    (tree / "away").symlink_to("/etc")
    assert use(store)[1] == tree
    assert {path.name for path in tree.rglob("*")} == {"lib", "rustlib", "t", "liba.rlib", "c"}


def test_a_text_lies_at_the_path_of_its_digest(store: Store) -> None:
    path = store.text("x86_64-blog_os.json", "{}")
    assert (path.name, path.read_text()) == ("x86_64-blog_os.json", "{}")
    assert store.text("x86_64-blog_os.json", "{ }") != path
    path.chmod(0o644)
    path.write_text("[]")
    assert store.text("x86_64-blog_os.json", "{}") == path and path.read_text() == "{}"


def test_the_successor_of_what_was_damaged_stays(store: Store) -> None:
    """Between finding damage and removing it, another process may have put the right thing in its place."""
    content = put(store, "key", b"good").files["f"]
    seen = content.lstat()
    (store.root / "new").write_bytes(b"good")
    (store.root / "new").replace(content)
    discard(store.root, content, seen)
    assert content.read_bytes() == b"good"
    discard(store.root, content, content.lstat())
    assert not content.exists()
