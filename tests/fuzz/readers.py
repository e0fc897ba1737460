"""All readers of what comes from outside: functions of bytes, with seeds that they read without error.

What a reader may raise is in its row; any other exception is a fault. Readers of files get a folder for them.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from elf_bytes import config as loader_config
from elf_bytes import elf
from fake_compiler import GOOD, FakeCompiler

from bootimage.base.console import printable, printable_lines, program_text
from bootimage.base.errors import BuildError
from bootimage.base.file_view import view_of
from bootimage.base.json_text import parse_object, read_object
from bootimage.base.toml_file import parse_toml
from bootimage.cargo.cfg import cfg_set, parse
from bootimage.cargo.config import read_cargo_config
from bootimage.cargo.config_values import aliases, all_rustflags, build_targets, linkers, rustflags_for
from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.cargo.dep_info import parse_dep_info, undeclared
from bootimage.cargo.lock_file import lock_text, parse_lock_file
from bootimage.cargo.manifest import read_package
from bootimage.cargo.metadata_tables import bootimage_settings, bootloader_settings, loader_build
from bootimage.disk.read_fat import FatVolume
from bootimage.disk.read_partitions import read_table
from bootimage.elf.kernel_file import check_bootable
from bootimage.inspection.image_difference import describe_difference, section_digests
from bootimage.kernel_test.conversation import Conversation, Expect, Send
from bootimage.kernel_test.find_tests import find_tests
from bootimage.loader.loader_source import dependency_manifest
from bootimage.machine.screen import parse_ppm, png
from bootimage.machine.serial_line import LineSink, SerialLog
from bootimage.machine.uefi_firmware import find_firmware
from bootimage.store.record import Blob, Record, record_content, seal
from bootimage.store.remote_cache import _read_record, _write_record
from bootimage.store.remote_pack import Packed, Unpacker
from bootimage.store.remote_settings import remote_settings
from bootimage.sysroot.sysroot_crates import crates_for, features_for
from bootimage.target_spec.canonical_spec import canonical
from bootimage.toolchain.rustup import Rustup, toolchain_file

Read = Callable[[bytes, Path], object]

KEY = "ab" * 32
MANIFEST = b"""[package]
name = "k"
version.workspace = true
edition = "2021"
[dependencies]
bootloader_api = { version = "0.11", optional = true }
beside = { path = "../beside" }
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[[bin]]
name = "k"
test = false
[[test]]
name = "t"
harness = false
[features]
default = ["x"]
x = []
[workspace]
members = ["*"]
[workspace.package]
version = "0.1.0"
[package.metadata.bootimage]
run-args = ["-nic", "none"]
test-timeout = 30
[package.metadata.bootloader]
kernel-stack-size = 80
"""
LOADER = b"""[package]
name = "bootloader"
[package.metadata.bootloader]
target = "x86_64-bootloader.json"
build-std = "core"
"""
LOCK = b"""version = 4

[[package]]
name = "k"
version = "0.1.0"
dependencies = [
 "x86_64 0.15.5",
]

