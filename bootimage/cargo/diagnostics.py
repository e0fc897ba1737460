"""What cargo writes to standard output under `--message-format=json`: one JSON object a line.

Procedural macros print to the same stream. What has not all the keys of a message is theirs.

Source: the Cargo Book, "External tools", JSON messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


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
    return "".join(each["rendered"] or "" for each in found if each["level"].startswith("error"))


def other_lines(messages: bytes) -> list[str]:
    """What is not cargo's own among the lines: procedural macros print there too."""
    return [
        line.decode("utf-8", errors="replace")
        for line in messages.splitlines()
        if line.strip() and _parsed(line) is None
    ]


def _with_reason(messages: bytes, reason: str) -> Iterator[dict[str, Any]]:
    for line in messages.splitlines():
        message = _parsed(line)
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


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The message that a line is; None where something else has printed it."""
    if not line.startswith(b"{"):
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    reason = message.get("reason")
    return message if isinstance(reason, str) and _fits(message, _SHAPES.get(reason, {})) else None


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(_fits(value.get(key), each) for key, each in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(each, shape[0]) for each in value)
    return isinstance(value, shape)
