"""Disk images: judged by fdisk, sgdisk, fsck.fat and mtools; refused before anything is written."""

from __future__ import annotations

import errno
import os
import resource
import stat
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elf_bytes import elf
from fat_oracles import assert_sound, call, read_back
from loader_parts import STAGE_2, efi_program

from bootimage.base.errors import BuildError
from bootimage.base.file_view import view_of
from bootimage.disk.fat_geometry import MIB
from bootimage.disk.read_fat import FatVolume
from bootimage.disk.read_partitions import read_table
from bootimage.image.disk_images import BiosStages, Contents, write_bios_disk, write_uefi_disk


@pytest.fixture
def stages(tmp_path: Path) -> BiosStages:
    files = {
        "boot-sector.bin": (b"\xfa\xfc" + b"code" * 100).ljust(510, b"\0") + b"\x55\xaa",
        "stage-2.bin": STAGE_2,
        "stage-3.bin": b"3" * 100_000,
        "stage-4.bin": b"4" * 500_000,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return BiosStages("0.11.17", *(tmp_path / name for name in files))


@pytest.fixture
def efi(tmp_path: Path) -> Path:
    (tmp_path / "bootx64.efi").write_bytes(efi_program())
    return tmp_path / "bootx64.efi"


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    (tmp_path / "blog_os").write_bytes(elf())
    (tmp_path / "initrd").write_bytes(b"ramdisk" * 1000)
    (tmp_path / "notes").write_bytes(b"notes")
    return Contents(
        tmp_path / "blog_os",
        "blog_os",
        tmp_path / "initrd",
        b'{"serial_logging":true}',
        {"some long file name.txt": tmp_path / "notes", "folder/notes": tmp_path / "notes"},
    )


Writer = Callable[[Path, Contents], None]


@pytest.fixture(params=["bios", "uefi"])
def write(request: pytest.FixtureRequest, stages: BiosStages, efi: Path) -> Writer:
    if request.param == "bios":
        return lambda out, contents: write_bios_disk(out, stages, contents)
    return lambda out, contents: write_uefi_disk(out, efi, contents)


def volume_of(disk: Path, number: int, out: Path) -> Path:
    """The volume in partition `number`, alone in a file."""
    with view_of(disk) as view:
        table = read_table(view)
        assert table is not None
        found = next(each for each in table.partitions if each.number == number)
        out.write_bytes(found.content.read(0, found.content.size))
    return out


def test_a_bios_disk(tmp_path: Path, stages: BiosStages, contents: Contents) -> None:
    out = tmp_path / "out" / "disk.bin"
    write_bios_disk(out, stages, contents)
    data = out.read_bytes()
    assert data[:446] == stages.boot_sector.read_bytes()[:446]
    assert data[512 : 512 + len(STAGE_2)] == STAGE_2
    listed = [line.split()[1:5] + line.split()[6:7] for line in call("fdisk", "-l", out).splitlines()]
    assert ["*", "1", "962", "962", "20"] in listed
    assert ["*", "963", str(len(data) // 512 - 1), str(len(data) // 512 - 963), "c"] in listed
    volume = volume_of(out, 2, tmp_path / "volume")
    assert_sound(volume)
    with view_of(volume) as view:
        names = [entry.path for entry in FatVolume(view).entries()]
    assert names[:5] == ["boot-stage-3", "boot-stage-4", "kernel-x86_64", "ramdisk", "boot.json"]
    assert read_back(volume, "kernel-x86_64") == contents.kernel.read_bytes()
    assert read_back(volume, "some long file name.txt") == b"notes"
    assert read_back(volume, "boot.json") == contents.boot_config


def test_a_uefi_disk(tmp_path: Path, efi: Path, contents: Contents) -> None:
    out = tmp_path / "out" / "disk.bin"
    write_uefi_disk(out, efi, contents)
    assert "No problems found" in call("sgdisk", "-v", out)
    assert out.stat().st_size % MIB == 0
    volume = volume_of(out, 1, tmp_path / "volume")
    assert_sound(volume)
    assert read_back(volume, "EFI/BOOT/BOOTX64.EFI") == efi.read_bytes()
    assert read_back(volume, "kernel-x86_64") == contents.kernel.read_bytes()
    assert read_back(volume, "folder/notes") == b"notes"
    assert "BLOG_OS" in call("mdir", "-i", volume, "::")


def test_same_inputs_same_bytes(tmp_path: Path, write: Writer, contents: Contents) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    kernel = elsewhere / "k"
    kernel.write_bytes(contents.kernel.read_bytes())
    os.utime(kernel, (1, 1))
    write(tmp_path / "one", contents)
    write(elsewhere / "two", replace(contents, kernel=kernel))
    assert (tmp_path / "one").read_bytes() == (elsewhere / "two").read_bytes()


def test_an_edited_kernel_leaves_the_disk_its_identity(tmp_path: Path, efi: Path, contents: Contents) -> None:
    def guids(out: Path) -> list[str]:
        lines = call("sgdisk", "-p", "-i", "1", out).splitlines()
        return [line for line in lines if "GUID" in line]

    write_uefi_disk(tmp_path / "a", efi, contents)
    contents.kernel.write_bytes(elf(entry=0x201001))
    write_uefi_disk(tmp_path / "b", efi, contents)
    write_uefi_disk(tmp_path / "c", efi, replace(contents, kernel_name="other"))
    assert guids(tmp_path / "a") == guids(tmp_path / "b") != guids(tmp_path / "c")


def test_the_mode_follows_the_umask(tmp_path: Path, write: Writer, contents: Contents) -> None:
    old = os.umask(0o027)
    try:
        write(tmp_path / "out", contents)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


@pytest.mark.parametrize(("size", "bios_kind", "uefi_kind"), [(100, 12, 12), (8, 16, 16), (520, 16, 32)])
def test_the_type_of_the_volume(
    tmp_path: Path,
    stages: BiosStages,
    efi: Path,
    contents: Contents,
    size: int,
    bios_kind: int,
    uefi_kind: int,
) -> None:
    ramdisk = tmp_path / "initrd"
    os.truncate(ramdisk, size if size == 100 else size * MIB)
    write_bios_disk(tmp_path / "bios", stages, contents)
    write_uefi_disk(tmp_path / "uefi", efi, contents)
    for out, number, kind in ((tmp_path / "bios", 2, bios_kind), (tmp_path / "uefi", 1, uefi_kind)):
        with view_of(out) as view:
            table = read_table(view)
            assert table is not None
            volume = FatVolume(table.partitions[number - 1].content)
            assert volume.geometry.kind == kind
            found = next(entry for entry in volume.entries() if entry.path == "ramdisk")
            assert found.content.size == ramdisk.stat().st_size
    assert (tmp_path / "bios").stat().st_blocks * 512 < 20 * MIB


@pytest.mark.parametrize("ramdisk", [1, 28, 33, 520])
def test_old_loaders_find_their_files_in_every_volume(
    tmp_path: Path, stages: BiosStages, contents: Contents, ramdisk: int
) -> None:
    """Stage 2 of loader 0.11.15 and before (its src/fat.rs) has its own idea of which volumes are FAT32."""
    with (tmp_path / "initrd").open("wb") as file:
        file.truncate(ramdisk * MIB)
    given = replace(contents, ramdisk=tmp_path / "initrd")
    write_bios_disk(tmp_path / "new", stages, given)
    assert_sound(volume_of(tmp_path / "new", 2, tmp_path / "volume"))
    write_bios_disk(tmp_path / "disk", replace(stages, version="0.11.15"), given)
    volume = volume_of(tmp_path / "disk", 2, tmp_path / "volume")
    assert read_back(volume, "kernel-x86_64") == contents.kernel.read_bytes()
    assert ((tmp_path / "new").read_bytes() == (tmp_path / "disk").read_bytes()) == (ramdisk < 33)
    with volume.open("rb") as file:
        sector = file.read(512)
    sectors_16, fat_size_16 = struct.unpack_from("<H", sector, 19)[0], struct.unpack_from("<H", sector, 22)[0]
    fat_size_32 = 0 if sectors_16 else struct.unpack_from("<I", sector, 36)[0]
    taken = fat_size_16 if fat_size_16 and not fat_size_32 else fat_size_32
    assert taken == fat_size_16 > 0
    assert (sectors_16 == 0) == (ramdisk >= 33)


def test_stage_2_never_reads_beyond_the_disk(tmp_path: Path, stages: BiosStages, contents: Contents) -> None:
    # It reads 16 KiB from a file's last cluster on; small files fill a volume to its last clusters.
    for count in range(330, 352, 2):
        files = {f"d/{n}": tmp_path / "notes" for n in range(count)}
        write_bios_disk(tmp_path / "out", stages, replace(contents, files=files))
        with view_of(tmp_path / "out") as view:
            table = read_table(view)
            assert table is not None
            entries = FatVolume(table.partitions[1].content).entries()
            starts = [place for entry in entries for place, _size in entry.content.extents]
            assert max(starts) + (16 << 10) <= view.size, count


BIOS_PROBLEMS = [
    ("boot_sector", b"x" * 511, "511 bytes instead of 512"),
    ("boot_sector", bytes(512), "signature"),
    ("boot_sector", b"x" * 510 + b"\x55\xaa", "in use"),
    ("stage_2", b"", "0 bytes"),
    ("stage_2", b"x" * 622_081, "not 1 to 622,080"),
    ("stage_3", b"x" * 196_608, "not 1 to 196,607"),
    ("stage_4", b"x" * 15_532_033, "not 1 to 15,532,032"),
]


@pytest.mark.parametrize(("stage", "data", "message"), BIOS_PROBLEMS)
def test_bad_stages(
    tmp_path: Path, stages: BiosStages, contents: Contents, stage: str, data: bytes, message: str
) -> None:
    out = tmp_path / "out" / "disk"
    path: Path = getattr(stages, stage)
    path.write_bytes(data)
    with pytest.raises(BuildError, match=message) as caught:
        write_bios_disk(out, stages, contents)
    assert caught.value.file == path
    assert not out.parent.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"ELF" + data[3:],
        lambda data: data[:0x80],
        lambda data: data[:0x84] + b"\x4c\x01" + data[0x86:],
        lambda data: data[: 0x80 + 92] + b"\x03" + data[0x80 + 93 :],
        lambda data: data[:0x3C] + b"\xff\xff\xff\xff" + data[0x40:],
        lambda data: b"",
    ],
)
def test_bad_efi_programs(
    tmp_path: Path, efi: Path, contents: Contents, change: Callable[[bytes], bytes]
) -> None:
    efi.write_bytes(change(efi.read_bytes()))
    with pytest.raises(BuildError, match="not a UEFI application"):
        write_uefi_disk(tmp_path / "out" / "disk", efi, contents)
    assert not (tmp_path / "out").exists()


INTERNAL = [
    "kernel-x86_64",
    "KERNEL-X86_64",
    "Ramdisk",
    "boot.json",
    "boot-stage-3",
    "BOOT-STAGE-4",
    "ramdisk/x",
]


@pytest.mark.parametrize(
    "name", [*INTERNAL, "efi/boot/bootx64.efi", "EFI/BOOT/BOOTX64.EFI", "efi/BOOT/x", "a:b"]
)
def test_names_that_collide(tmp_path: Path, efi: Path, contents: Contents, name: str) -> None:
    with pytest.raises(BuildError):
        write_uefi_disk(tmp_path / "out" / "disk", efi, replace(contents, files={name: contents.kernel}))
    assert not (tmp_path / "out").exists()


def test_a_boot_json_of_the_users(tmp_path: Path, stages: BiosStages, contents: Contents) -> None:
    own = tmp_path / "own.json"
    own.write_text('{ "log_level": "Off" }')
    given = replace(contents, boot_config=None, files={"a": contents.kernel, "boot.json": own})
    write_bios_disk(tmp_path / "disk", stages, given)
    volume = volume_of(tmp_path / "disk", 2, tmp_path / "volume")
    assert read_back(volume, "boot.json") == own.read_bytes()
    with view_of(volume) as view:
        names = [entry.path for entry in FatVolume(view).entries()]
    assert names[2:] == ["kernel-x86_64", "ramdisk", "boot.json", "a"]
    own.write_text("{")
    with pytest.raises(BuildError, match="expected a JSON object"):
        write_bios_disk(tmp_path / "disk", stages, given)


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("thirteen-charboot.json", True),
        ("thirteen-charramdisk", True),
        ("folder/thirteen-charramdisk", False),
        ("kernel-x86_64.debug", False),
        ("my-boot.json", False),
    ],
)
def test_names_that_stage_2_would_take_for_another(
    tmp_path: Path, stages: BiosStages, contents: Contents, name: str, refused: bool
) -> None:
    files = {name: contents.kernel}
    bare = Contents(contents.kernel, "blog_os", files=files)
    # With the real file in the volume, it is found first.
    write_bios_disk(tmp_path / "full", stages, replace(contents, files=files))
    if refused:
        with pytest.raises(BuildError, match="would take the file"):
            write_bios_disk(tmp_path / "out", stages, bare)
    else:
        write_bios_disk(tmp_path / "out", stages, bare)


