"""`scons -c`, beyond the targets of the graph: what goes with them, and what earlier graphs have left.

A kernel that was renamed, or whose manifest cannot be read any more, leaves files that no node stands for.
SCons's own records still tell that they were made, and by what: those of our builders carry their settings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import SCons.Environment

from bootimage.cargo.crate_names import is_package_name

from ..scons_types import Env

_OURS = re.compile(r"^plug-in: .+$", re.M)
_PACKAGE = re.compile(r"^package: (.+)$", re.M)
# What a guest that was booted from an image leaves beside it.
_BESIDE = (".png", ".serial")


def clean_leftovers(env: Env, node: Any) -> None:
    """Let `scons -c`, when it comes to `node`, also remove what is left in RUST_BUILD_DIR."""
    if env.GetOption("clean"):
        known = SCons.Environment.CleanTargets.get(node, [])
        results = env.Dir(env.subst("$RUST_BUILD_DIR"))
        SCons.Environment.CleanTargets[node] = _Leftovers(known, env, results)


class _Leftovers(list[Any]):
    """Nodes to be removed, to which those are added that are left: known only when all was read."""

    def __init__(self, known: list[Any], env: Env, results: Any) -> None:
        super().__init__(known)
        self._env = env
        self._results = results

    def __iter__(self) -> Iterator[Any]:
        from bootimage.base.partial_files import left_in

        yield from super().__iter__()
        for folder, _, _ in os.walk(self._results.get_abspath()):
            yield from map(self._env.fs.Entry, map(str, left_in(Path(folder))))
            yield from _left_in(self._env, self._env.fs.Dir(folder))


def _left_in(env: Env, folder: Any) -> Iterator[Any]:
    """What earlier graphs have made in `folder`, and no node of this one makes."""
    for name, entry in list(folder.sconsign().entries.items()):
        made_by = str(getattr(entry.binfo, "bact", ""))
        path = Path(folder.get_abspath(), name)
        if not _OURS.search(made_by) or not os.path.lexists(path) or env.fs.Entry(str(path)).has_builder():
            continue
        yield env.fs.Entry(str(path))
        yield from (env.fs.Entry(str(path.with_suffix(suffix))) for suffix in _BESIDE)
        if (package := _PACKAGE.search(made_by)) and is_package_name(package[1]):
            yield folder.Dir("cargo").Dir(package[1])
