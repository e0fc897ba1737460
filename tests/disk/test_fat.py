"""FAT volumes: judged by fsck.fat and mtools, and read back byte for byte."""

from __future__ import annotations

import os
import stat
import string
import struct
from pathlib import Path

import pytest
from fat_oracles import assert_sound, call, read_back, write_volume
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.base.file_view import View, view_of
from bootimage.disk import fat, fat_geometry, fat_names
from bootimage.disk.fat_geometry import MIB
from bootimage.disk.read_fat import FatVolume

NAMES = {
    "kernel-x86_64": b"kernel" * 1000,
    "boot-stage-3": b"3" * 1025,
    "boot-stage-4": b"4" * 4096,
    "boot.json": b"{}",
    "ramdisk": b"",
    "README.TXT": b"own alias",
    "Readme.md": b"mixed case",
    "äöü €.txt": b"not ASCII",
    "𝄞 clef": b"two units a letter",
    "exactly13char": b"a long name without an end",
    "26 letters are two entries": b"x",
    "a very long name " * 14 + "end": b"long",
    ".hidden": b"leading dot",
    "two.dots.gz": b"dots",
    "efi/boot/bootx64.efi": b"MZ" * 5000,
    "efi/boot/second": b"s",
    "efi/empty.cfg": b"",
}


def sparse(path: Path, size: int, data: dict[int, bytes]) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, each in data.items():
            file.seek(offset)
            file.write(each)
    return path


def contents(image: Path) -> dict[str, bytes]:
    with view_of(image) as view:
        entries = FatVolume(view).entries()
        return {each.path: each.content.read(0, each.content.size) for each in entries if not each.is_folder}


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        (None, 12),
        (2 * MIB, 12),
        (5 * MIB, 16),
        (17 * MIB, 16),
        (32 * MIB, 16),
        (300 * MIB, 16),
        (512 * MIB, 32),
    ],
)
def test_every_type_is_sound_and_reads_back(tmp_path: Path, size: int | None, kind: int) -> None:
    image = tmp_path / "v"
    volume = write_volume(image, NAMES, size=size)
    assert volume.geometry.kind == kind
    assert volume.size == image.stat().st_size == (size or 2 * MIB)
    assert f"{kind} bit entries" in assert_sound(image)
    assert contents(image) == NAMES
    for path in ("kernel-x86_64", "äöü €.txt", "a very long name " * 14 + "end", "efi/boot/bootx64.efi"):
        assert read_back(image, path) == NAMES[path]


@pytest.mark.parametrize("start", [0, 962 * 512, MIB, 5 * 512])
@pytest.mark.parametrize("size", [2 * MIB, 20 * MIB, 512 * MIB])
def test_data_is_aligned_to_4_kib_of_the_disk(tmp_path: Path, start: int, size: int) -> None:
    volume = write_volume(tmp_path / "v", {"file": b"x"}, start, size=size)
    assert (start + volume.geometry.offset_of(volume.root.children["FILE"].first)) % 4096 == 0


def test_a_volume_inside_a_disk_reads_back(tmp_path: Path) -> None:
    start = 962 * 512
    write_volume(tmp_path / "v", NAMES, start)
    (tmp_path / "alone").write_bytes((tmp_path / "v").read_bytes()[start:])
    assert_sound(tmp_path / "alone")
    assert contents(tmp_path / "alone") == NAMES


def test_same_entries_same_bytes_whatever_the_day_and_the_folder(tmp_path: Path) -> None:
    images = []
    for day in ("one", "two"):
        folder = tmp_path / day
        folder.mkdir()
        (folder / "kernel").write_bytes(b"k" * 100_000)
        os.utime(folder / "kernel", (len(images), len(images)))
        write_volume(folder / "v", {"kernel-x86_64": folder / "kernel", "a/b": b"c"})
        images.append((folder / "v").read_bytes())
    assert images[0] == images[1]


def test_listing_shows_names_aliases_and_the_constant_time(tmp_path: Path) -> None:
    write_volume(tmp_path / "v", NAMES, label="blog_os")
    listing = call("mdir", "-i", tmp_path / "v", "::")
    assert "BLOG_OS" in listing and "1234-5678" in listing
    assert listing.count("1980-01-01   0:00") == 15
    for alias, name in [("KERNEL~1", "kernel-x86_64"), ("BOOT-S~2", "boot-stage-4"), ("RAMDISK ", "ramdisk")]:
        line = next(line for line in listing.splitlines() if line.startswith(alias))
        assert line.endswith(name)


