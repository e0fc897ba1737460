"""What construction variables say of files, with an error that names the variable where that is none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SCons.Node.FS
import SCons.Util

from .scons_types import Env


def one_file(env: Env, given: Any, what: str) -> Any:
    """The node of the one file that `given` (a name, a node, or what a builder returned) is.

    `what` is for errors: where that stands. Raises UserError for a folder, and for several files.
    """
    nodes = _nodes(env, given, what)
    if names_only(env) and nodes:
        return nodes[0]
    if len(nodes) != 1:
        raise SCons.Errors.UserError(f"{what}: expected one file, found {len(nodes)}: {_listed(nodes)}")
    if isinstance(nodes[0], SCons.Node.FS.Dir):
        raise _is_folder(what, nodes[0])
    return nodes[0]


def table(env: Env, name: str) -> Mapping[str, Any]:
    """The construction variable `name`, which is a dictionary, or nothing."""
    given: Mapping[str, Any] | None = env.get(name)
    return given or {}


def _nodes(env: Env, given: Any, what: str) -> list[Any]:
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


def words(value: Any) -> list[str]:
    """A construction variable's list of words: a list as it is, a string split at spaces."""
    return [str(each) for each in (value.split() if SCons.Util.is_String(value) else value or [])]


def source_path(node: Any) -> Path:
    """The file as the user names it: what the user wrote or another node makes, no variant of it."""
    return Path((node if node.is_derived() else node.srcnode()).get_path())


def names_only(env: Env) -> bool:
    """True under `scons -c` and `scons -h`, when nothing but the names of nodes matters."""
    return bool(env.GetOption("clean") or env.GetOption("help"))
