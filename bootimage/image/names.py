"""How the files made for a kernel are called."""

from __future__ import annotations


def image_names(kernel: str) -> dict[str, str]:
    """The file names of a kernel's images for loader 0.11, by kind: bios, uefi, efi."""
    return {
        "bios": f"bootimage-bios-{kernel}.bin",
        "uefi": f"bootimage-uefi-{kernel}.bin",
        "efi": f"bootimage-uefi-{kernel}.efi",
    }
