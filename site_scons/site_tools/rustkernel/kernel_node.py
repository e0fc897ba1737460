"""The target of a kernel as nodes, and the folders for what is built for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import SCons.Util

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.manifest import Package, read_with_crates
from bootimage.cargo.target_folder import profile_folder

from . import (
    cargo_variables,
    env_context,
    sysroot_builder,
    target_spec_builder,
    user_errors,
    variable_types,
    variable_values,
)
from .scons_types import Env

# The folder beside kernels in which cargo builds them.
CARGO = "cargo"


def target_of(env: Env) -> Any:
    """What RUST_TARGET stands for: the node of the canonical specification, or a built-in triple."""
    given = env["RUST_TARGET"]
    if isinstance(given, (list, tuple)):
        given = given[0]
    asked = env.subst(given) if isinstance(given, str) else given
    variable_types.check_target("RUST_TARGET", asked)
    if isinstance(asked, str) and not asked.endswith(".json"):
        return asked
    return target_spec_builder.canonical_node(env, target_spec_builder.users_node(env, given))


def target_name(where: Any) -> str:
    """The name of a target given as a node or a triple."""
    return where if isinstance(where, str) else Path(where.name).stem


def result_folder(env: Env, where: Any) -> Any:
    """The folder for what is built for the target `where` under the profile of `env`."""
    build = env.Dir(env.subst("$RUST_BUILD_DIR"))
    folder = build.Dir(target_name(where)).Dir(profile_folder(env.subst("$RUST_PROFILE")))
    _refuse_links(Path(folder.get_abspath()), Path(build.get_abspath()))
    return folder


def _refuse_links(folder: Path, build: Path) -> None:
    """Whoever put a link into the build folder would choose which file is written, and which `-c` removes."""
    for path in (folder / CARGO, folder, *folder.parents):
        if path == build:
            return
        if path.is_symlink():
            raise BuildError(
                f"this is a link to {path.readlink()}: nothing is written or removed through a link",
                file=path,
                hint=f"rm {path}; RUST_BUILD_DIR itself may be a link",
            )


def cargo_folder(folder: Any, package: Package) -> Any:
    """The folder below the results' `folder` in which cargo builds the package."""
    return folder.Dir(CARGO).Dir(package.name)


def prerequisites(env: Env, where: Any) -> list[Any]:
    """The nodes that must be made before a crate is compiled for `where`: specification and sysroot."""
    specifications = [] if isinstance(where, str) else [where]
    return [*specifications, sysroot_builder.sysroot_node(env, where)]


Result = TypeVar("Result")

# What a kernel's own tests are built with, too.
_SETTINGS = (
    *("RUST_PROFILE", "RUST_FEATURES", "RUST_DEFAULT_FEATURES", "RUST_SYSROOT_CRATES", "RUST_BUILD_DIR"),
    *("RUST_INPUTS", "RUSTFLAGS", "CARGOFLAGS", "CARGO_ENV", *env_context.TOOLCHAIN_VARIABLES),
)


@dataclass(frozen=True)
class Kernel:
    """What later builders need to know about a kernel's node: its package and how it is built."""

    manifest: Path
    package: Package
    binary: str
    target: Any
    """The node of the canonical specification, or a built-in triple."""
    is_test: bool = False
    """Whether it is an executable of `cargo test`, which KernelTest made."""


def is_stand_in(package: Any) -> bool:
    """True for the node of a kernel that could not be read (under -c and -h, where that is no error)."""
    return hasattr(getattr(_first(package), "attributes", None), "rust_stand_in")


def settled(env: Env, manifest: Path) -> Any:
    """`env` for the package `manifest`; what SConscripts mean by their own folder is resolved in it."""
    env = env_context.for_package(env, manifest.parent)
    cargo_variables.refuse_ours(env)
    inputs = env.arg2nodes(env["RUST_INPUTS"], env.fs.Entry)
    env = env.Override({"RUST_INPUTS": inputs, "RUST_BUILD_DIR": env.Dir(env.subst("$RUST_BUILD_DIR"))})
    env = cargo_variables.with_config_files(env)
    return tried(env, lambda: sysroot_builder.with_configured_crates(env, manifest)) or env


def described_in(env: Env, manifest: Path) -> Package | None:
    """The package, or UserError; None for one that cannot be read where that is no matter (-c, -h)."""
    return tried(env, lambda: read_with_crates(manifest))


def tried(env: Env, read: Callable[[], Result]) -> Result | None:
    try:
        return read()
    except BuildError as error:
        if variable_values.names_only(env):
            return None
        raise SCons.Errors.UserError(user_errors.told(error)) from None


def kernel_of(node: Any) -> Kernel | None:
    """What is known of the kernel that `node` is; None for a file that RustKernel did not make."""
    return getattr(getattr(node, "attributes", None), "rust_kernel", None)


def as_built(env: Env, package: Any) -> Any:
    """`env` with the settings under which RustKernel builds `package`, if that is one of its nodes."""
    node = _first(package)
    known = kernel_of(node)
    if known is None:
        return env
    target = known.target if isinstance(known.target, str) else known.target.sources[0]
    settings = {name: node.env[name] for name in _SETTINGS if name in node.env}
    return env.Override({**settings, "RUST_TARGET": target})


def _first(package: Any) -> Any:
    return package[0] if SCons.Util.is_Sequence(package) and package else package


def manifest_of(env: Env, package: Any) -> Path:
    """The Cargo.toml that a builder's source names: itself, the one in that folder, or a kernel's."""
    variable_types.check_package(package)
    package = _first(package)
    known = kernel_of(package)
    if known is not None:
        return known.manifest
    path = Path(env.Entry(str(package)).srcnode().abspath)
    return path if path.name == "Cargo.toml" else path / "Cargo.toml"


def manifest_node(env: Env, manifest: Path) -> Any:
    """The node of a Cargo.toml."""
    return env.fs.File(str(manifest))
