"""Build the programs of the loader family 0.11, independent of any kernel.

Each builds in place from its published source, with its own published lock file (plus the holds that
this compiler needs), its own profile, its target specification brought up to date, and our sysroot.
"""

from __future__ import annotations

from pathlib import Path

from bootimage import report
from bootimage.cargo_flags import json_target_flags, lock_file_flags
from bootimage.cargo_process import run_cargo
from bootimage.context import BuildContext
from bootimage.diagnostics import rendered_errors
from bootimage.errors import BuildError
from bootimage.loader.holds import check_family, hold_back
from bootimage.loader.known import advice
from bootimage.loader.locate import locate_published
from bootimage.loader.programs_0_11 import PROGRAMS, Program, program_key
from bootimage.loader.specification import program_target
from bootimage.process import run
from bootimage.remap import remap_flags
from bootimage.rustflags import encoded
from bootimage.store import Entry
from bootimage.sysroot import sysroot_folder
from bootimage.sysroot_crates import Sysroot
from bootimage.target import Target
from bootimage.versions import order

SECTOR = 512


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
    target = program_target(context, program, source["bootloader"].parent)
    flags = [*_flags(context, target, folder), *program.rustflags]
    lock = folder / "Cargo.lock"
    lock.write_text(
        hold_back((source[program.crate].parent / "Cargo.lock").read_text(), context.toolchain, version)
    )
    command = [
        *_command(context, target, folder),
        *("--manifest-path", str(source[program.crate]), "--profile", program.profile),
        # What a program is made of is the same without debug information, which takes a minute more
        # (a font with 100,000 constants) and would be dropped from the flat binary anyway.
        *("--config", f"profile.{program.profile}.debug=false"),
        *_smaller(version, program),
        *lock_file_flags(context.toolchain, lock),
    ]
    environment = {**context.environment(), "CARGO_ENCODED_RUSTFLAGS": encoded(flags)}
    with report.step(label) as step, context.jobs.job():
        finished = run_cargo(command, env=environment, cwd=folder, step=step)
    if finished.returncode != 0:
        report.write_error(rendered_errors(finished.stdout))
    finished.or_fail(
        f"bootloader {version} ({program.name}) does not build with rustc {context.toolchain.release}",
        hint=advice(context.toolchain, version),
    )
    return _finish(context, program, folder / "target" / target.name / program.profile / program.crate)


def _source(context: BuildContext, version: str) -> dict[str, Path]:
    crates = {program.crate: version for program in PROGRAMS}
    return locate_published(context, {"bootloader": version, **crates})


def _smaller(version: str, program: Program) -> list[str]:
    """Stage 2 must lie below 64 KiB, where today's LLVM does not get it with the `s` of older profiles."""
    if program.name != "stage-2" or order(version) >= order("0.11.14"):
        return []
    return ["--config", f'profile.{program.profile}.opt-level="z"']  # as the profile has it since 0.11.14


def _lock_text(context: BuildContext, version: str, published: Path) -> str:
    """The published lock file's text, with what this compiler needs held, and of one family."""
    text = hold_back(published.read_text(encoding="utf-8"), context.toolchain, version)
    check_family(text, version, published)
    return text


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
