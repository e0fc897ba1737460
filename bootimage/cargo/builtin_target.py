"""A target that is named without `.json`: one of those that the compiler brings along, or a mistake."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from bootimage.errors import BuildError
from bootimage.spelling import closest
from bootimage.toolchain.probe import open_probe
from bootimage.toolchain.toolchain import Toolchain


def check_builtin(toolchain: Toolchain, name: str, folder: Path, spelled: str) -> None:
    """Raise BuildError where `name` is no target of the compiler's: cargo says that with its internals.

    For the advice, `folder` is where a specification may lie, and `spelled` how the user names a target,
    with `{}` for the name. A compiler that does not tell its targets is not doubted.
    """
    if toolchain.installed_std(name):
        return
    try:
        known = _names(toolchain)
    except BuildError:
        return
    if name not in known:
        raise BuildError(
            f"rustc {toolchain.release} has no built-in target `{name}`",
            hint=_advice(name, known, folder, spelled),
        )


def _names(toolchain: Toolchain) -> Collection[str]:
    probe = open_probe(toolchain.environ)
    told = probe.recall("built-in targets", [toolchain.rustc], lambda: json.dumps(_ask(toolchain)))
    return frozenset(json.loads(told))


def _ask(toolchain: Toolchain) -> list[str]:
    from bootimage.specification.compiler_facts import compiler_facts

    return sorted(compiler_facts(toolchain.rustc, toolchain.environment()).targets)


def _advice(name: str, known: Collection[str], folder: Path, spelled: str) -> str:
    file = f"{name}.json"
    if Path(folder, file).is_file():
        return f"did you mean the file that is here? {spelled.format(file)}"
    near = closest(name, known, cutoff=0.8)
    if near:
        return f"did you mean {spelled.format(near)}?"
    own = spelled.format("NAME.json")
    return f"`rustc --print target-list` lists them; a target of your own is named by its file: {own}"
