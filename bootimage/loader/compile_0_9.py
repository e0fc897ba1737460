"""Compile a loader 0.9 to one relocatable object that lacks nothing but the kernel.

The crate builds as `cargo bootimage` builds it: by its own build script, lock file and profile, for its own
target specification (brought up to date) and with its own build-std set (as our sysroot). It does so on a
copy, sealed off from the project and from the user's configuration (cargo/sealed_build.py).
Only what links is taken out of the specification, for later. Source of the recipe: the sources of
`bootimage` 0.10.5 (builder/bootloader.rs) and of `bootloader` 0.9.35 (build.rs).

Stand-ins for the programs that the build script of a loader 0.9 runs.

The script puts the kernel into an archive, with three LLVM programs that it looks for in the folder that
the `rustc` on PATH calls its sysroot. We put the kernel in later, when the loader is linked. So the script
finds these instead: they make an archive without anything in it, and need no `llvm-tools` component.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.json_text import parse_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import run
from bootimage.cargo.cargo_failure import cargo_failure
from bootimage.cargo.crate_sources import CrateSources, check_checksums, copy_crates
from bootimage.cargo.flags import step_flags, step_rustflags
from bootimage.cargo.manifest import Package
from bootimage.cargo.messages import executables
from bootimage.cargo.metadata_tables import BootloaderSettings, loader_build
from bootimage.cargo.sealed_build import copy_source, run_sealed, sealed_flags
from bootimage.cargo.versions import order
from bootimage.context import BuildContext
from bootimage.loader.known_versions import is_of_compiler
from bootimage.loader.pinned_crates import hold_back
from bootimage.sysroot.build_sysroot import sysroot_folder
from bootimage.sysroot.sysroot_crates import CRATES, Sysroot
from bootimage.target_spec.canonical_spec import canonical
from bootimage.target_spec.compiler_facts import facts_of
from bootimage.target_spec.target import Target
from bootimage.toolchain.missing_rule import likely_rule
from bootimage.toolchain.toolchain import Toolchain

RELOCATABLE = OBJECT, SCRIPT, ARGUMENTS = "loader.o", "linker.ld", "arguments"
"""What is made: the loader, its linker script, and the linker's arguments as a response file."""

# One object with all crates in it and every section on its own; the last link drops what is not needed.
_ONE_OBJECT = "-Clink-args=-r --unique --no-gc-sections"

# The versions before have a panic handler with `#[no_mangle]`, which the compilers of today refuse.
_OLDEST = "0.9.31"
_PANIC_HANDLER = "no_mangle"

_LINKING = ("pre-link-args", "late-link-args", "post-link-args")


@dataclass(frozen=True)
class Recipe:
    """What to compile: the loader's package with these features and settings. `label` is for the user.

    `sources` is where the crates that it needs come from.
    """

    package: Package
    features: tuple[str, ...]
    settings: BootloaderSettings
    label: str
    sources: CrateSources


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
    return {name: folder / name for name in RELOCATABLE}


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
    fields = parse_object(target.specification)
    by_flavour = [fields.pop(key, {}) for key in _LINKING]
    arguments = [word for flavours in by_flavour for words in list(flavours.values())[:1] for word in words]
    return Target(target.name, json.dumps(fields, indent=2, sort_keys=True) + "\n"), arguments


def _compile(context: BuildContext, recipe: Recipe, target: Target, folder: Path) -> Path:
    package, toolchain = recipe.package, context.toolchain
    check_checksums(package.folder)
    source = copy_source(package.folder, folder)
    _write_lock(context, package, source)
    config = copy_crates(context, recipe.sources, source / "Cargo.toml", folder)
    command = _command(context, recipe, target, folder)
    flags = _flags(context, recipe, target, folder)
    variables = _for_build_script(context, recipe, folder)
    with console.step(recipe.label) as step, context.jobs.job():
        finished = run_sealed(context, folder, command, flags, config, step=step, variables=variables)
    if finished.returncode != 0:
        what = f"{package.name} {package.version} does not build with rustc {toolchain.release}"
        raise cargo_failure(what, finished, lambda errors: _newer(package, toolchain, errors))
    return executables(finished.stdout)[package.name]


