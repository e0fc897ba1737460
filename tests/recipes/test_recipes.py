"""What each recipe does with fixed inputs is what is recorded for its number.

`recorded/NAME.txt` begins with the number, then come the commands that ran, and what they made: the text, or
the digest. Where a change of the code changes that, results made before are not what would be made now: the
recipe needs a new number in `bootimage/store/recipes.py`, and then a new record, by

    RECORD=1 ./sconsw test tests/recipes

Folders of one run have names (`$PROJECT`); all else is as the programs got it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from fake_cargo import make_stand_ins
from fixed_projects import FLAT, FULL
from recorded_programs import Recorder, record_calls
from scons_project import CHECKOUT, Project, environment

from bootimage.store.recipes import RECIPES

_RECORDED = Path(__file__).with_name("recorded")
_BUILD = "build/x86_64-my_os/debug"
_LOADER = "build/bootloader-0.11.17"
# For each project, its recipes in the order in which one needs the other, and what each makes.
_STEPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "full": {
        "target specification": ("build/x86_64-my_os/x86_64-my_os.json",),
        "sysroot": ("build/x86_64-my_os/sysroot.json",),
        "kernel": (f"{_BUILD}/my_os",),
        "stripped kernel": (f"{_BUILD}/my_os.stripped",),
        "loader 0.11": tuple(
            f"{_LOADER}/{name}"
            for name in ("boot-sector.bin", "stage-2.bin", "stage-3.bin", "stage-4.bin", "bootx64.efi")
        ),
        "image": tuple(
            f"{_BUILD}/bootimage-{name}" for name in ("bios-my_os.bin", "uefi-my_os.bin", "uefi-my_os.efi")
        ),
        "kernel test": (f"{_BUILD}/tests/my_os/bin-my_os",),
        "test run": ("test",),
    },
    "flat": {
        "loader 0.9": tuple(
            f"{_BUILD}/bootloader-0.9.35/my_os/{name}" for name in ("loader.o", "linker.ld", "arguments")
        ),
        "flat image": (f"{_BUILD}/bootimage-my_os.bin",),
    },
}
# What has to be there before the first of these, and is recorded elsewhere.
_BEFORE = {"full": (), "flat": (f"{_BUILD}/my_os.stripped",)}
_FILES = {"full": FULL, "flat": FLAT}
# The stand-in for QEMU is no QEMU, so no test passes.
_FAILS = "test run"


def record(root: Path, name: str) -> dict[str, str]:
    """Build the project `name` below `root`, recipe by recipe, and write down what each does."""
    tools = make_stand_ins(root / "toolchain")
    record_calls(tools)
    for part in ("bootimage", "site_scons"):
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / part, root / "plug-in" / part, ignore=skipped)
    project = Project(root / "project", tools, environment(root / "home", tools))
    project.write(_FILES[name])
    (project.root / "site_scons").symlink_to(root / "plug-in/site_scons")
    places = {project.root: "$PROJECT", tools.root: "$TOOLS", root / "home": "$HOME"}
    recorder = Recorder(tools, {str(path): label for path, label in places.items()})
    if before := _BEFORE[name]:
        project.scons(*before)
        recorder.calls()
    return {recipe: _step(project, recorder, recipe, asked) for recipe, asked in _STEPS[name].items()}


def _step(project: Project, recorder: Recorder, recipe: str, asked: tuple[str, ...]) -> str:
    project.scons(*asked, status=2 if recipe == _FAILS else 0)
    lines = [f"recipe {RECIPES[recipe]}", recorder.calls()]
    for path in (project.root / name for name in asked):
        if path.is_file():
            text = recorder.settled(path.read_bytes().decode("latin-1"))
            shown = path.suffix == ".json"
            lines.append(f"{path.name} {text if shown else hashlib.sha256(text.encode()).hexdigest()}")
    return "\n".join(line for line in lines if line) + "\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every recipe does now."""
    return {
        recipe: text
        for name in _STEPS
        for recipe, text in record(tmp_path_factory.mktemp(name), name).items()
    }


def test_every_recipe_is_recorded() -> None:
    """And no record is left of one that is not there any more."""
    assert {each.stem for each in _RECORDED.glob("*.txt")} == set(RECIPES)
    assert {recipe for steps in _STEPS.values() for recipe in steps} == set(RECIPES)


@pytest.mark.xdist_group("recipes")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_does_what_is_recorded_for_its_number(recorded: Mapping[str, str], recipe: str) -> None:
    file, now = _RECORDED / f"{recipe}.txt", recorded[recipe]
    if os.environ.get("RECORD"):
        file.parent.mkdir(exist_ok=True)
        _refuse_same_number(file, now, recipe)
        file.write_text(now)
    before = file.read_text()
    assert before.split("\n", 1)[0] == f"recipe {RECIPES[recipe]}", "it has a new number: record it again"
    assert now == before, f"what `{recipe}` does has changed: give it a new number in recipes.py"


def _refuse_same_number(file: Path, now: str, recipe: str) -> None:
    """A record is replaced under a new number; that of a number which nobody ever had is removed by hand."""
    if file.is_file() and file.read_text() != now:
        number = file.read_text().split("\n", 1)[0]
        assert now.split("\n", 1)[0] != number, f"give `{recipe}` a new number before you record it again"