[[package]]
name = "x86_64"
version = "0.15.5"
source = "registry+https://registry.example/index"
checksum = "cccc"
"""
CONFIG = b"""include = ["more.toml"]
[build]
target = "x86_64-k.json"
rustflags = ["-Cx=y"]
[unstable]
build-std = ["core", "alloc"]
[target.'cfg(all(unix, not(target_os = "none")))']
rustflags = "-Ca=b"
runner = "bin/run it"
linker = "./ld"
[alias]
b = "build"
[env]
A = { value = "x", relative = true }
"""
METADATA = json.dumps(
    {
        "packages": [{"id": "k 1", "name": "k", "version": "1.0.0", "manifest_path": "/w/Cargo.toml"}],
        "resolve": {"root": "k 1", "nodes": [{"id": "k 1", "deps": [{"name": "bootloader", "pkg": "k 1"}]}]},
    }
).encode()
DESCRIPTOR = json.dumps(
    {
        "interface-types": ["uefi"],
        "mapping": {
            "device": "flash",
            "executable": {"filename": "/code", "format": "raw"},
            "nvram-template": {"filename": "/vars", "format": "raw"},
        },
        "targets": [{"architecture": "x86_64", "machines": ["pc-*"]}],
        "features": ["acpi-s3"],
    }
).encode()


@dataclass(frozen=True)
class Reader:
    """One reader: what it does with the bytes, what it reads without an error, and what it may raise."""

    read: Read
    seeds: tuple[bytes, ...]
    may_raise: tuple[type[Exception], ...] = (BuildError,)

    def fault(self, data: bytes, folder: Path) -> str:
        """What is wrong with how the reader takes `data`; nothing when all is well."""
        try:
            self.read(data, folder)
        except self.may_raise as error:
            shown = str(error)
            if isinstance(error, BuildError) and printable_lines(shown) != shown:
                return f"an error that a terminal obeys: {shown!r}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:500]
        return ""


def text_of(data: bytes) -> str:
    """The bytes as a file's text, as far as they are one."""
    return data.decode("utf-8", "replace")


