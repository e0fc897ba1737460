"""Build the programs of the loader family 0.11, independent of any kernel.

Each builds from a copy of its published source, or of a checkout, with its own lock file (plus the holds that
this compiler needs), its own profile, its target specification brought up to date, and our sysroot; sealed
off from the project and from the user's configuration (cargo/sealed_build.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import Finished, run
from bootimage.base.text_file import read_text
from bootimage.base.toml_text import parse_table
from bootimage.cargo.cargo_failure import cargo_failure
from bootimage.cargo.crate_sources import check_checksums, copy_crates
from bootimage.cargo.flags import step_flags, step_rustflags
from bootimage.cargo.sealed_build import copy_source, run_sealed, sealed_flags
from bootimage.cargo.versions import order
from bootimage.context import BuildContext
from bootimage.loader.known_versions import advice, is_of_compiler
from bootimage.loader.loader_0_11 import CRATES, Program, program_key
from bootimage.loader.loader_release import Release, checkout
from bootimage.loader.loader_source import locate_published
from bootimage.loader.pinned_crates import check_family, hold_back
from bootimage.store.expected_result import exactly
from bootimage.store.record import Entry
from bootimage.sysroot.build_sysroot import sysroot_folder
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.canonical_spec import canonical
from bootimage.target_spec.compiler_facts import facts_of
from bootimage.target_spec.target import Target
from bootimage.toolchain.missing_rule import likely_rule

SECTOR = 512
_LARGEST = 64 << 20


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
        exactly(program.file, start=b"MZ" if program.specification is None else b"", largest=_LARGEST),
    )


def _build(context: BuildContext, release: Release, program: Program, folder: Path, label: str) -> Path:
    source = _source(context, release, program)
    target = program_target(context, program, source.specifications)
    manifest = _copied(source, program, folder)
    config = _crates(context, release, source, folder)
    command = [
        *_command(context, target, folder),
        *("--manifest-path", str(manifest), "--profile", program.profile),
        # What a program is made of is the same without debug information, which takes a minute more
        # (a font with 100,000 constants) and would be dropped from the flat binary anyway.
        *("--config", f"profile.{program.profile}.debug=false"),
        *_smaller(release.version, program),
        # The repository's tests depend on programs, which cargo must know to read the workspace; and it
        # has a warning for each program's own profile.
        *(["-Zbindeps", "--quiet"] if source.shared else []),
    ]
    flags = [*_flags(context, Sysroot(target, small=program.small), folder), *program.rustflags]
    with console.step(label) as step, context.jobs.job():
        shown = None if source.shared else step  # a quiet cargo tells no progress
        finished = run_sealed(context, folder, command, flags, config, step=shown)
    if finished.returncode != 0:
        raise _failure(context, release, program, finished)
    return _finish(context, program, folder / "target" / target.name / program.profile / program.crate)


def _source(context: BuildContext, release: Release, program: Program) -> _Source:
    if release.loader is not None:
        workspace, manifest = checkout(context, release, program.crate)
        return _Source(manifest, workspace.lock, workspace.folder, workspace.folder)
    packages = {"bootloader": release.version, **dict.fromkeys(CRATES, release.version)}
    published = locate_published(context, packages, release.sources)
    manifest = published[program.crate]
    return _Source(manifest, manifest.with_name("Cargo.lock"), published["bootloader"].parent)


def _copied(source: _Source, program: Program, folder: Path) -> Path:
    """The program's manifest in a copy of its package, or of the checkout that it is in."""
    root = source.shared or source.manifest.parent
    check_checksums(root)
    manifest = copy_source(root, folder) / source.manifest.relative_to(root)
    if not source.shared:
        _trim(manifest, program)
    return manifest


def _trim(manifest: Path, program: Program) -> None:
    """Leave the dependencies those of their features alone that the program uses."""
    import tomli_w

    table = parse_table(read_text(manifest, "a TOML file"))
    listed = table.get("dependencies", {})
    trimmed = program.trimmed.keys() & listed.keys()
    if not trimmed:
        return
    for name in trimmed:
        listed[name] |= {"default-features": False, "features": list(program.trimmed[name])}
    manifest.write_text(tomli_w.dumps(table), encoding="utf-8")


def _crates(context: BuildContext, release: Release, source: _Source, folder: Path) -> dict[str, Any]:
    """Get the crates of the loader's own lock file, with what this compiler needs held, and of one family."""
    if not source.lock.is_file():
        raise BuildError(
            "the loader has no lock file",
            file=source.lock,
            hint=f"in {source.lock.parent}: cargo generate-lockfile",
        )
    text = hold_back(source.lock.read_text(encoding="utf-8"), context.toolchain, release.version)
    check_family(text, release.version, source.lock)
    (folder / "source/Cargo.lock").write_text(text, encoding="utf-8")
    more = ["-Zbindeps"] if source.shared else []
    return copy_crates(context, release.sources, folder / "source/Cargo.toml", folder, *more)


def _failure(context: BuildContext, release: Release, program: Program, finished: Finished) -> BuildError:
    toolchain, version = context.toolchain, release.version

    def hint(errors: str) -> str | None:
        known = advice(toolchain, version) if release.loader is None and is_of_compiler(errors) else None
        return likely_rule(toolchain, errors, of_loader=True) or known

    what = f"bootloader {version} ({program.name}) does not build with rustc {toolchain.release}"
    return cargo_failure(what, finished, hint)


def _smaller(version: str, program: Program) -> list[str]:
    """Stage 2 must lie below 64 KiB, where today's LLVM does not get it with the `s` of older profiles."""
    if program.name != "stage-2" or order(version) >= order("0.11.14"):
        return []
    return ["--config", f'profile.{program.profile}.opt-level="z"']  # as the profile has it since 0.11.14


def _flags(context: BuildContext, sysroot: Sysroot, folder: Path) -> list[str]:
    target = sysroot.target
    flags = [*step_rustflags(context.toolchain, "loader"), *sealed_flags(context.toolchain, folder)]
    if target.specification is None and context.toolchain.installed_std(target.name):
        return flags
    return [f"--sysroot={sysroot_folder(context, sysroot)}", *flags]


def _command(context: BuildContext, target: Target, folder: Path) -> list[str]:
    return [
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


# Up to 0.11.5, the one for stage 3 stated a data layout of another operating system's. The right one is
# that of 0.11.6 ("Fix data layout for stage 3 target" in its change log).
_MENDED = {
    '"e-m:e-i32:32-f80:128-n8:16:32-S128-p:32:32"': (
        '"e-m:e-p:32:32-p270:32:32-p271:32:32-p272:64:64-f64:32:64-f80:32-n8:16:32-S128"'
    )
}


def program_target(context: BuildContext, program: Program, folder: Path) -> Target:
    """The target of `program`, whose specification lies in the package folder `folder`."""
    if program.specification is None:
        return Target(program.target)
    facts = facts_of(context.toolchain)
    specification = canonical(_mended(context, folder / program.specification), facts)
    return Target(program.target, specification.json)


def _mended(context: BuildContext, path: Path) -> Path:
    """`path`, or a copy of it that is right where it was wrong."""
    text = path.read_text(encoding="utf-8")
    mended = text
    for wrong, right in _MENDED.items():
        mended = mended.replace(wrong, right)
    return path if mended == text else context.store.text(path.name, mended)
