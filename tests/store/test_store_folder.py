"""Where the store is, and what becomes of a build when that place is of no use."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from stores import (
    CONTENTS,
    GIB,
    KEY,
    LAYOUT,
    REPOSITORY,
    build,
    filled,
    finished,
    held,
    key_of,
    put,
    python,
    read,
    use,
)

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.store.build_once import perform
from bootimage.store.store import Store, open_store
from bootimage.store.store_settings import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10G", 10 << 30),
        ("500M", 500 << 20),
        ("1.5 GiB", 3 << 29),
        ("2tb", 2 << 40),
        ("4096", 4096),
        ("0", 0),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1G", "10X", "1e9", "nan", "10 G 5", "9" * 99])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(BuildError, match=r"RUSTKERNEL_STORE_LIMIT is .*; expected a size such as"):
        parse_size(text)


def test_the_place_of_the_store(tmp_path: Path) -> None:
    home, cache, named = tmp_path / "home", tmp_path / "cache", tmp_path / "named"
    assert open_store({"HOME": str(home)}).root == home / ".cache/rustkernel/store"
    assert open_store({"HOME": str(home), "XDG_CACHE_HOME": str(cache)}).root == cache / "rustkernel/store"
    assert (
        open_store({"HOME": str(home), "XDG_CACHE_HOME": "relative"}).root == home / ".cache/rustkernel/store"
    )
    assert open_store({"RUSTKERNEL_STORE": str(named), "XDG_CACHE_HOME": str(cache)}).root == named
    assert open_store({"RUSTKERNEL_STORE": str(named)}) is open_store({"RUSTKERNEL_STORE": str(named)})
    assert (named / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_off_is_a_private_folder_for_one_process(tmp_path: Path) -> None:
    script = """
        store = open_store({"RUSTKERNEL_STORE": "off"})
        assert store is open_store({"RUSTKERNEL_STORE": "off"})
        with store.work("x") as folder:
            (folder / "f").write_text("x")
            store.put("0" * 64, {"f": folder / "f"})
        assert store.get("0" * 64).files["f"].read_text() == "x"
        print(store.root)
    """
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}
    head = "import os, sys\nfrom pathlib import Path\nfrom bootimage.store.store import open_store\n"
    command = [sys.executable, "-c", head + textwrap.dedent(script)]
    output = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    assert output.strip().startswith(str(tmp_path)) and list(tmp_path.iterdir()) == []


def test_a_private_folder_of_a_killed_process_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, alive = tmp_path / "rustkernel-private-dead", Store(None, GIB)
    (dead / "tmp/1-x").mkdir(parents=True)
    (dead / "tmp/1-x/lease").touch()
    (dead / "temporary-store").touch()
    dead.chmod(0o700)
    for folder in (dead, alive.root):
        os.utime(folder, (1, 1))
    other = Store(None, GIB)
    assert not dead.exists() and alive.root.is_dir()
    alive.close()
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_stores_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    for place in ("file", "file/below"):
        with pytest.raises(
            BuildError, match=r"file: error: the store is to be in .*, but this is not a folder"
        ):
            open_store({"RUSTKERNEL_STORE": str(tmp_path / place)})
    with pytest.raises(BuildError, match="is not a folder"):
        open_store({"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_with_other_things_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "home/tmp/old").mkdir(parents=True)
    with pytest.raises(BuildError, match="holds other files, and no store"):
        open_store({"RUSTKERNEL_STORE": str(tmp_path / "home")})
    (tmp_path / "target").mkdir()
    (tmp_path / "target/CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n# by cargo")
    with pytest.raises(BuildError, match="another program's cache"):
        open_store({"RUSTKERNEL_STORE": str(tmp_path / "target")})
    assert (tmp_path / "home/tmp/old").is_dir() and len(list((tmp_path / "target").iterdir())) == 1


def test_a_folder_that_cannot_be_made(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", refuse)
        with pytest.raises(BuildError, match="the store cannot be here: Permission denied"):
            open_store({"RUSTKERNEL_STORE": str(tmp_path / "no")})
        store = open_store({"XDG_CACHE_HOME": str(tmp_path / "none")})
    assert read(perform(store, None, KEY, "x", build)) == CONTENTS
    assert read(perform(store, None, KEY, "x", lambda _: pytest.fail("built twice"))) == CONTENTS
    assert [line for line in said if line.startswith("warning")] == [
        f"warning: nothing new is kept in the store {tmp_path / 'none/rustkernel/store'}: Permission denied"
    ]
    store.close()


def test_another_users_store_is_read_and_not_written(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = open_store({"RUSTKERNEL_STORE": str(tmp_path / "store"), "RUSTKERNEL_STORE_LIMIT": "1G"})
    entry = perform(theirs, None, KEY, "x", build)
    tree = theirs.tree(entry, LAYOUT)
    theirs.close()
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    store = open_store({"RUSTKERNEL_STORE": str(tmp_path / "store"), "RUSTKERNEL_STORE_LIMIT": "2G"})
    monkeypatch.undo()
    monkeypatch.setattr(console, "say", said.append)
    found = store.get(KEY)
    assert found is not None and read(found) == CONTENTS and found.files == entry.files
    assert store.tree(found, LAYOUT) == tree and said == []
    assert put(store, "new", b"new").files["f"].read_bytes() == b"new"
    assert store.tree(found, {"c": "elsewhere"}).is_dir()
    assert "it belongs to" in said[0] and len(said) == 2
    store.close()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_reader_that_cannot_write_keeps_everything_in_place(tmp_path: Path) -> None:
    filled(tmp_path / "store")
    reader = Store(tmp_path / "store", GIB, PermissionError(errno.EACCES, "Permission denied"))
    assert reader.get(key_of("r0")) is not None
    small = Store(tmp_path / "store", 15_000)
    put(small, "new", b"n" * 10_000)
    assert len(held(small)) == 7
    reader.close()
    put(small, "newer", b"m" * 10_000)
    assert held(small) == {"new", "newer"}
    small.close()


def test_as_another_user_for_real() -> None:
    """A store that the system protects: root runs the reader as nobody, others take away their own rights."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    filled(place / "store")
    script = f"""
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        store = open_store({{"RUSTKERNEL_STORE": sys.argv[1]}})
        assert store.get({key_of("r1")!r}).files["f"].read_bytes() == b"\\x01" * 10_000
        with store.work("x") as folder:
            (folder / "f").write_text("new")
            assert store.put("0" * 64, {{"f": folder / "f"}}).files["f"].read_text() == "new"
    """
    try:
        for folder in [path for path in place.rglob("*") if path.is_dir()]:
            folder.chmod(0o555)
        output = finished(python(script, place / "store"))
        assert output.count("warning: nothing new is kept in the store") == 1
        assert output.count("is believed, though it belongs to root") == 0
    finally:
        for folder in [path for path in place.rglob("*") if path.is_dir()]:
            folder.chmod(0o755)
        shutil.rmtree(place)


