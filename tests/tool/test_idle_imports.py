"""What a run in which nothing changed imports: each module costs every run, so each must be needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scons_project import BUILD, FILES, Project

LIST = Path(__file__).with_name("idle_modules.txt")


def imported(project: Project) -> set[str]:
    """Our modules, and the libraries that are none of Python's and SCons's own, of an idle run."""
    watched = replace(project, environ={**project.environ, "PYTHONPROFILEIMPORTTIME": "1"})
    said = watched.scons()
    names = re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", said, re.MULTILINE)
    assert "SCons" in names
    ours = ("bootimage", "rustkernel")
    heavy = ("rich", "jsonschema", "elftools", "qemu", "tomli_w", "asyncio", "http", "ssl", "argparse")
    return {name for name in names if name.split(".")[0] in (*ours, *heavy)}


def test_an_idle_run_imports_what_is_listed(make: Callable[..., Project]) -> None:
    project = make(FILES)
    for _ in range(2):
        project.scons()
    listed = {line for line in LIST.read_text().splitlines() if not line.startswith("#")}
    found = imported(project)
    assert found - listed == set(), "import it where it is used, or list it with a reason"
    assert listed - found == set(), "no longer imported: take it off the list"


def test_tests_that_have_passed_cost_an_idle_run_little(make: Callable[..., Project]) -> None:
    """Their memory is looked at by every run; what boots guests is not loaded for that."""
    tests = 'KernelTest("test-kernel", "kernel", RUST_TARGET="x86_64-my_os.json")'
    project = make({**FILES, "SConstruct": f"{FILES['SConstruct']}env.{tests}\n"})
    project.scons()
    memory = project.root / BUILD / "tests/my_os/bin-my_os-bios.passed"
    memory.parent.mkdir(parents=True)
    memory.write_text('{"test": "bin-my_os (bios)", "seconds": 1.0, "detail": "exit code 33"}')
    found = imported(project)
    assert "bootimage.kernel_test.passed_test" in found, "it was looked at"
    assert not {"bootimage.kernel_test.run_tests", "asyncio", "qemu"} & found