def test_four_files_beyond_the_borders_of_a_table_block(tmp_path: Path) -> None:
    # FAT32's table is made in blocks of 65536 entries; files end within, at and beyond the borders.
    cluster = 4096
    first = sparse(tmp_path / "1", (65536 - 3) * cluster, {0: b"begin", 200 * MIB: b"middle"})
    files = {"1": first, "2": b"2" * cluster, "3": b"3" * 5000, "4": b"4"}
    volume = write_volume(tmp_path / "v", files, size=600 * MIB)
    assert volume.geometry.kind == 32 and volume.geometry.cluster_size == cluster
    assert_sound(tmp_path / "v")
    assert read_back(tmp_path / "v", "3") == b"3" * 5000


def test_a_sparse_ramdisk_of_600_mib_stays_sparse(tmp_path: Path) -> None:
    ramdisk = sparse(tmp_path / "r", 600 * MIB, {0: b"begin", 300 * MIB: b"middle", 600 * MIB - 3: b"end"})
    volume = write_volume(tmp_path / "v", {"kernel-x86_64": b"k", "ramdisk": ramdisk})
    assert volume.geometry.kind == 32
    assert (tmp_path / "v").stat().st_blocks * 512 < 8 * MIB
    assert_sound(tmp_path / "v")
    with view_of(tmp_path / "v") as image, view_of(ramdisk) as source:
        found = {each.path: each.content for each in FatVolume(image).entries()}
        assert found["ramdisk"].digest() == source.digest()


@pytest.mark.parametrize("largest", [16, 32])
@pytest.mark.parametrize("spread", [range(1, 12 * 2048, 7), range(16 * 2048, 17 * 2048 + 100, 5)])
def test_volumes_keep_clear_of_the_borders(spread: range, largest: int) -> None:
    for sectors in [*spread, *range(511 * 2048, 513 * 2048, 31)]:
        try:
            geometry = fat_geometry.divide(sectors * 512, 962, largest)
        except BuildError:
            assert sectors < 120, sectors
            continue
        assert fat_geometry.kind_by_clusters(geometry.clusters) == geometry.kind
        assert all(abs(geometry.clusters - border) > 16 for border in (4085, 65525))
        assert geometry.fat_sectors * 512 * 8 >= (geometry.clusters + 2) * geometry.kind
        assert geometry.data_start + geometry.clusters * geometry.cluster_sectors <= geometry.sectors


