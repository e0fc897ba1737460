"""Compile a loader 0.9 to one relocatable object that lacks nothing but the kernel.

The crate builds in place, as `cargo bootimage` builds it: by its own build script, lock file and profile,
for its own target specification (brought up to date) and with its own build-std set (as our sysroot).
Only what links is taken out of the specification, for later. Source of the recipe: the sources of
`bootimage` 0.10.5 (builder/bootloader.rs) and of `bootloader` 0.9.35 (build.rs).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootimage import report
from bootimage.cargo.diagnostics import executables, rendered_errors
from bootimage.cargo.flags import lock_file_flags, step_flags, step_rustflags
from bootimage.cargo.manifest import Package
from bootimage.cargo.metadata_tables import BootloaderSettings, loader_build
from bootimage.cargo.process import run_cargo
from bootimage.cargo.remap import remap_flags
from bootimage.cargo.rustflags import encoded
from bootimage.cargo.sysroot import sysroot_folder
from bootimage.cargo.sysroot_crates import CRATES, Sysroot
from bootimage.cargo.versions import order
from bootimage.context import BuildContext
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError
from bootimage.loader.holds import hold_back
from bootimage.loader.stand_ins import write_stand_ins
from bootimage.process import decode, run
from bootimage.specification.compiler_facts import facts_of
from bootimage.specification.target import Target
from bootimage.specification.target_spec import canonical
from bootimage.toolchain.missing_rule import likely_rule
from bootimage.toolchain.toolchain import Toolchain

OBJECT, SCRIPT, ARGUMENTS = "loader.o", "linker.ld", "arguments"
"""What is made: the loader, its linker script, and the linker's arguments as a response file."""

# One object with all crates in it and every section on its own; the last link drops what is not needed.
_ONE_OBJECT = "-Clink-args=-r --unique --no-gc-sections"

# The versions before have a panic handler with `#[no_mangle]`, which the compilers of today refuse.
_OLDEST = "0.9.31"

_LINKING = ("pre-link-args", "late-link-args", "post-link-args")


@dataclass(frozen=True)
class Recipe:
    """What to compile: the loader's package with these features and settings. `label` is for the user."""

    package: Package
    features: tuple[str, ...]
    settings: BootloaderSettings
    label: str


def compile_relocatable(context: BuildContext, recipe: Recipe, folder: Path) -> Mapping[str, Path]:
    """Make OBJECT, SCRIPT and ARGUMENTS in the empty folder `folder`, and return their paths by name."""
    specification = _specification(context, recipe.package)
    target, arguments = _without_linking(specification)
    built = _compile(context, recipe, target, folder)
    _strip(context, built, folder / OBJECT)
    words = [_take_script(each, recipe.package.folder, folder) for each in arguments]
    if not (folder / SCRIPT).is_file():
        raise BuildError("the loader's target names no linker script", file=recipe.package.manifest)
    (folder / ARGUMENTS).write_text("".join(f"{json.dumps(each)}\n" for each in words))
    return {name: folder / name for name in (OBJECT, SCRIPT, ARGUMENTS)}


def settings_manifest(settings: BootloaderSettings) -> str:
    """A manifest that tells these settings and nothing else: the loader's build script reads one."""
    addresses = {
        "physical-memory-offset": settings.physical_memory_offset,
        "kernel-stack-address": settings.kernel_stack_address,
        "boot-info-address": settings.boot_info_address,
    }
    rows = [f'{key} = "{address:#x}"' for key, address in addresses.items() if address is not None]
    stack = f"kernel-stack-size = {settings.kernel_stack_size}"
    return "\n".join(["[package.metadata.bootloader]", *rows, stack, ""])


def _specification(context: BuildContext, package: Package) -> Target:
    """The target that the loader's manifest names, brought up to date for this compiler."""
    facts = facts_of(context.toolchain)
    specification = canonical(package.folder / loader_build(package.file).target, facts)
    return Target(specification.name, specification.json)


def _without_linking(target: Target) -> tuple[Target, list[str]]:
    """The target without the arguments for its linker, and these arguments."""
    assert target.specification is not None
    fields: dict[str, Any] = json.loads(target.specification)
    by_flavour = [fields.pop(key, {}) for key in _LINKING]
    arguments = [word for flavours in by_flavour for words in list(flavours.values())[:1] for word in words]
    return Target(target.name, json.dumps(fields, indent=2, sort_keys=True) + "\n"), arguments


