"""Build the programs of the loader family 0.11, independent of any kernel.

Each builds in place from its published source, or a checkout's, with its own lock file (plus the holds
that this compiler needs), its own profile, its target specification brought up to date, and our sysroot.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from bootimage import report
from bootimage.cargo.diagnostics import rendered_errors
from bootimage.cargo.flags import lock_file_flags, step_flags, step_rustflags
from bootimage.cargo.process import run_cargo
from bootimage.cargo.remap import remap_flags
from bootimage.cargo.rustflags import encoded
from bootimage.cargo.sysroot import sysroot_folder
from bootimage.cargo.sysroot_crates import Sysroot
from bootimage.cargo.versions import order
from bootimage.context import BuildContext
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError
from bootimage.loader.holds import check_family, hold_back
from bootimage.loader.known import advice
from bootimage.loader.locate import locate_published
from bootimage.loader.programs_0_11 import CRATES, Program, program_key
from bootimage.loader.release import Release, checkout
from bootimage.loader.specification import program_target
from bootimage.process import Finished, decode, run
from bootimage.specification.target import Target
from bootimage.store.store import Entry
from bootimage.toolchain.missing_rule import likely_rule

SECTOR = 512


@dataclass(frozen=True)
class _Source:
    """Where a program's package is, its lock file, and the folder of the target specifications.

    `shared` is the folder of a checkout, in which one workspace holds them all.
    """

    manifest: Path
    lock: Path
    specifications: Path
    shared: Path | None = None


def provide_program(context: BuildContext, release: Release, program: Program) -> Entry:
    """The program of the loader `release`, as the one file `program.file` of an entry."""
    label = f"Compiling bootloader {release.version} {program.name}"
    return context.perform(
        program_key(context.toolchain, release, program),
        label,
        lambda folder: {program.file: _build(context, release, program, folder, label)},
    )


def _build(context: BuildContext, release: Release, program: Program, folder: Path, label: str) -> Path:
    source = _source(context, release, program)
    target = program_target(context, program, source.specifications)
    manifest = source.manifest if source.shared else _trimmed(source.manifest, program, folder)
    lock = folder / "Cargo.lock"
    lock.write_text(_lock_text(context, release.version, source.lock))
    command = [
        *_command(context, target, folder),
        *("--manifest-path", str(manifest), "--profile", program.profile),
        # What a program is made of is the same without debug information, which takes a minute more
        # (a font with 100,000 constants) and would be dropped from the flat binary anyway.
        *("--config", f"profile.{program.profile}.debug=false"),
        *_smaller(release.version, program),
        *lock_file_flags(context.toolchain, lock),
        # The repository's tests depend on programs, which cargo must know to read the workspace; and it
        # has a warning for each program's own profile.
        *(["-Zbindeps", "--quiet"] if source.shared else []),
    ]
    sysroot = Sysroot(target, small=program.small)
    flags = [*_flags(context, sysroot, source, folder), *program.rustflags]
    environment = {**context.environment(), "CARGO_ENCODED_RUSTFLAGS": encoded(flags)}
    with report.step(label) as step, context.jobs.job():
        shown = None if source.shared else step  # a quiet cargo tells no progress
        finished = run_cargo(command, env=environment, cwd=folder, step=shown)
    if finished.returncode != 0:
        raise _failure(context, release, program, finished)
    return _finish(context, program, folder / "target" / target.name / program.profile / program.crate)


def _source(context: BuildContext, release: Release, program: Program) -> _Source:
    if release.loader is not None:
        workspace, manifest = checkout(context, release, program.crate)
        return _Source(manifest, workspace.lock, workspace.folder, workspace.folder)
    packages = {"bootloader": release.version, **dict.fromkeys(CRATES, release.version)}
    published = locate_published(context, packages)
    manifest = published[program.crate]
    return _Source(manifest, manifest.with_name("Cargo.lock"), published["bootloader"].parent)


def _trimmed(manifest: Path, program: Program, folder: Path) -> Path:
    """The manifest of a copy in which dependencies have the features alone that the program uses.

    Where it has none of them, the manifest itself.
    """
    import tomli
    import tomli_w

    table = tomli.loads(manifest.read_text(encoding="utf-8"))
    listed = table.get("dependencies", {})
    trimmed = {name: features for name, features in program.trimmed.items() if name in listed}
    if not trimmed:
        return manifest
    package = folder / "package"
    shutil.copytree(manifest.parent, package)
    for name, features in trimmed.items():
        listed[name] |= {"default-features": False, "features": list(features)}
    (package / manifest.name).write_text(tomli_w.dumps(table), encoding="utf-8")
    return package / manifest.name


def _lock_text(context: BuildContext, version: str, path: Path) -> str:
    """The loader's own lock file, with what this compiler needs held, and of one family."""
    if not path.is_file():
        raise BuildError(
            "the loader has no lock file", file=path, hint=f"in {path.parent}: cargo generate-lockfile"
        )
    text = hold_back(path.read_text(encoding="utf-8"), context.toolchain, version)
    check_family(text, version, path)
    return text


def _failure(context: BuildContext, release: Release, program: Program, finished: Finished) -> BuildError:
    errors = rendered_errors(finished.stdout)
    report.write_error(errors)
    first = errors.partition("\n")[0] or decode(finished.stderr).strip().rpartition("\n")[2]
    return BuildError(
        f"bootloader {release.version} ({program.name}) does not build with rustc "
        f"{context.toolchain.release}: {first}",
        hint=likely_rule(context.toolchain, errors + decode(finished.stderr))
        or (advice(context.toolchain, release.version) if release.loader is None else None),
    )


def _smaller(version: str, program: Program) -> list[str]:
    """Stage 2 must lie below 64 KiB, where today's LLVM does not get it with the `s` of older profiles."""
    if program.name != "stage-2" or order(version) >= order("0.11.14"):
        return []
    return ["--config", f'profile.{program.profile}.opt-level="z"']  # as the profile has it since 0.11.14


def _flags(context: BuildContext, sysroot: Sysroot, source: _Source, folder: Path) -> list[str]:
    folders = {source.shared: "/bootloader"} if source.shared else {}
    remap = remap_flags(context.toolchain, {**folders, folder: "/build"})
    flags = [*step_rustflags(context.toolchain, "loader"), *remap]
    target = sysroot.target
    if target.specification is None and context.toolchain.installed_std(target.name):
        return flags
    return [f"--sysroot={sysroot_folder(context, sysroot)}", *flags]


def _command(context: BuildContext, target: Target, folder: Path) -> list[str]:
    return [
        str(context.toolchain.cargo),
        *("build", "--locked", "--target", target.argument(context.store)),
        # As data: a warning in the loader's source is nothing that this user could mend.
        "--message-format=json",
        *step_flags(context.toolchain, "loader", target),
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
