"""Which compiler is taken, of those that a machine has and those that the user names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fake_toolchain import HOST, program, rustc, rustup

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.toolchain.find_compiler import FoundCompiler, ToolchainRequest, search_compiler

NIGHTLY, STABLE, DATED = f"nightly-{HOST}", f"stable-{HOST}", f"nightly-2026-05-19-{HOST}"


class Machine:
    """A home folder, a system with a compiler of its own, and a project."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.system = folder / "usr"
        self.project = folder / "work/a project/kernel"
        self.project.mkdir(parents=True)
        self.home.mkdir()
        self.environ = {"HOME": str(self.home), "PATH": f"{self.home}/.cargo/bin:{self.system}/bin"}

    def search(self, environ: dict[str, str] | None = None, **named: str) -> FoundCompiler:
        return search_compiler(
            ToolchainRequest(self.project, **named, environ={**self.environ, **(environ or {})})  # type: ignore[arg-type]
        )

    def found(self, environ: dict[str, str] | None = None, **named: str) -> str:
        """The folder of the compiler found: a toolchain's name, or `usr`."""
        return self.search(environ, **named).rustc.parent.parent.name


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("toolchains", "default", "expected"),
    [
        ([NIGHTLY, STABLE], STABLE, NIGHTLY),
        ([STABLE], STABLE, STABLE),
        ([STABLE, DATED, f"nightly-2025-12-31-{HOST}"], STABLE, DATED),
        ([f"1.95.0-{HOST}", f"1.100.0-{HOST}", f"1.99.2-{HOST}"], "", f"1.100.0-{HOST}"),
        (["mine"], "mine", "mine"),
        ([f"beta-{HOST}"], "beta", f"beta-{HOST}"),
        ([], "", "usr"),
        ([], "gone", "usr"),
    ],
)
def test_the_order_where_nothing_is_named(
    machine: Machine, toolchains: list[str], default: str, expected: str
) -> None:
    rustup(machine.home, *toolchains, default=default)
    rustc(machine.system)
    assert machine.found() == expected


def test_a_half_installed_toolchain_is_none(machine: Machine) -> None:
    folder = rustup(machine.home, STABLE)
    (folder / "toolchains" / NIGHTLY / "lib").mkdir(parents=True)
    assert machine.found() == STABLE


@pytest.fixture
def full(machine: Machine) -> Machine:
    """A machine with everything."""
    rustup(machine.home, NIGHTLY, STABLE, DATED, "mine", default=STABLE)
    rustc(machine.system)
    return machine


