"""MBR and GPT: byte for byte what sfdisk and sgdisk write, and read back."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from uuid import UUID

import pytest
from fat_oracles import call

from bootimage.base.errors import BuildError
from bootimage.base.file_view import view_of
from bootimage.disk import gpt, mbr
from bootimage.disk.read_partitions import read_table

BOOT_SECTOR = b"\xfa".ljust(510, b"\0") + b"\x55\xaa"
DISK_GUID = UUID("11111111-2222-4333-8444-555555555555")
ESP_GUID = UUID("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")


def disk(path: Path, sectors: int, front: bytes = b"", back: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(front)
        file.truncate(sectors * 512)
        file.seek(sectors * 512 - len(back))
        file.write(back)
    return path


@pytest.mark.parametrize("sectors", [8192, 100_000, 1_000_000, 20_000_000])
def test_mbr_is_what_sfdisk_writes(tmp_path: Path, sectors: int) -> None:
    script = (
        "label: dos\nlabel-id: 0x00000000\nunit: sectors\n"
        f"start=1, size=961, type=20, bootable\nstart=962, size={sectors - 962}, type=c\n"
    )
    golden = disk(tmp_path / "golden", sectors)
    call("sfdisk", "--quiet", golden, data=script)
    ours = mbr.with_partitions(
        BOOT_SECTOR,
        [mbr.Partition(0x20, 1, 961, active=True), mbr.Partition(0x0C, 962, sectors - 962)],
    )
    assert ours[446:] == part(golden, 446, 66)
    assert ours[:446] == BOOT_SECTOR[:446]


def test_mbr_is_read_by_fdisk_and_by_ourselves(tmp_path: Path) -> None:
    partitions = [mbr.Partition(0x20, 1, 961, active=True), mbr.Partition(0x0C, 962, 4096, active=True)]
    image = disk(tmp_path / "d", 962 + 4096, mbr.with_partitions(BOOT_SECTOR, partitions))
    listed = [
        line.split()[1:6] for line in call("fdisk", "-l", image).splitlines() if line.startswith(str(image))
    ]
    assert listed == [["*", "1", "961", "961", "480.5K"], ["*", "962", "5057", "4096", "2M"]]
    with view_of(image) as view:
        table = read_table(view)
        assert table is not None and table.scheme == "MBR"
        assert [(p.number, p.kind, p.content.size) for p in table.partitions] == [
            (1, "0x20", 961 * 512),
            (2, "0x0c", 4096 * 512),
        ]


@pytest.mark.parametrize(
    ("sector", "message"),
    [
        (b"", "0 bytes instead of 512"),
        (BOOT_SECTOR + b"\0", "513 bytes instead of 512"),
        (bytes(512), "55 AA"),
        (BOOT_SECTOR[:446] + b"\x01" + BOOT_SECTOR[447:], "in use"),
        (BOOT_SECTOR[:509] + b"\x01\x55\xaa", "in use"),
    ],
)
def test_bad_boot_sectors(sector: bytes, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        mbr.with_partitions(sector, [])


def test_a_partition_beyond_2_tib() -> None:
    with pytest.raises(BuildError, match="2 TiB"):
        mbr.with_partitions(BOOT_SECTOR, [mbr.Partition(0x0C, 1, 1 << 32)])


@pytest.mark.parametrize("sectors", [8192, 131_072, 8_000_001, 20_000_000])
def test_gpt_is_what_sgdisk_writes(tmp_path: Path, sectors: int) -> None:
    last = sectors - 2049
    golden = disk(tmp_path / "golden", sectors)
    call("sgdisk", "-n", f"1:2048:{last}", "-t", "1:ef00", "-c", "1:EFI System", golden)
    call("sgdisk", "-U", str(DISK_GUID), "-u", f"1:{ESP_GUID}", golden)
    esp = gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 2048, last, "EFI System")
    ours = disk(tmp_path / "ours", sectors, *gpt.tables(sectors, DISK_GUID, [esp]))
    for start, size in ((0, 2048 * 512), (sectors * 512 - 33 * 512, 33 * 512)):
        assert part(ours, start, size) == part(golden, start, size)
    assert "No problems found" in call("sgdisk", "-v", ours)
    assert "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" in call("sfdisk", "--dump", ours)


def part(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), size, start)


def test_gpt_is_read_back(tmp_path: Path) -> None:
    esp = gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 2048, 4095, "boot")
    data = gpt.Partition(UUID(int=5), UUID(int=6), 4096, 4100, "zwölf", attributes=4)
    image = disk(tmp_path / "d", 8192, *gpt.tables(8192, DISK_GUID, [esp, data]))
    with view_of(image) as view:
        table = read_table(view)
        assert table is not None and table.details[0] == ("GUID", str(DISK_GUID))
        assert [dict(p.details)["name"] for p in table.partitions] == ["boot", "zwölf"]
        assert table.partitions[1].content.extents == ((4096 * 512, 5 * 512),)


@pytest.mark.parametrize(
    "partitions",
    [
        [gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 33, 40)],
        [gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 2048, 8192 - 33)],
        [gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 50, 49)],
        [gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 40, 50), gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 50, 60)],
        [gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 40, 50, "x" * 37)],
    ],
)
def test_bad_gpt_partitions(partitions: list[gpt.Partition]) -> None:
    with pytest.raises(BuildError):
        gpt.tables(8192, DISK_GUID, partitions)


@pytest.mark.parametrize("place", [512 + 20, 512 + 16, 512 + 56, 512 + 80, 1024 + 3, 512 + 1])
def test_a_damaged_gpt_is_an_error(tmp_path: Path, place: int) -> None:
    esp = gpt.Partition(gpt.EFI_SYSTEM, ESP_GUID, 2048, 4095, "boot")
    image = disk(tmp_path / "d", 8192, *gpt.tables(8192, DISK_GUID, [esp]))
    with image.open("r+b") as file:
        file.seek(place)
        file.write(b"\xee")
    with view_of(image) as view, pytest.raises(BuildError, match="partition table"):
        read_table(view)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(0, 100)], "partition 1 is no part of the disk"),
        ([(1, 50), (50, 10)], "the partitions 1 and 2 are on top of each other"),
        ([(60, 10), (1, 99)], "the partitions 2 and 1 are on top of each other"),
        ([(1, 100)], "partition 1 is no part of the disk"),
    ],
)
def test_what_is_no_part_of_a_disk_is_damage(
    tmp_path: Path, rows: list[tuple[int, int]], message: str
) -> None:
    entries = b"".join(struct.pack("<B3sB3sII", 0, b"", 0x0C, b"", *row) for row in rows)
    sector = BOOT_SECTOR[:446] + entries.ljust(64, b"\0") + b"\x55\xaa"
    with view_of(disk(tmp_path / "d", 100, sector)) as view, pytest.raises(BuildError, match=message):
        read_table(view)
