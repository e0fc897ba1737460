"""Names of packages and crates, judged by cargo and rustc themselves; and what they can do as file names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cargo_tree import named, tree
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.cargo.crate_names import is_crate_name, is_package_name
from bootimage.cargo.manifest import read_package

NAMES = ["k", "my-os", "_", "_1", "ü", "con", "1a", "-a", "a.b", "a b", "a/b", "..", "a+b", "a:b", "", "²"]


@pytest.mark.rust
@pytest.mark.parametrize("name", NAMES)
def test_packages_as_cargo_takes_them(name: str, tmp_path: Path) -> None:
    tree(tmp_path, {"Cargo.toml": named(name), "src/main.rs": ""})
    command = ["cargo", "metadata", "--no-deps", "--format-version=1"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert is_package_name(name) == (said.returncode == 0), said.stderr


@pytest.mark.rust
@pytest.mark.parametrize("name", NAMES)
def test_crates_as_rustc_takes_them(name: str, tmp_path: Path) -> None:
    crate = name.replace("-", "_")  # as cargo hands it over
    command = ["rustc", f"--crate-name={crate}", "--emit=metadata", "-", f"--out-dir={tmp_path}"]
    said = subprocess.run(command, input="fn main() {}", capture_output=True, text=True)
    assert is_crate_name(name) == (said.returncode == 0), said.stderr


@given(st.text(st.sampled_from("ab1-_./\\:\0ü~* \n")) | st.text())
def test_a_name_is_one_step_of_a_path(name: str) -> None:
    if is_package_name(name) or is_crate_name(name):
        assert Path("/a", name).parent == Path("/a")
        assert name not in (".", "..") and "\0" not in name


LISTED = '[[{kind}]]\nname = "{name}"\npath = "src/main.rs"\n'


@pytest.mark.parametrize("name", ["../../victim", "/victim", ".."])
@pytest.mark.parametrize("kind", ["package", "bin", "test", "lib"])
def test_a_bad_name_is_told_with_its_place(kind: str, name: str, tmp_path: Path) -> None:
    section = "[lib]\n" + LISTED.partition("\n")[2] if kind == "lib" else LISTED
    text = named(name) if kind == "package" else named("k") + section.format(kind=kind, name=name)
    tree(tmp_path, {"Cargo.toml": text, "src/main.rs": ""})
    with pytest.raises(BuildError) as caught:
        read_package(tmp_path).crates  # noqa: B018
    assert caught.value.file == tmp_path / "Cargo.toml"
    assert caught.value.line == (2 if kind == "package" else 6)