def test_what_is_named_goes_before_what_is_found(full: Machine) -> None:
    """Each line names one thing more, which wins over all before it."""
    system, shim = str(full.system / "bin/rustc"), str(full.home / ".cargo/bin/rustc")
    assert full.found() == NIGHTLY
    (full.project.parent / "rust-toolchain").write_text("stable\n")
    assert full.found() == STABLE
    (full.project / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "nightly-2026-05-19"\n')
    assert full.found() == DATED
    override = f'[overrides]\n"{full.project.resolve()}" = "mine"\n'
    (full.home / ".rustup/settings.toml").write_text(override)
    assert full.found() == "mine"
    assert full.found({"RUSTUP_TOOLCHAIN": "stable"}) == STABLE
    assert full.found({"RUSTUP_TOOLCHAIN": "stable", "RUSTC": system}) == "usr"
    assert full.found({"RUSTC": system}, toolchain="nightly") == NIGHTLY
    assert full.found({"RUSTC": system}, toolchain="nightly", rustc=system) == "usr"
    assert full.found({"RUSTUP_TOOLCHAIN": "stable", "RUSTC": shim}) == STABLE


def test_a_folder_as_a_toolchain(full: Machine) -> None:
    own = rustc(full.project / "toolchain dir").parent.parent
    (full.project / "rust-toolchain.toml").write_text(f'[toolchain]\npath = "{own}"\n')
    assert full.search().rustc == own / "bin/rustc"
    assert full.found(toolchain=str(full.system)) == "usr"


def test_components_alone_choose_nothing(full: Machine) -> None:
    (full.project / "rust-toolchain.toml").write_text('[toolchain]\ncomponents = ["rust-src"]\n')
    assert full.found() == NIGHTLY


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_shim_is_never_the_compiler(full: Machine, link: object) -> None:
    shim = full.home / ".cargo/bin/rustc"
    shim.unlink()
    link(full.home / ".cargo/bin/rustup", shim)  # type: ignore[operator]
    assert full.found(rustc="rustc") == STABLE, "a named shim is what rustup would start: its default"
    found = full.search(rustc="rustc", cargo=str(full.home / ".cargo/bin/cargo"))
    assert found.cargo == found.rustc.with_name("cargo")


def test_cargo_brings_its_compiler(full: Machine) -> None:
    """As in a subcommand (`cargo disk-image`), which cargo tells its own path."""
    cargo = str(full.home / ".rustup/toolchains" / STABLE / "bin/cargo")
    found = full.search({"CARGO": cargo})
    assert (found.rustc.parent.parent.name, str(found.cargo)) == (STABLE, cargo)
    named = full.search({"CARGO": cargo}, toolchain="nightly")
    assert named.cargo == named.rustc.with_name("cargo")


def test_a_cargo_without_a_compiler(full: Machine) -> None:
    cargo = program(full.project / "bin/cargo")
    found = full.search(cargo=str(cargo))
    assert (found.rustc.parent.parent.name, found.cargo) == (NIGHTLY, cargo)


def test_a_compiler_without_a_cargo(full: Machine) -> None:
    alone = rustc(full.project / "alone")
    (full.project / "alone/bin/cargo").unlink()
    assert full.search(rustc=str(alone)).cargo == full.system / "bin/cargo"
    (full.system / "bin/cargo").unlink()
    assert NIGHTLY in str(full.search(rustc=str(alone)).cargo)


def test_rustup_is_found_by_its_program_where_home_is_empty(full: Machine, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert full.found({"HOME": str(empty)}) == NIGHTLY
    assert full.found({"HOME": str(empty), "PATH": str(full.system / "bin")}) == "usr"
    assert full.found({"HOME": str(empty), "RUSTUP_HOME": str(full.home / ".rustup"), "PATH": ""}) == NIGHTLY


def test_why_and_whose(full: Machine) -> None:
    assert (full.search().origin, full.search().rustup_name) == ("rustup's nightly", NIGHTLY)
    system = full.search({"RUSTC": str(full.system / "bin/rustc")})
    assert (system.origin, system.rustup_name) == ("RUSTC in the environment", None)


def test_without_rustup_a_toolchain_file_is_told_and_passed_over(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(console, "say", said.append)
    rustc(machine.system)
    file = machine.project / "rust-toolchain.toml"
    file.write_text('[toolchain]\nchannel = "nightly"\n')
    assert machine.found() == machine.found() == "usr"
    assert said == [f"{file} asks for nightly, but there is no rustup to have it from"]


INSTALL = "rustup toolchain install {} --profile minimal --component rust-src,llvm-tools"


@pytest.mark.parametrize(
    ("environ", "named", "message", "hint"),
    [
        ({}, {"toolchain": "nightly-2020-01-01"}, "is not installed", INSTALL.format("nightly-2020-01-01")),
        ({"RUSTUP_TOOLCHAIN": f"beta-{HOST}"}, {}, "is not installed", INSTALL.format("beta")),
        ({"RUSTUP_TOOLCHAIN": "/no/where"}, {}, "holds no bin/rustc", "RUSTUP_TOOLCHAIN"),
        ({"RUSTC": "/no/rustc"}, {}, "RUSTC in the environment names /no/rustc", "path of rustc"),
        ({}, {"rustc": "rustcc"}, "the construction variable RUSTC names rustcc", "path of rustc"),
        ({}, {"cargo": "/etc/passwd"}, "CARGO names /etc/passwd", "path of cargo"),
    ],
)
def test_what_is_named_and_missing_is_an_error(
    full: Machine, environ: dict[str, str], named: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(BuildError) as caught:
        full.found(environ, **named)
    assert message in caught.value.message and hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("rust-toolchain", "nightly-2020-01-01", ": error: the toolchain"),
        ("rust-toolchain", "two words", ":1:5: error: this is not TOML: expected '='"),
        ("rust-toolchain.toml", "[toolchain\n", ":1:11: error: this is not TOML: expected ']'"),
        ("rust-toolchain.toml", 'channel = "nightly"\n', ": error: has no table `[toolchain]`"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = 1.95\n", "must be a string, found 1.95"),
        ("rust-toolchain.toml", '[toolchain]\npath = "/nowhere"\n', "holds no bin/rustc"),
        ("rust-toolchain.toml", '[toolchain]\npath = "tc"\n', "must be an absolute path, found `tc`"),
        ("rust-toolchain.toml", '[toolchain]\npath = "./tc"\n', "name the folder in RUST_TOOLCHAIN"),
        ("rust-toolchain.toml", '[toolchain]\npath = "/a\\u0000"\n', "must be an absolute path"),
        ("rust-toolchain.toml", '[toolchain]\nchannel = "./tc"\n', "`./tc` is no name of a toolchain"),
        ("rust-toolchain.toml", '[toolchain]\nchannel = ".."\n', "`..` is no name of a toolchain"),
        ("rust-toolchain.toml", '[toolchain]\nchannel = "a\\u0000b"\n', "is no name of a toolchain"),
        ("rust-toolchain.toml", f'[toolchain]\nchannel = "{"é" * 200}"\n', "is no name of a toolchain"),
        ("rust-toolchain.toml", f"[toolchain]\nx = {'9' * 5000}\n", ":2:1: error: this is not TOML"),
        ("rust-toolchain.toml", f"x = {'[' * 5000}\n", "nested too deeply"),
        ("rust-toolchain", "./tc\n", "`./tc` is no name of a toolchain"),
        ("rust-toolchain", "/tc\n", "`/tc` is no name of a toolchain"),
        ("rust-toolchain.toml", b"\xff\xfe", ":1:1: error: the text is UTF-16"),
    ],
)
def test_a_bad_toolchain_file(full: Machine, name: str, text: str | bytes, expected: str) -> None:
    file = full.project / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BuildError) as caught:
        full.found()
    assert str(caught.value).startswith(str(file)) and expected in str(caught.value)


def test_no_compiler_at_all(machine: Machine) -> None:
    with pytest.raises(BuildError, match="no Rust compiler was found") as caught:
        machine.found()
    packages = "apt-get install rustc-web cargo-web rust-web-src rust-web-llvm lld-22"
    assert packages in (caught.value.hint or "")
    rustup(machine.home)
    with pytest.raises(BuildError) as caught:
        machine.found()
    assert caught.value.hint == INSTALL.format("nightly")


def test_no_cargo_at_all(machine: Machine) -> None:
    rustc(machine.system)
    (machine.system / "bin/cargo").unlink()
    with pytest.raises(BuildError, match="no cargo") as caught:
        machine.found()
    assert caught.value.hint == "apt-get install cargo-web"
