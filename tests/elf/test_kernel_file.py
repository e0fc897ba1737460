"""What a kernel file says, and every kernel that no boot loader can load."""

from __future__ import annotations

import resource
import struct
import time
from pathlib import Path
from shutil import which

import pytest
from elf_bytes import BASE, DYNAMIC, Layout, config, elf
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.base.run_program import run
from bootimage.elf.elf_headers import read_elf
from bootimage.elf.kernel_file import check_bootable, read_kernel, read_loader_config, strip_debug

KERNEL = elf()
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "kernel"
    path.write_bytes(data)
    return path


def patched(data: bytes, place: int, form: str, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, place, value)
    return bytes(changed)


def test_a_kernel_that_boots(tmp_path: Path) -> None:
    path = written(tmp_path, KERNEL)
    check_bootable(path, "0.11.17")
    kernel = read_kernel(path)
    assert (kernel.elf.kind, kernel.elf.entry, kernel.elf.size) == ("ET_EXEC", BASE + 0x1000, len(KERNEL))
    assert [section.name for section in kernel.elf.sections][1:4] == [
        ".text",
        ".bootloader-config",
        ".debug_info",
    ]
    assert kernel.elf.debug_size() == 300
    settings = read_loader_config(kernel)
    assert (settings.version, settings.stack_size, settings.length) == ("0.11.17", 80 * 1024, 133)


@pytest.mark.parametrize("program", ["/usr/bin/git", "/bin/sh", which("gcc")])
def test_real_programs_read_as_pyelftools_reads_them(program: str) -> None:
    found = read_elf(Path(program).resolve())
    with Path(program).open("rb") as file:
        expected = ELFFile(file)
        assert [(each.name, each.offset, each.size) for each in found.sections] == [
            (each.name, each["sh_offset"], each["sh_size"]) for each in expected.iter_sections()
        ]
        assert [(each.kind, each.address) for each in found.segments] == [
            (each["p_type"], each["p_vaddr"]) for each in expected.iter_segments()
        ]


