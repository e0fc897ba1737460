"""After `pip install`, SCons finds the tool by its name, in whatever folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scons_project import FILES, Project, checkout_for_pip

BUILT = "build/x86_64-my_os/debug/my_os"


@pytest.mark.parametrize("options", [[], ["--editable"]], ids=["wheel", "editable"])
def test_by_its_name(make: Callable[..., Project], tmp_path: Path, plugin: Path, options: list[str]) -> None:
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, checkout_for_pip(plugin.parent, tmp_path / "checkout")], check=True)
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
