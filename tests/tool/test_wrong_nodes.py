"""A folder where a file is expected, and a file where a folder is: one error each, told of that place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from scons_project import BUILD, FILES, SCONSTRUCT, Project

Make = Callable[..., Project]
FOLDER, FILE = "this is a folder; a file is expected", "this is a file; a folder is expected"


@dataclass(frozen=True)
class MixUp:
    """What is wrong: `folders` and `files` that lie there, further lines of SConstruct; what is said."""

    says: str
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    more: str = ""
    sconstruct: str = SCONSTRUCT


MIX_UPS = {
    "results": MixUp(f"build: error: {FILE}", files=("build",)),
    "a target's results": MixUp(f"build/x86_64-my_os: error: {FILE}", files=("build/x86_64-my_os",)),
    "RUST_BUILD_DIR": MixUp(
        f"afile: error: {FILE}",
        files=("afile",),
        sconstruct=SCONSTRUCT.replace('.json"', '.json", RUST_BUILD_DIR="afile"'),
    ),
    "a kernel": MixUp(f"{BUILD}/my_os: error: {FOLDER}", folders=(f"{BUILD}/my_os",)),
    "an image": MixUp(
        f"{BUILD}/bootimage-bios-my_os.bin: error: {FOLDER}", folders=(f"{BUILD}/bootimage-bios-my_os.bin",)
    ),
    "cargo's folder": MixUp(f"{BUILD}/cargo: error: {FILE}", files=(f"{BUILD}/cargo",)),
    "BootImage": MixUp(
        f"kernel: error: {FOLDER}", more='env.BootImage("kernel", BOOTLOADER_VERSION="0.11.17")'
    ),
    "RunQemu": MixUp(f"kernel: error: {FOLDER}", more='env.RunQemu("run", "kernel")'),
    "Sysroot": MixUp(f"kernel: error: {FOLDER}", more='env.Sysroot("kernel", Value("x86_64-unknown-none"))'),
    "TargetSpec": MixUp(
        "kernel:1:1: error: this is a folder; a target specification (a JSON file) is expected",
        more='env.TargetSpec("o.json", "kernel")',
    ),
}


@pytest.mark.parametrize("name", MIX_UPS)
def test_mix_up(name: str, make: Make) -> None:
    mix_up = MIX_UPS[name]
    project = make({**FILES, "SConstruct": mix_up.sconstruct + mix_up.more})
    for folder in mix_up.folders:
        (project.root / folder).mkdir(parents=True)
    project.write(dict.fromkeys(mix_up.files, ""))
    said = project.scons(status=2)
    assert said.count("error: ") == 1, said
    assert re.search(f"^scons: \\*\\*\\* {re.escape(mix_up.says)}$", said, re.M), said
    assert 'project/SConstruct", line' in said, said


def test_a_folder_in_the_specifications_place(make: Make) -> None:
    """It is told where the specification is wanted: not when its results are removed, or for help."""
    project = make()
    project.scons()
    (project.root / "x86_64-my_os.json").unlink()
    (project.root / "x86_64-my_os.json").mkdir()
    said = project.scons(status=2)
    assert "scons: *** x86_64-my_os.json:1:1: error: this is a folder; " in said
    project.scons("-h")
    project.scons("-c")
    assert not project.outputs()


def test_a_folder_in_the_place_of_a_variants_specification(make: Make) -> None:
    sconstruct = 'SConscript("SConscript", variant_dir="out", duplicate=0)'
    project = make({**FILES, "SConstruct": sconstruct, "SConscript": SCONSTRUCT})
    (project.root / "x86_64-my_os.json").unlink()
    (project.root / "x86_64-my_os.json").mkdir()
    assert "*** x86_64-my_os.json:1:1: error: this is a folder; " in project.scons(status=2)


@pytest.mark.parametrize("variable", ["OVMF_CODE", "OVMF_VARS"])
def test_a_folder_named_in_a_variable_of_an_action(variable: str, make: Make) -> None:
    """It is the variable's mistake, which the error names."""
    run = f'env.RunQemu("run", image, {variable}="kernel", QEMU="/bin/true")\n'
    said = make({**FILES, "SConstruct": SCONSTRUCT + run}).scons("run-uefi", status=2)
    assert f"\nkernel: error: {variable}: {FOLDER}\n" in said, said
    assert said.count("error: ") == 1
