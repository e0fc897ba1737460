"""What a change of the plug-in itself rebuilds: in a checkout code counts, comments and docstrings do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fake_cargo import StandIns
from scons_project import CHECKOUT, FILES, Project, environment


@pytest.fixture
def project(tmp_path: Path, tools: StandIns) -> Project:
    """A project, built, with a plug-in of its own that is a checkout."""
    for name in ("bootimage", "site_scons"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, tmp_path / "plugin" / name, ignore=skipped)
    (tmp_path / "plugin/pyproject.toml").touch()
    made = Project(tmp_path / "project", tools, environment(tmp_path / "home", tools))
    made.write(FILES)
    (made.root / "site_scons").symlink_to(tmp_path / "plugin/site_scons")
    made.scons()
    assert not made.rebuilt()
    return made


def _edit(project: Project, module: str, old: str, new: str) -> None:
    path = project.root.parent / "plugin" / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_comment_rebuilds_nothing(project: Project) -> None:
    _edit(project, "bootimage/image/disk_images.py", '"""', '"""Changed. ')
    _edit(project, "site_scons/site_tools/rustkernel/image_builder.py", "\nfrom ", "\n# Changed.\nfrom ")
    assert project.rebuilt() == set()
    assert "up to date" in project.scons()


def test_changed_code_rebuilds(project: Project) -> None:
    """What is kept in the store has its own number, so no sysroot and no loader is compiled again."""
    _edit(project, "bootimage/base/errors.py", "\nclass ", "\nCHANGED = 1\n\n\nclass ")
    project.tools.calls()
    rebuilt = project.rebuilt()
    assert {"my_os", "bootimage-bios-my_os.bin"} <= rebuilt
    assert not [call for call in project.tools.calls() if "build-std" in call]


def test_an_installed_plug_in_goes_by_its_numbers(project: Project) -> None:
    (project.root.parent / "plugin/pyproject.toml").unlink()
    project.scons()
    _edit(project, "bootimage/base/errors.py", "\nclass ", "\nCHANGED = 1\n\n\nclass ")
    assert project.rebuilt() == set()
    _edit(project, "bootimage/store/recipes.py", '"stripped kernel": 1', '"stripped kernel": 2')
    assert project.rebuilt() == {"my_os.stripped"}
