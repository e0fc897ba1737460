"""A kernel and its boot loader -> disk images for BIOS and UEFI.

Everything is checked before anything is written, and an image is replaced only when its successor is
complete. The same inputs give the same bytes, in any folder and on any day.
Source of the layouts: the crate `bootloader` 0.11.17, its library and its programs.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from uuid import UUID, uuid5

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import replacing
from bootimage.cargo.versions import order
from bootimage.disk import fat, fat_names, gpt, mbr
from bootimage.disk.copy_ranges import copy_file, write_all
from bootimage.disk.fat_geometry import NoSuchVolume
from bootimage.disk.fat_tree import Source
from bootimage.elf.kernel_file import MOST_MEMORY, check_loadable, read_kernel
from bootimage.image.boot_config import check_boot_json

SECTOR = 512
MIB = 1 << 20

KERNEL, RAMDISK, BOOT_CONFIG = "kernel-x86_64", "ramdisk", "boot.json"
STAGE_3, STAGE_4 = "boot-stage-3", "boot-stage-4"
EFI_PROGRAM = "efi/boot/bootx64.efi"

_STAGE_2_PARTITION, _FAT_PARTITION = 0x20, 0x0C
# Stage 2 is put at 0x7E00 and must end below the BIOS's own data at the end of the first 640 KiB.
_MOST_STAGE_2 = 0x9FC00 - 0x7E00
# Stage 3 is put at 1 MiB and must end before stage 4 begins.
_MOST_STAGE_3 = 0x130000 - 0x100000 - 1
# Stage 4 must end before the kernel, which is put at 16 MiB.
_MOST_STAGE_4 = 0x1000000 - 0x130000
# Stage 2 reads 16 KiB at a time, even of a file's last cluster: behind that the disk must go on.
_BIOS_SPARE = 16 << 10

# Stage 2 before this takes every volume of 32 MiB and more for FAT32, and the numbers of drive and volume for
# the size of its table. Where they are 0, it goes by FAT16's; but a label needs them, and fsck.fat misses it.
_READS_LARGE_FAT16 = "0.11.16"

# One MiB before the first partition and after the last: where every tool puts them, and whole MiB.
_ESP_START = MIB // SECTOR
_ESP_TAIL = MIB // SECTOR
# A disk's GUIDs come from the kernel's name, so that firmware finds a rebuilt disk's boot entry again.
_GUID_SPACE = UUID("8f2c6a34-5d1e-4b0a-9c77-1e63d8a0b542")


@dataclass(frozen=True)
class BiosStages:
    """The four programs for BIOS of a loader (its `version`), as flat binaries."""

    version: str
    boot_sector: Path
    stage_2: Path
    stage_3: Path
    stage_4: Path


@dataclass(frozen=True)
class Contents:
    """What an image holds beside the loader. `kernel_name` names the volume.

    `boot_config` is boot.json's bytes; `files` maps paths in the volume to files of the user's.
    """

    kernel: Path
    kernel_name: str
    ramdisk: Path | None = None
    boot_config: bytes | None = None
    files: Mapping[str, Path] = field(default_factory=dict)


def write_bios_disk(out: Path, stages: BiosStages, contents: Contents) -> None:
    """Write a disk image that a BIOS boots: boot sector, stage 2 as partition 1, a FAT volume as partition 2.

    Raises BuildError for whatever would not boot, and for a disk that is full; `out` is as it was then.
    """
    _check_contents(contents)
    _check_bios(stages, contents)
    stage_2_size = _size(stages.stage_2)
    first = 1 + -(-stage_2_size // SECTOR)
    files = {STAGE_3: stages.stage_3, STAGE_4: stages.stage_4, **_root_files(contents)}
    volume = _plan_bios_volume(files, contents, first)
    if volume.size >= 32 * MIB and order(stages.version) < order(_READS_LARGE_FAT16):
        volume = replace(volume, label=b"")
    sectors = volume.size // SECTOR
    partitions = (
        mbr.Partition(_STAGE_2_PARTITION, 1, first - 1, active=True),
        mbr.Partition(_FAT_PARTITION, first, sectors, active=True),
    )
    boot_sector = _with_partitions(stages.boot_sector, partitions)

    def write(target: int) -> None:
        write_all(target, boot_sector, 0)
        copy_file(stages.stage_2, stage_2_size, target, SECTOR)
        fat.write_volume(volume, target, first * SECTOR)

    _write_image(out, (first + sectors) * SECTOR, write)


def write_uefi_disk(out: Path, efi: Path, contents: Contents) -> None:
    """Write a disk image that UEFI boots: a GPT with one EFI system partition.

    Raises BuildError for whatever would not boot, and for a disk that is full; `out` is as it was then.
    """
    _check_contents(contents)
    _check_efi_program(efi)
    files = {EFI_PROGRAM: efi, **_root_files(contents)}
    volume = fat.plan_volume(files, label=contents.kernel_name, first_sector=_ESP_START)
    last = _ESP_START + volume.size // SECTOR - 1
    esp = gpt.Partition(gpt.EFI_SYSTEM, _guid(contents, "ESP"), _ESP_START, last, "boot")
    sectors = last + 1 + _ESP_TAIL
    front, back = gpt.tables(sectors, _guid(contents, "disk"), [esp])

    def write(target: int) -> None:
        write_all(target, front, 0)
        fat.write_volume(volume, target, _ESP_START * SECTOR)
        write_all(target, back, sectors * SECTOR - len(back))

    _write_image(out, sectors * SECTOR, write)


def _plan_bios_volume(files: Mapping[str, Source], contents: Contents, first: int) -> fat.Volume:
    label = contents.kernel_name
    try:
        return fat.plan_volume(files, label=label, first_sector=first, largest=16, spare=_BIOS_SPARE)
    except NoSuchVolume as error:
        # Stage 2 does not know FAT32.
        hint = "on BIOS the loader reads FAT12 and FAT16 only, volumes below 2 GiB"
        raise BuildError(error.message, hint=hint) from None


def _write_image(out: Path, size: int, write: Callable[[int], None]) -> None:
    if out.is_dir():
        raise BuildError("there is a folder where the image belongs", file=out)
    try:
        with replacing(out) as partial:
            target = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                os.ftruncate(target, size)
                write(target)
            finally:
                os.close(target)
    except OSError as error:
        raise BuildError(
            f"cannot write the image of {size:,} bytes: {error.strerror or error}; the old one is untouched",
            file=out,
        ) from None


def _root_files(contents: Contents) -> dict[str, Source]:
    """The root folder's files. The loader's own come first: it takes the first name that fits."""
    files: dict[str, Source] = {KERNEL: contents.kernel}
    if contents.ramdisk is not None:
        files[RAMDISK] = contents.ramdisk
    if contents.boot_config is not None:
        files[BOOT_CONFIG] = contents.boot_config
    elif BOOT_CONFIG in contents.files:
        files[BOOT_CONFIG] = contents.files[BOOT_CONFIG]
    return {**files, **{path: file for path, file in contents.files.items() if path not in files}}


def _check_contents(contents: Contents) -> None:
    check_loadable(read_kernel(contents.kernel))
    reserved = {
        fat_names.folded(name): name for name in (STAGE_3, STAGE_4, KERNEL, RAMDISK, BOOT_CONFIG, "efi")
    }
    for path, file in contents.files.items():
        if path == BOOT_CONFIG and contents.boot_config is None:
            check_boot_json(file)
            continue
        name = reserved.get(fat_names.folded(path.split("/")[0]))
        if name and (name != "efi" or fat_names.folded(path) == fat_names.folded(EFI_PROGRAM)):
            raise BuildError(
                f"the file {path!r} would take the place of the loader's own {name!r} in the image"
            )
    # The loader stands still at an empty file.
    if contents.ramdisk is not None and _size(contents.ramdisk) == 0:
        raise BuildError("the ramdisk is empty", file=contents.ramdisk, hint="fill it, or build without one")
    if contents.boot_config == b"":
        raise BuildError("boot.json is empty", hint="give it at least {}")


def _check_bios(stages: BiosStages, contents: Contents) -> None:
    limits = (
        (stages.stage_2, _MOST_STAGE_2),
        (stages.stage_3, _MOST_STAGE_3),
        (stages.stage_4, _MOST_STAGE_4),
    )
    for stage, most in limits:
        size = _size(stage)
        if not 0 < size <= most:
            raise BuildError(f"this stage of the loader has {size:,} bytes, not 1 to {most:,}", file=stage)
    loaded = _size(contents.kernel) + (_size(contents.ramdisk) if contents.ramdisk else 0)
    if loaded > MOST_MEMORY:
        raise BuildError(
            f"kernel and ramdisk have {loaded:,} bytes; the loader puts both below 4 GiB, "
            f"where there are {MOST_MEMORY:,}",
            file=contents.kernel,
        )
    for name in contents.files:
        _check_long_name(name, contents)


def _check_long_name(path: str, contents: Contents) -> None:
    """Refuse names that stage 2 would take for a file which is not there.

    It compares each directory entry by itself, and a long name is spread over entries of 13 characters.
    """
    absent = {RAMDISK} if contents.ramdisk is None else set()
    absent |= set() if contents.boot_config is not None or BOOT_CONFIG in contents.files else {BOOT_CONFIG}
    slices = {path[start : start + 13] for start in range(0, len(path), 13)}
    if "/" not in path and slices & absent:
        raise BuildError(
            f"the loader would take the file {path!r} for {next(iter(slices & absent))!r}",
            hint="rename it, or put it into a folder",
        )


def _check_efi_program(path: Path) -> None:
    """Refuse what is no UEFI application for x86-64 (PE32+, subsystem 10)."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise BuildError(f"cannot read the file: {error.strerror}", file=path) from None
    place = (
        struct.unpack_from("<I", start, 0x3C)[0] if len(start) >= 0x40 and start[:2] == b"MZ" else len(start)
    )
    header = start[place : place + 94]
    if (
        len(header) < 94
        or header[:6] != b"PE\0\0\x64\x86"
        or header[24:26] != b"\x0b\x02"
        or header[92] != 10
    ):
        raise BuildError("not a UEFI application for x86-64 (PE32+)", file=path)


def _with_partitions(path: Path, partitions: tuple[mbr.Partition, ...]) -> bytes:
    if _size(path) != SECTOR:
        raise BuildError(f"the boot sector has {_size(path):,} bytes instead of {SECTOR}", file=path)
    try:
        return mbr.with_partitions(path.read_bytes(), partitions)
    except BuildError as error:
        raise BuildError(error.message, file=path) from None


def _guid(contents: Contents, what: str) -> UUID:
    return uuid5(_GUID_SPACE, f"{contents.kernel_name}\n{what}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise BuildError(f"cannot read the file: {error.strerror}", file=path) from None
