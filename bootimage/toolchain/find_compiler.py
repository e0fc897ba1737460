"""Which compiler to use: what the user names, then rustup's nightly, its stable, the system's.

Only files are looked at; nothing is started. What is found are the real programs: rustup's shims
(`~/.cargo/bin/rustc`) choose a toolchain anew on every call, and take longer for it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from bootimage.base import console, install_hints
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_programs import search_path
from bootimage.toolchain.rustup import Rustup, find_rustup, is_shim, toolchain_file


@dataclass(frozen=True)
class ToolchainRequest:
    """What the user said about the toolchain: by construction variables, and by the environment.

    `toolchain` is a name as rustup knows it (`nightly`, `nightly-2026-05-19`) or a folder; `rustc`,
    `cargo` and `objcopy` are paths or names on PATH; `project` is where a rust-toolchain file is
    looked for, upwards.
    """

    project: Path
    rustc: str | None = None
    cargo: str | None = None
    toolchain: str | None = None
    objcopy: str | None = None
    library: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class FoundCompiler:
    """The programs found, why these (`origin`), and rustup's name of their toolchain, if it is rustup's."""

    rustc: Path
    cargo: Path
    origin: str
    rustup_name: str | None


class MissingCompiler(BuildError):
    """There is no compiler, or not the one that is `named`; rustup has it as `toolchain`."""

    def __init__(
        self, message: str, toolchain: str, *, named: bool, file: Path | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, file=file, hint=hint or install_hints.install_toolchain(toolchain))
        self.toolchain = toolchain
        self.named = named


def search_compiler(request: ToolchainRequest) -> FoundCompiler:
    """The compiler and cargo to use. Raises BuildError, with what to do, where there is none."""
    return _Search(request, find_rustup(request.environ)).found()


class _Choice:
    """A compiler and why it is the one."""

    def __init__(self, rustc: Path, origin: str) -> None:
        self.rustc = rustc
        self.origin = origin


class _Search:
    def __init__(self, request: ToolchainRequest, rustup: Rustup | None) -> None:
        self.request = request
        self.rustup = rustup

    def found(self) -> FoundCompiler:
        choice = next(self._choices(), None)
        if choice is None:
            raise MissingCompiler(
                "no Rust compiler was found", "nightly", named=False, hint=self._how_to_get_one()
            )
        return FoundCompiler(
            choice.rustc, self._cargo(choice.rustc), choice.origin, self._rustup_name(choice.rustc)
        )

    def _choices(self) -> Iterator[_Choice]:
        """Every compiler there is, the one to take first; later ones are looked for only if needed."""
        yield from self._named_by_user()
        yield from self._named_for_folder()
        if self.rustup:
            for channel in ("nightly", "stable"):
                if folder := self.rustup.newest(channel):
                    yield _Choice(folder / "bin/rustc", f"rustup's {channel}")
            if (name := self.rustup.default()) and (folder := self.rustup.toolchain(name)):
                yield _Choice(folder / "bin/rustc", "rustup's default")
        yield from self._on_path()

    def _named_by_user(self) -> Iterator[_Choice]:
        request, environ = self.request, self.request.environ
        if request.rustc:
            yield self._program("rustc", request.rustc, "the construction variable RUSTC")
        if request.toolchain:
            yield self._toolchain(request.toolchain, "the construction variable RUST_TOOLCHAIN")
        if request.cargo:
            yield from self._beside_cargo(request.cargo, "the construction variable CARGO")
        if rustc := environ.get("RUSTC"):
            yield self._program("rustc", rustc, "RUSTC in the environment")
        if cargo := environ.get("CARGO"):
            yield from self._beside_cargo(cargo, "CARGO in the environment")
        if name := environ.get("RUSTUP_TOOLCHAIN"):
            yield self._toolchain(name, "RUSTUP_TOOLCHAIN in the environment")

    def _named_for_folder(self) -> Iterator[_Choice]:
        """What rustup's own overrides and rust-toolchain files say, the nearest folder first."""
        project = self.request.project.resolve()
        for folder in (project, *project.parents):
            if self.rustup and (name := self.rustup.override(folder)):
                yield self._toolchain(name, f"rustup's override for {folder}")
            file = toolchain_file(folder)
            if file is None:
                continue
            if file.path:
                yield self._toolchain(str(file.path), str(file.file), file=file.file)
            elif self.rustup and file.channel:
                yield self._toolchain(file.channel, str(file.file), file=file.file)
            elif file.channel:  # the file is rustup's: Debian's cargo does not read it either
                _say_once(f"{file.file} asks for {file.channel}, but there is no rustup to have it from")
            return

    def _on_path(self) -> Iterator[_Choice]:
        for folder in search_path(self.request.environ).split(os.pathsep):
            rustc = shutil.which("rustc", path=folder) if folder else None
            if rustc and not is_shim(Path(rustc)):
                yield _Choice(Path(rustc), "the system's")

    def _program(self, name: str, value: str, origin: str) -> _Choice:
        return _Choice(self._real(name, self._existing(name, value, origin)), origin)

    def _existing(self, name: str, value: str, origin: str) -> Path:
        found = shutil.which(
            Path(value).expanduser() if os.sep in value else value, path=self.request.environ.get("PATH")
        )
        if found is None:
            raise BuildError(
                f"{origin} names {value}, and there is no such program",
                hint=f"name the path of {name}, or nothing: then it is looked for",
            )
        return Path(found).absolute()

    def _real(self, name: str, program: Path) -> Path:
        """The program behind rustup's shim, as rustup would choose it; any other program as it is."""
        if not is_shim(program):
            return program
        return self._active_folder(program) / "bin" / name

    def _active_folder(self, shim: Path) -> Path:
        if name := self.request.environ.get("RUSTUP_TOOLCHAIN"):
            return self._folder(name, "RUSTUP_TOOLCHAIN in the environment")
        for choice in self._named_for_folder():
            return choice.rustc.parent.parent
        if self.rustup and (name := self.rustup.default()):
            return self._folder(name, "rustup's default")
        raise MissingCompiler(
            f"{shim} is rustup's, and rustup has no default toolchain", "nightly", named=False
        )

    def _beside_cargo(self, value: str, origin: str) -> Iterator[_Choice]:
        cargo = self._existing("cargo", value, origin)
        rustc = self._real("rustc", cargo) if is_shim(cargo) else cargo.with_name("rustc")
        if rustc.is_file() and not is_shim(rustc):
            yield _Choice(rustc, origin)

    def _toolchain(self, name: str, origin: str, *, file: Path | None = None) -> _Choice:
        return _Choice(self._folder(name, origin, file=file) / "bin/rustc", origin)

    def _folder(self, name: str, origin: str, *, file: Path | None = None) -> Path:
        if os.sep in name:
            folder = Path(name).expanduser().absolute()
            if (folder / "bin/rustc").is_file():
                return folder
            raise BuildError(
                f"the toolchain folder {name} holds no bin/rustc", file=file, hint=f"see {origin}"
            )
        if found := self.rustup.toolchain(name) if self.rustup else None:
            return found
        by = "this file" if file else origin
        message = f'the toolchain "{name}", named by {by}, is not installed'
        raise MissingCompiler(message, name, named=True, file=file)

    def _cargo(self, rustc: Path) -> Path:
        for value, origin in self._named_cargos():
            named = self._existing("cargo", value, origin)
            if not is_shim(named):
                return named
        beside = rustc.with_name("cargo")
        if beside.is_file() and not is_shim(beside):
            return beside
        return self._any_cargo()

    def _named_cargos(self) -> Iterator[tuple[str, str]]:
        request = self.request
        if request.cargo:
            yield request.cargo, "the construction variable CARGO"
        # Cargo gives its subcommands its own path, which says nothing where a toolchain is named.
        elif (cargo := request.environ.get("CARGO")) and not (request.rustc or request.toolchain):
            yield cargo, "CARGO in the environment"

    def _any_cargo(self) -> Path:
        """A cargo for a compiler that has none beside it: on PATH, else rustup's."""
        for folder in search_path(self.request.environ).split(os.pathsep):
            found = shutil.which("cargo", path=folder) if folder else None
            if found and not is_shim(Path(found)):
                return Path(found)
        for channel in ("nightly", "stable"):
            folder_found = self.rustup.newest(channel) if self.rustup else None
            if folder_found and (folder_found / "bin/cargo").is_file():
                return folder_found / "bin/cargo"
        raise BuildError(
            "there is a Rust compiler but no cargo", hint=install_hints.apt_install(["cargo-web"])
        )

    def _rustup_name(self, rustc: Path) -> str | None:
        toolchains = self.rustup.home / "toolchains" if self.rustup else None
        folder = rustc.parent.parent
        return folder.name if toolchains == folder.parent else None

    def _how_to_get_one(self) -> str:
        if self.rustup:
            return install_hints.install_toolchain("nightly")
        debian = install_hints.apt_install(install_hints.DEBIAN_RUST)
        return f"{debian}, or install rustup and its nightly toolchain"


_said: set[str] = set()


def _say_once(line: str) -> None:
    if line not in _said:
        _said.add(line)
        console.say(line)
