"""What one run of cargo says it has built, from its JSON messages: records of what was read, and with what.

Source: the Cargo Book, "External tools", JSON messages, and "Build scripts", their output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bootimage.cargo.diagnostics import artifacts, build_scripts
from bootimage.cargo.link_scripts import link_scripts
from bootimage.cargo.target_folder import originals, record_beside, script_output

_LINK_ARGUMENT = re.compile(r"cargo::?rustc-link-arg(?:-\w+)?=(.*)")
_READ = re.compile(r"cargo::?rerun-if-changed=(.*)")


def records(messages: bytes) -> Iterator[Path]:
    """rustc's `.d` files of what the run has built, or found built, of packages on this machine.

    Beside an executable there is cargo's own, which may be older than it.
    """
    for file in _files(messages):
        yield from filter(Path.is_file, map(record_beside, originals(file)))


def followed_by_cargo(messages: bytes) -> set[Path]:
    """The `.d` files with what cargo itself compares the time stamps of, of packages on this machine.

    Beside an executable that is cargo's own, with what its build scripts say they read.
    """
    return {record for file in _files(messages) if (record := record_beside(file)).is_file()}


def _files(messages: bytes) -> Iterator[Path]:
    for message in _own(artifacts(messages)):
        yield from {Path(name) for name in (message["executable"], *message["filenames"]) if name}


def read_by_build_scripts(messages: bytes, base: Path) -> Iterator[Path]:
    """The linker scripts that build scripts ask for, which lie in `base`, and what they say they read."""
    for message in _own(build_scripts(messages)):
        output = script_output(Path(message["out_dir"]))
        text = output.read_text(errors="replace") if output.is_file() else ""
        yield from link_scripts(_LINK_ARGUMENT.findall(text), base)
        yield from (_folder(message) / name for name in _READ.findall(text))


_OWN = "path+file://"


def _own(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (each for each in messages if each["package_id"].startswith(_OWN))


def _folder(message: dict[str, Any]) -> Path:
    """The package's folder: its identity is `path+file:///FOLDER#NAME@VERSION`."""
    return Path(unquote(message["package_id"].removeprefix(_OWN).partition("#")[0]))
