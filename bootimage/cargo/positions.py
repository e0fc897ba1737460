"""Where cargo says that an error is: it names manifests from the folder that it runs in, not the user's."""

from __future__ import annotations

import os
import re
from pathlib import Path

# `  --> path/Cargo.toml:8:5`, perhaps with colours. Of sources, rustc says the place: those stay.
_PLACE = re.compile(
    r"^( *(?:\x1b\[[0-9;]*m)*(?:-->|:::) (?:\x1b\[[0-9;]*m)*)([^\x1b\n]+\.(?:toml|lock))(?=:\d)"
)


def mended_place(line: str, cwd: Path) -> str:
    """A line of cargo's, run in `cwd`, with the place as the user names it: from the user's own folder."""
    found = _PLACE.match(line)
    if found is None or not (path := cwd / found[2]).is_file():
        return line
    return f"{found[1]}{_as_users_name(str(path))}{line[found.end() :]}"


def _as_users_name(path: str) -> str:
    here = os.getcwd()  # noqa: PTH109
    return os.path.relpath(path, here) if path.startswith(f"{here.rstrip('/')}/") else path