@pytest.mark.parametrize(("clusters", "kind"), [(4084, 12), (4087, 16), (65524, 16), (65525, 32)])
def test_the_reader_tells_the_type_by_the_clusters_alone(tmp_path: Path, clusters: int, kind: int) -> None:
    image = tmp_path / "v"
    # mkfs.fat takes the type as an order; one sector a cluster, tables of the size that this takes.
    table = -(-(clusters + 2) * kind // 4096)
    reserved, root = (32, 0) if kind == 32 else (1, 32)
    sectors = reserved + 2 * table + root + clusters
    sparse(image, sectors * 512, {})
    call("mkfs.fat", "-a", "-F", str(kind), "-s", "1", "-R", str(reserved), image)
    (tmp_path / "file").write_bytes(b"f" * 3000)
    call("mcopy", "-i", image, tmp_path / "file", "::some file.txt")
    with view_of(image) as view:
        volume = FatVolume(view)
        assert (volume.geometry.kind, volume.geometry.clusters) == (kind, clusters)
    assert contents(image) == {"some file.txt": b"f" * 3000}


def test_the_type_at_the_exact_borders() -> None:
    kinds = [fat_geometry.kind_by_clusters(clusters) for clusters in (4084, 4085, 65524, 65525)]
    assert kinds == [12, 16, 16, 32]


def test_the_reader_follows_mtools_and_fragments(tmp_path: Path) -> None:
    image = tmp_path / "v"
    sparse(image, 4 * MIB, {})
    call("mkfs.fat", image)
    for n in range(40):
        (tmp_path / "f").write_bytes(bytes([n]) * 9000)
        call("mcopy", "-i", image, tmp_path / "f", f"::f{n}")
    for n in range(0, 40, 2):
        call("mdel", "-i", image, f"::f{n}")
    big = os.urandom(3 * MIB)
    (tmp_path / "big").write_bytes(big)
    call("mcopy", "-i", image, tmp_path / "big", "::Big one.bin")
    found = contents(image)
    assert found["Big one.bin"] == big
    assert found["f7"] == bytes([7]) * 9000 and len(found) == 21


@pytest.mark.parametrize("count", [1, 3, 100, 500, 3000])
def test_the_computed_size_always_suffices(tmp_path: Path, count: int) -> None:
    # Tiny files take a whole cluster each: a sum of lengths would be far too small.
    files = {f"folder {n % 7}/file number {n}": b"x" for n in range(count)}
    write_volume(tmp_path / "v", files)
    assert_sound(tmp_path / "v")
    assert contents(tmp_path / "v") == files


@pytest.mark.parametrize("length", [4 * MIB - 70_000, 5 * MIB - 65_536 - MIB, 5 * MIB, 16 * MIB, 250 * MIB])
def test_sizes_about_the_borders(tmp_path: Path, length: int) -> None:
    for each in (length - 1, length, length + 1):
        file = sparse(tmp_path / "f", each, {each - 1: b"!"})
        volume = write_volume(tmp_path / "v", {"f": file})
        assert volume.size >= fat_geometry.usual_size(each)
        assert_sound(tmp_path / "v")


def test_spare_bytes_stay_free_at_the_end(tmp_path: Path) -> None:
    entries = {"f": b"x" * (2 * MIB - 100_000)}
    with pytest.raises(BuildError, match="too small"):
        fat.plan_volume(entries, label="", size=2 * MIB, spare=100_000)
    volume = fat.plan_volume(entries, label="", size=2 * MIB, spare=16 << 10)
    assert volume.size - volume.geometry.offset_of(2 + volume.used_clusters) >= 16 << 10


REFUSED = [
    ({"a": b"", "A": b""}, "differ only in the case"),
    ({"ärger": b"", "ÄRGER": b""}, "differ only in the case"),
    ({"EFI/a": b"", "efi/b": b""}, "differ only in the case"),
    ({"a": b"", "a/b": b""}, "both a file and a folder"),
    ({"a/b": b"", "a": b""}, "both a file and a folder"),
    ({"": b""}, "not a file name"),
    ({"a//b": b""}, "not a file name"),
    ({"/a": b""}, "not a file name"),
    ({"a/": b""}, "not a file name"),
    ({"a/../b": b""}, "not a file name"),
    ({"a:b": b""}, "forbids"),
    ({"a\\b": b""}, "forbids"),
    ({"a\tb": b""}, "forbids"),
    ({"what?": b""}, "forbids"),
    ({"dot.": b""}, "drops"),
    ({"space ": b""}, "drops"),
    ({" space": b""}, "drops"),
    ({"x" * 256: b""}, "longer than"),
    ({"𝄞" * 128: b""}, "longer than"),
    ({"bad\udcff": b""}, "not valid text"),
    ({"f": Path("/nonexistent")}, "cannot read"),
    ({"f": Path("/dev/null")}, "not a regular file"),
    ({"f": Path("/")}, "not a regular file"),
    ({f"a long file name, number {n}": b"" for n in range(171)}, r"root folder .* needs \d+ entries"),
    ({f"d/{'x' * 246}{n:09}": b"" for n in range(3300)}, "FAT allows 65536"),
]


@pytest.mark.parametrize(
    ("entries", "message"), REFUSED, ids=[f"{n}-{m}" for n, (_e, m) in enumerate(REFUSED)]
)
def test_refused(entries: dict[str, bytes | Path], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        fat.plan_volume(entries, label="x")


def test_the_root_folder_may_be_full_to_the_brim(tmp_path: Path) -> None:
    write_volume(tmp_path / "v", {f"F{n}": b"x" for n in range(511)})
    assert_sound(tmp_path / "v")
    with pytest.raises(BuildError, match="root folder"):
        fat.plan_volume({f"F{n}": b"x" for n in range(512)}, label="x")


def test_a_file_of_4_gib_is_refused_and_one_byte_less_is_not(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"4,294,967,296 bytes"):
        fat.plan_volume({"f": sparse(tmp_path / "f", 1 << 32, {})}, label="x")
    volume = fat.plan_volume({"f": sparse(tmp_path / "f", (1 << 32) - 1, {})}, label="x")
    assert volume.geometry.kind == 32
    with pytest.raises(BuildError, match="no FAT16 volume"):
        fat.plan_volume({"f": tmp_path / "f"}, label="x", largest=16)


@pytest.mark.parametrize("size", [100, 512, 20 * 1024, 1 << 45])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(BuildError, match="volume"):
        fat.plan_volume({"f": b"x"}, label="x", size=size)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_its_size_meanwhile(tmp_path: Path, change: int) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 5000)
    volume = fat.plan_volume({"f": file}, label="x")
    os.truncate(file, 5000 + change)
    target = os.open(tmp_path / "v", os.O_RDWR | os.O_CREAT)
    with pytest.raises(BuildError, match="changed its size"):
        fat.write_volume(volume, target, 0)
    os.close(target)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("blog_os", b"BLOG_OS    "),
        ("my kernel v1.2", b"MY_KERNEL_V"),
        ("", b"NO_NAME    "),
        ("ß€", b"SS_        "),
    ],
)
def test_labels(text: str, label: bytes) -> None:
    assert fat_names.label_bytes(text) == label


