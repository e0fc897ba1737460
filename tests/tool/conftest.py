"""Fixtures for builds with stand-ins: one toolchain and one store for all, a project for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from fake_cargo import StandIns, make_stand_ins
from scons_project import CHECKOUT, FILES, Project, environment


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder site_scons of a copy of the checkout, which nobody edits while the tests run."""
    root = tmp_path_factory.mktemp("plugin")
    for name in ("bootimage", "site_scons"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root / "site_scons"


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> StandIns:
    """The toolchain that all tests share; who changes it makes one of their own."""
    return make_stand_ins(tmp_path_factory.mktemp("tools") / "toolchain")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder, and so the store, that all tests share."""
    return tmp_path_factory.mktemp("home")


def _maker(folder: Path, plugin: Path, tools: StandIns, home: Path) -> Callable[..., Project]:
    def make(files: Mapping[str, str] = FILES, name: str = "project", **environ: str) -> Project:
        project = Project(folder / name, tools, environment(home, tools, **environ))
        project.write(files)
        (project.root / "site_scons").symlink_to(plugin)
        return project

    return make


@pytest.fixture
def make(tmp_path: Path, plugin: Path, tools: StandIns, home: Path) -> Callable[..., Project]:
    """Makes a project from files, by default the least that makes an image."""
    return _maker(tmp_path, plugin, tools, home)


@pytest.fixture(scope="session")
def make_shared(
    tmp_path_factory: pytest.TempPathFactory, plugin: Path, tools: StandIns, home: Path
) -> Callable[..., Project]:
    """As `make`, for projects that several tests share and none changes."""
    return _maker(tmp_path_factory.mktemp("shared"), plugin, tools, home)