FULL = """
    from bootimage.store.build_once import perform
    root = Path(sys.argv[1])
    def build(size):
        def inner(folder):
            (folder / "f").write_bytes(b"x" * size)
            return {"f": folder / "f"}
        return inner
    first = open_store({"RUSTKERNEL_STORE": str(root)})
    small = perform(first, None, "0" * 64, "small", build(1000))
    rest = Path(sys.argv[2])
    with rest.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as problem:
            print(problem.strerror)
    large = Path("/var/tmp/large-" + str(os.getpid()))
    large.write_bytes(b"y" * 500_000)
    entry = first.put("1" * 64, {"f": large}, "large", 1)
    large.unlink()
    assert entry.files["f"].read_bytes() == b"y" * 500_000
    assert first.get("1" * 64).files["f"].read_bytes() == b"y" * 500_000
    assert perform(first, None, "0" * 64, "small", None).files["f"].read_bytes() == b"x" * 1000
    assert perform(first, None, "2" * 64, "empty", build(0)).files["f"].read_bytes() == b""
    rest.unlink()
    after = Store(root, 1 << 30)
    assert after.get("1" * 64) is None
    assert perform(after, None, "1" * 64, "large", build(100_000)).files["f"].stat().st_size == 100_000
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """A file system of 1 MB, in a mount namespace that goes with the process."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "script.py").write_text(
        "import os, sys\nfrom pathlib import Path\nfrom bootimage.store.store import Store, open_store\n"
        + textwrap.dedent(FULL)
    )
    shell = (
        'mount -t tmpfs -o size=1m none "$1/disk" && exec "$2" "$1/script.py" "$1/disk/store" "$1/disk/rest"'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", shell, "sh", tmp_path, sys.executable],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No space left on device" in done.stdout
    assert done.stdout.count("warning: nothing new is kept in the store") == 1


def test_no_place_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    store = Store(tmp_path / "store", GIB, OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(BuildError, match="nowhere: error: no place for temporary files"):
        put(store, "x", b"x")
    assert said[-1] == "  help: make room there, or lower RUSTKERNEL_STORE_LIMIT"


def test_on_another_file_system(tmp_path: Path) -> None:
    """The store in memory, the user's files elsewhere; and a store that has no hard links."""
    place = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        store = Store(place / "store", GIB)
        (tmp_path / "f").write_bytes(b"across")
        entry = store.put(KEY, {"f": tmp_path / "f"})
        tree = store.tree(entry, {"f": "a/b"})
        assert (tree / "a/b").samefile(entry.files["f"]) and (tree / "a/b").read_bytes() == b"across"
        store.close()
    finally:
        shutil.rmtree(place)


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store = Store(tmp_path / "store", GIB)
    entry, tree = use(store)
    assert read(entry) == CONTENTS
    copy = tree / LAYOUT["liba.rlib"]
    assert not copy.samefile(entry.files["liba.rlib"])
    copy.chmod(0o644)
    copy.write_bytes(b"?" * 5000)
    assert use(store)[1] == tree and copy.read_bytes() == CONTENTS["liba.rlib"]
    store.close()


def test_a_store_that_is_removed_under_us(store: Store, said: list[str]) -> None:
    put(store, "key", b"x")
    shutil.rmtree(store.root)
    assert store.get(KEY) is None
    assert put(store, "key", b"x").files["f"].read_bytes() == b"x"
