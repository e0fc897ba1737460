"""Kernels that loader 0.9 could not load are refused; what there was stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from elf_bytes import BASE, Layout, elf
from example_kernel import Kernel

from bootimage.base.errors import BuildError
from bootimage.elf.kernel_file import read_kernel
from bootimage.image import flat_image
from bootimage.image.flat_image import provide_flat_image

LOADER_END = 0x13E00


def refusal(path: Path, loader_end: int = LOADER_END) -> str | None:
    """What is said against the ELF file `path`, if anything."""
    facts = read_kernel(path).elf
    try:
        flat_image._check_headers(path, facts)
        flat_image._check_places(path, facts, loader_end)
    except BuildError as error:
        return str(error)
    return None


def at(address: int, size: int = 64) -> Layout:
    return Layout(segment={"address": address, "memory_size": size}, entry=address)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        pytest.param(Layout(), None, id="as the linker puts it"),
        pytest.param(at(0xFFFF_8000_0000_1000), None, id="higher half"),
        pytest.param(at(0x0), None, id="the page that the loader leaves free"),
        pytest.param(at(0x0, 0x1001), "(0x1000 to 0x13e00)", id="one byte too long"),
        pytest.param(at(0x7C00), "(0x1000 to 0x13e00)", id="on the boot sector"),
        pytest.param(at(0x13E40), "(0x1000 to 0x13e00)", id="on the loader's last page"),
        pytest.param(at(0x14000), None, id="right behind the loader"),
        pytest.param(at(0xB8000), "(0xa0000 to 0xc0000)", id="on the screen"),
        pytest.param(at(0xC0000), None, id="behind the screen"),
        pytest.param(Layout(more_segments=[{"kind": 0}] * 31), None, id="32 headers"),
        pytest.param(Layout(more_segments=[{"kind": 0}] * 32), "33 program headers", id="33 headers"),
        pytest.param(Layout(kind=3), None, id="position-independent without addresses"),
        pytest.param(
            Layout(kind=3, sections={**Layout().sections, ".rela.dyn": bytes(24)}),
            "-Crelocation-model=static",
            id="position-independent",
        ),
    ],
)
def test_kernels_that_the_loader_can_load(tmp_path: Path, layout: Layout, words: str | None) -> None:
    path = tmp_path / "kernel"
    path.write_bytes(elf(layout))
    found = refusal(path)
    assert (found is None) if words is None else (found is not None and words in found and str(path) in found)


def test_an_image_that_is_none(tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    for start, kernel in ((b"\x55\xaa", b"\x7fELF"), (b"\0\0", b"\x7fELF"), (b"\x55\xaa", b"what")):
        flat.write_bytes(start.rjust(512, b"x") + kernel)
        if (start, kernel) == (b"\x55\xaa", b"\x7fELF"):
            flat_image._check_shape(flat, 512)
        else:
            with pytest.raises(BuildError, match="does not begin with a boot sector"):
                flat_image._check_shape(flat, 512)


@pytest.mark.rust
@pytest.mark.parametrize("kind", ["no kernel", "position-independent", "on the loader"])
def test_a_refused_kernel_leaves_the_old_image(kernel: Kernel, tmp_path: Path, kind: str) -> None:
    out, path = tmp_path / "out/image.bin", tmp_path / "kernel"
    layout = at(0x7C00) if kind == "on the loader" else Layout(kind=3, entry=BASE)
    path.write_bytes(b"no kernel" if kind == "no kernel" else elf(layout))
    out.parent.mkdir()
    out.write_bytes(b"the old one")
    with pytest.raises(BuildError) as caught:
        provide_flat_image(kernel.context, kernel.loader(), path, out)
    assert caught.value.file == path
    assert out.read_bytes() == b"the old one"
    assert [each.name for each in out.parent.iterdir()] == ["image.bin"]
