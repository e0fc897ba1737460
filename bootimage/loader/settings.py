"""What a kernel's manifest tells a loader 0.9: the table `[package.metadata.bootloader]`.

Source of keys and rules: the build script of the `bootloader` crate, 0.9.0 to 0.9.35. It reads the table
itself; what it would refuse in the middle of a build is refused here, with its place in the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from bootimage.errors import BuildError
from bootimage.toml_file import TomlFile, describe

TABLE = ("package", "metadata", "bootloader")
ADDRESSES = ("physical-memory-offset", "kernel-stack-address", "boot-info-address")
STACK_SIZE = "kernel-stack-size"
_FEATURE = "map_physical_memory"

_ADDRESS = re.compile(r"\+?(0x[0-9a-fA-F]+|[0-9]+)")
_PAGE = 4096


@dataclass(frozen=True)
class Settings:
    """The values by key: addresses in bytes, the stack's size in pages. What is absent the loader decides."""

    values: Mapping[str, int] = field(default_factory=dict)

    def manifest(self) -> str:
        """A manifest with these settings and nothing else, for the loader's build script."""
        rows = (
            f'{key} = "{value:#x}"' if key in ADDRESSES else f"{key} = {value}"
            for key, value in sorted(self.values.items())
        )
        return "\n".join(["[package.metadata.bootloader]", *rows, ""])


def read_settings(manifest: TomlFile, features: Collection[str]) -> Settings:
    """The settings in the kernel's manifest, for a loader with these `features`.

    Raises BuildError: an unknown key, a value of a wrong type, an address that is no number or not at
    the start of a page, a size of zero or less, a key whose feature is not active.
    """
    values = {key: _value(manifest, key) for key in manifest.table(*TABLE)}
    if "physical-memory-offset" in values and _FEATURE not in features:
        raise manifest.error(
            f"`physical-memory-offset` needs the loader's feature `{_FEATURE}`",
            *(*TABLE, "physical-memory-offset"),
            hint=f'add it to the dependency: bootloader = {{ version = "0.9", features = ["{_FEATURE}"] }}',
        )
    return Settings(values)


def _value(manifest: TomlFile, key: str) -> int:
    found = manifest.value(*TABLE, key)
    if key in ADDRESSES:
        return _address(manifest, key, found)
    if key == STACK_SIZE:
        return _pages(manifest, found)
    near = get_close_matches(key, [*ADDRESSES, STACK_SIZE], n=1, cutoff=0.5)
    known = ", ".join([*ADDRESSES, STACK_SIZE])
    hint = f"did you mean `{near[0]}`?" if near else f"the loader's settings are {known}"
    raise manifest.error(f"the loader has no setting `{key}`", *TABLE, key, hint=hint)


def _address(manifest: TomlFile, key: str, found: object) -> int:
    def error(message: str, hint: str) -> BuildError:
        return manifest.error(message, *TABLE, key, hint=hint)

    if not isinstance(found, str):
        hint = f'{key} = "{found:#x}"' if type(found) is int else f'{key} = "0x10000000000"'
        raise error(f"`{key}` must be a string, since TOML has no unsigned 64-bit numbers", hint)
    match = _ADDRESS.fullmatch(found)
    if match is None:
        raise error(f'`{key}` must hold a number, found "{found}"', f'{key} = "0x10000000000"')
    # The loader's own reading: hexadecimal after 0x, decimal otherwise, leading zeros or not.
    value = int(match[1], 16) if match[1].startswith("0x") else int(match[1])
    if value >= 1 << 64:
        raise error(f"`{key}` must be a 64-bit address, found {found}", "use one below 0x10000000000000000")
    if value % _PAGE:
        raise error(
            f"`{key}` must be at the start of a page of 4 KiB, found {found}",
            f'{key} = "{value - value % _PAGE:#x}"',
        )
    return value


def _pages(manifest: TomlFile, found: object) -> int:
    if type(found) is int and found > 0:
        return found
    raise manifest.error(
        f"`{STACK_SIZE}` must be a number of pages, 1 or more, found {describe(found)}",
        *TABLE,
        STACK_SIZE,
        hint=f"{STACK_SIZE} = 512 is what a kernel without this key gets: 2 MiB",
    )
