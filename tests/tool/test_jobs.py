"""Parallel builds: scons -jN and the cargos it starts run N compilers at most, and signals end them all."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from fake_cargo import make_stand_ins
from scons_project import BUILD, FILES, Project, ended

Make = Callable[..., Project]

KERNELS = {
    f"{name}/{file.partition('/')[2]}": text.replace("my_os", name)
    for name in ("one", "two", "three", "four")
    for file, text in FILES.items()
    if file.startswith("kernel/")
}
SCONSTRUCT = """\
env = Environment(tools=["default", "rustkernel"], RUST_TARGET="x86_64-my_os.json")
for name in ("one", "two", "three", "four"):
    env.RustKernel(name)
"""


@pytest.fixture
def project(make: Make, tmp_path: Path) -> Project:
    """Four kernels, and tools that no other test uses."""
    project = make({**FILES, **KERNELS, "SConstruct": SCONSTRUCT})
    tools = make_stand_ins(tmp_path / "tools")
    return replace(project, tools=tools, environ={**project.environ, "RUSTC": str(tools.root / "bin/rustc")})


@pytest.mark.parametrize(("option", "jobs"), [("-j1", 1), ("-j3", 3), ("-j5", 5)])
def test_never_more_compilers_than_jobs(option: str, jobs: int, project: Project) -> None:
    events = project.tools.root / "parallel"
    events.touch()
    project.scons(option)
    lines = events.read_text().split()
    assert lines.count("start") == lines.count("stop") >= 4 * 4  # the sysroot may be in the store
    assert max(accumulate(1 if line == "start" else -1 for line in lines)) == jobs


def test_cargo_is_told_of_the_jobs(project: Project) -> None:
    project.scons("-j3")
    calls = [call for call in project.tools.calls() if call.startswith("cargo build")]
    assert calls
    assert all("[ -j3 --jobserver-auth=fifo:/" in call for call in calls)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("option", ["-j1", "-j2"])
def test_a_signal_to_scons_alone_ends_every_cargo(
    number: signal.Signals, option: str, project: Project
) -> None:
    tools = project.tools.root
    (tools / "hang").touch()
    process = project.start(option)
    cargo = int(_when_there(tools / "hanging"))
    os.kill(process.pid, number)
    said = ended(process, 30)
    assert process.returncode != 0
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(cargo, 0)
    (tools / "hang").unlink()
    project.scons(option)
    assert (project.root / BUILD / "four").exists()


def _when_there(file: Path) -> str:
    until = time.monotonic() + 60
    while not (file.exists() and file.read_text().strip()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return file.read_text()


def test_a_kernel_and_its_own_build_at_once(project: Project) -> None:
    """Two runs of scons in one folder take turns in cargo's folder, and neither harms the other."""
    both = [project.start("-j2"), project.start("-j2")]
    for process in both:
        said = ended(process)
        assert process.returncode == 0, said
    project.scons("-q")