NOT_A_KERNEL = [
    (b"", "an empty file"),
    (b"MZ" + bytes(100), "UEFI program"),
    (b"!<arch>\n" + bytes(100), "static library"),
    (b"#!/bin/sh\n", "a script"),
    (b"\0asm\1\0\0\0", "WebAssembly"),
    (b"hello", "no ELF file .it begins with 68 65 6c 6c"),
    (KERNEL[:40], "truncated ELF file of 40 bytes"),
    (patched(KERNEL, 4, "B", 1), "32-bit"),
    (patched(KERNEL, 4, "B", 7), "no known class"),
    (patched(KERNEL, 5, "B", 2), "big-endian"),
    (elf(machine=183), "another machine .EM_AARCH64"),
    (elf(machine=0xBEEF), "another machine .48879"),
    (elf(kind=1), "object file"),
    (elf(kind=4), "core dump"),
    (elf(kind=0), "of no type"),
    (elf(kind=0xFE01), "unknown type"),
]
LIES = [
    (KERNEL[:-1], "the table of section headers ends"),
    (KERNEL[: len(KERNEL) // 2], "contradicts itself or is truncated"),
    (elf(headers={"shoff": 1 << 60}), "the table of section headers ends"),
    (elf(headers={"phoff": (1 << 64) - 1}), "the table of program headers ends"),
    (elf(headers={"phnum": 0xFFFF}), "claims 65,535 program headers"),
    (elf(headers={"shnum": 0xFF00}), "claims 65,280 section headers"),
    (elf(headers={"phentsize": 1}), "program headers are said to have 1 bytes"),
    (elf(headers={"shentsize": 40}), "section headers are said to have 40 bytes"),
    (elf(headers={"ehsize": 52}), "header is said to have 52"),
    (elf(headers={"shstrndx": 99}), "section names are in section 99 of 5"),
    (elf(headers={"shstrndx": 2}), "which is no table of names"),
    (elf(segment={"offset": 1 << 40}), "program header 0 ends at"),
    (elf(segment={"file_size": 1 << 63}), "program header 0 ends at"),
    (patched(KERNEL, len(KERNEL) - 4 * 64, "<I", 1 << 20), "name of section 1 is beyond"),
    (patched(KERNEL, len(KERNEL) - 4 * 64 + 24, "<Q", 1 << 50), "section '.text' ends"),
    (patched(KERNEL, len(KERNEL) - 4 * 64 + 32, "<Q", 0x1000), "ends at|on top of each other"),
    (patched(KERNEL, len(KERNEL) - 3 * 64 + 24, "<Q", 0x103F), "on top of each other"),
]
NOT_LOADABLE = [
    (elf(headers={"phnum": 0}), "no PT_LOAD"),
    (elf(segment={"kind": 4}), "no PT_LOAD"),
    (elf(segment={"memory_size": 3}), "more bytes in the file than in memory"),
    (elf(segment={"memory_size": 1 << 33}), "needs 8,589,934,592 bytes of memory"),
    (elf(segment={"address": BASE + 0x1010}), "its alignment of 0x1000"),
    (elf(segment={"address": BASE + 0x1010, "alignment": 16}), "does not lie in the file"),
    (elf(segment={"address": (1 << 63) + 0x1000}), "48-bit address"),
    (elf(segment={"address": (1 << 64) - 0x1000, "memory_size": 0x1001}), "48-bit address"),
    (elf(segment={"address": (1 << 47) - 0x1000, "memory_size": 0x1001}), "48-bit address"),
    (elf(more_segments=[{"flags": 6}]), "share a page"),
    (elf(more_segments=[{"kind": 7}, {"kind": 7}]), "more than one PT_TLS"),
    (elf(entry=0), "entry point 0x0 is in none"),
    (elf(segment={"flags": 6}), "entry point 0x201000 is in none"),
    (elf(more_segments=[{"kind": 7, "offset": 0, "file_size": len(elf(more_segments=[{}]))}]), "very end"),
]
NO_CONFIG = [
    (elf(sections={".text": b"\x90" * 64}), "no section .bootloader-config"),
    (elf(sections={".text": b"\x90" * 64, ".bootloader-config": b""}), "no section"),
    (elf(sections={".text": b"\x90" * 64, ".bootloader-config": b"x" * 133}), "no loader settings"),
    (elf(sections={".text": b"\x90" * 64, ".bootloader-config": config()[:20]}), "no loader settings"),
    (
        elf(sections={".text": b"\x90" * 64, ".bootloader-config": config(length=266)}),
        "has 266 bytes, not the 133",
    ),
    (
        elf(sections={".text": b"\x90" * 64, ".bootloader-config": config((0, 11, 10), 124)}),
        "loader 0.11.10 .124",
    ),
    (elf(sections={".text": b"\x90" * 64, ".bootloader-config": config((0, 11, 15))}), "loader 0.11.15 .133"),
]


@pytest.mark.parametrize(
    ("data", "message"), [*NOT_A_KERNEL, *LIES, *NOT_LOADABLE, *NO_CONFIG], ids=lambda each: str(each)[:40]
)
def test_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(BuildError, match=message) as caught:
        check_bootable(path, "0.11.17")
    assert caught.value.file == path


def test_a_bare_kernel_is_told_what_to_add(tmp_path: Path) -> None:
    path = written(tmp_path, elf(sections={".text": b"\x90" * 64}))
    with pytest.raises(BuildError) as caught:
        check_bootable(path, "0.11.17")
    assert 'bootloader = { package = "bootloader_api", version = "0.11" }' in str(caught.value)
    assert "entry_point!(kernel_main);" in str(caught.value)
    check_bootable(path, "0.9.35")


@pytest.mark.parametrize(
    ("version", "length"),
    [((0, 11, 0), 115), ((0, 11, 2), 124), ((0, 11, 10), 124), ((0, 11, 11), 133), ((0, 11, 17), 133)],
)
def test_each_version_of_the_settings(tmp_path: Path, version: tuple[int, int, int], length: int) -> None:
    sections = {".text": b"\x90" * 64, ".bootloader-config": config(version, length)}
    check_bootable(written(tmp_path, elf(sections=sections)), ".".join(map(str, version)))
    sections[".bootloader-config"] += b"\0"
    with pytest.raises(BuildError, match=f"{length + 1} bytes"):
        check_bootable(written(tmp_path, elf(sections=sections)), ".".join(map(str, version)))


def with_mapping(place: int, address: int, length: int = 133, optional: bool = False) -> bytes:
    version = (0, 11, 17 if length == 133 else 10)
    value = (b"\1\1" if optional else b"\1") + address.to_bytes(8, "little")
    data = config(version, length)
    return data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (with_mapping(31, 0xFFFF_8000_0000_0000), None),
        (with_mapping(31, 0x1234), "kernel_stack"),
        (with_mapping(31, 0x1234, 124), "kernel_stack"),
        (with_mapping(31, 0x8000_0000_0000), "kernel_stack"),
        (with_mapping(40, 0x100_0000), "the kernel is not position-independent"),
        (with_mapping(40, 12, 124), "boot_info"),
        (with_mapping(49, 12), "boot_info"),
        (with_mapping(49, 16), None),
        (with_mapping(58, 0x800), "framebuffer"),
        (with_mapping(67, 0x20_0000, optional=True), None),
        (with_mapping(67, 0x10_0000, optional=True), "physical_memory"),
        (with_mapping(77, 0x80_0000_0000, optional=True), None),
        (with_mapping(77, 0x40_0000_0000, optional=True), "page_table_recursive"),
        (with_mapping(88, 0x9000_0000_0000), "dynamic_range_start"),
        (with_mapping(106, 0x1001), "ramdisk_memory"),
        (with_mapping(97, 0x1001, 124), "ramdisk_memory"),
    ],
)
def test_mappings_at_fixed_addresses(tmp_path: Path, settings: bytes, name: str | None) -> None:
    kernel = written(tmp_path, elf(sections={".text": b"\x90" * 64, ".bootloader-config": settings}))
    version = read_loader_config(read_kernel(kernel)).version
    if name is None:
        check_bootable(kernel, version)
    else:
        with pytest.raises(BuildError, match=name):
            check_bootable(kernel, version)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (with_mapping(31, 0x20_1000), "kernel_stack"),
        (with_mapping(31, 0x1F_0000), "kernel_stack"),
        (with_mapping(31, 0x1E_0000), None),
        (with_mapping(58, 0x20_1000), "framebuffer"),
        (with_mapping(58, 0x20_2000), None),
    ],
)
def test_mappings_where_the_kernel_lies(tmp_path: Path, settings: bytes, name: str | None) -> None:
    sections = {".text": b"\x90" * 64, ".bootloader-config": settings}
    kernel = written(tmp_path, elf(sections=sections))
    if name is None:
        check_bootable(kernel, "0.11.17")
    else:
        with pytest.raises(BuildError, match=f"`mappings.{name}` is .* own segment at 0x201000"):
            check_bootable(kernel, "0.11.17")
    kernel.write_bytes(elf(sections=sections, kind=3))
    check_bootable(kernel, "0.11.17")  # the loader chooses where it lies


