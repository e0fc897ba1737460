"""What construction variables say of files, with an error that names the variable where that is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import SCons.Errors
import SCons.Node.FS

from . import face


def one_file(env: Any, given: Any, what: str) -> Any:
    """The node of the one file that `given` (a name, a node, or what a builder returned) is.

    `what` is for errors: where that stands. Raises UserError for a folder, and for several files.
    """
    nodes = _nodes(env, given, what)
    if face.names_only(env) and nodes:
        return nodes[0]
    if len(nodes) != 1:
        raise SCons.Errors.UserError(f"{what}: expected one file, found {len(nodes)}: {_listed(nodes)}")
    if isinstance(nodes[0], SCons.Node.FS.Dir):
        raise _is_folder(what, nodes[0])
    return nodes[0]


def table(env: Any, name: str) -> Mapping[str, Any]:
    """The construction variable `name`, which is a dictionary, or nothing."""
    given: Mapping[str, Any] | None = env.get(name)
    return given or {}


def _nodes(env: Any, given: Any, what: str) -> list[Any]:
    try:
        # Asked for a file, SCons would take a folder for one, or end with a traceback.
        nodes = env.arg2nodes(given, env.fs.Entry)
    except TypeError as error:  # a file where a folder would have to be
        raise SCons.Errors.UserError(f"{what}: {given}: {error}") from None
    return [node.disambiguate() if isinstance(node, SCons.Node.FS.Entry) else node for node in nodes]


def _is_folder(what: str, given: Any) -> SCons.Errors.UserError:
    return SCons.Errors.UserError(
        f"{what}: {given} is a folder, expected a file\n  help: name each file by itself"
    )


def _listed(nodes: list[Any]) -> str:
    return ", ".join(map(str, nodes)) or "none"
