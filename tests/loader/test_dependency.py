"""What cargo says of a kernel's dependency, for one kernel among several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from example_kernel import Kernel

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import read_package
from bootimage.loader.choose_loader import choose_loader
from bootimage.loader.loader_source import active_features, source_of

pytestmark = pytest.mark.rust


def features(kernel: Kernel) -> tuple[str, ...]:
    return active_features(kernel.context, kernel.build, choose_loader(read_package(kernel.build.manifest)))


def test_features_that_the_kernels_own_features_turn_on(kernel: Kernel) -> None:
    kernel.edit("Cargo.toml", "\n[dep", '\n[features]\ntables = ["bootloader/recursive_page_table"]\n\n[dep')
    assert features(kernel) == ("default",)
    assert features(kernel.with_features("tables")) == ("default", "recursive_page_table")


def test_kernels_of_one_workspace_have_features_of_their_own(kernel: Kernel) -> None:
    kernel.edit("Cargo.toml", "[workspace]\n", '[workspace]\nmembers = ["other"]\n')
    other = kernel.folder / "other"
    (other / "src").mkdir(parents=True)
    (other / "src/main.rs").touch()
    text = kernel.build.manifest.read_text().partition("[workspace]")[0].replace("vga_text", "other")
    asked = '{ version = "0.9.35", features = ["recursive_page_table"] }'
    (other / "Cargo.toml").write_text(text.replace('"0.9.35"', asked))
    lock = kernel.folder / "Cargo.lock"
    member = lock.read_text().rpartition("[[package]]")[2].replace("vga_text", "other")
    lock.write_text(
        lock.read_text().replace(
            '[[package]]\nname = "vga_text"', f'[[package]]{member}\n[[package]]\nname = "vga_text"'
        )
    )
    build = replace(kernel.build, manifest=other / "Cargo.toml")
    assert features(kernel) == ("default",)
    assert features(replace(kernel, build=build)) == ("default", "recursive_page_table")


def test_a_loader_that_this_build_leaves_out(kernel: Kernel) -> None:
    kernel.edit("Cargo.toml", '"0.9.35"', '{ version = "0.9.35", optional = true }')
    kernel.edit("Cargo.toml", "\n[dep", '\n[features]\nboot = ["dep:bootloader"]\n\n[dep')
    with pytest.raises(BuildError, match="does not use bootloader"):
        features(kernel)
    assert features(kernel.with_features("boot")) == ("default",)


def test_a_lock_file_that_does_not_fit(kernel: Kernel) -> None:
    kernel.edit("Cargo.toml", '"0.9.35"', '"0.9.35"\nbit_field = "0.10"')
    with pytest.raises(BuildError, match="cannot tell which features") as caught:
        features(kernel)
    assert "--locked" in str(caught.value)


def test_the_source_of_a_published_loader(kernel: Kernel) -> None:
    loader = choose_loader(read_package(kernel.build.manifest))
    source = read_package(source_of(kernel.context, kernel.build.manifest, loader), Path("/"))
    assert (source.name, source.version) == ("bootloader", "0.9.35")
    assert source.folder.is_relative_to(kernel.context.toolchain.cargo_home())
