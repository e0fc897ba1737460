"""`scons -c` and builds write and remove below the build folder alone, whatever a package calls itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from child_processes import started
from scons_project import BUILD, FILES, MANIFEST, Project

from bootimage.base.partial_files import partial_path

Make = Callable[..., Project]

TESTED = FILES["SConstruct"] + '\nenv.KernelTest("test-kernel", "kernel")\nenv.Default("test-kernel")\n'
UP = "../" * 4
VICTIMS = ("victim/deep/thesis.txt", "victim.txt", "victim.stripped", "victim")


def section(kind: str, name: str) -> str:
    return f'\n[[{kind}]]\nname = "{name}"\npath = "src/main.rs"\n'


@pytest.mark.parametrize(
    "manifest",
    [
        *(MANIFEST.replace('"my_os"', f'"{up}victim"') for up in (f"../{UP}", UP, "ABOVE/")),
        *(MANIFEST + section("bin", f"{up}victim{end}") for up in (UP, "ABOVE/") for end in ("", ".txt")),
        *(MANIFEST + section("test", f"{up}../victim{end}") for up in (UP, "ABOVE/") for end in ("", ".txt")),
    ],
)
@pytest.mark.parametrize("folder", [True, False])
def test_names_that_lead_outside(make: Make, manifest: str, folder: bool) -> None:
    project = make({**FILES, "SConstruct": TESTED})
    above = project.root.parent
    victims = [above / name for name in (VICTIMS[:3] if folder else VICTIMS[1:])]
    for victim in victims:
        victim.parent.mkdir(parents=True, exist_ok=True)
        victim.write_text("precious")
    project.write({"kernel/Cargo.toml": manifest.replace("ABOVE", str(above))})
    project.scons("-c")
    assert "can be called" in project.scons(status=2)
    assert [victim.read_text() for victim in victims] == ["precious"] * 3


@pytest.mark.parametrize("place", ["x86_64-my_os", "x86_64-my_os/debug", "x86_64-my_os/debug/cargo"])
@pytest.mark.parametrize("word", ["-c", "."])
def test_a_link_in_the_build_folder(make: Make, place: str, word: str) -> None:
    project = make(FILES)
    outside = project.root.parent / "outside"
    victims = [outside / name for name in ("my_os", "debug/my_os", "debug/cargo/my_os", "my_os.txt")]
    for victim in victims:
        (victim / "deep").mkdir(parents=True)
        (victim / "deep/thesis.txt").write_text("precious")
    link = project.root / "build" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    said = project.scons(word, status=2)
    assert f"build/{place}: " in said and "this is a link to" in said and "rm " in said
    assert all((victim / "deep/thesis.txt").read_text() == "precious" for victim in victims)


def test_the_build_folder_itself_may_be_a_link(make: Make, tmp_path: Path) -> None:
    project = make(FILES)
    (tmp_path / "fast disk").mkdir()
    (project.root / "build").symlink_to(tmp_path / "fast disk")
    project.scons()
    assert (project.root / BUILD / "my_os").exists()
    project.scons("-c")
    assert [path for path in (tmp_path / "fast disk").rglob("*") if path.is_file()] == []


def test_what_a_killed_build_was_writing_goes(make: Make) -> None:
    project = make(FILES)
    project.scons()
    with started(["true"]) as ended:
        ended.wait()
    name = partial_path(project.root / BUILD / "my_os.stripped").name
    left = project.root / BUILD / name.replace(f"-{os.getpid()}-", f"-{ended.pid}-")
    living = project.root / BUILD / name
    left.touch()
    living.touch()
    project.scons("-c")
    assert living.exists() and not left.exists()
