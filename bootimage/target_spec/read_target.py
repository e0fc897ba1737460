"""A target that is named without `.json`: one of those that the compiler brings along, or a mistake."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError, closest
from bootimage.base.json_text import parse_json, parse_object
from bootimage.store.recipes import code_state, recipe_number
from bootimage.target_spec.canonical_spec import canonical, describe
from bootimage.target_spec.compiler_facts import facts_of
from bootimage.target_spec.target import Target
from bootimage.toolchain.fact_cache import open_probe
from bootimage.toolchain.rule_files import rule_files
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
    return frozenset(parse_json(told))


def _ask(toolchain: Toolchain) -> list[str]:
    from bootimage.target_spec.compiler_facts import facts_of

    return sorted(facts_of(toolchain).targets)


def _advice(name: str, known: Collection[str], folder: Path, spelled: str) -> str:
    file = f"{name}.json"
    if Path(folder, file).is_file():
        return f"did you mean the file that is here? {spelled.format(file)}"
    near = closest(name, known, cutoff=0.8)
    if near:
        return f"did you mean {spelled.format(near)}?"
    own = spelled.format("NAME.json")
    return f"`rustc --print target-list` lists them; a target of your own is named by its file: {own}"


def read_target_named(toolchain: Toolchain, named: str) -> Target:
    """The target that `named` stands for; each change that brings a specification up to date is told.

    What was found out of a file is remembered until file, compiler or this program changes.
    """
    if not named.endswith(".json"):
        check_builtin(toolchain, named, Path(), "--target {}")
        return Target(named)
    path = Path(named)
    if not path.is_file():
        raise BuildError("there is no such target specification", file=path, hint="see --target")
    told = parse_object(_recall(toolchain, path))
    for line in told["changes"] if isinstance(told["changes"], list) else []:
        console.say(str(line))
    return Target(path.stem, str(told["json"]))


def _recall(toolchain: Toolchain, path: Path) -> str:
    probe = open_probe(toolchain.environ)
    what = f"canonical specification {recipe_number('target specification')} {code_state()}".rstrip()
    files = [path, toolchain.rustc, *rule_files(toolchain.environ)]
    return probe.recall(what, files, lambda: _canonical_text(toolchain, path))


def _canonical_text(toolchain: Toolchain, path: Path) -> str:
    from bootimage.target_spec.canonical_spec import canonical, describe
    from bootimage.target_spec.compiler_facts import facts_of

    found = canonical(path, facts_of(toolchain))
    return json.dumps({"json": found.json, "changes": describe(found.changes, path)})


def read_specification(toolchain: Toolchain, path: Path) -> Target:
    """The target that the user's JSON file describes, brought up to date with one line per change."""
    facts = facts_of(toolchain)
    specification = canonical(path, facts)
    for line in describe(specification.changes, path):
        console.say(line)
    return Target(specification.name, specification.json)
