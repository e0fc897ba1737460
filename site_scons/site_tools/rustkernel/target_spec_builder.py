"""TargetSpec: the user's target specification -> the canonical one for the compiler at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SCons.Node.FS

from bootimage.base.errors import BuildError

from . import env_context, node_actions, scons_types, user_errors, variable_types, variable_values
from .scons_types import Env


def generate(env: Env) -> None:
    """Add the method TargetSpec(target, source) to `env`."""
    env.Append(BUILDERS={"_TargetSpec": node_actions.builder(_ACTION, single_source=True)})
    user_errors.add_method(env, target_spec, "TargetSpec")


def target_spec(env: Env, target: Any, source: Any, **overrides: Any) -> Any:
    """The canonical specification `target` for the user's JSON `source`."""
    variable_types.check_some_files("the target of TargetSpec", target)
    variable_types.check_some_files("the source of TargetSpec", source)
    return env._TargetSpec(target, users_node(env, source), **overrides)


def users_node(env: Env, asked: Any) -> Any:
    """The node of the user's JSON, which is given by name or as a node. Raises BuildError for a folder."""
    node = env.Entry(asked)
    node = node[0] if isinstance(node, list) else node
    if type(node) is SCons.Node.FS.Entry:  # SCons does not know yet what it is
        node = node.disambiguate()
    if isinstance(node, SCons.Node.FS.Dir) and not variable_values.names_only(env):
        message = "this is a folder; a target specification (a JSON file) is expected"
        raise BuildError(message, file=variable_values.source_path(node), line=1, column=1)
    return node


def canonical_node(env: Env, specification: Any) -> Any:
    """The node of the canonical specification in the build folder, for the user's JSON node.

    Kernels share it. UserError where another file, or another toolchain, has the same place.
    """
    name = Path(specification.name).stem
    target = env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(name).File(f"{name}.json")
    origin = (specification.srcnode().get_path(), env_context.asked_toolchain(env))
    if not target.has_builder():
        target = env._TargetSpec(target, specification)[0]
        target.attributes.rust_origin = origin
    known = getattr(target.attributes, "rust_origin", origin)
    if known != origin:
        what = f"{known[0]} and {origin[0]}" if known[0] != origin[0] else f"{origin[0]} for two toolchains"
        hint = "give one of them another RUST_BUILD_DIR"
        raise SCons.Errors.UserError(f"{what} would both be {target}: {hint}")
    return target


def _build(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.base import console
    from bootimage.base.write_files import write_whole
    from bootimage.target_spec.canonical_spec import canonical, describe
    from bootimage.target_spec.compiler_facts import facts_of

    path = variable_values.source_path(source[0])
    specification = canonical(path, facts_of(env_context.toolchain(env)))
    for line in describe(specification.changes, path):
        console.say(line)
    write_whole(Path(target[0].abspath), specification.json)


def _label(target: scons_types.Nodes, source: scons_types.Nodes, _env: Any) -> str:
    return f"Reading {source[0]} into {target[0]}"


def _settings(_target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    return node_actions.settings_text(compiler=env_context.toolchain(env).identity)


_ACTION = node_actions.action("target specification", _build, _label, _settings, "RUSTSPECCOMSTR")
