"""The Python environment of ./sconsw, where making it or installing into it was cut off."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cargo_tree import tree
from fake_toolchain import program

from bootimage.base.errors import BuildError
from bootimage.set_up.python_environment import ensure_environment, ensure_packages

# As `python3 -m venv FOLDER` does it; what it makes says that it works, whatever is missing.
VENV = 'mkdir -p "$4/bin"; printf \'#!/bin/sh\\nexit 0\\n\' >"$4/bin/python"; chmod +x "$4/bin/python"'
FULL = "echo 'Traceback (most recent call last):'; echo 'OSError: No space left on device'; exit 1"


def environment(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str = "") -> Path:
    """Ensure an environment in `folder`/venv with a venv that does `then` at its end."""
    monkeypatch.setattr(sys, "executable", str(program(folder / "python3", f"{VENV}; {then}")))
    (folder / "venv").mkdir(exist_ok=True)
    (folder / "venv/lock").touch()
    return ensure_environment(folder / "venv", "lock", {"PATH": "/usr/bin:/bin"})


def test_what_was_cut_off_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        BuildError, match=r"(?s)making a Python environment in .*No space left.*try again"
    ) as caught:
        environment(tmp_path, monkeypatch, FULL)
    assert "Traceback" not in str(caught.value)
    assert (tmp_path / "venv/bin/python").exists()
    python = environment(tmp_path, monkeypatch, 'touch "$4/whole"')
    assert sorted(each.name for each in (tmp_path / "venv").iterdir()) == ["bin", "lock", "whole"]
    assert environment(tmp_path, monkeypatch, FULL) == python


def test_a_half_written_package_is_installed_again(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    pip = program(tmp_path / "bin/python", f"ls '{site}' >'{tmp_path}/found'; exit 1")
    about = {"METADATA": "Name: {0}\nVersion: 1.0\n", "RECORD": ""}
    tree(site / "whole-1.0.dist-info", {name: text.format("whole") for name, text in about.items()})
    tree(site / "half-1.0.dist-info", {"METADATA": about["METADATA"].format("half")})
    pins = tmp_path / "requirements.txt"
    pins.write_text("whole==1.0\n")
    ensure_packages(pip, pins, {})
    pins.write_text("whole==1.0\nhalf==1.0\n")
    with pytest.raises(BuildError, match=r"installing half 1\.0 failed"):
        ensure_packages(pip, pins, {"PATH": "/usr/bin:/bin"})
    assert (tmp_path / "found").read_text() == "whole-1.0.dist-info\n"
