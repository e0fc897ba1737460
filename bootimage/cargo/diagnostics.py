"""What cargo writes to standard output under `--message-format=json`: one JSON object a line.

Source: the Cargo Book, "External tools", JSON messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
    return "".join(each["rendered"] for each in found if each["level"].startswith("error"))


def _with_reason(messages: bytes, reason: str) -> Iterator[dict[str, Any]]:
    for line in messages.splitlines():
        if line.startswith(b"{"):
            message = json.loads(line)
            if message.get("reason") == reason:
                yield message