def test_aliases_do_not_collide_with_names_that_look_like_aliases(tmp_path: Path) -> None:
    files = {
        name: name.encode() for name in ("kernel-x86_64", "KERNEL~1", "kernel~2", "kernel-b.txt", "kernel-c")
    }
    write_volume(tmp_path / "v", files)
    assert_sound(tmp_path / "v")
    assert read_back(tmp_path / "v", "KERNEL~1") == b"KERNEL~1"
    assert read_back(tmp_path / "v", "KERNEL~3") == b"kernel-x86_64"


def test_twenty_thousand_similar_names_are_quick() -> None:
    names = [f"some file {n}.bin" for n in range(20_000)]
    assert len({name.short for name in fat_names.with_aliases(names)}) == 20_000


_letters = st.sampled_from(string.ascii_letters + string.digits + " ._-~+,;=[]äß€'()")
_parts = st.text(_letters, min_size=1, max_size=30)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tree=st.dictionaries(
        st.lists(_parts, min_size=1, max_size=3).map("/".join), st.binary(max_size=9000), max_size=25
    )
)
def test_any_tree_is_written_soundly_or_refused(tmp_path: Path, tree: dict[str, bytes]) -> None:
    image = tmp_path / "v"
    try:
        write_volume(image, tree)
    except BuildError:
        return
    assert_sound(image)
    assert contents(image) == tree
    out = tmp_path / "out"
    call("rm", "-rf", out)
    out.mkdir()
    if tree:
        call("mcopy", "-s", "-n", "-i", image, "::*", out)
    assert {str(f.relative_to(out)): f.read_bytes() for f in out.rglob("*") if f.is_file()} == tree


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.integers(0, 70_000), st.binary(min_size=1, max_size=8)), max_size=8))
def test_the_reader_survives_any_damage(tmp_path: Path, damage: list[tuple[int, bytes]]) -> None:
    image = tmp_path / "v"
    if not image.exists():
        write_volume(image, NAMES)
        image.chmod(stat.S_IRUSR)
    broken = bytearray(image.read_bytes())
    for offset, data in damage:
        broken[offset % 30000 : offset % 30000 + len(data)] = data
    (tmp_path / "broken").write_bytes(broken)
    target = os.open(tmp_path / "broken", os.O_RDONLY)
    try:
        for entry in FatVolume(View(target, ((0, len(broken)),))).entries():
            entry.content.digest()
    except BuildError as error:
        assert "no FAT volume" in error.message
    finally:
        os.close(target)


def small_volume(entries: dict[int, list[bytes]], chains: dict[int, int]) -> bytes:
    """A FAT12 volume of 64 KiB with one-sector clusters: the root folder is number 0."""
    volume = bytearray(512 * 128)
    struct.pack_into("<3x8xHBHBHHBH", volume, 0, 512, 1, 1, 1, 16, 128, 0xF8, 1)
    volume[510:512] = b"\x55\xaa"
    table = sum(following << 12 * cluster for cluster, following in chains.items())
    volume[512:1024] = table.to_bytes(512, "little")
    for cluster, listed in entries.items():
        start = 1024 if cluster == 0 else 1536 + (cluster - 2) * 512
        volume[start : start + 32 * len(listed)] = b"".join(listed)
    return bytes(volume)


def small_entry(name: bytes, cluster: int, size: int = 0) -> bytes:
    return struct.pack("<11sB8xHHHHI", name.ljust(11), 0x20 if size else 0x10, 0, 0, 0, cluster, size)


@pytest.mark.parametrize(
    ("entries", "chains", "message"),
    [
        # Folders that share their clusters: 2**38 paths.
        (
            {n: [small_entry(b"A", n + 1), small_entry(b"B", n + 1)] for n in range(1, 40)}
            | {0: [small_entry(b"A", 2)]},
            dict.fromkeys(range(1, 72), 0xFFF),
            "has a cluster that is taken already",
        ),
        ({0: [small_entry(b"F", 2, 0xFFFFFFFF)]}, {2: 3, 3: 2}, "'F' has a cluster that is taken already"),
        ({0: [small_entry(b"D", 2)]}, {2: 3, 3: 2}, "'D' has a cluster that is taken already"),
        (
            {0: [small_entry(b"F", 2, 600), small_entry(b"G", 3, 10)]},
            {2: 3, 3: 0xFFF},
            "'G' has a cluster that is taken already",
        ),
        ({0: [small_entry(b"F", 2, 4 << 20)]}, {2: 3, 3: 0xFFF}, "'F' is too short"),
    ],
)
def test_a_cluster_belongs_to_one_file(
    tmp_path: Path, entries: dict[int, list[bytes]], chains: dict[int, int], message: str
) -> None:
    (tmp_path / "v").write_bytes(small_volume(entries, chains))
    with view_of(tmp_path / "v") as view, pytest.raises(BuildError, match=message):
        list(FatVolume(view).entries())
