"""The settings of a kernel for loader and bootimage, with the meaning of the programs they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.base.toml_file import TomlFile, parse_toml
from bootimage.cargo.metadata_tables import (
    BootimageSettings,
    BootloaderSettings,
    LoaderBuild,
    bootimage_settings,
    bootloader_settings,
    loader_build,
)

BOOTLOADER = "[package.metadata.bootloader]\n"
BOOTIMAGE = "[package.metadata.bootimage]\n"


def parsed(text: str) -> TomlFile:
    return parse_toml(text, Path("Cargo.toml"))


def test_defaults() -> None:
    for text in ("", "[package]\n", "[workspace.metadata.bootimage]\nx = 1\n", BOOTLOADER + BOOTIMAGE):
        assert bootloader_settings(parsed(text)) == BootloaderSettings(None, None, None, 512)
        assert bootimage_settings(parsed(text)) == BootimageSettings(
            ("build",), ("qemu-system-x86_64", "-drive", "format=raw,file={}"), (), (), 300, None, True
        )


def test_every_key_of_bootloader() -> None:
    text = 'physical-memory-offset = "0xFFFF800000000000"\nkernel-stack-address = "+004096"\n'
    text += 'boot-info-address = "0x0"\nkernel-stack-size = 128\n'
    settings = bootloader_settings(parsed(BOOTLOADER + text))
    assert settings == BootloaderSettings(0xFFFF_8000_0000_0000, 4096, 0, 128)


def test_every_key_of_bootimage() -> None:
    text = 'build-command = ["xbuild"]\nrun-command = ["bochs", "{}"]\nrun-args = ["-s"]\ntest-args = []\n'
    text += "test-timeout = 0\ntest-success-exit-code = 33\ntest-no-reboot = false\n"
    settings = bootimage_settings(parsed(BOOTIMAGE + text))
    assert settings == BootimageSettings(("xbuild",), ("bochs", "{}"), ("-s",), (), 0, 33, False)


def test_the_loader_says_how_it_is_built() -> None:
    text = 'target = "x86_64-bootloader.json"\nbuild-std = "core"\n'
    assert loader_build(parsed(BOOTLOADER + text)) == LoaderBuild("x86_64-bootloader.json", "core")
    with pytest.raises(BuildError, match="this loader does not say its target"):
        loader_build(parsed("[package]"))


ADDRESSES: list[tuple[str, str]] = [
    ("0x1001", "must be a multiple of 4 KiB"),
    ("0X1000", "must be a number of 64 bits"),
    ("0x1_000", "must be a number of 64 bits"),
    (" 4096", "must be a number of 64 bits"),
    ("-4096", "must be a number of 64 bits"),
    ("", "must be a number of 64 bits"),
    ("0x", "must be a number of 64 bits"),
    ("٤٠٩٦", "must be a number of 64 bits"),
    ("0x10000000000000000", "must be a number of 64 bits"),
    ("18446744073709551616", "must be a number of 64 bits"),
    ("9" * 5000, "must be a number of 64 bits"),
]


@pytest.mark.parametrize(("written", "message"), ADDRESSES)
def test_bad_addresses(written: str, message: str) -> None:
    with pytest.raises(BuildError, match=message) as raised:
        bootloader_settings(parsed(f'{BOOTLOADER}kernel-stack-address = "{written}"\n'))
    assert (raised.value.line, raised.value.column) == (2, 1)


BAD: list[tuple[Any, str, str, str | None]] = [
    (bootloader_settings, "kernel-stack-size = 0", "at least 1, found the number 0", None),
    (bootloader_settings, 'kernel-stack-size = "512"', 'at least 1, found the string "512"', None),
    (bootloader_settings, "boot-info-address = 4096", "must be a string", 'write boot-info-address = "4096"'),
    (bootloader_settings, "boot-info-address = true", "must be a string, found true", None),
    (bootloader_settings, "kernel_stack_size = 1", "is no key of", "did you mean `kernel-stack-size`?"),
    (bootloader_settings, "stack-siz = 1", "is no key of", "did you mean `kernel-stack-size`?"),
    (bootloader_settings, "xyz = 1", "is no key of `[package.metadata.bootloader]`", "the keys are: "),
    (bootimage_settings, "test-timeout = -1", "not negative, of 32 bits, found the number -1", None),
    (bootimage_settings, "test-timeout = 4294967296", "of 32 bits", None),
    (bootimage_settings, "test-timeout = 1.5", "found the number 1.5", None),
    (bootimage_settings, "test-success-exit-code = 2147483648", "an exit code of 32 bits", None),
    (bootimage_settings, 'test-no-reboot = "no"', 'must be true or false, found the string "no"', None),
    (bootimage_settings, 'run-args = "-s"', "must be an array", None),
    (bootimage_settings, "test-args = [1]", "must be a string, found the number 1", None),
    (bootimage_settings, "run-command = []", "must name a program", None),
    (bootimage_settings, "test-timout = 3", "is no key of", "did you mean `test-timeout`?"),
    (bootimage_settings, "default-target = 'x'", "a key of old versions", "write it to .cargo/config.toml"),
    (bootimage_settings, "minimum_image_size = 1", "a key of old versions", "leave it out; `truncate"),
    (bootimage_settings, "output = 'x'", "a key of old versions", "leave it out; `bootimage build --out-dir"),
    (bootimage_settings, "bootloader.name = 'x'", "a key of old versions", "leave it out: the loader is a"),
    (
        bootimage_settings,
        "package-file = 'x'",
        "a key of old versions",
        "leave it out; the option --manifest",
    ),
    (bootimage_settings, "xyz = 'x'", "is no key of", "the keys are: "),
]


@pytest.mark.parametrize(("read", "line", "message", "hint"), BAD)
def test_bad_values(read: Any, line: str, message: str, hint: str | None) -> None:
    head = BOOTLOADER if read is bootloader_settings else BOOTIMAGE
    with pytest.raises(BuildError) as raised:
        read(parsed(f"# kernel\n{head}{line}\n"))
    assert str(raised.value).startswith("Cargo.toml:3:")
    assert message in raised.value.message
    assert hint is None or (raised.value.hint or "").startswith(hint)


def test_the_table_is_no_table() -> None:
    with pytest.raises(BuildError, match="must be a table, found the number 1"):
        bootimage_settings(parsed("[package.metadata]\nbootimage = 1"))
