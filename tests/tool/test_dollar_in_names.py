"""A dollar in a folder's name is written `$$`, as everywhere in SCons, and is expanded once."""

from __future__ import annotations

from collections.abc import Callable

from scons_project import FILES, Project


def test_a_dollar_in_the_target_and_in_the_package(make: Callable[..., Project]) -> None:
    folder = "a$b"
    files = {f"{folder}/{name}" if name != "SConstruct" else name: text for name, text in FILES.items()}
    text = FILES["SConstruct"].replace("x86_64-my_os.json", "a$$b/x86_64-my_os.json")
    project = make({**files, "SConstruct": text.replace('"kernel"', '"a$$b/kernel"')})
    project.scons()
    assert (project.root / "build/x86_64-my_os/debug/my_os").is_file()
    assert project.rebuilt() == set()
