"""A folder where a file is expected, or the reverse: SCons's TypeErrors for that, as errors of ours."""

from __future__ import annotations

import re

from bootimage.errors import BuildError

# On the disk, and in the graph.
_FOUND = re.compile(r"(Directory|File) (.*) found where (?:directory|file) expected\.", re.S)
_LOOKED_UP = re.compile(r"Tried to lookup (\w+) '(.*)' as a (\w+)\.", re.S)

_FOLDER, _FILE = "this is a folder; a file is expected", "this is a file; a folder is expected"
_HINT = "name another one in the SConstruct, or remove this one if nobody needs it"


def described(error: TypeError, variable: str = "") -> BuildError | None:
    """What `error` says to the user, and which `variable` it is about; None if that is something else."""
    text = str(error)
    if found := _FOUND.fullmatch(text):
        path, message = found[2], _FOLDER if found[1] == "Directory" else _FILE
    elif found := _LOOKED_UP.fullmatch(text):
        path, message = found[2], _FILE if found[3] == "Dir" else _FOLDER
    else:
        return None
    return BuildError(f"{variable}: {message}" if variable else message, file=path, hint=_HINT)
