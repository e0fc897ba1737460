"""A kernel's settings for the boot loader 0.11: the bytes that `entry_point!` leaves in its ELF file.

Source of the format: `BootloaderConfig::serialize` of the crate `bootloader_api`, 0.11.0 to 0.11.17; of
the rules: `set_up_mappings` of `bootloader-x86_64-common`, which stands still where one is broken.
"""

from __future__ import annotations

import struct

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

SECTION = ".bootloader-config"
_ID = bytes.fromhex("743ca961093646a0bb555c158915253d")
_START = struct.Struct("<16sHHHBQ")
_SCREEN = struct.Struct("<BQBQ")
# How long the settings are from which loader version on.
_LENGTHS = (((0, 11, 0), 115), ((0, 11, 1), 124), ((0, 11, 11), 133))

_LEAST_STACK = 512
_PAGE, _LARGE_PAGE, _TOP_ENTRY = 1 << 12, 1 << 21, 1 << 39
# (name, bytes, alignment of a fixed address); what 10 bytes describe is optional.
_KERNEL_BASE = ("kernel_base", 9, _PAGE)
_MAPPINGS = (
    ("kernel_stack", 9, _PAGE),
    _KERNEL_BASE,
    ("boot_info", 9, 8),
    ("framebuffer", 9, _PAGE),
    ("physical_memory", 10, _LARGE_PAGE),
    ("page_table_recursive", 10, _TOP_ENTRY),
    ("aslr", 1, 0),
    ("dynamic_range_start", 9, 1),
    ("dynamic_range_end", 9, 1),
    ("ramdisk_memory", 9, _PAGE),
)


@dataclass(frozen=True)
class LoaderConfig:
    """What the kernel tells the loader.

    `fixed` maps a mapping's name to the address it asks for; `screen` is the least width and height of the
    frame buffer, in pixels, 0 where there is no wish.
    """

    version: str
    prerelease: bool
    stack_size: int
    length: int
    fixed: dict[str, int]
    screen: tuple[int, int]


def decode(data: bytes) -> LoaderConfig:
    """Decode the section's bytes. Raises BuildError for bytes that are no loader settings."""
    if len(data) < _START.size or not data.startswith(_ID):
        raise BuildError(f"the section {SECTION} holds no loader settings")
    _id, *version, prerelease, stack_size = _START.unpack_from(data)
    known = len(data) in (124, 133)
    fixed = dict(_fixed_addresses(data)) if known else {}
    screen = _screen(data) if known else (0, 0)
    return LoaderConfig(".".join(map(str, version)), bool(prerelease), stack_size, len(data), fixed, screen)


def check(config: LoaderConfig, loader_version: str, *, position_independent: bool) -> None:
    """Raise BuildError for settings that the loader of that version (`0.11.17`) does not accept."""
    _check_version(config, loader_version)
    for name, _size, alignment in _MAPPINGS:
        address = config.fixed.get(name)
        if address is not None and (address % alignment or address >> 47 not in (0, (1 << 17) - 1)):
            raise _wrong(
                f"`mappings.{name}` is {address:#x}, not a 48-bit address that {alignment:#x} divides"
            )
    if config.stack_size < _LEAST_STACK:
        raise _wrong(f"`kernel_stack_size` is {config.stack_size}, and no call fits into so few bytes")
    if "kernel_base" in config.fixed and not position_independent:
        raise _wrong("`mappings.kernel_base` is fixed, but the kernel is not position-independent")


def numbers(version: str) -> tuple[int, ...]:
    """`0.11.17-beta` as (0, 11, 17)."""
    return tuple(int(part) for part in version.partition("-")[0].partition("+")[0].split("."))


def _fixed_addresses(data: bytes) -> list[tuple[str, int]]:
    found, place = [], _START.size
    for name, size, _alignment in _MAPPINGS:
        if (name, len(data)) == ("kernel_base", 124):
            continue
        tags, address = data[place : place + size - 8], data[place + size - 8 : place + size]
        if size > 1 and set(tags) == {1}:
            found.append((name, int.from_bytes(address, "little")))
        place += size
    return found


def _screen(data: bytes) -> tuple[int, int]:
    """The last 18 bytes: for height and width, whether there is a wish, and the wish."""
    asks_height, height, asks_width, width = _SCREEN.unpack(data[-_SCREEN.size :])
    return (width if asks_width == 1 else 0, height if asks_height == 1 else 0)


def _check_version(config: LoaderConfig, loader_version: str) -> None:
    wanted = numbers(loader_version)
    length = max(length for since, length in _LENGTHS if wanted >= since)
    same = numbers(config.version) == wanted
    if same and config.length != length:
        raise BuildError(
            f"the section {SECTION} has {config.length} bytes, not the {length} of this version",
            hint="use the macro `entry_point!` once, and only it",
        )
    if not same:
        raise BuildError(
            f"the kernel is made for the boot loader {config.version} ({config.length} bytes of settings) "
            f"and would be started by {loader_version} ({length} bytes), which refuses it",
            hint=f"cargo update -p bootloader_api --precise {loader_version}",
        )


def _wrong(what: str) -> BuildError:
    return BuildError(
        f"the boot loader would stand still: its setting {what}",
        hint="change it in the BootloaderConfig that is given to `entry_point!`",
    )
