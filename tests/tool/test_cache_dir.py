"""SCons's CacheDir, shared by clones of different users: nothing is built twice, nothing is stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import full_project
import pytest
from fake_cargo import make_stand_ins
from project_changes import CHANGES
from scons_project import FILES, Project, ended, environment

Make = Callable[..., Project]


class Machine:
    """Makes clones that share a CacheDir, each with a user and a toolchain folder of its own."""

    def __init__(self, make: Make, tmp_path: Path) -> None:
        self._make = make
        self._tmp_path = tmp_path
        self.cache = tmp_path / "cache"

    def clone(
        self, name: str, files: Mapping[str, str] = full_project.FILES, *, cached: bool = True
    ) -> Project:
        script = f"CacheDir({str(self.cache)!r})\n{files['SConstruct']}" if cached else files["SConstruct"]
        project = self._make({**files, "SConstruct": script}, name=name)
        home = self._tmp_path / "homes" / name
        (home / ".cargo").mkdir(parents=True)
        (home / ".cargo/config.toml").write_text("[net]\nretry = 3\n")
        tools = make_stand_ins(home / "toolchain")
        return replace(project, tools=tools, environ=environment(home, tools))


@pytest.fixture
def machine(make: Make, tmp_path: Path) -> Machine:
    """See the class."""
    return Machine(make, tmp_path)


def bytes_of(project: Project) -> dict[str, bytes]:
    """Every output."""
    return {name: (project.root / "build" / name).read_bytes() for name in project.outputs()}


def compilations(project: Project) -> list[str]:
    """The calls that take long."""
    return [call for call in project.tools.calls() if call.startswith(("cargo build", "objcopy"))]


def test_a_second_clone_builds_nothing(machine: Machine) -> None:
    first, second = machine.clone("one"), machine.clone("deep/down/below/two")
    first.scons()
    said = second.scons("-j2")
    assert compilations(second) == []
    assert bytes_of(second) == bytes_of(first)
    assert said.count("Retrieved") == len(full_project.PLACES)
    second.scons("-q")


@pytest.mark.parametrize(
    "change",
    [
        "a path dependency",
        "a path dependency of a path dependency",
        "a package that stands in for another one (`[patch]`)",
        "a file that build.rs reads",
        "the workspace's manifest",
        "the loader's version in Cargo.lock",
        "rustflags in a `.cargo/config.toml` further up",
        "the target specification",
        "RUST_FEATURES",
        "CARGO_ENV",
        "the ramdisk",
    ],
)
def test_a_change_is_never_hidden_by_the_cache(change: str, machine: Machine) -> None:
    machine.clone("one").scons()
    changed, plain = machine.clone("two"), machine.clone("three", cached=False)
    for project in (changed, plain):
        CHANGES[change](project)
        project.scons()
    assert bytes_of(changed) == bytes_of(plain)


def test_a_renamed_source_is_not_taken_for_the_old_one(machine: Machine) -> None:
    files = {**FILES, "kernel/src/main.rs": "// reads src/a.rs\nfn main() {}\n", "kernel/src/a.rs": "a\n"}
    machine.clone("one", files).scons()
    second = machine.clone("two", files)
    (second.root / "kernel/src/a.rs").rename(second.root / "kernel/src/b.rs")
    assert "a.rs" in second.scons(status=2)


def test_an_edit_after_all_was_retrieved(machine: Machine) -> None:
    """The sysroot's bulk is not in the cache: it is made when cargo first needs it."""
    machine.clone("one").scons()
    second = machine.clone("two")
    second.scons()
    CHANGES["a source of the kernel"](second)
    assert second.rebuilt() == {
        "my_os",
        "my_os.stripped",
        "bootimage-bios-my_os.bin",
        "bootimage-uefi-my_os.bin",
    }
    assert any("-Zbuild-std" in call for call in compilations(second))


