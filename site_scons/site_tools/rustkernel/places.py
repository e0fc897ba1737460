"""The target of a kernel as nodes, and the folders for what is built for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootimage.cargo.manifest import Package
from bootimage.cargo.target_folder import profile_folder

from . import checks, specification, sysroot

# The folder beside kernels in which cargo builds them.
CARGO = "cargo"


def target_of(env: Any) -> Any:
    """What RUST_TARGET stands for: the node of the canonical specification, or a built-in triple."""
    asked = env["RUST_TARGET"]
    if isinstance(asked, (list, tuple)):
        asked = asked[0]
    asked = env.subst(asked) if isinstance(asked, str) else asked
    checks.check_target("RUST_TARGET", asked)
    if isinstance(asked, str) and not asked.endswith(".json"):
        return asked
    return specification.canonical_node(env, specification.users_node(env, asked))


def target_name(where: Any) -> str:
    """The name of a target given as a node or a triple."""
    return where if isinstance(where, str) else Path(where.name).stem


def result_folder(env: Any, where: Any) -> Any:
    """The folder for what is built for the target `where` under the profile of `env`."""
    build = env.Dir(env.subst("$RUST_BUILD_DIR"))
    return build.Dir(target_name(where)).Dir(profile_folder(env.subst("$RUST_PROFILE")))


def cargo_folder(folder: Any, package: Package) -> Any:
    """The folder below the results' `folder` in which cargo builds the package."""
    return folder.Dir(CARGO).Dir(package.name)


def prerequisites(env: Any, where: Any) -> list[Any]:
    """The nodes that must be made before a crate is compiled for `where`: specification and sysroot."""
    specifications = [] if isinstance(where, str) else [where]
    return [*specifications, sysroot.sysroot_node(env, where)]
