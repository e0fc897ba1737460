"""kill -9 at any moment: no later build is wrong, nothing stays behind, and the store is sound."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from scons_project import FILES, Project

Make = Callable[..., Project]

TESTED = FILES["SConstruct"] + '\nenv.KernelTest("test-kernel", "kernel")\n'
WORDS = [("image",), ("-c", "image"), ("-j3", "."), ("image",), ("-c",)]


def contents(project: Project) -> dict[str, bytes]:
    """What the build has made, cargo's own folders apart."""
    build = project.root / "build"
    files = [path for path in build.rglob("*") if path.is_file() and "cargo" not in path.parts]
    return {str(path.relative_to(build)): path.read_bytes() for path in files}


def same(project: Project, clean: Project) -> bool:
    """Whether the project has all that a build which nobody has killed makes; tests may lie beside it."""
    made = contents(project)
    return {name: made.get(name) for name in contents(clean)} == contents(clean)


def killed(project: Project, words: tuple[str, ...], seconds: float, *, group: bool) -> None:
    """Start scons and kill it, or it with all that it has started, after so many seconds."""
    process = project.start(*words)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()


@pytest.mark.long("kills")
@pytest.mark.timeout(0)
def test_nothing_is_damaged(make: Make, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--kills")
    chance = random.Random(4711)
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    project, clean = make({**FILES, "SConstruct": TESTED}, "killed", **own), make(FILES, "clean")
    began = time.monotonic()
    clean.scons("image")
    whole = time.monotonic() - began
    for number in range(count):
        if chance.random() < 0.5:
            source = f"fn main() {{}} // {chance.randrange(5)}\n"
            for each in (project, clean):
                each.write({"kernel/src/main.rs": source})
        killed(project, chance.choice(WORDS), chance.random() * whole, group=chance.random() < 0.5)
        if number % 25 == 24:
            project.scons("image")
            clean.scons("image")
            assert same(project, clean), f"after {number + 1} kills"
    project.scons("image")
    clean.scons("image")
    assert same(project, clean) and len(contents(clean)) > 4
    project.scons("-c", ".")
    assert contents(project) == {}
    # Others use the store: what it has is whole, and it is no larger than it need be.
    other = make(FILES, "other", **own)
    other.write({"kernel/src/main.rs": (project.root / "kernel/src/main.rs").read_text()})
    assert "Compiling core" not in other.scons("image")
    assert contents(other) == contents(clean)
    assert [path for path in (home / ".cache/rustkernel/store/tmp").glob("*/*") if path.name != "lease"] == []
