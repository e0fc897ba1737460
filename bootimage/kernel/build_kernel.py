"""A kernel: a crate built whole, from the network cache where that has it, with its inputs checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.write_files import copy_whole
from bootimage.cargo.dep_info import read_dep_info, undeclared, undeclared_error
from bootimage.cargo.messages import (
    executables,
    followed_by_cargo,
    read_by_build_scripts,
    records,
    script_folders,
)
from bootimage.cargo.nested_packages import Nested, find_nested, inputs_of, remember, remembered
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild, compile_crate
from bootimage.kernel.freshness import compared_by_contents
from bootimage.store.build_once import SharedFiles, provide_files


def provide_kernel(
    context: BuildContext,
    build: CrateBuild,
    declared: Sequence[Path],
    outputs: Mapping[str, Path],
) -> bool:
    """Write the executables of `build` to `outputs` (name of the binary -> path); True where it built them.

    `declared` is as in `build_kernel`.
    """
    from bootimage.kernel.kernel_key import kernel_key, reason_to_keep

    def make() -> bool:
        built = build_kernel(context, build, declared)
        for name, path in outputs.items():
            copy_whole(built[name], path)
        if context.remote is None or not context.remote.writes:
            return False
        reason = reason_to_keep(context, build, outputs.values()) or _found_inputs(build, declared)
        if reason:
            console.say(f"Not shared with other machines: {reason}")
        return reason is None

    wanted = SharedFiles(build.label, outputs, lambda: kernel_key(context, build, declared))
    return provide_files(context.store, context.remote, wanted, make)


def _found_inputs(build: CrateBuild, declared: Sequence[Path]) -> str | None:
    """Why a kernel with inputs that only its build has found is not shared: its key leaves them out."""
    found = inputs_of(remembered(build.target_dir))
    new = [path for path in found if path not in declared]
    return f"a build script has built from {new[0]}, which is an input from now on" if new else None


def build_kernel(context: BuildContext, build: CrateBuild, declared: Sequence[Path]) -> dict[str, Path]:
    """The executables of `build` by name, in cargo's own folder.

    `declared` is as in `compile_declared`. Raises BuildError.
    """
    return _made(build, executables(compile_declared(context, build, "build", declared)))


def compile_declared(context: BuildContext, build: CrateBuild, verb: str, declared: Sequence[Path]) -> bytes:
    """Run `cargo VERB` for `build`, which may read the files `declared`, and return its JSON messages.

    Those of the files that have changed, cargo compiles again whatever their time stamps. Raises BuildError
    where cargo fails, or has read something else.
    """
    with compared_by_contents(build, verb, declared) as note_records:
        messages = compile_crate(context, build, verb)
        note_records(followed_by_cargo(messages))
    _check_inputs(context, build, verb, messages, declared)
    return messages


def _made(build: CrateBuild, built: dict[str, Path]) -> dict[str, Path]:
    """The executables `built`, among which is each that was asked for: a cargo may succeed and build none."""
    missing = [name for name in build.bins if name not in built]
    if not missing:
        return built
    names = ", ".join(f"`{name}`" for name in sorted(built)) or "nothing"
    flags = f"is CARGOFLAGS={list(build.cargoflags)} meant so?" if build.cargoflags else None
    raise BuildError(
        f"cargo succeeded, but built no binary `{missing[0]}`; it built {names}",
        file=build.manifest,
        hint=flags or "look at what CARGO names: `scons toolchain` shows the cargo that is used",
    )


def _check_inputs(
    context: BuildContext, build: CrateBuild, verb: str, messages: bytes, declared: Sequence[Path]
) -> None:
    """Fail for what the build that wrote `messages` has read, and which is no input of it.

    That is a file that is not `declared`, or a variable whose value is this machine's. What a build script's
    own cargo has read is remembered instead, as inputs of the next build.
    """
    toolchain = context.toolchain
    ignored = (build.target_dir, toolchain.cargo_home(), toolchain.sysroot, context.store.root)
    base = build.workspace_root
    known = sorted(records(messages))
    scripts = read_by_build_scripts(messages, base)
    read = undeclared(known, declared, further=scripts, ignored=ignored, base=base)
    if (folders := [*script_folders(messages)]) or remembered(build.target_dir):
        nested = find_nested(read, folders, build.packages) if folders else Nested((), read)
        read = nested.unexplained
        remember(build.target_dir, verb, nested.manifests)
    if read:
        raise undeclared_error(build.manifest, read)
    asked = {name for record in known for name in read_dep_info(record).variables}
    if found := sorted(asked & _own_variables(context, build)):
        raise BuildError(
            f"the crate reads the variable {found[0]}, whose value is your shell's and no input of the build",
            file=build.manifest,
            hint=f'give it a value: CARGO_ENV={{"{found[0]}": ...}}',
        )


def _own_variables(context: BuildContext, build: CrateBuild) -> set[str]:
    """The variables that reach the build from this machine, and not from the user's settings."""
    return {*context.toolchain.environment(links=False)} - {"LC_ALL", *build.environment}