def test_a_damaged_output_is_taken_from_the_cache_again(machine: Machine) -> None:
    project = machine.clone("one")
    project.scons()
    before = bytes_of(project)
    for place in full_project.PLACES.values():
        (project.root / "build" / place).write_text("damaged")
    compilations(project)
    project.scons()
    assert compilations(project) == []
    assert bytes_of(project) == before


def test_two_builds_at_once_may_share_a_cache(machine: Machine) -> None:
    clones = [machine.clone(name) for name in ("one", "two", "three")]
    running = [clone.start("-j2") for clone in clones]
    for process in running:
        said = ended(process)
        assert process.returncode == 0, said
    assert len({repr(bytes_of(clone)) for clone in clones}) == 1


PACKED = '''\
import gzip, shutil, SCons.CacheDir

class Packed(SCons.CacheDir.CacheDir):
    """A class of the user's, which keeps entries packed."""

    @classmethod
    def copy_to_cache(cls, env, src, dst):
        with open(src, "rb") as source, gzip.open(dst, "wb") as out:
            shutil.copyfileobj(source, out)
        return dst

    def copy_from_cache(self, env, src, dst):
        with gzip.open(src, "rb") as source, open(dst, "wb") as out:
            shutil.copyfileobj(source, out)
        return dst
'''


def entries(cache: Path) -> dict[Path, bytes]:
    """What is stored, by its place."""
    found = (path for path in cache.glob("??/*") if path.suffix != ".sha256")
    return {path: path.read_bytes() for path in found}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def forget(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").unlink()


@pytest.mark.parametrize(
    ("damage", "packed"), [(truncate, False), (change, False), (forget, False), (truncate, True)]
)
def test_a_damaged_entry_is_none(damage: Callable[[Path], None], packed: bool, machine: Machine) -> None:
    """Whatever was done to the cache, a clone builds what it would have built, and mends the cache."""
    clones = [machine.clone(name, FILES) for name in ("one", "two", "three")]
    if packed:
        for clone in clones:
            place = repr(str(machine.cache))
            clone.edit("SConstruct", f"CacheDir({place})", f"{PACKED}CacheDir({place}, Packed)")
    first, second, third = clones
    first.scons()
    stored = entries(machine.cache)
    for path in stored:
        damage(path)
    said = second.scons()
    assert bytes_of(second) == bytes_of(first)
    assert said.count("warning: CacheDir: ") == len(stored), said
    assert {path.name for path in entries(machine.cache)} == {path.name for path in stored}
    assert "warning" not in third.scons()
    assert compilations(third) == []
    assert bytes_of(third) == bytes_of(first)


def test_a_damaged_entry_stays_where_nothing_may_be_written(machine: Machine) -> None:
    first, second = machine.clone("one", FILES), machine.clone("two", FILES)
    first.scons()
    for path in entries(machine.cache):
        change(path)
    before = {path: path.read_bytes() for path in machine.cache.rglob("*") if path.is_file()}
    for option in ("-n", "--cache-readonly", "--cache-disable"):
        second.scons(option)
        assert {path: path.read_bytes() for path in machine.cache.rglob("*") if path.is_file()} == before
    assert bytes_of(second) == bytes_of(first)


def test_what_is_there_already_is_stored_with_its_digest(machine: Machine) -> None:
    first, second = machine.clone("one", FILES), machine.clone("two", FILES)
    first.scons("--cache-disable")
    first.scons("--cache-force")
    assert "warning" not in second.scons()
    assert compilations(second) == []


def test_a_cache_that_cannot_be_written_costs_one_line(machine: Machine) -> None:
    project = machine.clone("one", FILES)
    for number in range(256):  # in the way of every folder of the cache
        machine.cache.mkdir(exist_ok=True)
        (machine.cache / f"{number:02X}").write_text("")
    assert project.scons("-j2").count("warning: CacheDir: ") == 1
    assert project.scons("--cache-force").count("warning: CacheDir: ") == 1