def test_bad_contents(tmp_path: Path, write: Writer, contents: Contents) -> None:
    empty, missing = tmp_path / "empty", tmp_path / "missing"
    empty.touch()
    (tmp_path / "bad").write_bytes(elf(machine=3))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ramdisk": empty}, "ramdisk is empty"),
        ({"ramdisk": missing}, "cannot read"),
        ({"ramdisk": tmp_path}, "not a regular file"),
        ({"boot_config": b""}, "boot.json is empty"),
        ({"kernel": missing}, "cannot read"),
        ({"kernel": tmp_path / "bad"}, "another machine"),
        ({"files": {"x": missing}}, "cannot read"),
    ]
    for change, message in cases:
        with pytest.raises(BuildError, match=message):
            write(tmp_path / "out" / "disk", replace(contents, **change))
        assert not (tmp_path / "out").exists()


def test_too_much_for_bios(tmp_path: Path, stages: BiosStages, contents: Contents) -> None:
    os.truncate(tmp_path / "initrd", 2500 * MIB)
    with pytest.raises(BuildError, match="on BIOS the loader reads FAT12 and FAT16 only"):
        write_bios_disk(tmp_path / "out", stages, contents)
    os.truncate(tmp_path / "initrd", 3600 * MIB)
    with pytest.raises(BuildError, match="below 4 GiB"):
        write_bios_disk(tmp_path / "out", stages, contents)


