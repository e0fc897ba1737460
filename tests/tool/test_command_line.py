"""scons's own options: what they show, build and remove here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import full_project
import pytest
from scons_project import BUILD, FILES, SCONSTRUCT, Project

Make = Callable[..., Project]

TWO = """\
env = Environment(tools=["default", "rustkernel"], RUST_TARGET="x86_64-my_os.json")
one, two = (env.BootImage(env.RustKernel(name)) for name in ("kernel", "second"))
"""
SECOND = {
    name.replace("kernel/", "second/"): text.replace("my_os", "second")
    for name, text in FILES.items()
    if name.startswith("kernel/")
}
ERROR = {"kernel/src/main.rs": "compile_error!()\n"}


def test_no_exec_names_every_node(make: Make) -> None:
    project = make()
    said = project.scons("-n")
    build = BUILD.replace(".", r"\.")
    for line in (
        "Reading x86_64-my_os.json into build/x86_64-my_os/x86_64-my_os.json",
        "Compiling core, compiler_builtins for x86_64-my_os",
        f"Compiling my_os into {BUILD}",
        f"Stripping {BUILD}/my_os into {BUILD}/my_os.stripped",
        "Compiling bootloader 0.11.17 stage-2",
        f"Writing {BUILD}/bootimage-uefi-my_os.bin",
    ):
        assert re.search(rf"^{re.escape(line)}$", said, re.M), f"{line}\n{said}"
    assert build
    assert not (project.root / "build").exists()


def test_question(make: Make) -> None:
    project = make()
    project.scons("-q", status=1)
    assert not (project.root / "build").exists()
    project.scons()
    project.scons("-q")


def test_keep_going(make: Make) -> None:
    project = make({**FILES, **SECOND, **ERROR, "SConstruct": TWO})
    said = project.scons("-k", status=2)
    assert "error: this does not compile" in said
    assert said.count("does not build") == 1
    assert (project.root / BUILD / "bootimage-bios-second.bin").exists()
    assert not (project.root / BUILD / "bootimage-bios-my_os.bin").exists()


def test_an_error_stops_the_rest_and_leaves_what_was(make: Make) -> None:
    project = make()
    project.scons()
    before = project.outputs()
    project.write(ERROR)
    project.scons(status=2)
    assert project.outputs() == before


def test_silent(make: Make) -> None:
    assert make().scons("-s") == ""


def test_clean_removes_what_was_made_and_nothing_else(make: Make) -> None:
    project = make(full_project.FILES)
    before = files_of(project)
    project.scons()
    (project.root / BUILD / "bootimage-bios-my_os.png").write_text("a screenshot")
    project.scons("-c")
    assert files_of(project) - before == {".sconsign.dblite"}


def test_clean_spares_what_others_have_made(make: Make) -> None:
    project = make()
    project.scons()
    mine = project.root / BUILD / "notes.txt"
    mine.write_text("mine")
    project.scons("-c")
    assert {path for path in (project.root / "build").rglob("*") if path.is_file()} == {mine}


def test_clean_a_part(make: Make) -> None:
    project = make({**FILES, **SECOND, "SConstruct": TWO})
    project.scons()
    project.scons("-c", f"{BUILD}/bootimage-bios-second.bin")
    left = {name.rpartition("/")[2] for name in project.outputs()}
    assert "my_os" in left and "bootimage-uefi-second.bin" in left
    assert not left & {"second", "second.stripped", "bootimage-bios-second.bin"}
    assert (project.root / BUILD / "cargo/my_os").is_dir()
    assert not (project.root / BUILD / "cargo/second").exists()


@pytest.mark.parametrize("option", ["-c", "-h"])
@pytest.mark.parametrize(
    "damage",
    [
        {"kernel/Cargo.toml": "[package\n"},
        {"kernel/Cargo.toml": "[workspace]\n"},
        {"kernel/Cargo.lock": "version = [\n"},
        {"x86_64-my_os.json": "{"},
        {".cargo/config.toml": "no = toml = at all\n"},
    ],
    ids=["manifest", "package", "lock file", "specification", "configuration"],
)
def test_clean_and_help_need_nothing_valid(
    option: str, damage: dict[str, str], make: Make, tmp_path: os.PathLike[str]
) -> None:
    """Neither a toolchain nor a manifest: what was made goes all the same."""
    project = make()
    before = files_of(project)
    project.scons()
    project.write(damage)
    project.tools.calls()
    bare = Project(project.root, project.tools, {**project.environ, "PATH": "/usr/bin:/bin"})
    bare.scons(option)
    assert project.tools.calls() == []
    if option == "-c":
        assert files_of(project) - before - set(damage) == {".sconsign.dblite"}


def test_clean_what_is_no_longer_in_the_graph(make: Make) -> None:
    """A binary that was renamed, a kernel that was dropped: what they left goes too."""
    project = make({**FILES, **SECOND, "SConstruct": TWO})
    before = files_of(project)
    project.scons()
    project.edit("SConstruct", '"kernel", "second"', '"kernel", "kernel"')
    project.edit("SConstruct", "one, two = (", "one, = (")
    project.edit("SConstruct", '("kernel", "kernel")', '("kernel",)')
    project.edit("kernel/Cargo.toml", "my_os", "other")
    project.edit("kernel/Cargo.lock", "my_os", "other")
    project.scons("-c")
    assert files_of(project) - before == {".sconsign.dblite"}


def files_of(project: Project) -> set[str]:
    """Every file of the project."""
    found = (path for path in project.root.rglob("*") if path.is_file() and "site_scons" not in path.parts)
    return {path.relative_to(project.root).as_posix() for path in found}


REASONS = {
    "kernel/src/main.rs": ("fn", "// a comment\nfn", "`kernel/src/main.rs' changed"),
    "SConstruct": ('"kernel", ', '"kernel", RUST_FEATURES=["fast"], ', "new: .*features: fast"),
    "kernel/Cargo.lock": ("0.11.17", "0.11.16", "`kernel/Cargo.lock' changed"),
}


@pytest.mark.parametrize("name", REASONS)
def test_explain(name: str, make: Make) -> None:
    project = make()
    project.scons()
    old, new, reason = REASONS[name]
    project.edit(name, old, new)
    said = project.scons("--debug=explain")
    assert re.search(rf"rebuilding `{BUILD}/my_os' because.*{reason}", said, re.S), said
    assert "unknown reasons" not in said


def test_explain_files(make: Make) -> None:
    project = make()
    project.scons()
    (project.root / "kernel/src/main.rs").write_text("mod new;\n")
    (project.root / "kernel/src/new.rs").write_text("")
    (project.root / BUILD / "bootimage-bios-my_os.bin").write_text("mine")
    said = project.scons("--debug=explain")
    assert "`kernel/src/new.rs' is a new dependency" in said
    (project.root / "kernel/src/new.rs").rename(project.root / "kernel/src/newer.rs")
    (project.root / BUILD / "bootimage-uefi-my_os.bin").write_text("mine")
    said = project.scons("--debug=explain")
    assert "`kernel/src/newer.rs' is a new dependency" in said
    assert "`kernel/src/new.rs' is no longer a dependency" in said
    assert f"rebuilding `{BUILD}/bootimage-uefi-my_os.bin' because it is not what the last build made" in said
    assert "unknown reasons" not in said


def test_tree(make: Make) -> None:
    project = make()
    said = project.scons("--tree=status", "image")
    for name in ("kernel/src/main.rs", f"{BUILD}/my_os.stripped", "build/bootloader-0.11.17/stage-4.bin"):
        assert re.search(rf"\[E.*\] .*{re.escape(name)}$", said, re.M), said


def test_reading_starts_no_program(make: Make) -> None:
    """Neither does a goal that needs none of ours."""
    project = make({**FILES, "SConstruct": SCONSTRUCT + 'env.Command("other", [], Touch("$TARGET"))\n'})
    project.tools.calls()
    project.scons("other")
    assert project.tools.calls() == []


def test_a_run_with_nothing_to_do_asks_the_compiler_alone(make: Make) -> None:
    project = make()
    project.scons()
    project.tools.calls()
    project.scons()
    # The stand-in is a script, of which nothing is remembered; a real compiler is not even asked.
    assert set(project.tools.calls()) == {"rustc -vV", "rustc --print=sysroot"}


LINES = {
    "RUSTSPECCOMSTR": "JSON",
    "RUSTSYSROOTCOMSTR": "SYSROOT",
    "RUSTKERNELCOMSTR": "KERNEL",
    "RUSTSTRIPCOMSTR": "STRIP",
    "BOOTLOADERCOMSTR": "LOADER",
    "BOOTIMAGECOMSTR": "IMAGE",
}


@pytest.mark.parametrize("jobs", ["-j1", "-j3"])
def test_lines_of_the_users_own(jobs: str, make: Make, tmp_path: Path) -> None:
    """They stand in the place of ours, which come from the engine and from the actions."""
    own = ", ".join(f'{name}="{word} $TARGET"' for name, word in LINES.items())
    script = SCONSTRUCT.replace('"rustkernel"]', f'"rustkernel"], {own}')
    project = make({**FILES, "SConstruct": script}, RUSTKERNEL_STORE=str(tmp_path / "store"))
    said = project.scons(jobs)
    assert f"IMAGE {BUILD}/bootimage-bios-my_os.bin\n" in said
    assert {line.partition(" ")[0] for line in said.splitlines()} == {*LINES.values()}, said


def test_a_line_of_the_users_own_for_some_nodes(make: Make, tmp_path: Path) -> None:
    """The others have ours, also where they are made at the same time."""
    script = SCONSTRUCT.replace('"rustkernel"]', '"rustkernel"], RUSTKERNELCOMSTR="KERNEL $TARGET"')
    project = make({**FILES, "SConstruct": script}, RUSTKERNEL_STORE=str(tmp_path / "store"))
    said = project.scons("-j3")
    assert f"KERNEL {BUILD}/my_os\n" in said
    assert "Compiling my_os" not in said
    assert "Compiling core, compiler_builtins for x86_64-my_os\n" in said
    assert f"Writing {BUILD}/bootimage-bios-my_os.bin\n" in said


def interactive(project: Project, typed: str) -> subprocess.CompletedProcess[str]:
    """What scons --interactive does when all this is typed."""
    command = [sys.executable, "-m", "SCons", "-Q", "--interactive"]
    return subprocess.run(
        command, cwd=project.root, env=dict(project.environ), input=typed, capture_output=True, text=True
    )


def test_interactive(make: Make) -> None:
    """One process, several builds: what changes between them is seen, and nothing else is built."""
    project = make()
    said = interactive(
        project, "build\nbuild\n!sed -i s/main/other/ kernel/src/main.rs\nbuild\nbuild\nexit\n"
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.count("Compiling my_os for") == 2
    assert said.stdout.count(f"Writing {BUILD}/bootimage-uefi-my_os.bin") == 2
    assert said.stdout.count("is up to date") == 2


def test_interactive_after_a_failure(make: Make) -> None:
    """A build that failed leaves nothing behind that a later one would wait for."""
    test = 'env.KernelTest("test-kernel", kernel)\n'
    project = make({**FILES, "SConstruct": SCONSTRUCT + test, "kernel/tests/boot.rs": ""})
    source = "kernel/src/main.rs"
    typed = (
        f"build\n!sed -i s/main/compile_error/ {source}\nbuild\n"
        f"!sed -i s/compile_error/mended/ {source}\nbuild\nexit\n"
    )
    said = interactive(project, typed)
    assert "this does not compile" in said.stderr
    assert said.stdout.count(f"Writing {BUILD}/bootimage-uefi-my_os.bin") == 2, said.stdout + said.stderr


def test_another_loader_between_two_builds(make: Make) -> None:
    """The graph has the programs of the first one."""
    project = make()
    said = interactive(project, "build\n!sed -i s/0.11.17/0.11.16/ kernel/Cargo.lock\nbuild\nexit\n")
    change = (
        "bootloader_api 0.11.17 was chosen when SConstruct was read, and now it is bootloader_api 0.11.16"
    )
    assert f"kernel/Cargo.lock: error: the kernel has got another boot loader: {change}\n" in said.stderr
    assert "  help: start scons again" in said.stderr
    assert said.stderr.count("error:") == 1
    assert "bootimage-bios-my_os.bin" in project.rebuilt()


def test_help_names_the_goals_once(make: Make) -> None:
    more = 'for _ in range(2): Environment(tools=["rustkernel"])\nenv.RunQemu("run-$$it", image)\n'
    said = make({**FILES, "SConstruct": SCONSTRUCT.replace("env.BootImage", "image = env.BootImage") + more})
    listed = said.scons("-h").partition("Goals for Rust kernels:\n")[2]
    found = re.findall(r"^  (\S+) {2,}(\S.+)$", listed, re.M)
    assert [name for name, _ in found] == [
        *("toolchain", "store", "verify-reproducible", "rust-analyzer", "run-$$it", "run-$$it-uefi")
    ]
    assert "SCons Options:" in said.scons("-h"), "SCons's own help is still there"


def timings(project: Project, *arguments: str, status: int = 0) -> dict[str, dict[str, Any]]:
    """What a run with --timings has noted, by the first target's name."""
    file = project.root / "timings.json"
    file.unlink(missing_ok=True)
    project.scons("--timings=timings.json", *arguments, status=status)
    content = json.loads(file.read_text()) if file.exists() else {"format": 1, "nodes": []}
    assert content["format"] == 1
    return {Path(each["targets"][0]).name: each for each in content["nodes"]}


def test_timings(make: Make) -> None:
    project = make()
    began = time.time()
    first = timings(project, "-j2")
    assert {"my_os", "sysroot.json", "my_os.stripped", "bootimage-bios-my_os.bin"} < first.keys()
    kernel = first["my_os"]
    assert kernel["recipe"] == "kernel" and kernel["succeeded"] and "doesn't exist" in kernel["why"]
    assert all(
        0 <= each["seconds"] < 120 and began <= each["began"] <= time.time() for each in first.values()
    )
    assert timings(project) == {}, "nothing was made"
    project.write({"kernel/src/main.rs": f"{FILES['kernel/src/main.rs']}// a comment\n"})
    second = timings(project)
    assert "`kernel/src/main.rs' changed" in second["my_os"]["why"] and "sysroot.json" not in second
    project.write(ERROR)
    failed = timings(project, status=2)
    assert failed.keys() == {"my_os"} and not failed["my_os"]["succeeded"]
