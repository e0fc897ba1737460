"""The loader family 0.11: its five programs, and what each depends on.

Source of the table: the build script of the `bootloader` crate, versions 0.11.0 to 0.11.17.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from bootimage.base.lazy_dataclass import dataclass
from bootimage.loader.loader_release import Release, identity
from bootimage.loader.pinned_crates import holds_key
from bootimage.store.keys import action_key
from bootimage.store.recipes import recipe_number
from bootimage.toolchain.toolchain import Toolchain


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
    small: bool = False
    """Whether it must have a small sysroot (see `Sysroot`): stage 2 and its data lie below 64 KiB."""
    trimmed: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Of dependencies with more than the program uses, the features that it does."""


# boot-sector and stage-2 have specifications of the same contents: one target name, so one sysroot.
PROGRAMS = (
    Program(
        "boot-sector",
        "bootloader-x86_64-bios-boot-sector",
        "i386-code16",
        "stage-1",
        "boot-sector.bin",
        specification="i386-code16-boot-sector.json",
        small=True,
    ),
    Program(
        "stage-2",
        "bootloader-x86_64-bios-stage-2",
        "i386-code16",
        "stage-2",
        "stage-2.bin",
        specification="i386-code16-stage-2.json",
        small=True,
    ),
    Program(
        "stage-3",
        "bootloader-x86_64-bios-stage-3",
        "i686-stage-3",
        "stage-3",
        "stage-3.bin",
        specification="i686-stage-3.json",
        # One font in one size: all 24 take as long to compile as `core`.
        trimmed={"noto-sans-mono-bitmap": ("regular", "size_14")},
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
CRATES = tuple(program.crate for program in PROGRAMS)
BY_NAME: Mapping[str, Program] = {program.name: program for program in PROGRAMS}


def program_key(toolchain: Toolchain, release: Release, program: Program) -> str:
    """The digest of everything that the program depends on.

    It holds the version for the source and the specification, since a published version never
    changes: a program can be taken from a cache without its source being at hand.
    """
    return action_key(
        "loader",
        {
            "recipe": recipe_number("loader 0.11"),
            "version": identity(release, program.crate),
            "program": program.name,
            "compiler": toolchain.identity,
            **({"objcopy": named} if (named := toolchain.objcopy_digest()) else {}),
            "installed std": str(program.specification is None and toolchain.installed_std(program.target)),
            "holds": holds_key(toolchain, release.version),
        },
    )