@pytest.mark.parametrize(
    ("settings", "screen"),
    [
        (config(), (0, 0)),
        (config(length=124), (0, 0)),
        (config()[:-18] + struct.pack("<BQBQ", 1, 1080, 1, 1920), (1920, 1080)),
        (config((0, 11, 10), 124)[:-18] + struct.pack("<BQBQ", 1, 600, 0, 0), (0, 600)),
        (config((0, 11, 0), 115), (0, 0)),
    ],
)
def test_the_screen_that_a_kernel_wants(tmp_path: Path, settings: bytes, screen: tuple[int, int]) -> None:
    sections = {".text": b"\x90" * 64, ".bootloader-config": settings}
    assert read_loader_config(read_kernel(written(tmp_path, elf(sections=sections)))).screen == screen


@pytest.mark.parametrize(("size", "fits"), [(0, False), (1, False), (511, False), (512, True), (12345, True)])
def test_the_size_of_the_stack(tmp_path: Path, size: int, fits: bool) -> None:
    settings = config()[:23] + size.to_bytes(8, "little") + config()[31:]
    kernel = written(tmp_path, elf(sections={".text": b"\x90" * 64, ".bootloader-config": settings}))
    assert read_loader_config(read_kernel(kernel)).stack_size == size
    if fits:
        check_bootable(kernel, "0.11.17")
    else:
        with pytest.raises(BuildError, match=f"`kernel_stack_size` is {size}, and no call fits"):
            check_bootable(kernel, "0.11.17")


def relocation(kind: int, symbol: int = 0, address: int = 0x20_1008) -> bytes:
    return struct.pack("<QQq", address, symbol << 32 | kind, 0)


SYMBOLS = {
    # None, one whose name begins at byte 1, one whose name lies beyond the table.
    ".dynsym": b"".join(name.to_bytes(4, "little").ljust(24, b"\0") for name in (0, 1, 999)),
    ".dynstr": b"\0outside\0",
}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (b"", None),
        (relocation(8) * 40_000, None),
        (relocation(8) * 40_000 + relocation(1, 1), "R_X86_64_64 at 0x201008 of the symbol `outside`;"),
        (relocation(8, 1), "R_X86_64_RELATIVE at 0x201008 of the symbol `outside`;"),
        (relocation(6, 2), "R_X86_64_GLOB_DAT at 0x201008 of the symbol `number 2`;"),
        (relocation(6, 77), "of the symbol `number 77`;"),
        (relocation(16), "R_X86_64_DTPMOD64 at 0x201008;"),
        (relocation(240), "a relocation of type 240 at 0x201008;"),
        (relocation(8) + relocation(1)[:10], None),
    ],
)
def test_relocations_that_the_loader_does_not_apply(tmp_path: Path, table: bytes, told: str | None) -> None:
    sections = {".text": b"\x90" * 64, ".bootloader-config": config(), ".rela.dyn": table, **SYMBOLS}
    dynamic = {"kind": DYNAMIC, "flags": 6}
    kernel = written(tmp_path, elf(sections=sections, kind=3, more_segments=[dynamic]))
    if told is None:
        check_bootable(kernel, "0.11.17")
    else:
        with pytest.raises(BuildError) as caught:
            check_bootable(kernel, "0.11.17")
        assert told in caught.value.message and "-Crelocation-model=static" in (caught.value.hint or "")
    kernel.write_bytes(elf(sections=sections, kind=3))
    check_bootable(kernel, "0.11.17")  # without the table that leads the loader there


