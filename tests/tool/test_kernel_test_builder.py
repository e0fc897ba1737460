"""KernelTest in SCons, with a cargo that makes boot sectors and images that are these sectors."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import boot_sectors as bs
import pytest
from cargo_tree import named, tree
from child_processes import guests, started, wait_until
from fake_toolchain import program, rustc

pytestmark = pytest.mark.boot

CHECKOUT = Path(__file__).resolve().parents[2]
TARGET = "x86_64-unknown-none"
RESULTS = f"build/{TARGET}/debug/tests/kernel"

SCONSTRUCT = """\
env = Environment(
    tools=["default", "rustkernel"],
    toolpath=[{toolpath!r}],
    CARGO={cargo!r},
    RUSTC={rustc!r},
    QEMUFLAGS="-nic none",
)

def images(env, node):
    image = env.Command(node.dir.File("bootimage-" + node.name), node, Copy("$TARGET", "$SOURCE"))
    image[0].attributes.boot_image = "bios"
    return image

env.AddMethod(images, "BootImage")
env.KernelTest("test-kernel", "kernel"{more})
"""

# Says what cargo would say of each test that it is asked for, and of a binary that belongs to none.
CARGO = """\
#!{python}
import json, pathlib, sys
words = sys.argv[1:]
pathlib.Path({log!r}).open("a").write(json.dumps(words) + "\\n")

def tell(kind, name, file, test):
    about = {{"kind": [kind], "name": name}}
    print(json.dumps({{"reason": "compiler-artifact", "target": about, "profile": {{"test": test}},
                       "package_id": "path+file:///kernel#0.1.0",
                       "manifest_path": "/kernel/Cargo.toml",
                       "filenames": [file], "executable": file}}))

tell("bin", "kernel", {guests!r} + "/kernel", False)
for flag, name in zip(words, words[1:] + [""]):
    if flag == "--lib":
        tell("lib", "kernel", {guests!r} + "/lib", True)
    if flag in ("--bin", "--test") and (pathlib.Path({guests!r}) / name).exists():
        tell(flag[2:], name, {guests!r} + "/" + name, True)
