"""Construction variables on the command line, by SCons's Variables."""

from __future__ import annotations

import re
from collections.abc import Callable

from rustkernel import variables
from scons_project import CHECKOUT, FILES, SCONSTRUCT, Project

HEAD = """\
import rustkernel
opts = Variables("custom.py")
rustkernel.options(opts)
env = Environment(tools=["default", "rustkernel"], variables=opts)
Help(opts.GenerateHelpText(env))
print("profile", env["RUST_PROFILE"], "flags", env["QEMUFLAGS"], "bins", env["RUST_BINS"])
"""
ENVIRONMENT = 'env = Environment(tools=["default", "rustkernel"])\n'
PATH = 'import sys\nsys.path.insert(0, "site_scons/site_tools")\n'


def test_options(make: Callable[..., Project]) -> None:
    assert ENVIRONMENT in SCONSTRUCT
    project = make({**FILES, "SConstruct": SCONSTRUCT.replace(ENVIRONMENT, PATH + HEAD)})
    assert "profile dev flags [] bins []" in project.scons()
    project.write({"custom.py": 'QEMUFLAGS = ["-m", "1G"]\n'})
    said = project.scons("RUST_PROFILE=release", "RUST_BINS=my_os")
    assert "profile release flags ['-m', '1G'] bins my_os" in said
    assert (project.root / "build/x86_64-my_os/release/my_os").is_file()
    told = project.scons("-h")
    assert all(f"{name}: {meaning}" in told for name, meaning in variables.MEANINGS.items())


def test_readme_has_them_all() -> None:
    table = (CHECKOUT / "README.md").read_text().partition("## Construction variables")[2]
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", table.partition("## Kernel tests")[0], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    known = {*variables.DEFAULTS, *variables._DEFAULTS, *variables.MEANINGS}
    assert known <= named
