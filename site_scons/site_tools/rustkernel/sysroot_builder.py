"""Sysroot: a canonical specification -> a manifest with the digests of core and its companions.

The bulk is in the store; who needs it takes it from there (or it is made again).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import SCons.Node.Python

from bootimage.base.toml_file import read_toml
from bootimage.cargo.config import CargoConfig, read_cargo_config
from bootimage.cargo.config_values import rustflags_for
from bootimage.cargo.core_flags import fitting_flags, profile_flags
from bootimage.cargo.workspace import find_workspace
from bootimage.sysroot.sysroot_crates import CRATES, FEATURES, Sysroot, crates_for
from bootimage.target_spec.target import Target, read_target
from bootimage.toolchain.rustup import cargo_home

from . import env_context, node_actions, scons_types, user_errors, variable_types, variable_values
from .scons_types import Env

_FLAGS = "_RUST_SYSROOT_FLAGS"
"""The construction variable, of our own alone, with the flags to which a kernel's sysroot has to fit."""


def generate(env: Env) -> None:
    """Add the method Sysroot(target, source) to `env`."""
    env.Append(BUILDERS={"_Sysroot": node_actions.builder(_ACTION)})
    user_errors.add_method(env, sysroot, "Sysroot")


def sysroot(env: Env, target: Any, source: Any, **overrides: Any) -> Any:
    """The manifest `target` for a canonical specification, or the Value of a triple."""
    variable_types.check_some_files("the target of Sysroot", target)
    variable_types.check_sysroot_source("the source of Sysroot", source)
    return env._Sysroot(target, source, **overrides)


def sysroot_node(env: Env, specification: Any) -> Any:
    """The manifest's node for a target: beside its canonical specification, or named for a triple.

    `specification` is the node of a canonical specification, or a built-in triple.
    """
    folder, source = _place(env, specification)
    target = folder.File(f"{_file_name(env)}.json")
    if not target.has_builder():
        env._Sysroot(target, source, **{_FLAGS: env.get(_FLAGS, ())})
        target.attributes.rust_asked_in = env.Dir(".").srcnode().abspath
    return target


def sysroot_crates(env: Env) -> tuple[str, ...]:
    """RUST_SYSROOT_CRATES in the one order that makes equal lists equal, core's companions added."""
    asked = set(variable_values.words(env["RUST_SYSROOT_CRATES"]))
    return (*CRATES, *sorted(asked - set(CRATES)))


def with_configured_crates(env: Env, manifest: Path) -> Any:
    """`env` with the crates, `alloc` mostly, that build-std lists in the package's cargo configuration."""
    config = read_cargo_config(manifest.parent, cargo_home(os.environ))
    crates = crates_for(config, variable_values.words(env["RUST_SYSROOT_CRATES"]))
    flags = _fitting_flags(env, manifest, config)
    if crates == sysroot_crates(env) and not flags:
        return env
    return env.Override({"RUST_SYSROOT_CRATES": list(crates), _FLAGS: flags})


def _fitting_flags(env: Env, manifest: Path, config: CargoConfig) -> tuple[str, ...]:
    """The kernel's flags to which its sysroot has to fit.

    Without those under a `cfg(...)`, which only the compiler knows: a kernel with such has its sysroot made
    when it is built itself.
    """
    if not manifest.is_file():  # which is an error of the package's own
        return ()
    target = env["RUST_TARGET"]
    name = Path(str(target)).stem if str(target).endswith(".json") else str(target)
    own = profile_flags(find_workspace(read_toml(manifest)), config, env.subst("$RUST_PROFILE"))
    named = rustflags_for(config, name, frozenset())
    return fitting_flags([*own, *named, *variable_values.words(env["RUSTFLAGS"])])


def sysroot_of(env: Env, target: Target) -> Sysroot:
    """The engine's description of the sysroot for `target` under the variables of `env`."""
    return Sysroot(target, sysroot_crates(env), flags=env.get(_FLAGS, ()))


def needs_sysroot(env: Env, target: Target) -> bool:
    """False for a built-in target whose std is installed."""
    return target.specification is not None or not env_context.toolchain(env).installed_std(target.name)


def _place(env: Env, specification: Any) -> tuple[Any, Any]:
    if isinstance(specification, str):
        return env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(specification), env.Value(specification)
    return specification.dir, specification


def _file_name(env: Env) -> str:
    more = [crate for crate in sysroot_crates(env) if crate not in CRATES]
    flags = env.get(_FLAGS, ())
    digest = [hashlib.sha256("\0".join(flags).encode()).hexdigest()[:8]] if flags else []
    return "-".join(["sysroot", *more, *digest])


def target_of(node: Any) -> Target:
    """The target that a source stands for: a canonical specification's file, or a triple's Value."""
    if isinstance(node, SCons.Node.Python.Value):
        return Target(str(node.value))
    return read_target(Path(node.abspath))


def _build(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.sysroot.build_sysroot import sysroot_manifest
    from bootimage.target_spec.read_target import check_builtin

    where = target_of(source[0])
    if where.specification is None:
        asked_in = Path(getattr(target[0].attributes, "rust_asked_in", "."))
        check_builtin(env_context.toolchain(env), where.name, asked_in, 'RUST_TARGET="{}"')
    sysroot = sysroot_of(env, where)
    if needs_sysroot(env, where):
        text = sysroot_manifest(env_context.context(env), sysroot)
    else:
        text = f'{{"target": "{where.name}", "installed": true}}\n'
    from bootimage.base.write_files import write_whole

    write_whole(Path(target[0].abspath), text)


def _label(_target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> str:
    return f"Compiling {', '.join(sysroot_crates(env))} for {Path(str(source[0])).stem}"


def _settings(_target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> str:
    toolchain = env_context.toolchain(env)
    triple = source[0].value if isinstance(source[0], SCons.Node.Python.Value) else None
    return node_actions.settings_text(
        crates=sysroot_crates(env),
        features=FEATURES,
        flags=env.get(_FLAGS, ()),
        installed=triple is not None and toolchain.installed_std(triple),
        compiler=toolchain.identity,
    )


_ACTION = node_actions.action("sysroot", _build, _label, _settings, "RUSTSYSROOTCOMSTR")