@pytest.mark.parametrize("path", ["/nonexistent", "/", "/dev/null"])
def test_no_file(path: str) -> None:
    with pytest.raises(BuildError):
        check_bootable(Path(path), "0.11.17")


def test_a_lying_file_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    path = written(tmp_path, elf(headers={"shoff": 0x1000, "shnum": 16384}))
    with path.open("r+b") as file:
        file.truncate(4 << 30)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(BuildError):
        check_bootable(path, "0.11.17")
    assert time.monotonic() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 120), st.integers(len(KERNEL) - 5 * 64, len(KERNEL) - 1)),
            st.one_of(
                st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\xff\xff"])
            ),
        ),
        min_size=1,
        max_size=6,
    ),
    keep=st.one_of(st.just(len(KERNEL)), st.integers(0, len(KERNEL))),
)
def test_any_damage_is_found_or_harmless(tmp_path: Path, changes: list[tuple[int, bytes]], keep: int) -> None:
    data = bytearray(KERNEL)
    for offset, change in changes:
        data[offset : offset + len(change)] = change
    path = written(tmp_path, bytes(data[:keep]))
    try:
        check_bootable(path, "0.11.17")
    except BuildError as error:
        assert error.file == path and error.message


SOURCE = """
__attribute__((section(".bootloader-config"), used)) const unsigned char config[133] = {%s};
static int counter;
void _start(void) { for (;;) { counter++; __asm__ volatile("hlt"); } }
"""


@pytest.fixture(scope="module")
def real_kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "k.c").write_text(SOURCE % ",".join(map(str, config())))
    flags = [
        "-g",
        "-nostdlib",
        "-static",
        "-ffreestanding",
        "-fno-pie",
        "-no-pie",
        "-z",
        "max-page-size=4096",
    ]
    run(["cc", *flags, "k.c", "-o", "kernel"], env=ENVIRONMENT, cwd=folder).or_fail("cc")
    return folder / "kernel"


def test_a_linked_kernel_without_its_debug_information(tmp_path: Path, real_kernel: Path) -> None:
    objcopy = Path(which("llvm-objcopy") or "")
    check_bootable(real_kernel, "0.11.17")
    before = real_kernel.read_bytes()
    for name in ("one", "two/deeper"):
        strip_debug(objcopy, real_kernel, tmp_path / name, ENVIRONMENT)
    one = read_kernel(tmp_path / "one")
    assert one.elf.debug_size() == 0 < read_kernel(real_kernel).elf.debug_size()
    assert one.config == config() and one.elf.section(".symtab")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two/deeper").read_bytes()
    assert real_kernel.read_bytes() == before
    check_bootable(tmp_path / "one", "0.11.17")
    # Once more on its own result: the same bytes.
    strip_debug(objcopy, tmp_path / "one", tmp_path / "again", ENVIRONMENT)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "one").read_bytes()


@pytest.mark.parametrize(
    "script", ["exit 1", 'cp "$2" "$3"; truncate -s 100 "$3"', "exit 0", 'cp /bin/true "$3"', 'cp "$0" "$3"']
)
def test_a_failing_objcopy_leaves_the_old_result(tmp_path: Path, real_kernel: Path, script: str) -> None:
    objcopy, target = tmp_path / "objcopy", tmp_path / "out" / "kernel"
    objcopy.write_text(f"#!/bin/sh\n{script}\n")
    objcopy.chmod(0o755)
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(BuildError):
        strip_debug(objcopy, real_kernel, target, ENVIRONMENT)
    assert target.read_bytes() == b"old" and list(target.parent.iterdir()) == [target]


def test_layout_is_what_pyelftools_reads(tmp_path: Path) -> None:
    with written(tmp_path, elf(Layout())).open("rb") as file:
        assert ELFFile(file).get_section_by_name(".bootloader-config").data() == config()
