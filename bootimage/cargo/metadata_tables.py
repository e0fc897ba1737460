"""`[package.metadata.bootloader]` and `[package.metadata.bootimage]` in a kernel's Cargo.toml.

Keys, types and defaults are those of the programs that users know them from: the build script of the
`bootloader` crate 0.9.35 and the `bootimage` program 0.10.5. Both refuse a key they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bootimage.base.errors import BuildError, closest
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import Key, TomlFile, describe

_PAGE = 0x1000
_LARGEST_ADDRESS = (1 << 64) - 1
_LARGEST_TIMEOUT = (1 << 32) - 1
# As Rust reads numbers: no blanks, no underscores, no minus.
_ADDRESS = re.compile(r"0x(?P<hex>\+?0*[0-9a-fA-F]{1,16})|\+?0*[0-9]{1,20}")
_EXIT_CODES = range(-(1 << 31), 1 << 31)


@dataclass(frozen=True)
class BootloaderSettings:
    """`[package.metadata.bootloader]` for a kernel on loader 0.9.

    Addresses are virtual ones, None where the loader chooses. The stack's size is in pages of 4 KiB.
    """

    physical_memory_offset: int | None = None
    kernel_stack_address: int | None = None
    boot_info_address: int | None = None
    kernel_stack_size: int = 512


@dataclass(frozen=True)
class BootimageSettings:
    """`[package.metadata.bootimage]`. `{}` in `run_command` is the image; the timeout is in seconds."""

    build_command: tuple[str, ...] = ("build",)
    run_command: tuple[str, ...] = ("qemu-system-x86_64", "-drive", "format=raw,file={}")
    run_args: tuple[str, ...] = ()
    test_args: tuple[str, ...] = ()
    test_timeout: int = 300
    test_success_exit_code: int | None = None
    test_no_reboot: bool = True


@dataclass(frozen=True)
class LoaderBuild:
    """How a loader 0.9 is to be built, which the crate's own manifest says in the same table."""

    target: str
    """The target specification, relative to the crate's folder."""
    build_std: str | None


def bootloader_settings(file: TomlFile) -> BootloaderSettings:
    """The kernel's settings for its loader. A BuildError for what the loader would refuse."""
    return BootloaderSettings(**_read(file, "bootloader", _BOOTLOADER_KEYS))


def bootimage_settings(file: TomlFile) -> BootimageSettings:
    """The kernel's settings for build, run and test. A BuildError for what bootimage would refuse.

    `file` may be a workspace's manifest without a package: bootimage then takes the defaults too.
    """
    return BootimageSettings(**_read(file, "bootimage", _BOOTIMAGE_KEYS))


def loader_build(file: TomlFile) -> LoaderBuild:
    """What the manifest of the crate `bootloader` says of its own build. No target there is a BuildError."""
    place = ("package", "metadata", "bootloader")
    target = file.get(str, *place, "target")
    if target is None:
        message = "this loader does not say its target: no `package.metadata.bootloader.target`"
        raise file.error(message, hint="the crate `bootloader` has this key from version 0.5.1")
    return LoaderBuild(target, file.get(str, *place, "build-std"))


_Reader = Callable[[TomlFile, tuple[Key, ...]], Any]


def _read(file: TomlFile, table: str, readers: Mapping[str, _Reader]) -> dict[str, Any]:
    place = ("package", "metadata", table)
    entries = file.table(*place) if "package" in file.data else {}
    for key in entries:
        if key not in readers:
            raise _unknown(file, (*place, key), readers)
    return {key.replace("-", "_"): readers[key](file, (*place, key)) for key in entries}


