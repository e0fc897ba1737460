"""Writing images beside cp: the same kernel, the same file system.

Run as a program it writes one image and prints how many seconds that took: inside a build the modules
are loaded already, so a start of Python counts for nobody. cp is measured as a whole process.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench.measure import MIB, Command, Cost, Failed, interleaved
from bench.peers import PROJECT
from bench.project import environment
from bench.results import Goal, Row

SIZES = {16: 15, 256: 9, 1024: 5}
"""MiB -> rounds."""
_BASE, _CODE = 0x200000, 0x1000


def row(scratch: Path, firmware: str, size: int) -> Row:
    """Write the image of a kernel of `size` MiB for `firmware`, and copy that kernel with cp."""
    folder = scratch / "images"
    folder.mkdir(parents=True, exist_ok=True)
    kernel, image, copy = (folder / name for name in ("kernel", "image", "copy"))
    _write_kernel(kernel, size * MIB)
    _write_loader(folder)
    env = environment(PYTHONPATH=str(PROJECT))
    writer = Command(
        [sys.executable, "-m", "bench.images", firmware, str(folder)], folder, env, folder / "writer.log"
    )
    copier = Command(["cp", "--sparse=never", kernel, copy], folder, env, folder / "cp.log")

    def write(_number: int) -> Cost:
        _settle(image)
        cost = writer.run()
        return replace(cost, wall=float(writer.output()))

    def copied(_number: int) -> Cost:
        _settle(copy)
        return copier.run()

    try:
        mine, other = interleaved(SIZES[size], write, copied)
    finally:
        for path in (kernel, image, copy):
            path.unlink(missing_ok=True)
    title = f"{firmware.upper()} disk of a {size} MiB kernel"
    return Row("images", f"{firmware}-{size}", title, mine, other, "cp --sparse=never", Goal("speed", 0.8))


def _settle(path: Path) -> None:
    """Remove an earlier run's file and let the disk come to rest."""
    path.unlink(missing_ok=True)
    os.sync()


def _write_kernel(path: Path, size: int) -> None:
    """An ELF file of `size` bytes that passes for a kernel: one segment of random code."""
    code = size - _CODE - 64
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, _BASE + _CODE, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, _CODE, _BASE + _CODE, _BASE + _CODE, code, code, 0x1000)
    start = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + header + segment
    with path.open("wb") as file:
        file.write(start.ljust(_CODE, b"\0"))
        for at in range(_CODE, size, MIB):
            file.write(os.urandom(min(MIB, size - at)))
    os.sync()


def _write_loader(folder: Path) -> None:
    """Files that pass for the loader's programs, of their usual sizes."""
    (folder / "boot-sector").write_bytes(bytes(510) + b"\x55\xaa")
    for stage, size in ((2, 492_031), (3, 150_000), (4, 250_000)):
        (folder / f"stage-{stage}").write_bytes(os.urandom(size))
    optional_header = struct.pack("<H", 0x20B).ljust(68, b"\0") + struct.pack("<H", 10)
    coff_header = struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, 240, 0)
    pe = b"PE\0\0" + coff_header + optional_header
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    (folder / "uefi").write_bytes((dos + pe).ljust(300_000, b"\0"))


def main(firmware: str, folder: Path) -> None:
    """Write the image of folder/kernel into folder/image; print the seconds."""
    from bootimage.image.disk_images import BiosStages, Contents, write_bios_disk, write_uefi_disk

    image, contents = folder / "image", Contents(folder / "kernel", "kernel")
    stages = BiosStages(
        "0.11.17", folder / "boot-sector", *(folder / f"stage-{number}" for number in (2, 3, 4))
    )
    _warm_up(folder)
    start = time.perf_counter()
    if firmware == "bios":
        write_bios_disk(image, stages, contents)
    else:
        write_uefi_disk(image, folder / "uefi", contents)
    seconds = time.perf_counter() - start
    if image.stat().st_size < contents.kernel.stat().st_size:
        raise Failed("the image is smaller than the kernel")
    print(seconds)


def _warm_up(folder: Path) -> None:
    """Load what the writer needs, as a build does while cargo is at work."""
    from bootimage.elf.kernel_file import read_kernel
    from bootimage.image.image_files import load_image_writers

    load_image_writers()
    read_kernel(folder / "kernel")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
