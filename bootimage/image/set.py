"""What goes into the images of one kernel beside it, and the files that come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from bootimage.dataclass import dataclass


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
