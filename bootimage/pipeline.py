"""The whole way without SCons: target specification, sysroot, kernel, loader, images.

The dear results come from the store, cargo itself knows what of the kernel is up to date, and images
are written at the speed of a copy; so what did not change costs next to nothing here too.
"""

from __future__ import annotations

from pathlib import Path

from bootimage import report
from bootimage.context import BuildContext
from bootimage.files import copy_whole
from bootimage.image.boot_config import boot_json
from bootimage.image.elf import check_bootable, strip_debug
from bootimage.image.image import BiosStages, Contents, write_bios_disk, write_uefi_disk
from bootimage.image.names import image_names
from bootimage.image.set import Extras, Images
from bootimage.loader.programs_0_11 import PROGRAMS
from bootimage.loader.release import Release
from bootimage.loader.v0_11 import provide_program
from bootimage.specification.compiler_facts import facts_of
from bootimage.specification.target import Target
from bootimage.specification.target_spec import canonical, describe


def read_specification(context: BuildContext, path: Path) -> Target:
    """The target that the user's JSON file describes, brought up to date with one line per change."""
    specification = canonical(path, facts_of(context.toolchain))
    for line in describe(specification.changes, path):
        report.say(line)
    return Target(specification.name, specification.json)


def write_images(
    context: BuildContext, kernel: Path, release: Release, out_dir: Path, extras: Extras | None = None
) -> Images:
    """Write the images of the ELF file `kernel` for the loader `release` into `out_dir`.

    Raises BuildError, before anything is written, for a kernel that this loader cannot load.
    """
    extras = extras or Extras()
    check_bootable(kernel, release.version)
    programs = loader_programs(context, release)
    out = {kind: out_dir / name for kind, name in image_names(kernel.name).items()}
    with context.store.work("image") as folder:
        stripped = folder / kernel.name
        tools = context.toolchain
        strip_debug(tools.objcopy(), kernel, stripped, tools.objcopy_environment())
        contents = image_contents(stripped, kernel.name, extras)
        stages = BiosStages(*(programs[name] for name in ("boot-sector", "stage-2", "stage-3", "stage-4")))
        write_bios_disk(out["bios"], stages, contents)
        write_uefi_disk(out["uefi"], programs["uefi"], contents)
    copy_whole(programs["uefi"], out["efi"])
    return Images(**out)


def loader_programs(context: BuildContext, release: Release) -> dict[str, Path]:
    """The loader's programs by name, from the store or built now."""
    return {
        program.name: provide_program(context, release, program).files[program.file] for program in PROGRAMS
    }


def image_contents(stripped: Path, kernel_name: str, extras: Extras) -> Contents:
    """What the volume of an image holds."""
    return Contents(
        kernel=stripped,
        kernel_name=kernel_name,
        ramdisk=extras.ramdisk,
        boot_config=boot_json(extras.boot_config) if extras.boot_config else None,
        files=extras.files,
    )
