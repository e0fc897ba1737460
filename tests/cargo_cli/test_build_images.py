from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cargo_tree import named, tree

from bootimage.base import run_program
from bootimage.base.errors import BuildError
from bootimage.base.toml_file import read_toml
from bootimage.cargo_cli import build_images
from bootimage.cargo_cli.cargo_arguments import CargoArguments
from bootimage.image.kernel_images import USUAL, KernelImages

Begin = Callable[[], Any]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[KernelImages]:
    """The images whose loader was begun."""
    asked: list[KernelImages] = []
    monkeypatch.setattr(build_images, "provide_loader", lambda _context, images: asked.append(images))
    return asked


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Begins the loader of a project in which nothing was built yet."""
    manifest = tree(tmp_path, {"Cargo.toml": named("os"), "src/main.rs": ""}) / "Cargo.toml"

    def find_out() -> Any:
        file, target_dir = read_toml(manifest), tmp_path / "target"
        return SimpleNamespace(file=file, arguments=CargoArguments(), target=USUAL, target_dir=target_dir)

    return lambda: build_images.loader_ahead(None, manifest, find_out)  # type: ignore[arg-type]


def test_the_loader_of_a_first_build_is_begun(begin: Begin, begun: list[KernelImages]) -> None:
    with begin():
        pass
    assert [images.package.name for images in begun] == ["os"]


def test_later_builds_begin_nothing(begin: Begin, begun: list[KernelImages], tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with begin():
        pass
    assert begun == []


def test_the_loaders_error_is_left_to_who_needs_it(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_context: object, _images: object) -> None:
        raise BuildError("no such loader")

    monkeypatch.setattr(build_images, "provide_loader", fail)
    with begin():
        pass


def test_a_kernel_that_fails_ends_the_loader(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_context: object, _images: object) -> None:
        run_program.run(["sleep", "60"], env=os.environ).or_fail("ended")

    monkeypatch.setattr(build_images, "provide_loader", wait)
    start = time.monotonic()
    with pytest.raises(BuildError, match="does not compile"), begin():
        time.sleep(0.5)
        raise BuildError("does not compile")
    assert time.monotonic() - start < 30
