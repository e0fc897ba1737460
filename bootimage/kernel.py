"""A kernel: a crate built whole, from the network cache where that has it, with its inputs checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bootimage.cargo_profile import profile_folder
from bootimage.context import BuildContext
from bootimage.crate import CrateBuild, build_crate
from bootimage.dep_info import undeclared, undeclared_error


def build_kernel(
    context: BuildContext, build: CrateBuild, declared: Sequence[Path], top: Path
) -> dict[str, Path]:
    """The executables of `build` by name, in cargo's own folder.

    `declared` are the files that the build may read below `top` (the user's tree). A file that cargo
    says was read there and that is not among them is a BuildError.
    """
    built = build_crate(context, build)
    check_inputs(context, build, records_of(build), declared, top)
    return built


def records_of(build: CrateBuild) -> list[Path]:
    """The `.d` files that cargo itself writes beside what it has built."""
    return sorted((build.target_dir / build.target.name / profile_folder(build.profile)).glob("*.d"))


def check_inputs(
    context: BuildContext, build: CrateBuild, records: Sequence[Path], declared: Sequence[Path], top: Path
) -> None:
    """Fail for a file of the user's that the `.d` files `records` name and that is not `declared`."""
    ignored = (
        build.target_dir,
        context.toolchain.cargo_home(),
        context.toolchain.sysroot,
        context.store.root,
    )
    roots = (top, build.workspace_root, build.manifest.parent)
    read = undeclared(records, declared, roots, ignored=ignored, base=build.workspace_root)
    if read:
        raise undeclared_error(build.manifest, read)
