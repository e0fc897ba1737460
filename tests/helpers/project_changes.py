"""The changes in the table of rebuilds: each is done to a project that is built and up to date.

A change returns the project to build then (None: the same), and may return arguments for scons as well.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fake_cargo import StandIns, make_stand_ins
from full_project import PLACES
from scons_project import Project, ended, environment

Changed = Project | tuple[str, ...] | None
Change = Callable[[Project], Changed]

CHANGES: dict[str, Change] = {}
"""Each change by its name in the table."""

OUTPUTS: dict[str, Callable[[Path], None]] = {}
"""The changes that are done to one output: which, the test says."""


def change(name: str) -> Callable[[Change], Change]:
    """Enter a function under its `name` in the table."""

    def enter(function: Change) -> Change:
        CHANGES[name] = function
        return function

    return enter


def edit(file: str, old: str, new: str) -> Change:
    """The change that replaces `old` in a file."""
    return lambda project: project.edit(file, old, new)


def grow(file: str, text: str = "more\n") -> Change:
    """The change that appends to a file, or makes it."""

    def act(project: Project) -> None:
        path = project.root / file
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + text)

    return act


def setting(old: str, new: str) -> Change:
    """A change of the SConstruct."""
    return edit("SConstruct", old, new)


def variable(line: str) -> Change:
    """One more construction variable for the kernel."""
    return setting("    RUST_INPUTS", f"    {line},\n    RUST_INPUTS")


_CODE = "pub fn two() {}\n"

CHANGES.update(
    {
        "nothing": lambda project: None,
        "`-j8`": lambda project: ("-j8",),
        "a file outside the packages": grow("README"),
        "QEMUFLAGS": setting('"256"', '"512"'),
        "a source of the kernel": grow("kernel/src/main.rs", _CODE),
        "a comment": grow("kernel/src/main.rs", "// a comment\n"),
        "a path dependency": grow("plain/src/lib.rs", _CODE),
        "a path dependency of a path dependency": grow("deeper/src/lib.rs", _CODE),
        "a path dependency inherited from the workspace": grow("shared/src/lib.rs", _CODE),
        "a path dependency for some targets (`target.'cfg(...)'`)": grow("limited/src/lib.rs", _CODE),
        "a package that stands in for another one (`[patch]`)": grow("patched/src/lib.rs", _CODE),
        "a build dependency": grow("builder/src/lib.rs", _CODE),
        "a dependency of the tests": grow("tester/src/lib.rs", _CODE),
        "build.rs": grow("kernel/build.rs", _CODE),
        "a file that build.rs reads": grow("kernel/tables/sine.txt"),
        "the linker script": grow("kernel/linker.ld"),
        "a file for `include_bytes!`": grow("kernel/src/logo.bin"),
        "a file of RUST_INPUTS": grow("notes.txt"),
        "a new file in the package": grow("kernel/src/new.rs"),
        "the package's manifest": grow("kernel/Cargo.toml", "\n[features]\nmore = []\n"),
        "the workspace's manifest": edit("Cargo.toml", "opt-level = 1", "opt-level = 2"),
        "Cargo.lock": grow("Cargo.lock", '\n[[package]]\nname = "unrelated"\nversion = "1.0.0"\n'),
        "the loader's version in Cargo.lock": edit("Cargo.lock", "0.11.17", "0.11.16"),
        "rustflags in a `.cargo/config.toml` further up": edit(".cargo/config.toml", "force", "no-force"),
        "a new `.cargo/config.toml` in the package": grow("kernel/.cargo/config.toml", "[term]\n"),
        "the spelling of the target specification": edit("x86_64-my_os.json", "\n", "\n "),
        "the target specification": edit("x86_64-my_os.json", "{\n", '{\n  "cpu": "core2",\n'),
        "a comment in rust-toolchain.toml": grow("rust-toolchain.toml", "# pinned\n"),
        "RUSTFLAGS": variable('RUSTFLAGS=["-Copt-level=1"]'),
        "CARGOFLAGS": variable('CARGOFLAGS=["--offline"]'),
        "CARGO_ENV": setting("hello", "good-bye"),
        "RUST_FEATURES": variable('RUST_FEATURES=["pattern"]'),
        "RUST_DEFAULT_FEATURES": variable("RUST_DEFAULT_FEATURES=False"),
        "RUST_PROFILE, or `--release`": lambda project: ("--release",),
        "RUST_SYSROOT_CRATES": variable('RUST_SYSROOT_CRATES=["core", "alloc"]'),
        "RUST_BUILD_DIR": setting('"rustkernel"])', '"rustkernel"], RUST_BUILD_DIR="build/other")'),
        "BOOT_CONFIG": setting('"Debug"', '"Trace"'),
        "the name of a file in BOOT_FILES": setting('"font.psf":', '"other.psf":'),
        "RAMDISK dropped": setting('RAMDISK="initrd", ', ""),
        "the ramdisk": grow("initrd"),
        "a file of BOOT_FILES": grow("font.psf"),
    }
)


@change("`touch` of every file, sources and outputs")
def _touch(project: Project) -> None:
    for path in project.root.rglob("*"):
        if path.is_file() and ".sconsign" not in path.name and "site_scons" not in path.parts:
            path.touch()


@change("the project moved to another folder")
def _move(project: Project) -> Project:
    return replace(project, root=project.root.rename(project.root.with_name("moved")))


@change("another user, with another home folder and an empty store")
def _another_user(project: Project) -> Project:
    return replace(project, environ=environment(project.root.parent / "other home", project.tools))


@change("variables of the shell: RUSTFLAGS, CARGO_TARGET_DIR, CARGO_PROFILE_*, LANG")
def _shell(project: Project) -> Project:
    more = {
        "RUSTFLAGS": "-Copt-level=3",
        "CARGO_TARGET_DIR": "/nowhere",
        "CARGO_PROFILE_DEV_DEBUG": "0",
        "LANG": "de_DE.UTF-8",
    }
    return replace(project, environ={**project.environ, **more})


@change("cargo's own folder deleted")
def _without_cargo(project: Project) -> None:
    shutil.rmtree(project.root / "build/x86_64-my_os/debug/cargo")


@change("a source of the kernel, with an old time stamp")
def _old_source(project: Project) -> None:
    grow("kernel/src/main.rs", _CODE)(project)
    os.utime(project.root / "kernel/src/main.rs", (1, 1))


@change("a file of the package removed")
def _removed(project: Project) -> None:
    (project.root / "kernel/src/unused.rs").unlink()


@change("a file of the package renamed")
def _renamed(project: Project) -> None:
    # At the same place among the others, and with the same contents.
    (project.root / "kernel/src/unused.rs").rename(project.root / "kernel/src/unuset.rs")


def _other_tools(project: Project) -> StandIns:
    return make_stand_ins(project.root.parent / "other", "1.98.0-nightly")


@change("another toolchain in rust-toolchain.toml")
def _other_toolchain(project: Project) -> None:
    file = project.root / "rust-toolchain.toml"
    file.write_text(f'[toolchain]\npath = "{_other_tools(project).root}"\n')


@change("another compiler in the same place")
def _other_compiler(project: Project) -> Project:
    return _with_tools(project, _other_tools(project))


@change("the same compiler at another place")
def _compiler_elsewhere(project: Project) -> Project:
    return _with_tools(project, make_stand_ins(project.root.parent / "elsewhere"))


def _with_tools(project: Project, tools: StandIns) -> Project:
    # In the environment, so that no file of the project changes.
    return replace(project, tools=tools, environ={**project.environ, "RUSTC": str(tools.root / "bin/rustc")})


@change("all outputs deleted")
def _without_outputs(project: Project) -> None:
    for place in PLACES.values():
        (project.root / "build" / place).unlink()


def _edited_while_it_hangs(project: Project, number: signal.Signals) -> None:
    grow("kernel/src/main.rs", _CODE)(project)
    tools = project.tools
    (tools.root / "hang").touch()
    process = project.start()
    try:
        _wait_for(tools.root / "hanging")
        os.killpg(process.pid, number)
    finally:
        (tools.root / "hang").unlink()
        ended(process, 30)
    assert process.returncode != 0
    (tools.root / "hanging").unlink()


def _wait_for(file: Path) -> None:
    until = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < until
        time.sleep(0.02)


@change("a source edited, Ctrl-C while it was compiled")
def _interrupted(project: Project) -> Project:
    project = _with_own_tools(project)
    _edited_while_it_hangs(project, signal.SIGINT)
    return project


@change("a source edited, `kill -9` while it was compiled")
def _killed(project: Project) -> Project:
    project = _with_own_tools(project)
    _edited_while_it_hangs(project, signal.SIGKILL)
    return project


def _with_own_tools(project: Project) -> Project:
    """Tools that may hang without keeping other tests from theirs."""
    return _with_tools(project, make_stand_ins(project.root.parent / "own"))


@change("a source edited, an error, the edit taken back")
def _mistaken(project: Project) -> None:
    before = (project.root / "kernel/src/main.rs").read_text()
    grow("kernel/src/main.rs", "compile_error!()\n")(project)
    assert "does not compile" in project.scons(status=2)
    (project.root / "kernel/src/main.rs").write_text(before)


@change("a source edited, built, `kill -9` before SCons kept its records, the edit taken back")
def _unrecorded(project: Project) -> None:
    records = (project.root / ".sconsign.dblite").read_bytes()
    before = (project.root / "kernel/src/main.rs").read_text()
    grow("kernel/src/main.rs", _CODE)(project)
    project.scons()
    (project.root / ".sconsign.dblite").write_bytes(records)
    (project.root / "kernel/src/main.rs").write_text(before)


def _overwrite(path: Path) -> None:
    path.write_bytes(b"overwritten by hand")


def _overwrite_secretly(path: Path) -> None:
    status = path.stat()
    _overwrite(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _overwrite_at_once(path: Path) -> None:
    """As many bytes, within the second that the build wrote the file in: SCons's own time stamp stays."""
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    second, fraction = divmod(status.st_mtime_ns, 10**9)
    os.utime(path, ns=(status.st_atime_ns, second * 10**9 + (fraction + 10**6) % 10**9))


OUTPUTS.update(
    {
        "an output deleted": Path.unlink,
        "an output overwritten by hand": _overwrite,
        "an output overwritten, its time stamp set back": _overwrite_secretly,
        "an output overwritten by as many bytes within the second of the build": _overwrite_at_once,
    }
)
