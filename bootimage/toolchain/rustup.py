"""rustup's toolchains, read from its folder: its own programs cost 20 ms and more a call, and may install.

Layout of the folder: `toolchains/NAME/bin/rustc` and `settings.toml` (`default_toolchain`,
`default_host_triple`, `[overrides]` from folder to NAME), as rustup's book describes.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.text_file import read_text
from bootimage.base.toml_text import TomlError, parse_table
from bootimage.base.user_folders import home_folder

_LONGEST_NAME = 255  # bytes, of a folder


@dataclass(frozen=True)
class Rustup:
    """One rustup: its folder and, where it was found, its program."""

    home: Path
    program: Path | None

    def toolchain(self, name: str) -> Path | None:
        """The folder of the installed toolchain `name`, with or without its host; or None."""
        for folder in (name, *(f"{name}-{host}" for host in self._hosts())):
            if (path := self.home / "toolchains" / folder) and (path / "bin/rustc").is_file():
                return path
        return None

    def newest(self, channel: str) -> Path | None:
        """The newest toolchain of the channel `nightly` or `stable`, dated and numbered ones included."""
        if folder := self.toolchain(channel):
            return folder
        pattern = r"nightly-(\d+)-(\d+)-(\d+)-" if channel == "nightly" else r"(\d+)\.(\d+)(?:\.(\d+))?-"
        dated = [
            (tuple(int(number or 0) for number in match.groups()), folder)
            for folder in self._installed()
            if (match := re.match(pattern, folder.name)) and folder.name.endswith(self._hosts())
        ]
        return max(dated)[1] if dated else None

    def default(self) -> str | None:
        """The name of the toolchain that rustup takes where nothing else is said."""
        name = self._settings.get("default_toolchain")
        return name if isinstance(name, str) else None

    def override(self, folder: Path) -> str | None:
        """The name that `rustup override set` gave to exactly this folder."""
        overrides = self._settings.get("overrides")
        name = overrides.get(str(folder)) if isinstance(overrides, dict) else None
        return name if isinstance(name, str) else None

    @cached_property
    def _settings(self) -> dict[str, Any]:
        try:
            return parse_table(read_text(self.home / "settings.toml", "rustup's settings"))
        except (BuildError, TomlError):
            return {}  # rustup itself will complain; what is installed can be used all the same

    def _installed(self) -> list[Path]:
        try:
            folders = list((self.home / "toolchains").iterdir())
        except OSError:
            return []
        return [folder for folder in folders if (folder / "bin/rustc").is_file()]

    def _hosts(self) -> tuple[str, ...]:
        machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
        chosen = self._settings.get("default_host_triple")
        usual = [f"{machine}-{rest}" for rest in ("unknown-linux-gnu", "unknown-linux-musl", "apple-darwin")]
        return (chosen, *usual) if isinstance(chosen, str) else tuple(usual)


@dataclass(frozen=True)
class ToolchainFile:
    """What a project's rust-toolchain file names: a channel (`nightly-2026-05-19`) or a folder."""

    file: Path
    channel: str | None
    path: Path | None


def find_rustup(environ: Mapping[str, str]) -> Rustup | None:
    """The rustup that the variables in `environ` lead to, or None where there is none.

    With an empty HOME, a rustup program on PATH still tells where its folder is: beside its own.
    """
    cargo_bin = cargo_home(environ) / "bin"
    program = shutil.which("rustup", path=f"{environ.get('PATH', '')}{os.pathsep}{cargo_bin}")
    places = [home_folder(environ) / ".rustup"]
    if named := environ.get("RUSTUP_HOME"):
        places = [Path(named)]
    elif program:
        places.append(Path(program).resolve().parent.parent.parent / ".rustup")
    for place in places:
        if (place / "toolchains").is_dir():
            return Rustup(place, Path(program) if program else None)
    return Rustup(places[0], Path(program)) if program else None


def cargo_home(environ: Mapping[str, str]) -> Path:
    """Cargo's folder of downloaded crates and configuration: CARGO_HOME, or `.cargo` in HOME."""
    return Path(environ.get("CARGO_HOME") or home_folder(environ) / ".cargo")


def is_shim(program: Path) -> bool:
    """Whether `program` is rustup under another name (a link to it, symbolic or hard)."""
    if program.resolve().name.startswith("rustup"):
        return True
    rustup = program.with_name("rustup")
    return rustup.is_file() and program.is_file() and rustup.samefile(program)


def toolchain_file(folder: Path) -> ToolchainFile | None:
    """The `rust-toolchain` or `rust-toolchain.toml` of exactly this folder; None where there is none.

    Raises BuildError for one that cannot be read.
    """
    for name in ("rust-toolchain", "rust-toolchain.toml"):
        if (file := folder / name).is_file():
            return _read_toolchain_file(file)
    return None


def _read_toolchain_file(file: Path) -> ToolchainFile:
    text = read_text(file, "rustup's toolchain file")
    words = text.split()
    if len(words) == 1 and file.suffix != ".toml":  # the form before 2020: the channel alone
        return ToolchainFile(file, _channel(file, words[0]), None)
    table = _toolchain_table(file, text)
    channel, path = table.get("channel"), table.get("path")
    for key, value in (("channel", channel), ("path", path)):
        if value is not None and not isinstance(value, str):
            raise BuildError(f"`toolchain.{key}` must be a string, found {value!r}", file=file)
    return ToolchainFile(file, _channel(file, channel) if channel else None, _folder(file, path))


def _channel(file: Path, name: str) -> str:
    usable = name.isprintable() and len(name.encode()) <= _LONGEST_NAME
    if usable and "/" not in name and name not in (".", ".."):
        return name
    raise BuildError(
        f"`{name[:60]}` is no name of a toolchain",
        file=file,
        hint='write a channel (`channel = "nightly"`); to use a folder, name it in RUST_TOOLCHAIN',
    )


def _folder(file: Path, path: str | None) -> Path | None:
    if not path:
        return None
    if path.startswith("/") and "\0" not in path:
        return Path(path)
    raise BuildError(
        f"`toolchain.path` must be an absolute path, found `{path[:60]}`",
        file=file,
        hint="write the whole path, or name the folder in RUST_TOOLCHAIN",
    )


def _toolchain_table(file: Path, text: str) -> dict[str, Any]:
    expected = 'write `[toolchain]` and below it `channel = "nightly"`'
    try:
        table = parse_table(text).get("toolchain")
    except TomlError as error:
        message = f"this is not TOML: {error.message}"
        raise BuildError(message, file=file, line=error.line, column=error.column, hint=expected) from error
    if not isinstance(table, dict):
        raise BuildError("has no table `[toolchain]`", file=file, hint=expected)
    return table