def put(folder: Path, name: str, data: bytes) -> Path:
    """Write one file below `folder`."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return folder / name


def toml(data: bytes, folder: Path) -> None:
    file = parse_toml(text_of(data), folder / "x.toml")
    for key in file.data:
        file.position(key)
        str(file.error("wrong", key))


def manifest(data: bytes, folder: Path) -> None:
    put(folder, "ws/k/src/main.rs", b"")
    put(folder, "ws/k/tests/t.rs", b"")
    put(folder, "ws/beside/Cargo.toml", b'[package]\nname = "beside"\n')
    package = read_package(put(folder, "ws/k/Cargo.toml", data), folder)
    find_tests(package)
    for settings in (bootimage_settings, bootloader_settings):
        settings(package.file)
    declared_inputs(package.manifest, environ={"CARGO_HOME": str(folder / "home")})


def loader_manifest(data: bytes, folder: Path) -> None:
    loader_build(parse_toml(text_of(data), folder / "Cargo.toml"))


def lock(data: bytes, folder: Path) -> None:
    found = parse_lock_file(text_of(data), folder / "Cargo.lock")
    for package in found.packages[:3]:
        found.reachable(package)
        found.compatible(package.name, package.version)
    if b"\n[[package]]\n" in data and found.packages:
        lock_text(found, found.packages)


def dep_info(data: bytes, folder: Path) -> None:
    parse_dep_info(text_of(data))
    undeclared([put(folder, "k.d", data)], [folder / "src"], base=folder)


def cargo_config(data: bytes, folder: Path) -> None:
    put(folder, ".cargo/more.toml", b"[net]\noffline = true\n")
    put(folder, ".cargo/config.toml", data)
    config = read_cargo_config(folder, folder / "home")
    config.handed_over()
    rustflags_for(config, "x86_64-unknown-none", cfg_set("unix"))
    for ask in (all_rustflags, linkers, build_targets, aliases, crates_for, features_for):
        ask(config)
    config.get(str, "build", "target-dir")


def toolchain(data: bytes, folder: Path) -> None:
    for name in ("old/rust-toolchain", "new/rust-toolchain.toml"):
        toolchain_file(put(folder, name, data).parent)
    put(folder, "settings.toml", data)
    rustup = Rustup(folder, None)
    rustup.default()
    rustup.override(folder)
    rustup.toolchain("nightly")


def target_spec(data: bytes, folder: Path) -> None:
    canonical(put(folder, "x86_64-k.json", data), FakeCompiler())


def memory(data: bytes, folder: Path) -> None:
    read_object(put(folder, "memory.json", data))
    parse_object(data)


def firmware(data: bytes, folder: Path) -> None:
    put(folder, "config/qemu/firmware/10-x.json", data)
    put(folder, "root/code", b"")
    put(folder, "root/vars", b"")
    find_firmware({"XDG_CONFIG_HOME": str(folder / "config")}, root=folder / "root")


def record(data: bytes, _folder: Path) -> None:
    _read_record(data, KEY)


def sealed_record(data: bytes, _folder: Path) -> None:
    """A record whose check sum is right, and whose contents are anything: a server can seal what it likes."""
    from bootimage.store.bazel_action_result import encode_action_result

    _read_record(encode_action_result([], seal(parse_object(data))), KEY)


def condition(data: bytes, _folder: Path) -> None:
    text = text_of(data)
    parse(text)(cfg_set(text))


def metadata(data: bytes, _folder: Path) -> None:
    dependency_manifest(data, "bootloader")


def kernel(data: bytes, folder: Path) -> None:
    file = put(folder, "k", data)
    section_digests(file)
    check_bootable(file, "0.11.17")


def volume(data: bytes, folder: Path) -> None:
    with view_of(put(folder, "v", data)) as view:
        for entry in FatVolume(view).entries():
            entry.content.read(0, 4096)


def partitions(data: bytes, folder: Path) -> None:
    with view_of(put(folder, "d", data)) as view:
        read_table(view)


def difference(data: bytes, folder: Path) -> None:
    """Two disks that differ in their last byte."""
    changed = data[:-1] + bytes([data[-1] ^ 1]) if data else b"x"
    describe_difference(put(folder, "one", data), put(folder, "other", changed))


def screen(data: bytes, _folder: Path) -> None:
    png(parse_ppm(data))


def serial_line(data: bytes, _folder: Path) -> None:
    shown: list[str] = []
    log, sink = SerialLog(limit=2000), LineSink("t | ", shown.append)
    talk = Conversation([Expect("a+b"), Send("x"), Expect("prompt>")])
    talk.begin(0.0)
    for start in range(0, len(data), 100):
        piece = data[start : start + 100]
        log.add(piece)
        sink(piece)
        talk.hear(piece, 1.0)
    sink.close()
    assert not any("\x1b" in program_text(line) for line in [*shown, *log.last_lines(20)])


def terminal_text(data: bytes, _folder: Path) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert printable(printable(text)) == printable(text) and "\n" not in printable(text)
    assert printable_lines(printable_lines(text)) == printable_lines(text)
    for options in ({}, {"colours": True}, {"progress": True}):
        plain = program_text(text, **options)
        assert program_text(plain, **options) == plain
        assert options or "\x1b" not in plain


def unpacking(data: bytes, folder: Path) -> None:
    """What a server sends for a file of 1,000 bytes, compressed."""
    packed = Packed(hashlib.sha256(data).hexdigest(), len(data), "zlib")
    folder.mkdir(exist_ok=True)
    unpacker = Unpacker(folder / "x", Blob(hashlib.sha256(bytes(1000)).hexdigest(), 1000), packed)
    try:
        unpacker.feed(data)
        unpacker.finish()
    finally:
        unpacker.close()
    assert (folder / "x").stat().st_size <= 1000


def passwords(data: bytes, folder: Path) -> None:
    put(folder, ".netrc", data)
    environ = {"HOME": str(folder), "RUSTKERNEL_CACHE": "http://cache.example/x"}
    remote_settings(environ)


def cache_address(data: bytes, folder: Path) -> None:
    remote_settings({"HOME": str(folder), "RUSTKERNEL_CACHE": text_of(data).replace("\0", "")})


def _record_seed() -> bytes:
    blob = Blob(hashlib.sha256(b"x").hexdigest(), 1, True)
    return _write_record(
        Record(KEY, "core", 1.5, 1.0, {"a": blob}), {"a": Packed(blob.sha256, 1, "identity")}
    )


def _sealed_seed() -> bytes:
    blob = Blob(hashlib.sha256(b"x").hexdigest(), 1)
    packed = {"a": {"sha256": blob.sha256, "size": 1, "encoding": "zlib"}}
    content = {"record": record_content(Record(KEY, "core", 1.5, 1.0, {"a": blob})), "packed": packed}
    return json.dumps(content).encode()


def _volume_seed() -> bytes:
    """A FAT12 volume with a folder, a file in it, and one cluster each."""
    sector = bytearray(512)
    struct.pack_into("<3x8xHBHBHHBH", sector, 0, 512, 1, 1, 1, 16, 24, 0xF8, 1)
    sector[510:] = b"\x55\xaa"
    table = (0xFFFFFFFFFFFF).to_bytes(512, "little")
    entry = struct.pack("<11sB8xHHHHI", b"FOLDER     ", 0x10, 0, 0, 0, 2, 0)
    file = struct.pack("<11sB8xHHHHI", b"FILE    TXT", 0x20, 0, 0, 0, 3, 100)
    return bytes(sector) + table + entry.ljust(512, b"\0") + file.ljust(512, b"\0") + bytes(512 * 20)


def _disk_seed() -> bytes:
    """An MBR with two partitions, the second of which is a FAT volume."""
    rows = ((0x20, 1, 1), (0x0C, 2, 24))
    entries = b"".join(struct.pack("<B3sB3sII", 0, b"", kind, b"", *extent) for kind, *extent in rows)
    sector = bytes(446) + entries.ljust(64, b"\0") + b"\x55\xaa"
    return sector + bytes(512) + _volume_seed()


_KERNEL = elf(sections={".text": b"\x90" * 64, ".bootloader-config": loader_config()})
_SERIAL = b"UEFI \x1b[2J\x1b[01;01H\x1b]0;t\x07aab\r\nprompt> \xff\x9b2J\x1bPx\x1b\\\n"

READERS: dict[str, Reader] = {
    "toml": Reader(toml, (MANIFEST, CONFIG, b'a."b" = [{ c = 1 }, """x"""]\n[[d]]\ne = 1979-05-27\n')),
    "manifest": Reader(manifest, (MANIFEST,)),
    "loader_manifest": Reader(loader_manifest, (LOADER,)),
    "lock": Reader(lock, (LOCK,)),
    "dep_info": Reader(dep_info, (b"out/k: src/main.rs a\\ b.rs /\n# env-dep:A=b\\n\n# env-dep:C\n",)),
    "cargo_config": Reader(cargo_config, (CONFIG,)),
    "toolchain": Reader(toolchain, (b'[toolchain]\nchannel = "nightly"\n',)),
    "target_spec": Reader(target_spec, (json.dumps(GOOD, indent=1).encode(),)),
    "memory": Reader(memory, (b'{"a": [1, "x", null, 1.5e3]}',), (ValueError,)),
    "firmware": Reader(firmware, (DESCRIPTOR,)),
    "record": Reader(record, (_record_seed(),), (ValueError,)),
    "sealed_record": Reader(sealed_record, (_sealed_seed(),), (ValueError,)),
    "unpacking": Reader(unpacking, (zlib.compress(bytes(1000)),), (ValueError,)),
    "passwords": Reader(passwords, (b"machine cache.example login me password x\nmacdef a\n\n",)),
    "cache_address": Reader(
        cache_address,
        (b"https://cache.example:8080/x", b"http://[::1]/"),
    ),
    "condition": Reader(condition, (b'all(unix, not(any(a = "b", c)))', b"true"), (ValueError,)),
    "metadata": Reader(metadata, (METADATA,)),
    "kernel": Reader(kernel, (_KERNEL,)),
    "volume": Reader(volume, (_volume_seed(),)),
    "partitions": Reader(partitions, (_disk_seed(),)),
    "difference": Reader(difference, (_disk_seed(), _volume_seed(), _KERNEL)),
    "screen": Reader(screen, (b"P6\n2 2\n255\n" + bytes(12),), (ValueError,)),
    "serial_line": Reader(serial_line, (_SERIAL,)),
    "terminal_text": Reader(terminal_text, (_SERIAL, "\u202eé\u200d\x7f\t".encode())),
}
"""Every reader by its name."""