"""

PASSES = bs.sector(bs.serial("hello\n"), bs.exit_with(0x10))
FAILS = bs.sector(bs.serial("oh no\n"), bs.exit_with(0x11))


class Project:
    """A package whose tests are boot sectors."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.guests = root / "guests"
        self.log = root / "cargo.log"

    def guest(self, name: str, sector: bytes) -> None:
        """Have an integration test `name` that is this boot sector; cargo has to build it again."""
        tree(self.root, {f"kernel/tests/{name}.rs": f"// {sector.hex()}\n"})
        self.guests.mkdir(exist_ok=True)
        (self.guests / name).write_bytes(sector)

    def write(self, more: str = "") -> None:
        cargo, compiler = str(self.root / "bin/cargo"), str(self.root / "bin/rustc")
        text = SCONSTRUCT.format(
            toolpath=str(CHECKOUT / "site_scons/site_tools"), cargo=cargo, rustc=compiler, more=more
        )
        tree(self.root, {"SConstruct": text})

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "SCons", "-Q", *arguments]

    def environ(self) -> dict[str, str]:
        return {**os.environ, "RUSTKERNEL_STORE": str(self.root / "store"), "CARGO_HOME": str(self.root)}

    def scons(self, *arguments: str, fails: bool = False) -> str:
        finished = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert (finished.returncode != 0) == fails, finished.stdout
        assert "Traceback" not in finished.stdout
        return finished.stdout

    def cargo_calls(self) -> list[list[str]]:
        """The arguments of each cargo that has compiled."""
        calls = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [words for words in calls if words[0] != "fetch"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A package with two tests that pass, `one` and `two`."""
    made = Project(tmp_path / "a project")
    tree(made.root, {"kernel/Cargo.toml": named("kernel"), "kernel/Cargo.lock": "version = 4\n"})
    rustc(made.root)
    std = made.root / f"lib/rustlib/{TARGET}/lib/libcore-0.rlib"
    std.parent.mkdir(parents=True)
    std.touch()
    text = CARGO.format(python=sys.executable, log=str(made.log), guests=str(made.guests))
    program(made.root / "bin/cargo").write_text(text)
    made.guest("one", PASSES)
    made.guest("two", PASSES)
    made.write()
    return made


def run_tests(said: str) -> set[str]:
    return set(re.findall(r"^Testing (\w+) ", said, re.MULTILINE))


def test_one_cargo_builds_all_and_each_is_told(project: Project) -> None:
    said = project.scons("-j2", "test-kernel")
    [words] = project.cargo_calls()
    assert words[0] == "test" and {"--no-run", "--locked"} <= set(words)
    assert words[words.index("--profile") + 1] == "test"
    assert [words[at + 1] for at, word in enumerate(words) if word == "--test"] == ["one", "two"]
    assert "one (bios) | hello" in said and "two (bios): passed (" in said
    assert said.splitlines()[-1].startswith("test-kernel: 2 passed, 0 failed")
    assert (project.root / RESULTS / "one-bios.serial").read_text() == "hello\n"


def test_only_a_changed_image_is_tested_again(project: Project) -> None:
    project.scons("test-kernel")
    said = project.scons("test-kernel")
    assert run_tests(said) == set() and "(2 unchanged since they passed)" in said
    project.guest("two", bs.sector(bs.exit_with(0x10)))
    assert run_tests(project.scons("test-kernel")) == {"two"}
    (project.root / "kernel/tests/one.rs").write_text("// the same executable\n")
    assert run_tests(project.scons("test-kernel")) == set()
    assert run_tests(project.scons("test-kernel", "--rerun")) == {"one", "two"}


@pytest.mark.parametrize(
    "more", [", KERNEL_TEST_TIMEOUT=99", ', QEMUFLAGS="-nic none -m 64M"', ', CONVERSATIONS={"one": []}']
)
def test_another_way_to_run_is_a_reason_to_run(project: Project, more: str) -> None:
    project.scons("test-kernel")
    project.write(more)
    ran = run_tests(project.scons("test-kernel"))
    assert ran == (set() if "CONVERSATIONS" in more else {"one", "two"})


def test_a_failure_stops_no_other_test_and_is_run_again(project: Project) -> None:
    project.guest("one", FAILS)
    said = project.scons("test-kernel", fails=True)
    assert run_tests(said) == {"one", "two"}
    assert "one (bios): FAILED (failed" in said and "exit code 35" in said and "    | oh no" in said
    assert "test-kernel: 1 passed, 1 failed" in said
    assert run_tests(project.scons("test-kernel", fails=True)) == {"one"}
    project.guest("one", PASSES)
    assert run_tests(project.scons("test-kernel")) == {"one"}
    project.guest("one", FAILS)
    project.scons("test-kernel", fails=True)
    assert not (project.root / RESULTS / "one-bios.passed").exists()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (bs.TRIPLE_FAULT, "FAILED (triple fault"),
        (bs.RESET, "FAILED (reset"),
        (bs.serial("last") + bs.HALT, "FAILED (hang"),
    ],
)
def test_other_ends_are_told_apart(project: Project, code: bytes, told: str) -> None:
    project.write(", KERNEL_TEST_TIMEOUT=3" if code.endswith(bs.HALT) and code != bs.RESET else "")
    project.guest("one", bs.sector(code))
    said = project.scons("test-kernel", "TEST=one", fails=True)
    assert told in said and f"screen: {project.root / RESULTS}/one-bios.png" in said


def test_one_by_name(project: Project) -> None:
    assert run_tests(project.scons("test-kernel", "TEST=two")) == {"two"}
    said = project.scons("test-kernel", "TEST=tow", fails=True)
    assert "there is no test 'tow'; the tests are: one, two" in said and "did you mean TEST=two?" in said


def test_junit(project: Project) -> None:
    project.guest("one", FAILS)
    project.write(', KERNEL_TEST_JUNIT="from-variable.xml"')
    project.scons("test-kernel", fails=True)
    project.scons("test-kernel", "--junit=asked.xml", fails=True)
    for name in ("from-variable.xml", "asked.xml"):
        [suite] = ElementTree.parse(project.root / name).getroot()
        assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("test-kernel", "2", "1")


ECHO = bs.sector(bs.serial("ready\n"), bs.ECHO_LINE, bs.exit_with(0x10))


def test_a_conversation(project: Project) -> None:
    project.guest("one", ECHO)
    steps = 'env.Expect("ready"), env.Send("hello there"), env.Expect("hello there", limit={})'
    project.write(', CONVERSATIONS={"one": [' + steps.format(60) + "]}")
    assert "2 passed" in project.scons("test-kernel")
    project.write(', CONVERSATIONS={"one": [' + steps.format(2).replace("Send", "Expect") + "]}")
    project.guest("one", bs.sector(bs.serial("ready\nhello there\n"), bs.HALT))
    said = project.scons("test-kernel", fails=True)
    assert "one (bios): FAILED (conversation" in said and "waited 2 s in vain for 'hello there'" in said
    project.write(', CONVERSATIONS={"one": [env.Expect("hello"), env.Pass()]}')
    assert "2 passed" in project.scons("test-kernel")


def test_tests_are_built_as_their_kernel_is(project: Project) -> None:
    """A kernel in place of a folder says with what features, and where."""
    tree(project.root, {"kernel/src/main.rs": "// the kernel\n"})
    (project.guests / "kernel").write_bytes(PASSES)
    kernel = 'env.RustKernel("kernel", RUST_FEATURES=["loud"], RUST_BUILD_DIR="out")'
    text = (project.root / "SConstruct").read_text()
    text = text.replace('"test-kernel", "kernel"', f'"test-kernel", {kernel}')
    (project.root / "SConstruct").write_text(text)
    assert "3 passed" in project.scons("test-kernel")
    words = json.loads(project.log.read_text().splitlines()[-1])
    assert words[words.index("--features") + 1] == "loud"
    assert (project.root / f"out/{TARGET}/debug/tests/kernel/one").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (', CONVERSATIONS={"three": []}', "there is no test 'three'; the tests are: one, two"),
        (', CONVERSATIONS={"one": [env.Expect("(")]}', "is no regular expression"),
        (', CONVERSATIONS={"one": [env.Pass(), env.Send("x")]}', "nothing may come after it"),
        (
            ', CONVERSATIONS={"one": ["never"]}',
            "CONVERSATIONS['one']: step 1 is 'never'; a step is env.Expect(",
        ),
        (
            ', CONVERSATIONS={"one": env.Pass()}',
            "CONVERSATIONS['one']: a list of steps is expected, found Pass()",
        ),
        (", CONVERSATIONS=[1]", "CONVERSATIONS must be a dictionary, the name of a test -> "),
        (", CONVERSATIONS={1: []}", "CONVERSATIONS must be a dictionary, the name of a test -> "),
        (', CONVERSATIONS={"one": [env.Expect(5)]}', "Expect waits for a regular expression, found 5"),
        (
            ', CONVERSATIONS={"one": [env.Expect("a", limit="x")]}',
            "the limit of Expect must be a number of seconds, found 'x'",
        ),
        (', CONVERSATIONS={"one": [env.Send(5)]}', "Send sends a text, found 5"),
        (", KERNEL_TEST_TIMEOUT='soon'", "must be a number of seconds, found 'soon'"),
        (", KERNEL_TEST_TIMEOUT=0", "must be a number of seconds, found 0"),
        (
            ", KERNEL_TEST_FIRMWARE='uefi'",
            "but build/x86_64-unknown-none/debug/tests/kernel/one boots on: bios",
        ),
        (", RUST_TARGET='no.json'", "no.json"),
    ],
)
def test_bad_input(project: Project, more: str, told: str) -> None:
    project.write(more)
    assert told in project.scons("test-kernel", fails=True)


def test_a_package_without_tests(project: Project) -> None:
    for name in ("one", "two"):
        (project.root / f"kernel/tests/{name}.rs").unlink()
    said = project.scons("test-kernel", fails=True)
    assert "kernel has nothing that `cargo test` builds" in said and "help: add a test" in said
    assert "nothing that" not in project.scons("toolchain") + project.scons("-c", "test-kernel")


def test_cargo_must_make_what_the_manifest_promises(project: Project) -> None:
    (project.guests / "two").unlink()
    said = project.scons("test-kernel", fails=True)
    assert "cargo built no test of the test `two`; it built: one" in said


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"test": 1, "detail": "", "seconds": 1}', b"\xff"])
def test_a_memory_that_cannot_be_read_is_none(project: Project, damage: bytes) -> None:
    project.scons("test-kernel")
    (project.root / RESULTS / "one-bios.passed").write_bytes(damage)
    assert run_tests(project.scons("test-kernel")) == {"one"}
    assert run_tests(project.scons("test-kernel")) == set()


def test_cleaning_leaves_nothing(project: Project) -> None:
    project.guest("one", FAILS)
    project.scons("test-kernel", fails=True)
    project.scons("-c", "test-kernel")
    assert [path for path in (project.root / RESULTS).rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_a_signal_ends_the_guests(project: Project, jobs: str, number: signal.Signals) -> None:
    for name in ("one", "two"):
        project.guest(name, bs.sector(bs.HALT))
    command = project.command(jobs, "test-kernel")
    with started(command, cwd=project.root, env=project.environ(), stdin=subprocess.DEVNULL) as scons:
        wait_until(lambda: len(guests(project.root)) == int(jobs[2:]), 60)
        scons.send_signal(number)
        assert scons.wait(timeout=60) != 0
    wait_until(lambda: guests(project.root) == [], 10)
    assert list((project.root / RESULTS).glob("*.passed")) == []