@pytest.mark.parametrize("name", ["a:b", "folder/", "../up", "trailing."])
def test_a_wrong_name_has_nothing_to_do_with_the_size(
    tmp_path: Path, stages: BiosStages, contents: Contents, name: str
) -> None:
    with pytest.raises(BuildError) as caught:
        write_bios_disk(tmp_path / "out", stages, replace(contents, files={name: tmp_path / "notes"}))
    assert "FAT12" not in str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("old", [b"old image", None])
def test_the_old_image_survives(
    tmp_path: Path,
    write: Writer,
    contents: Contents,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    old: bytes | None,
) -> None:
    out = tmp_path / "out" / "disk"
    out.parent.mkdir()
    if old:
        out.write_bytes(old)

    def fail(*_arguments: Any) -> None:
        raise error

    monkeypatch.setattr("bootimage.disk.fat.copy_file", fail)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else BuildError):
        write(out, contents)
    assert [path.name for path in out.parent.iterdir()] == (["disk"] if old else [])
    assert not old or out.read_bytes() == old


def test_a_real_limit_on_file_sizes(tmp_path: Path, write: Writer, contents: Contents) -> None:
    # The kernel says EFBIG where a full disk would say ENOSPC.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(BuildError, match=r"cannot write the image of .* bytes: File too large"):
            write(tmp_path / "out" / "disk", contents)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_in_the_images_place(tmp_path: Path, write: Writer, contents: Contents) -> None:
    with pytest.raises(BuildError, match="a folder where the image belongs"):
        write(tmp_path, contents)
    (tmp_path / "file").touch()
    with pytest.raises(BuildError, match="cannot write the image"):
        write(tmp_path / "file" / "disk", contents)


def test_memory_does_not_depend_on_the_kernels_size(
    tmp_path: Path, write: Writer, contents: Contents
) -> None:
    with (tmp_path / "initrd").open("wb") as file:
        for _ in range(64):
            file.write(os.urandom(MIB))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    write(tmp_path / "out", contents)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024
