"""The table of rebuilds with every version of SCons and of each library that pyproject.toml allows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import SCons.Errors

CHECKOUT = Path(__file__).resolve().parents[2]
WORK = CHECKOUT / "tests/.work/versions"
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
RUNNER = ("pytest", "pytest-timeout", "hypothesis")
OLDEST = [re.sub(r">=([\d.]+).*", r"==\1.*", each) for each in PROJECT["dependencies"]]
"""Each dependency at its lower bound."""
SCONS = {"SCons==4.8.0", "SCons==4.8.1", "SCons==4.9.0", "SCons==4.9.1", "SCons==4.10.0", "SCons==4.10.1"}


def environment(packages: list[str]) -> Path:
    """The Python of a virtual environment with these packages, and with what runs the tests."""
    lines = (CHECKOUT / "requirements-test.txt").read_text().splitlines()
    runner = [line for line in lines if line.split("==")[0] in RUNNER]
    folder = WORK / re.sub(r"[^\w.]+", "-", "-".join(packages))
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [folder / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*install, *packages, *runner], check=True)
        (folder / "complete").touch()
    return folder / "bin/python"


def table_of_rebuilds(packages: list[str]) -> None:
    command = [environment(packages), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "tests/tool/test_rebuilds.py"], cwd=CHECKOUT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    counted = re.search(r"(\d+) passed", done.stdout)
    assert counted and int(counted[1]) > 80, done.stdout


def test_the_oldest_of_each() -> None:
    assert len(OLDEST) == len(PROJECT["dependencies"]) and all("==" in each for each in OLDEST)
    table_of_rebuilds(OLDEST)


@pytest.mark.long("versions")
@pytest.mark.parametrize("scons", sorted(SCONS))
def test_each_scons(scons: str) -> None:
    table_of_rebuilds([scons, *(each for each in PROJECT["dependencies"] if not each.startswith("SCons"))])


@pytest.mark.long("versions")
def test_the_newest_of_each() -> None:
    table_of_rebuilds([*PROJECT["dependencies"]])


@pytest.mark.long("versions")
@pytest.mark.parametrize("old", [each for each in OLDEST if not each.startswith("SCons")])
def test_one_old_among_new_ones(old: str) -> None:
    name = old.split("==")[0]
    table_of_rebuilds(
        [old, *(each for each in PROJECT["dependencies"] if re.match(r"[\w.-]+", each)[0] != name)]
    )


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("4.7.0", "needs SCons>=4.8,<4.12"),
        ("3.1.2", "pip install 'SCons>=4.8,<4.12'"),
        ("4.12.0", "or a newer version of scons-rustkernel"),
        ("5.0", "SCons 5.0 has not been tried"),
        ("4.8.0", ""),
        ("4.11.1", ""),
    ],
)
def test_other_versions_are_told(version: str, told: str) -> None:
    from rustkernel.scons_internals.scons_version import check_version

    if not told:
        check_version(version)
        return
    with pytest.raises(SCons.Errors.UserError) as caught:
        check_version(version)
    assert told in str(caught.value)


def test_the_bounds_are_pyprojects() -> None:
    from rustkernel.scons_internals.scons_version import OLDEST as OLDEST_SCONS
    from rustkernel.scons_internals.scons_version import TOO_NEW

    bounds = f"SCons>={'.'.join(map(str, OLDEST_SCONS))},<{'.'.join(map(str, TOO_NEW))}"
    assert bounds in PROJECT["dependencies"]