# Keys of the program `bootimage` before 0.8, and what does their work today.
_OLD_KEYS = {
    "default-target": 'write it to .cargo/config.toml: [build] target = "..."',
    "output": "leave it out; `bootimage build --out-dir FOLDER` says where images go",
    "minimum-image-size": "leave it out; `truncate --size=SIZE IMAGE` makes an image larger",
    "bootloader": 'leave it out: the loader is a dependency, `[dependencies] bootloader = "0.9"`',
    "package-file": "leave it out; the option --manifest-path names another Cargo.toml",
    "package-filepath": "leave it out; the option --manifest-path names another Cargo.toml",
}


def _unknown(file: TomlFile, keys: tuple[str, ...], known: Mapping[str, _Reader]) -> BuildError:
    name = keys[-1].replace("_", "-")
    if keys[-2] == "bootimage" and name in _OLD_KEYS:
        what = f"`{keys[-1]}` is a key of old versions of bootimage, which nothing reads any more"
        return file.error(what, *keys, hint=_OLD_KEYS[name])
    near = closest(keys[-1].replace("_", "-").lower(), known)
    return file.error(
        f"`{keys[-1]}` is no key of `[{'.'.join(keys[:-1])}]`",
        *keys,
        hint=f"did you mean `{near}`?" if near else f"the keys are: {', '.join(sorted(known))}",
    )


def _address(file: TomlFile, keys: tuple[Key, ...]) -> int:
    """A string such as "0xFFFF800000000000", or in decimal, on a page's boundary."""
    written = file.value(*keys)
    if isinstance(written, int) and not isinstance(written, bool):
        message = f"`{keys[-1]}` must be a string, since TOML's integers have 63 bits, found {written}"
        raise file.error(message, *keys, hint=f'write {keys[-1]} = "{written}"')
    text = file.get(str, *keys) or ""
    match = _ADDRESS.fullmatch(text)
    address = None if match is None else int(match["hex"], 16) if match["hex"] else int(text)
    if address is None or address > _LARGEST_ADDRESS:
        raise file.error(f'`{keys[-1]}` must be a number of 64 bits such as "0x1000", found "{text}"', *keys)
    if address % _PAGE:
        raise file.error(f'`{keys[-1]}` must be a multiple of 4 KiB (0x1000), found "{text}"', *keys)
    return address


def _pages(file: TomlFile, keys: tuple[Key, ...]) -> int:
    return _number(file, keys, range(1, 1 << 63), "a number of pages, at least 1")


def _seconds(file: TomlFile, keys: tuple[Key, ...]) -> int:
    return _number(file, keys, range(_LARGEST_TIMEOUT + 1), "a number of seconds, not negative, of 32 bits")


def _exit_code(file: TomlFile, keys: tuple[Key, ...]) -> int:
    return _number(file, keys, _EXIT_CODES, "an exit code of 32 bits")


def _number(file: TomlFile, keys: tuple[Key, ...], allowed: range, what: str) -> int:
    found = file.value(*keys)
    if isinstance(found, int) and not isinstance(found, bool) and found in allowed:
        return found
    raise file.error(f"`{keys[-1]}` must be {what}, found {describe(found)}", *keys)


def _switch(file: TomlFile, keys: tuple[Key, ...]) -> bool:
    return file.get(bool, *keys) is True


def _words(file: TomlFile, keys: tuple[Key, ...]) -> tuple[str, ...]:
    return file.strings(*keys)


def _command(file: TomlFile, keys: tuple[Key, ...]) -> tuple[str, ...]:
    words = file.strings(*keys)
    if not words:
        raise file.error(f"`{keys[-1]}` must name a program, found an empty array", *keys)
    return words


_BOOTLOADER_KEYS: Mapping[str, _Reader] = {
    "physical-memory-offset": _address,
    "kernel-stack-address": _address,
    "boot-info-address": _address,
    "kernel-stack-size": _pages,
}
_BOOTIMAGE_KEYS: Mapping[str, _Reader] = {
    "build-command": _command,
    "run-command": _command,
    "run-args": _words,
    "test-args": _words,
    "test-timeout": _seconds,
    "test-success-exit-code": _exit_code,
    "test-no-reboot": _switch,
}
