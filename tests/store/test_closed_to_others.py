"""What is believed from run to run is this user's alone to write, and nothing of other users is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stores import GIB, KEY, build, finished, key_of, python, use

from bootimage.base.private_files import make_private_folder, why_not_trusted
from bootimage.base.user_folders import cache_folder, store_is_off
from bootimage.store.store import Store, open_store
from bootimage.store.temporary_store import make_temporary_store, remove_abandoned_stores
from bootimage.toolchain.fact_cache import open_probe
from bootimage.toolchain.llvm_programs import folder_for_rust_lld, link_as_rust_lld

OLD = time.time() - 7200
NOBODY = 65534


@pytest.fixture
def careless() -> Iterator[None]:
    """A umask that leaves everything open."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    everything = [folder, *folder.rglob("*")]
    return [str(path) for path in everything if not path.is_symlink() and path.lstat().st_mode & 0o022]


def test_a_careless_umask_leaves_nothing_open(careless: None, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    store = open_store(environ)
    use(store)
    store.text("name", "text")
    store.get(KEY)
    (tmp_path / "lld").touch()
    open_probe(environ).recall("what", [tmp_path / "lld"], lambda: "fact")
    link_as_rust_lld(tmp_path / "lld", folder_for_rust_lld(environ))
    with store.building(KEY):
        assert open_to_others(tmp_path / "cache") == []
    assert (tmp_path / "cache/rustkernel/probe.json").is_file()
    assert (tmp_path / "cache/rustkernel/rust-lld/rust-lld").is_symlink()


@pytest.mark.parametrize("inner", ["", "cas", "stamps/2c"])
def test_a_store_that_others_can_write_to_is_not_used(tmp_path: Path, said: list[str], inner: str) -> None:
    root = tmp_path / "store"
    first = open_store({"RUSTKERNEL_STORE": str(root)})
    use(first)
    first.close()
    root.chmod(0o755)
    make_private_folder(root / inner)
    (root / inner).parent.chmod(0o755)
    (root / inner).chmod(0o777)
    again = open_store({"RUSTKERNEL_STORE": str(root), "RUSTKERNEL_STORE_LIMIT": "9G"})
    assert again.get(KEY) is None and again.root != root
    assert said[0].startswith(f"warning: the store {root} is not used: every user can write to it")
    assert said[1].endswith(f"chmod -R go-w {root}") and len(said) == 2
    again.close()
    subprocess.run(["chmod", "-R", "go-w", root], check=True)
    assert open_store({"RUSTKERNEL_STORE": str(root), "RUSTKERNEL_STORE_LIMIT": "8G"}).get(KEY)


def test_what_lies_in_a_closed_store_is_no_matter(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "store/cas").mkdir(parents=True)
    (tmp_path / "store/cas").chmod(0o777)
    (tmp_path / "store").chmod(0o700)
    assert why_not_trusted(tmp_path / "store", deep=True) is None


def test_the_default_store_is_closed_and_a_named_one_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rustkernel/store").mkdir(parents=True, mode=0o755)
    (tmp_path / "named").mkdir(mode=0o755)
    open_store({"XDG_CACHE_HOME": str(tmp_path)}).close()
    open_store({"RUSTKERNEL_STORE": str(tmp_path / "named")}).close()
    assert (tmp_path / "rustkernel/store").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "named").stat().st_mode & 0o777 == 0o755


def test_a_folder_that_only_ones_own_group_can_write_to_is_closed(tmp_path: Path) -> None:
    """The umask 002 of systems that give each user a group; root's group is such a one too."""
    tmp_path.chmod(0o775)
    assert why_not_trusted(tmp_path) is None and tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user or group")
def test_folders_of_others(tmp_path: Path) -> None:
    os.chown(tmp_path, -1, NOBODY)
    tmp_path.chmod(0o775)
    assert why_not_trusted(tmp_path) == "its group can write to it"
    os.chown(tmp_path, NOBODY, NOBODY)
    tmp_path.chmod(0o755)
    assert why_not_trusted(tmp_path) == "it belongs to nobody"


