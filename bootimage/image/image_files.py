"""What goes into the images of one kernel beside it, and the files that come out.

How the files made for a kernel are called.

Load what makes images of a kernel, at a time when there is nothing else to do.

After an edit, that would take longer than to make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from importlib import import_module
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass, make_ready


@dataclass(frozen=True)
class Images:
    """The files made for one kernel: BIOS disk, UEFI disk (GPT) and EFI program.

    A loader 0.9 boots on BIOS only.
    """

    bios: Path
    uefi: Path | None = None
    efi: Path | None = None

    @property
    def disks(self) -> tuple[Path, ...]:
        """The disks, the BIOS one first."""
        return (self.bios, self.uefi) if self.uefi else (self.bios,)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that were written."""
        return (*self.disks, self.efi) if self.efi else self.disks


@dataclass(frozen=True)
class Extras:
    """What goes into the images beside the kernel: see `image.Contents`."""

    ramdisk: Path | None = None
    boot_config: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def image_names(kernel: str) -> dict[str, str]:
    """The file names of a kernel's images for loader 0.11, by kind: bios, uefi, efi."""
    return {
        "bios": f"bootimage-bios-{kernel}.bin",
        "uefi": f"bootimage-uefi-{kernel}.bin",
        "efi": f"bootimage-uefi-{kernel}.efi",
    }


def load_image_writers() -> None:
    """Load the modules, and those they load when first needed, and make their classes."""
    for name in ("bootimage.image.disk_images", "elftools.elf.structs"):
        import_module(name)
    make_ready("bootimage.image", "bootimage.disk")