def _newer(package: Package, toolchain: Toolchain, errors: str) -> str | None:
    """What to do about a loader that does not build, where its `errors` are of a kind that is known."""
    if order(package.version) < order(_OLDEST) and _PANIC_HANDLER in errors:
        return f"{_OLDEST} is the oldest that does: cargo update -p {package.name} --precise {_OLDEST}"
    known = f"{_OLDEST} to 0.9.35 build with nightly 2026-05-19 and with 1.95.0: name such a RUST_TOOLCHAIN"
    return likely_rule(toolchain, errors, of_loader=True) or (known if is_of_compiler(errors) else None)


def _command(context: BuildContext, recipe: Recipe, target: Target, folder: Path) -> list[str]:
    package = recipe.package
    # The program itself and what it needs are behind a feature, which no kernel asks for.
    features = [*recipe.features, *(["binary"] if "binary" in package.features else [])]
    return [
        # With debug information, as its profile has it: without, unwind tables would go into .eh_frame,
        # a section that the linker script does not know, and that would come to lie before the boot sector.
        *("build", "--locked", "--release", "--manifest-path", str(folder / "source/Cargo.toml")),
        *("--bin", package.name),
        *("--target", target.argument(context.store), *step_flags(context.toolchain, "loader", target)),
        *("--target-dir", str(folder / "target"), "--features", ",".join(features)),
        # As data: a warning in the loader's source is nothing that this user could mend.
        "--message-format=json",
    ]


def _write_lock(context: BuildContext, package: Package, source: Path) -> None:
    """The loader's own lock file, with what this compiler needs held back, for its copy in `source`.

    Its own lies beside its manifest, also where the kernel's workspace is around it.
    """
    own = package.folder / "Cargo.lock"
    lock = own if own.is_file() else package.workspace.lock
    if not lock.is_file():
        raise BuildError(
            f"the loader {package.name} {package.version} has no lock file",
            file=lock,
            hint=f"cargo generate-lockfile --manifest-path {package.manifest}",
        )
    (source / "Cargo.lock").write_text(hold_back(lock.read_text(), context.toolchain, package.version))


def _flags(context: BuildContext, recipe: Recipe, target: Target, folder: Path) -> list[str]:
    asked = (loader_build(recipe.package.file).build_std or "").split(",")
    # The loader brings its own `memcpy` and its kin, so the sysroot has none.
    sysroot = Sysroot(target, (*CRATES, *(["alloc"] if "alloc" in asked else [])), features=())
    named = [*step_rustflags(context.toolchain, "loader"), *sealed_flags(context.toolchain, folder)]
    return [f"--sysroot={sysroot_folder(context, sysroot)}", _ONE_OBJECT, *named]


def _for_build_script(context: BuildContext, recipe: Recipe, folder: Path) -> dict[str, str]:
    """The variables by which the loader's build script learns of its kernel: the settings, and no code."""
    kernel, manifest = folder / "kernel", folder / "settings.toml"
    kernel.touch()
    manifest.write_text(settings_manifest(recipe.settings))
    path = [str(write_stand_ins(folder / "stand-ins")), context.toolchain.sealed_environment()["PATH"]]
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


# `$last` is the output file of llvm-objcopy.
_PROGRAMS = {
    # What the crate `llvm-tools` looks for to know that the folder is the right one.
    "llvm-objdump": "",
    # Its second line begins with the size of the code, which must not be 0.
    "llvm-size": "echo text; echo 1",
    "llvm-objcopy": 'for last; do :; done; : > "$last"',
    # Called as `llvm-ar crs ARCHIVE OBJECT`; this is the archive format's signature alone.
    "llvm-ar": """printf '!<arch>\\n' > "$2\"""",
}


def write_stand_ins(folder: Path) -> Path:
    """Write the stand-ins into `folder` and return what belongs first on the build script's PATH.

    cargo itself is told its compiler by the variable RUSTC and does not look at PATH for it.
    """
    programs = folder / "lib/rustlib/stand-ins/bin"
    for name, body in _PROGRAMS.items():
        _write_script(programs / name, body)
    _write_script(folder / "path/rustc", f"echo {shlex.quote(str(folder))}")
    return folder / "path"


def _write_script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