def test_facts_that_others_could_have_written_are_not_believed(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    assert open_probe(environ).file == tmp_path / "rustkernel/probe.json"
    cache_folder(environ).mkdir()
    cache_folder(environ).chmod(0o777)
    assert open_probe(environ).file is None
    assert not folder_for_rust_lld(environ).is_relative_to(tmp_path)


@pytest.mark.parametrize("word", ["off", "OFF", " off "])
def test_off_writes_nothing_below_the_cache_folder(tmp_path: Path, word: str) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "RUSTKERNEL_STORE": word}
    assert store_is_off(environ)
    script = f"""
        from bootimage.toolchain.fact_cache import open_probe
        from bootimage.toolchain.llvm_programs import folder_for_rust_lld, link_as_rust_lld
        environ = {environ!r}
        with open_store(environ).work("x") as folder:
            assert folder.is_dir()
        open_probe(environ).recall("what", [Path("/bin/sh")], lambda: "fact")
        folder = link_as_rust_lld(Path("/bin/sh"), folder_for_rust_lld(environ))
        assert (folder / "rust-lld").is_symlink()
        print(folder)
    """
    folder = Path(finished(python(script)).strip())
    assert not (tmp_path / "cache").exists() and not folder.exists()


def test_all_that_open_the_memory_of_facts_know_off() -> None:
    """One function opens it; who made a `Probe` on the cache folder by hand would not know."""
    engine = Path(__file__).parents[2] / "bootimage"
    makers = [path.name for path in engine.rglob("*.py") if "Probe(" in path.read_text()]
    assert makers == ["fact_cache.py"]


def linked(shared: Path, victim: Path) -> None:
    (shared / "rustkernel-private-x").symlink_to(victim)


def linked_inside(shared: Path, victim: Path) -> None:
    ours = make_temporary_store()
    (ours / "tmp").symlink_to(victim / "tmp")
    os.utime(ours, (OLD, OLD))


def moved(shared: Path, victim: Path) -> None:
    victim.rename(shared / "rustkernel-private-x")


def open_to_all(shared: Path, victim: Path) -> None:
    ours = make_temporary_store()
    (ours / "tmp").mkdir()
    (ours / "tmp/theirs").symlink_to(victim)
    ours.chmod(0o777)
    os.utime(ours, (OLD, OLD))


@pytest.mark.parametrize("attack", [linked, linked_inside, moved, open_to_all])
def test_a_sweep_of_a_shared_folder_touches_nothing_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: Callable[[Path, Path], None]
) -> None:
    shared, victim = tmp_path / "shared", tmp_path / "victim"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    names = ["tmp/thesis/chapter", "tmp/notes", "beside"]
    for name in names:
        (victim / name).parent.mkdir(parents=True, exist_ok=True)
        (victim / name).write_text("years of work")
    for path in (*victim.rglob("*"), victim):
        path.chmod(path.stat().st_mode & ~0o077)
        os.utime(path, (OLD, OLD))
    attack(shared, victim)
    remove_abandoned_stores()
    kept = victim if victim.exists() else shared / "rustkernel-private-x"
    assert all((kept / name).read_text() == "years of work" for name in names)


def test_an_abandoned_store_goes_and_a_living_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alive = Store(None, GIB)
    with alive.work("x") as folder:
        store_file = build(folder)
        alive.put(key_of("x"), store_file)
    dead = tmp_path / "rustkernel-private-dead"
    shutil.copytree(alive.root, dead)
    dead.chmod(0o700)
    for each in (dead, alive.root):
        os.utime(each, (OLD, OLD))
    remove_abandoned_stores()
    assert not dead.exists() and alive.get(key_of("x"))
    alive.close()
    assert list(tmp_path.iterdir()) == []
