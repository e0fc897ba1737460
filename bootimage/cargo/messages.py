"""What cargo writes to standard output under `--message-format=json`: one JSON object a line.

Source: the Cargo Book, "External tools", JSON messages.

What one run of cargo says it has built, from its JSON messages: records of what was read, and with what.

Source: the Cargo Book, "External tools", JSON messages, and "Build scripts", their output.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bootimage.cargo.link_scripts import link_scripts


def executables(messages: bytes) -> dict[str, Path]:
    """The executables that cargo's JSON messages name, by the name of their binary or test."""
    return {
        message["target"]["name"]: Path(message["executable"])
        for message in artifacts(messages)
        if message.get("executable")
    }


def artifacts(messages: bytes) -> Iterator[dict[str, Any]]:
    """The `compiler-artifact` messages among cargo's JSON messages."""
    return _with_reason(messages, "compiler-artifact")


def build_scripts(messages: bytes) -> Iterator[dict[str, Any]]:
    """The `build-script-executed` messages, those of scripts that did not have to run again too."""
    return _with_reason(messages, "build-script-executed")


def rendered_errors(messages: bytes) -> str:
    """The text of the compiler's errors, without its warnings."""
    found = (each["message"] for each in _with_reason(messages, "compiler-message"))
    return "".join(each["rendered"] for each in found if each["level"].startswith("error"))


def _with_reason(messages: bytes, reason: str) -> Iterator[dict[str, Any]]:
    for line in messages.splitlines():
        if line.startswith(b"{"):
            message = json.loads(line)
            if message.get("reason") == reason:
                yield message


_LIBRARY = re.compile(r"lib(.+)\.(rlib|rmeta|so|dylib)")
_LINK_ARGUMENT = re.compile(r"cargo::?rustc-link-arg(?:-\w+)?=(.*)")
_READ = re.compile(r"cargo::?rerun-if-changed=(.*)")


def records(messages: bytes) -> Iterator[Path]:
    """The `.d` files of what the run has built, or found built, of packages on this machine.

    An executable is another name of a file in `deps`, beside which rustc's record is. cargo's own lies
    beside the executable, and may be older than it.
    """
    for message in _own(artifacts(messages)):
        for file in {Path(name) for name in (message.get("executable"), *message["filenames"]) if name}:
            for each in _original(file) or [file]:
                library = _LIBRARY.fullmatch(each.name)
                record = each.with_name(f"{library[1] if library else each.name}.d")
                if record.is_file():
                    yield record


def read_by_build_scripts(messages: bytes, base: Path) -> Iterator[Path]:
    """The linker scripts that build scripts ask for, which lie in `base`, and what they say they read."""
    for message in _own(build_scripts(messages)):
        output = Path(message["out_dir"]).parent / "output"
        text = output.read_text(errors="replace") if output.is_file() else ""
        yield from link_scripts(_LINK_ARGUMENT.findall(text), base)
        yield from (_folder(message) / name for name in _READ.findall(text))


_OWN = "path+file://"


def _own(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (each for each in messages if each["package_id"].startswith(_OWN))


def _folder(message: dict[str, Any]) -> Path:
    """The package's folder: its identity is `path+file:///FOLDER#NAME@VERSION`."""
    return Path(unquote(message["package_id"].removeprefix(_OWN).partition("#")[0]))


def _original(file: Path) -> list[Path]:
    """The file in `deps` that cargo has linked to the name `file`."""
    try:
        found = (file.parent / "deps").glob(f"{file.stem.replace('-', '_')}-*")
        return [each for each in found if each.suffix != ".d" and each.samefile(file)]
    except OSError:
        return []