def _compile(context: BuildContext, recipe: Recipe, target: Target, folder: Path) -> Path:
    toolchain = context.toolchain
    command = _command(context, recipe, target, folder)
    environment = {
        **context.environment(),
        **_for_build_script(context, recipe, folder),
        "CARGO_ENCODED_RUSTFLAGS": encoded(_flags(context, recipe, target, folder)),
    }
    with report.step(recipe.label) as step, context.jobs.job():
        finished = run_cargo(command, env=environment, cwd=folder, step=step)
    errors = rendered_errors(finished.stdout) if finished.returncode != 0 else ""
    if errors:
        report.write_error(errors)
    finished.or_fail(
        f"{recipe.package.name} {recipe.package.version} does not build with rustc {toolchain.release}",
        hint=_newer(recipe.package, toolchain, errors + decode(finished.stderr)),
    )
    return executables(finished.stdout)[recipe.package.name]


def _newer(package: Package, toolchain: Toolchain, errors: str) -> str:
    """What to do about a loader that does not build."""
    if order(package.version) < order(_OLDEST):
        return f"{_OLDEST} is the oldest that does: cargo update -p {package.name} --precise {_OLDEST}"
    builds = f"{_OLDEST} to 0.9.35 build with nightly 2026-05-19 and with 1.95.0: name such a RUST_TOOLCHAIN"
    return likely_rule(toolchain, errors) or builds


def _command(context: BuildContext, recipe: Recipe, target: Target, folder: Path) -> list[str]:
    package = recipe.package
    # The program itself and what it needs are behind a feature, which no kernel asks for.
    features = [*recipe.features, *(["binary"] if "binary" in package.features else [])]
    return [
        str(context.toolchain.cargo),
        # With debug information, as its profile has it: without, unwind tables would go into .eh_frame,
        # a section that the linker script does not know, and that would come to lie before the boot sector.
        *("build", "--locked", "--release", "--manifest-path", str(package.manifest), "--bin", package.name),
        *("--target", target.argument(context.store), *step_flags(context.toolchain, "loader", target)),
        *("--target-dir", str(folder / "target"), "--features", ",".join(features)),
        # As data: a warning in the loader's source is nothing that this user could mend.
        "--message-format=json",
        *lock_file_flags(context.toolchain, _lock(context, package, folder)),
    ]


def _lock(context: BuildContext, package: Package, folder: Path) -> Path:
    """A copy of the package's lock file, with what this compiler needs held back."""
    if not package.workspace.lock.is_file():
        raise BuildError(
            f"the loader {package.name} {package.version} has no lock file",
            file=package.workspace.lock,
            hint=f"cargo generate-lockfile --manifest-path {package.manifest}",
        )
    copy = folder / "Cargo.lock"
    copy.write_text(hold_back(package.workspace.lock.read_text(), context.toolchain, package.version))
    return copy


def _flags(context: BuildContext, recipe: Recipe, target: Target, folder: Path) -> list[str]:
    asked = (loader_build(recipe.package.file).build_std or "").split(",")
    # The loader brings its own `memcpy` and its kin, so the sysroot has none.
    sysroot = Sysroot(target, (*CRATES, *(["alloc"] if "alloc" in asked else [])), features=())
    remap = remap_flags(context.toolchain, {recipe.package.workspace.folder: "/bootloader", folder: "/build"})
    ruled = step_rustflags(context.toolchain, "loader")
    return [f"--sysroot={sysroot_folder(context, sysroot)}", _ONE_OBJECT, *ruled, *remap]


def _for_build_script(context: BuildContext, recipe: Recipe, folder: Path) -> dict[str, str]:
    """The variables by which the loader's build script learns of its kernel: the settings, and no code."""
    kernel, manifest = folder / "kernel", folder / "settings.toml"
    kernel.touch()
    manifest.write_text(settings_manifest(recipe.settings))
    path = [str(write_stand_ins(folder / "stand-ins")), context.environment()["PATH"]]
    return {"KERNEL": str(kernel), "KERNEL_MANIFEST": str(manifest), "PATH": os.pathsep.join(path)}


def _strip(context: BuildContext, source: Path, target: Path) -> None:
    toolchain = context.toolchain
    run(
        [toolchain.objcopy(), "--strip-debug", source, target],
        env=toolchain.objcopy_environment(),
        quiet=True,
    ).or_fail("cannot take the debug information out of the loader", file=source)


def _take_script(argument: str, source: Path, folder: Path) -> str:
    """The linker's `argument`; where it names the linker script, that is copied and called SCRIPT."""
    for option in ("--script=", "-T"):
        if argument.startswith(option):
            shutil.copyfile(source / argument.removeprefix(option), folder / SCRIPT)
            return f"--script={SCRIPT}"
    return argument
