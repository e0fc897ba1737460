from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cargo_tree import named, tree
from elf_bytes import elf

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import read_package
from bootimage.image import kernel_images
from bootimage.image.image_files import Extras
from bootimage.image.kernel_images import KernelImages, provide_images

SOURCE = 'source = "registry+https://example.invalid"'


class Maker:
    """A package `os` on the loader given, and how often its images were written."""

    def __init__(self, folder: Path, loader: str, source: str = SOURCE) -> None:
        name, version = loader.split()
        lock = f'version = 4\n[[package]]\nname = "os"\nversion = "0.1.0"\ndependencies = ["{name}"]\n'
        lock += f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}\n'
        manifest = f'{named("os")}[dependencies]\n{name} = "{version}"\n'
        self.folder = tree(folder, {"Cargo.toml": manifest, "Cargo.lock": lock, "src/main.rs": ""})
        (self.folder / "os").write_bytes(elf())
        self.context: Any = SimpleNamespace(toolchain=SimpleNamespace(identity="rustc 1"))
        self.written = 0

    def write(self, _context: object, _asked: object, _loader: object, _extras: object, images: Any) -> None:
        self.written += 1
        for file in images.files:
            file.write_text(f"{self.written}")

    def make(self, **more: Any) -> list[str]:
        asked = KernelImages(read_package(self.folder), self.folder / "os", self.folder, **more)
        return [file.name for file in provide_images(self.context, asked).files]


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maker:
    made = Maker(tmp_path, "bootloader 0.9.35")
    monkeypatch.setattr(kernel_images, "_write", made.write)
    return made


def test_names(maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert maker.make() == ["bootimage-os.bin"]
    newer = Maker(tmp_path / "newer", "bootloader_api 0.11.17")
    monkeypatch.setattr(kernel_images, "_write", newer.write)
    disks = ["bootimage-bios-os.bin", "bootimage-uefi-os.bin"]
    assert newer.make() == [*disks, "bootimage-uefi-os.efi"]


def test_nothing_is_written_twice(maker: Maker) -> None:
    maker.make()
    maker.make()
    assert maker.written == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("os", elf().decode("latin-1") + "more"),
        ("Cargo.toml", f'{named("os")}[dependencies]\nbootloader = "0.9.35"\n[features]\nx = []\n'),
        ("bootimage-os.bin", "somebody else's"),
        (".bootimage-os.json", "{damaged"),
    ],
)
def test_written_again_when_something_changed(maker: Maker, file: str, text: str) -> None:
    maker.make()
    (maker.folder / file).write_text(text, "latin-1")
    maker.make()
    assert maker.written == 2


def test_written_again_for_other_features_or_another_compiler(maker: Maker) -> None:
    maker.make()
    maker.make(features=("sse",))
    maker.context.toolchain.identity = "rustc 2"
    maker.make(features=("sse",))
    assert maker.written == 3


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        ("/dev/zero", "not a regular file"),
        ("huge", "no ELF file"),
        ("text", r"begins with 6e 6f 20 6b"),
        ("missing", "cannot read"),
    ],
)
def test_what_is_no_kernel_is_not_read_whole(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, kernel: str, message: str
) -> None:
    monkeypatch.setattr(kernel_images, "_digest", None)
    (maker.folder / "text").write_text("no kernel")
    (maker.folder / "huge").touch()
    os.truncate(maker.folder / "huge", 5 << 30)
    asked = KernelImages(read_package(maker.folder), maker.folder / kernel, maker.folder)
    with pytest.raises(BuildError, match=message):
        provide_images(maker.context, asked)


def test_twice_at_once(maker: Maker) -> None:
    threads = [threading.Thread(target=maker.make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (maker.folder / "bootimage-os.bin").is_file()
    assert list(maker.folder.glob(".*.json")) == [maker.folder / ".bootimage-os.json"]


def test_a_loader_0_9_takes_nothing_beside_the_kernel(maker: Maker, tmp_path: Path) -> None:
    asked = KernelImages(read_package(maker.folder), maker.folder / "os", tmp_path)
    with pytest.raises(BuildError, match="takes no files beside the kernel"):
        provide_images(maker.context, asked, Extras(ramdisk=tmp_path))
