"""Values of types that a construction variable or an argument cannot have: one error, at the user's line."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from scons_project import FILES, Project

Make = Callable[..., Project]

HEAD = """\
from pathlib import Path
env = Environment(tools=["default", "rustkernel"], RUST_TARGET="x86_64-my_os.json")
"""
WORDS = "must be a list of words or a string"
FILE = "must be the name of a file or the node of one"
INPUT = "must be the name of a file or a folder, or the node of one"
TARGET = "RUST_TARGET must be the name of a built-in target or of a JSON file"
VARIABLES = {
    "RUST_TARGET=None": f"{TARGET}, found None",
    "RUST_TARGET=''": f"{TARGET}, found ''",
    "RUST_TARGET='$NO_SUCH_VARIABLE'": f"{TARGET}, found ''",
    "RUST_TARGET=[]": f"{TARGET}, found []",
    "RUST_TARGET={'a': 'b'}": f"{TARGET}, found {{'a': 'b'}}",
    r"RUST_TARGET='a\0'": r"RUST_TARGET must be without NUL characters, found 'a\x00'",
    "RUST_FEATURES=5": f"RUST_FEATURES {WORDS}, found 5",
    "RUST_FEATURES={'a'}": f"RUST_FEATURES {WORDS}, found {{'a'}}",
    "RUSTFLAGS=['-C', ['x']]": "RUSTFLAGS[1] must be a string, found ['x']",
    "RUST_BINS=[None]": "RUST_BINS[0] must be a string, found None",
    r"RUSTFLAGS='\udc80'": r"RUSTFLAGS must be text that UTF-8 can hold, found '\udc80'",
    "QEMUFLAGS=5": f"QEMUFLAGS {WORDS}, found 5",
    "RUST_PROFILE=5": "RUST_PROFILE must be a string, found 5",
    "RUST_DEFAULT_FEATURES='no'": "RUST_DEFAULT_FEATURES must be True or False, found 'no'",
    "RUST_INPUTS=5": f"RUST_INPUTS {INPUT}, found 5",
    "RUST_INPUTS={'a': 'b'}": f"RUST_INPUTS {INPUT}, found {{'a': 'b'}}",
    "RUST_INPUTS=['SConstruct', Value(5)]": f"RUST_INPUTS[1] {INPUT}, found",
    "CARGO_ENV=['A=b']": "CARGO_ENV must be a dictionary, found ['A=b']",
    "CARGO_ENV={'A=B': 'x'}": "a name in CARGO_ENV must be one without `=`, and not empty, found 'A=B'",
    "CARGO_ENV={5: 'x'}": "a name in CARGO_ENV must be a string, found 5",
    "CARGO_ENV={'A': None}": "CARGO_ENV['A'] must be a string, found None",
    r"CARGO_ENV={'A': 'x\0'}": r"CARGO_ENV['A'] must be without NUL characters, found 'x\x00'",
    "BOOT_FILES=['a']": "BOOT_FILES must be a dictionary, found ['a']",
    "RAMDISK=5": f"RAMDISK {FILE}, found 5",
    "RAMDISK=Path('SConstruct')": f"RAMDISK {FILE}, found PosixPath('SConstruct')",
    "BOOT_FILES={'a': None}": f"BOOT_FILES['a'] {FILE}, found None",
    "BOOT_FILES={b'a': 'SConstruct'}": "a name in BOOT_FILES must be a string, found b'a'",
    "BOOT_FILES={5: 'SConstruct'}": "a name in BOOT_FILES must be a string, found 5",
    r"BOOT_FILES={'\ud800': 'x'}": r"a name in BOOT_FILES must be text that UTF-8 can hold, found '\ud800'",
}
CALLS = {
    "env.RustKernel([])": "the package must be its folder, its Cargo.toml or its kernel, found []",
    "env.RustKernel(5)": "the package must be its folder, its Cargo.toml or its kernel, found 5",
    "env.RustKernel()": "RustKernel: missing a required argument: 'package'",
    "env.KernelTest('test', [])": "the package must be its folder, its Cargo.toml or its kernel, found []",
    "env.KernelTest(5, 'kernel')": "the alias of KernelTest must be a string, found 5",
    "env.BootImage(5)": f"the kernels of BootImage {FILE}, found 5",
    "env.RunQemu('run', 5)": f"the images of RunQemu {FILE}, found 5",
    "env.RunQemu(5, 'image.bin')": "the alias of RunQemu must be a string, found 5",
    "env.TargetSpec('o.json')": "TargetSpec: missing a required argument: 'source'",
    "env.TargetSpec('o.json', [])": f"the source of TargetSpec {FILE}, found []",
    "env.TargetSpec(5, 'x86_64-my_os.json')": f"the target of TargetSpec {FILE}, found 5",
    "env.Sysroot('x', [])": "the source of Sysroot must be a canonical specification, or the Value of a "
    "target's name, found []",
    "env.Sysroot('x', Value(5))": "the source of Sysroot must be a canonical specification, or the Value",
}


def said_of(line: str, make: Make) -> str:
    said = make({**FILES, "SConstruct": f"{HEAD}{line}\n"}).scons(status=2)
    assert re.search(r'^File ".*/SConstruct", line 3, in <module>$', said, re.M), said
    return said


@pytest.mark.parametrize("value", VARIABLES)
def test_a_variable(value: str, make: Make) -> None:
    method = "BootImage(env.RustKernel('kernel')" if value[:3] in ("RAM", "BOO") else "RustKernel('kernel'"
    assert f"\nscons: *** {VARIABLES[value]}" in said_of(f"env.{method}, {value})", make)


@pytest.mark.parametrize("call", CALLS)
def test_an_argument(call: str, make: Make) -> None:
    assert f"\nscons: *** {CALLS[call]}" in said_of(call, make)


def test_a_variable_of_the_environment(make: Make) -> None:
    """It is told at the first line that needs it."""
    assert "*** RUST_FEATURES[0] must be a string, found None" in said_of(
        "env.Replace(RUST_FEATURES=[None]); env.RustKernel('kernel')", make
    )


def test_what_scons_makes_lists_and_strings_of(make: Make) -> None:
    more = "RUST_FEATURES=('a',), RUSTFLAGS=CLVar('-C opt-level=1'), CARGO_ENV={'A': 5}"
    more += ", RUST_PROFILE=['dev'], QEMUFLAGS=None, BOOT_FILES=None"
    line = f"from SCons.Util import CLVar\nenv.RustKernel(Path('kernel'), {more})\n"
    make({**FILES, "SConstruct": f"{HEAD}{line}"}).scons()
