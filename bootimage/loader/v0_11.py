"""The loader family 0.11: five freestanding programs, independent of the kernel.

Each builds in place from its published source, with its own published lock file (plus the holds that
this compiler needs), its own profile, its target specification brought up to date, and our sysroot.
Source of the table: the build script of the `bootloader` crate, versions 0.11.0 to 0.11.17.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootimage import report
from bootimage.cached_action import action_key
from bootimage.cargo_flags import json_target_flags, lock_file_flags
from bootimage.cargo_process import run_cargo
from bootimage.compiler_facts import compiler_facts
from bootimage.context import BuildContext
from bootimage.diagnostics import rendered_errors
from bootimage.errors import BuildError
from bootimage.loader.holds import applied_holds, hold_back
from bootimage.loader.locate import locate_published
from bootimage.process import run
from bootimage.remap import remap_flags
from bootimage.rustflags import encoded
from bootimage.store import Entry
from bootimage.sysroot import Sysroot, sysroot_folder
from bootimage.target import Target
from bootimage.target_spec import canonical
from bootimage.toolchain import Toolchain

_RECIPE = "1"
"""Part of every key: to be changed with the way a program is built."""

SECTOR = 512


@dataclass(frozen=True)
class Program:
    """One program of the loader: its crate, target and cargo profile, and the file it becomes."""

    name: str
    crate: str
    target: str
    profile: str
    file: str
    rustflags: tuple[str, ...] = ()
    specification: str | None = None
    """The target specification's file in the package `bootloader`; None for a built-in target."""


# boot-sector and stage-2 have specifications of the same contents: one target name, so one sysroot.
PROGRAMS = (
    Program(
        "boot-sector",
        "bootloader-x86_64-bios-boot-sector",
        "i386-code16",
        "stage-1",
        "boot-sector.bin",
        specification="i386-code16-boot-sector.json",
    ),
    Program(
        "stage-2",
        "bootloader-x86_64-bios-stage-2",
        "i386-code16",
        "stage-2",
        "stage-2.bin",
        specification="i386-code16-stage-2.json",
    ),
    Program(
        "stage-3",
        "bootloader-x86_64-bios-stage-3",
        "i686-stage-3",
        "stage-3",
        "stage-3.bin",
        specification="i686-stage-3.json",
    ),
    Program(
        "stage-4",
        "bootloader-x86_64-bios-stage-4",
        "x86_64-stage-4",
        "stage-4",
        "stage-4.bin",
        specification="x86_64-stage-4.json",
    ),
    # lld writes the time of day into a PE header, and the digest of a debug file with folders in it,
    # unless it is told not to.
    Program(
        "uefi",
        "bootloader-x86_64-uefi",
        "x86_64-unknown-uefi",
        "release",
        "bootx64.efi",
        rustflags=("-Clink-arg=/Brepro", "-Clink-arg=/DEBUG:NONE"),
    ),
)
BY_NAME: Mapping[str, Program] = {program.name: program for program in PROGRAMS}


def program_key(toolchain: Toolchain, version: str, program: Program) -> str:
    """The digest of everything that the program depends on.

    It holds the version for the source and the specification, since a published version never
    changes: a program can be taken from a cache without its source being at hand.
    """
    return action_key(
        "loader",
        {
            "recipe": _RECIPE,
            "version": version,
            "program": program.name,
            "compiler": toolchain.identity,
            "installed std": str(program.specification is None and toolchain.installed_std(program.target)),
            "holds": " ".join(f"{hold.crate} {hold.version}" for hold in applied_holds(toolchain)),
        },
    )


def provide_program(context: BuildContext, version: str, program: Program) -> Entry:
    """The program of loader `version`, as the one file `program.file` of an entry."""
    label = f"Compiling bootloader {version} {program.name}"
    return context.perform(
        program_key(context.toolchain, version, program),
        label,
        lambda folder: {program.file: _build(context, version, program, folder, label)},
    )


def _build(context: BuildContext, version: str, program: Program, folder: Path, label: str) -> Path:
    source = _source(context, version)
    target = _target(context, program, source["bootloader"].parent)
    flags = [*_flags(context, target, folder), *program.rustflags]
    lock = folder / "Cargo.lock"
    lock.write_text(hold_back((source[program.crate].parent / "Cargo.lock").read_text(), context.toolchain))
    command = [
        *_command(context, target, folder),
        *("--manifest-path", str(source[program.crate]), "--profile", program.profile),
        # What a program is made of is the same without debug information, which takes a minute more
        # (a font with 100,000 constants) and would be dropped from the flat binary anyway.
        *("--config", f"profile.{program.profile}.debug=false"),
        *lock_file_flags(context.toolchain, lock),
    ]
    environment = {**context.environment(), "CARGO_ENCODED_RUSTFLAGS": encoded(flags)}
    with report.step(label) as step, context.jobs.job():
        finished = run_cargo(command, env=environment, cwd=folder, step=step)
    if finished.returncode != 0:
        report.write_error(rendered_errors(finished.stdout))
    finished.or_fail(
        f"bootloader {version} ({program.name}) does not build with rustc {context.toolchain.release}",
        hint="docs/loaders.md lists which loader versions build with which compilers",
    )
    return _finish(context, program, folder / "target" / target.name / program.profile / program.crate)


def _source(context: BuildContext, version: str) -> dict[str, Path]:
    crates = {program.crate: version for program in PROGRAMS}
    return locate_published(context, {"bootloader": version, **crates})


def _target(context: BuildContext, program: Program, bootloader: Path) -> Target:
    if program.specification is None:
        return Target(program.target)
    facts = compiler_facts(context.toolchain.rustc, context.toolchain.environment())
    specification = canonical(bootloader / program.specification, facts)
    return Target(program.target, specification.json)


def _flags(context: BuildContext, target: Target, folder: Path) -> list[str]:
    flags = remap_flags(context.toolchain, {folder: "/build"})
    if target.specification is None and context.toolchain.installed_std(target.name):
        return flags
    return [f"--sysroot={sysroot_folder(context, Sysroot(target))}", *flags]


def _command(context: BuildContext, target: Target, folder: Path) -> list[str]:
    return [
        str(context.toolchain.cargo),
        *("build", "--locked", "--target", target.argument(context.store)),
        # As data: a warning in the loader's source is nothing that this user could mend.
        "--message-format=json",
        *json_target_flags(context.toolchain, target),
        *("--target-dir", str(folder / "target")),
    ]


def _finish(context: BuildContext, program: Program, built: Path) -> Path:
    """The file that goes into images: the PE program as it is, a BIOS stage as a flat binary."""
    if program.specification is None:
        return built.with_suffix(".efi")
    flat = built.with_suffix(".bin")
    toolchain = context.toolchain
    command = [str(toolchain.objcopy()), "-I", "elf64-x86-64", "-O", "binary"]
    command += ["--binary-architecture=i386:x86-64", str(built), str(flat)]
    run(command, env=toolchain.objcopy_environment(), quiet=True).or_fail(
        f"{program.name} cannot be turned into a flat binary", file=built
    )
    if program.name == "boot-sector" and flat.stat().st_size != SECTOR:
        raise BuildError(f"the boot sector has {flat.stat().st_size} bytes, not {SECTOR}", file=flat)
    return flat
