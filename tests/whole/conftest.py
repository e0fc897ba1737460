"""Copies of the demo that are built with the real compiler."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from demo_tree import CHECKOUT, Tree, copy_demo


@pytest.fixture
def demo(tmp_path: Path) -> Tree:
    """A fresh copy of the demo, not built yet."""
    return Tree(copy_demo(tmp_path / "demo"))


@pytest.fixture(scope="session")
def built_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo with its images built, to be copied by `built`; nobody changes it."""
    tree = Tree(copy_demo(tmp_path_factory.mktemp("built") / "demo"))
    tree.scons("-j2", "image")
    return tree.root


@pytest.fixture
def built(built_demo: Path, tmp_path: Path) -> Tree:
    """A copy of the demo that is built and up to date."""
    shutil.copytree(built_demo, tmp_path / "demo", symlinks=True)
    return Tree(tmp_path / "demo")


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Tree]:
    """Makes a project from file names and their text, with the tool on its toolpath."""

    def make(files: dict[str, str], **environ: str) -> Tree:
        for name, text in files.items():
            path = tmp_path / "tree" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "tree" / "site_scons").symlink_to(CHECKOUT / "site_scons")
        return Tree(tmp_path / "tree", environ)

    return make
