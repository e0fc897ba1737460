"""A kernel: a crate built whole, from the network cache where that has it, with its inputs checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage import report
from bootimage.cargo.crate import CrateBuild, build_crate
from bootimage.cargo.dep_info import undeclared, undeclared_error
from bootimage.cargo.profile import profile_folder
from bootimage.context import BuildContext
from bootimage.files import copy_whole
from bootimage.store.shared_files import SharedFiles, provide_files


def provide_kernel(
    context: BuildContext,
    build: CrateBuild,
    declared: Sequence[Path],
    top: Path,
    outputs: Mapping[str, Path],
) -> bool:
    """Write the executables of `build` to `outputs` (name of the binary -> path); True where it built them.

    `declared` and `top` are as in `build_kernel`.
    """
    from bootimage.kernel_key import kernel_key, reason_to_keep

    def make() -> bool:
        built = build_kernel(context, build, declared, top)
        for name, path in outputs.items():
            copy_whole(built[name], path)
        if context.remote is None or not context.remote.writes:
            return False
        reason = reason_to_keep(context, build, outputs.values())
        if reason:
            report.say(f"Not shared with other machines: {reason}")
        return reason is None

    wanted = SharedFiles(build.label, outputs, lambda: kernel_key(context, build, declared))
    return provide_files(context, wanted, make)


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
