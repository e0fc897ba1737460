"""After `pip install`, SCons finds the tool by its name, in whatever folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from project import CHECKOUT, FILES, Project

BUILT = "build/x86_64-my_os/debug/my_os"


def checkout(folder: Path) -> Path:
    """What pip needs of the checkout."""
    folder.mkdir()
    for name in ("bootimage", "site_scons"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in CHECKOUT.iterdir():
        if path.name.startswith(("README", "LICENSE", "pyproject")):
            shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["wheel", "editable"])
def test_by_its_name(make: Callable[..., Project], tmp_path: Path, options: list[str]) -> None:
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, checkout(tmp_path / "checkout")], check=True)
    project = make(FILES)
    (project.root / "site_scons").unlink()
    done = subprocess.run(
        [home / "bin/scons", "-Q"],
        cwd=project.root,
        env=dict(project.environ),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.root / BUILT).is_file()
