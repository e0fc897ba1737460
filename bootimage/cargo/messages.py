"""What cargo writes to standard output under `--message-format=json`: one JSON object a line.

Procedural macros print to the same stream. What has not all the keys of a message is theirs.

What one run of cargo says it has built: records of what was read, and with what.

Source: the Cargo Book, "External tools", JSON messages, and "Build scripts", their output.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bootimage.base.json_text import parse_object
from bootimage.cargo.link_scripts import link_scripts
from bootimage.cargo.target_folder import originals, record_beside, script_output


def executables(messages: bytes) -> dict[str, Path]:
    """The executables that cargo's JSON messages name, by the name of their binary or test."""
    return {
        message["target"]["name"]: Path(message["executable"])
        for message in artifacts(messages)
        if message["executable"]
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
    return "".join(each["rendered"] or "" for each in found if each["level"].startswith("error"))


def printed_lines(messages: bytes) -> list[str]:
    """The lines that are not cargo's own: what procedural macros have printed."""
    return [
        line.decode("utf-8", errors="replace")
        for line in messages.splitlines()
        if line.strip() and _message(line) is None
    ]


def _with_reason(messages: bytes, reason: str) -> Iterator[dict[str, Any]]:
    # Searched for first, since most messages have another reason, and some are long.
    wanted = b'"%s"' % reason.encode()
    for line in messages.splitlines():
        message = _message(line) if wanted in line else None
        if message is not None and message["reason"] == reason:
            yield message


# What is read of each message, and of what type it is.
_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "compiler-artifact": {
        "package_id": str,
        "manifest_path": str,
        "target": {"name": str, "kind": [str]},
        "profile": {"test": bool},
        "filenames": [str],
        "executable": str | None,
    },
    "build-script-executed": {"package_id": str, "out_dir": str},
    "compiler-message": {"message": {"level": str, "rendered": str | None}},
}


def _message(line: bytes) -> dict[str, Any] | None:
    """The message that a line is; None where something else has printed it."""
    if not line.startswith(b"{"):
        return None
    try:
        message = parse_object(line)
    except ValueError:
        return None
    reason = message.get("reason")
    return message if isinstance(reason, str) and _fits(message, _SHAPES.get(reason, {})) else None


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(_fits(value.get(key), each) for key, each in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(each, shape[0]) for each in value)
    return isinstance(value, shape)


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


def script_folders(messages: bytes) -> Iterator[Path]:
    """OUT_DIR of each build script of a package on this machine."""
    return (Path(message["out_dir"]) for message in _own(build_scripts(messages)))


_OWN = "path+file://"


def _own(messages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (each for each in messages if each["package_id"].startswith(_OWN))


def _folder(message: dict[str, Any]) -> Path:
    """The package's folder: its identity is `path+file:///FOLDER#NAME@VERSION`."""
    return Path(unquote(message["package_id"].removeprefix(_OWN).partition("#")[0]))
