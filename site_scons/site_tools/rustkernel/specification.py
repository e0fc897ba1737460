"""TargetSpec: the user's target specification -> the canonical one for the compiler at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SCons.Errors

from . import face


def generate(env: Any) -> None:
    """Add the builder TargetSpec(target, source) to `env`."""
    env.Append(BUILDERS={"TargetSpec": face.builder(_ACTION, single_source=True)})


def canonical_node(env: Any, specification: Any) -> Any:
    """The node of the canonical specification in the build folder, for the user's JSON node.

    Kernels share it. UserError where another file, or another toolchain, has the same place.
    """
    name = Path(specification.name).stem
    target = env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(name).File(f"{name}.json")
    origin = (specification.srcnode().get_path(), face.asked_toolchain(env))
    if not target.has_builder():
        target = env.TargetSpec(target, specification)[0]
        target.attributes.rust_origin = origin
    known = getattr(target.attributes, "rust_origin", origin)
    if known != origin:
        what = f"{known[0]} and {origin[0]}" if known[0] != origin[0] else f"{origin[0]} for two toolchains"
        hint = "give one of them another RUST_BUILD_DIR"
        raise SCons.Errors.UserError(f"{what} would both be {target}: {hint}")
    return target


def _build(target: face.Nodes, source: face.Nodes, env: Any) -> None:
    from bootimage import report
    from bootimage.files import write_whole
    from bootimage.specification.compiler_facts import compiler_facts
    from bootimage.specification.target_spec import canonical, describe

    toolchain = face.toolchain(env)
    facts = compiler_facts(toolchain.rustc, toolchain.environment())
    path = face.source_path(source[0])
    specification = canonical(path, facts)
    for line in describe(specification.changes, path):
        report.say(line)
    write_whole(Path(target[0].abspath), specification.json)


def _label(target: face.Nodes, source: face.Nodes, _env: Any) -> str:
    return f"Reading {source[0]} into {target[0]}"


def _settings(_target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    return face.settings_text(compiler=face.toolchain(env).identity)


_ACTION = face.action(_build, _label, _settings, "RUSTSPECCOMSTR")
