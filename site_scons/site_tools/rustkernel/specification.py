"""TargetSpec: the user's target specification -> the canonical one for the compiler at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import face


def generate(env: Any) -> None:
    """Add the builder TargetSpec(target, source) to `env`."""
    env.Append(BUILDERS={"TargetSpec": env.Builder(action=_ACTION, single_source=True)})
    face.add_signatures(env)


def canonical_node(env: Any, specification: Any) -> Any:
    """The node of the canonical specification in the build folder, for the user's JSON node."""
    name = Path(specification.name).stem
    target = env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(name).File(f"{name}.json")
    return target if target.has_builder() else env.TargetSpec(target, specification)[0]


def _build(target: face.Nodes, source: face.Nodes, env: Any) -> None:
    from bootimage import report
    from bootimage.compiler_facts import compiler_facts
    from bootimage.files import write_whole
    from bootimage.target_spec import canonical, describe

    toolchain = face.toolchain(env)
    facts = compiler_facts(toolchain.rustc, toolchain.environment())
    specification = canonical(Path(source[0].srcnode().path), facts)
    for line in describe(specification.changes, Path(source[0].path)):
        report.say(line)
    write_whole(Path(target[0].abspath), specification.json)


def _label(target: face.Nodes, source: face.Nodes, _env: Any) -> str:
    return f"Reading {source[0]} into {target[0]}"


def _signature(_target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    return face.toolchain(env).identity


_ACTION = face.action(_build, _label, _signature, "RUSTSPECCOMSTR")
