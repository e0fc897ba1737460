"""./sconsw: which commands it runs, in machines made of fake programs; and for real in a fresh clone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child_processes import started, wait_until
from fake_toolchain import HOST, PLACEHOLDER, SINCE, library, program, rustc, rustup

REPOSITORY = Path(__file__).resolve().parents[2]
NIGHTLY = f"nightly-{HOST}"
# What sconsw and the fakes themselves use of a system.
TOOLS = "sh ls dash busybox cat cksum readlink nproc id grep mkdir rm cp touch sleep chmod env".split()  # noqa: SIM905
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "directly": []}

# pip's work, done by hand: what a version check reads of an installed package.
PIP = """\
    echo "pip install ${{1##*/}}" >> '{log}'
    {hook}
    site='{site}'
    mkdir -p "$site/SCons" "$site/SCons-1.0.dist-info" "$site/rich-2.0.dist-info"
    echo 'Version: 1.0' > "$site/SCons-1.0.dist-info/METADATA"
    echo 'Version: 2.0' > "$site/rich-2.0.dist-info/METADATA"
    touch "$site/SCons-1.0.dist-info/RECORD" "$site/rich-2.0.dist-info/RECORD" ;;
"""
PYTHON = """\
case "$1 $2" in
"-m SCons") shift 2; echo "scons in ${{PWD##*/}}: $*" >> '{log}' ;;
"-m pip") shift 4
{pip}
"-m ruff" | "-m mypy") echo "${{*#-m }}" >> '{log}' ;;
"-c "*pytest.main*) shift 2; echo "pytest $*" >> '{log}' ;;
"-c "*lint_imports*) echo lint-imports >> '{log}' ;;
esac"""
RUSTUP = """\
echo "rustup $*" >> '{log}'
own="$RUSTUP_HOME/toolchains/{nightly}/lib/rustlib"
new='{complete}'
case "$1 $2" in
"toolchain install") cp -r "$new" "$RUSTUP_HOME/toolchains/{nightly}" ;;
"target add") cp -r "$new/lib/rustlib/x86_64-unknown-uefi" "$own/$3" ;;
"component add")
    case "$*" in *rust-src*) cp -r "$new/lib/rustlib/src" "$own" ;; esac
    case "$*" in *llvm-tools*) cp "$new/lib/rustlib/{host}/bin/llvm-objcopy" "$own/{host}/bin" ;; esac ;;
esac"""
# apt-get, and what its packages bring.
APT = """\
question=
case $1 in --simulate) question=y ;; *) echo "apt-get $*" >> '{log}' ;; esac
{hook}
[ -z "$question" ] || exit 0
for word; do
    case $word in
    rustc-web) cp -r '{complete}/.' '{system}' ;;
    qemu-system-x86) cp '{bin}/true' '{bin}/qemu-system-x86_64' ;;
    gcc) cp '{bin}/true' '{bin}/cc' ;;
    nginx) cp '{bin}/true' '{bin}/nginx-for-bench' ;;
    mtools) cp '{bin}/true' '{bin}/mcopy-for-tests' ;;
    python3) cp '{bin}/true' '{bin}/python3'; printf '#!/bin/sh\\nexec {python} "$@"\\n' > '{bin}/python3' ;;
    esac
done"""


class Machine:
    """A project with sconsw in it, a home, and a PATH of fakes that write down how they are called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.bin = folder / "system/bin"
        self.home = folder / "home"
        self.project = folder / "a project"
        self.venv = self.project / ".venv"
        self.home.mkdir()
        self.firmware = folder / "OVMF_CODE.fd"
        for name, size in (("CODE", 1 << 19), ("VARS", 1 << 19)):
            (folder / f"OVMF_{name}.fd").write_bytes(bytes(size))
        self.complete = folder / "complete"
        _complete_toolchain(self.complete)
        self._system()
        self._project()
        self.fake_python()

    def _system(self) -> None:
        self.bin.mkdir(parents=True)
        for name in TOOLS:
            found = shutil.which(name)
            assert found, name
            (self.bin / name).symlink_to(found)
        (self.bin / "python3").symlink_to(sys.executable)
        program(self.bin / "true")
        program(self.bin / "cc")
        self.fake_apt()

    def _project(self) -> None:
        (self.project / "tests").mkdir(parents=True)
        for name in ("sconsw", "tests/run"):
            shutil.copy(REPOSITORY / name, self.project / name)
        (self.project / "bootimage").symlink_to(REPOSITORY / "bootimage")
        (self.project / "SConstruct").touch()
        (self.project / "requirements.txt").write_text("SCons==1.0\n# and\nrich==2.0\n")
        (self.project / "requirements-test.txt").write_text("-r requirements.txt\n")
        (self.project / "tests/packages.txt").write_text(
            "# package program\nmtools  mcopy-for-tests  # FAT\n"
        )

        (self.project / "bench").mkdir()
        (self.project / "bench/packages.txt").write_text("nginx  nginx-for-bench  # a cache\n")

    def fake_python(self, hook: str = ":") -> None:
        """A Python environment in .venv, without packages; `hook` is run by its pip."""
        site = self.venv / "lib/python3.11/site-packages"
        site.mkdir(parents=True, exist_ok=True)
        pip = PIP.format(log=self.log, hook=hook, site=site)
        program(self.venv / "bin/python", PYTHON.format(log=self.log, pip=pip))
        program(self.venv / "bin/lint-imports")

    def fake_apt(self, hook: str = ":") -> None:
        values = {"log": self.log, "hook": hook, "complete": self.complete, "bin": self.bin}
        script = APT.format(**values, system=self.bin.parent, python=sys.executable)
        program(self.bin / "apt-get", script)

    def fake_rustup(self, *toolchains: str) -> Path:
        """A rustup with these toolchains, bare; returns the folder of rustlib in the nightly."""
        home = rustup(self.home, *toolchains)
        values = {"log": self.log, "nightly": NIGHTLY, "complete": self.complete, "host": HOST}
        program(self.home / ".cargo/bin/rustup", RUSTUP.format(**values))
        for name in toolchains:
            program(home / "toolchains" / name / f"lib/rustlib/{HOST}/bin/rust-lld")
        return home / "toolchains" / NIGHTLY / "lib/rustlib"

    def whole(self) -> None:
        """Everything is there but the Python packages."""
        self.fake_rustup()
        shutil.copytree(self.complete, self.home / ".rustup/toolchains" / NIGHTLY)

    def environ(self, **more: str) -> dict[str, str]:
        path = f"{self.home}/.cargo/bin:{self.bin}"
        system = {"HOME": str(self.home), "PATH": path, "OVMF_CODE": str(self.firmware)}
        return {**system, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def call(
        self, *arguments: str, cwd: Path | None = None, shell: str = "directly", as_: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SHELLS[shell], as_ or str(self.project / "sconsw"), *arguments],
            cwd=cwd or self.project,
            env=self.environ(**environ),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def commands(self) -> list[str]:
        """What was run since the last time this was asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def ran(self, *arguments: str, **environ: str) -> list[str]:
        """What a successful call ran, scons itself left out."""
        finished = self.call(*arguments, **environ)
        assert finished.returncode == 0, finished.stderr
        return [line for line in self.commands() if not line.startswith("scons in")]


def _complete_toolchain(folder: Path) -> None:
    rustc(folder)
    library(folder / "lib/rustlib/src/rust", SINCE.format(96), PLACEHOLDER)
    for name in ("rust-lld", "llvm-objcopy"):
        program(folder / f"lib/rustlib/{HOST}/bin" / name)
    (folder / "lib/rustlib/x86_64-unknown-uefi/lib").mkdir(parents=True)
    (folder / "lib/rustlib/x86_64-unknown-uefi/lib/libcore-1.rlib").touch()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """A machine that is set up."""
    machine.whole()
    assert machine.ran() == ["pip install requirements.txt"]
    return machine


# How it calls scons


@pytest.mark.parametrize("shell", SHELLS)
def test_the_second_call_is_scons_alone(machine: Machine, shell: str) -> None:
    machine.whole()
    first, second = machine.call("image", shell=shell), machine.call("image", shell=shell)
    assert first.stdout == "sconsw: installing SCons 1.0, rich 2.0 (pip install -r requirements.txt)\n"
    assert second.stdout == first.stderr == second.stderr == ""
    scons = f"scons in a project: -j{os.cpu_count()} image"
    assert machine.commands() == ["pip install requirements.txt", scons, scons]


@pytest.mark.parametrize("shell", SHELLS)
def test_arguments_reach_scons_as_they_are(ready: Machine, shell: str) -> None:
    program(ready.venv / "bin/python", f"shift 3; printf '<%s>' \"$@\" >> '{ready.log}'")
    ready.call("a b", "*", "", "VERBOSE=1", "-Q", "$HOME", shell=shell)
    assert ready.commands() == ["<a b><*><><VERBOSE=1><-Q><$HOME>"]


def test_jobs(ready: Machine) -> None:
    """The first -j counts for nothing where a later one follows."""
    for arguments, flags in ((["-j7"], "-k"), ([], "--jobs=3"), ([], "-Q -j3")):
        ready.call(*arguments, SCONSFLAGS=flags)
    assert [line.partition(": ")[2] for line in ready.commands()] == [f"-j{os.cpu_count()} -j7", "", ""]


def test_from_where_it_is_called(ready: Machine, tmp_path: Path) -> None:
    elsewhere, other = tmp_path / "else where", tmp_path / "other"
    elsewhere.mkdir()
    other.mkdir()
    (other / "SConstruct").touch()
    (elsewhere / "link").symlink_to("deeper")
    (elsewhere / "deeper").symlink_to(ready.project / "sconsw")
    for cwd, as_ in (
        (elsewhere, "../a project/sconsw"),
        (elsewhere, "./link"),
        (ready.project / "tests", "../sconsw"),
        (other, str(ready.project / "sconsw")),
    ):
        assert ready.call(cwd=cwd, as_=as_).returncode == 0
    assert ready.call("-C", "tests", as_="./sconsw").returncode == 0
    assert ready.call(shell="dash", as_="sconsw").returncode == 0
    path = f"{ready.project}:{ready.bin}"
    assert (
        subprocess.run(["sconsw"], cwd=elsewhere, env=ready.environ(PATH=path), check=False).returncode == 0
    )
    places = [line.split(":")[0].removeprefix("scons in ") for line in ready.commands() if "scons in" in line]
    assert places == ["a project", "a project", "a project", "other", "a project", "a project", "a project"]


def test_exit_status_passes_through(ready: Machine) -> None:
    program(ready.venv / "bin/python", "exit 7")
    assert ready.call("image").returncode == 7


def test_a_second_call_costs_under_50_ms(ready: Machine) -> None:
    program(ready.venv / "bin/python")

    def seconds() -> float:
        began = time.perf_counter()
        ready.call("image")
        return time.perf_counter() - began

    assert min(seconds() for _ in range(20)) < 0.05


# What it installs


BARE = "rustup component add rust-src llvm-tools --toolchain nightly"
INSTALL = "rustup toolchain install nightly --profile minimal --component rust-src,llvm-tools"
UEFI = "rustup target add x86_64-unknown-uefi --toolchain nightly"
APT_GET = "apt-get install --yes --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 "
DEBIANS = APT_GET + "rustc-web cargo-web rust-web-src rust-web-llvm lld-22"
PACKAGES = "pip install requirements.txt"


def remove(machine: Machine, part: str) -> None:
    shutil.rmtree(machine.home / ".rustup/toolchains" / NIGHTLY / "lib/rustlib" / part)


def without(part: str) -> Callable[[Machine], None]:
    def make(machine: Machine) -> None:
        machine.whole()
        remove(machine, part)

    return make


def without_cc(machine: Machine) -> None:
    machine.whole()
    (machine.bin / "cc").unlink()


MACHINES: dict[str, tuple[Callable[[Machine], object], list[str]]] = {
    "everything": (Machine.whole, []),
    "bare nightly": (lambda machine: machine.fake_rustup(NIGHTLY), [BARE, UEFI]),
    "no rust-src": (without("src"), ["rustup component add rust-src --toolchain nightly"]),
    "no UEFI library": (without("x86_64-unknown-uefi"), [UEFI]),
    "rustup alone": (Machine.fake_rustup, [INSTALL]),
    "no C compiler": (without_cc, [APT_GET + "gcc libc6-dev"]),
    "nothing": (lambda machine: None, [DEBIANS]),
}


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_missing_is_installed_once(machine: Machine, name: str) -> None:
    make, expected = MACHINES[name]
    make(machine)
    finished = machine.call("image")
    assert finished.returncode == 0, finished.stderr
    announced = [line for line in finished.stdout.splitlines() if line.startswith("sconsw: installing ")]
    assert len(announced) == 1 + len(expected), "one line for each"
    scons = f"scons in a project: -j{os.cpu_count()} image"
    assert machine.commands() == [PACKAGES, *expected, scons]
    assert machine.ran() == []


def test_rustup_off_path_and_home_empty(machine: Machine, tmp_path: Path) -> None:
    machine.fake_rustup(NIGHTLY)
    assert machine.ran(PATH=str(machine.bin)) == [PACKAGES, BARE, UEFI]
    remove(machine, "src")
    (tmp_path / "empty").mkdir()
    assert machine.ran(HOME=str(tmp_path / "empty")) == ["rustup component add rust-src --toolchain nightly"]
    assert machine.ran(HOME="") == []


def test_a_named_toolchain_is_installed(machine: Machine) -> None:
    machine.whole()
    (machine.project / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "nightly-2026-05-19"\n')
    finished = machine.call()
    assert INSTALL.replace("nightly", "nightly-2026-05-19", 1) in machine.commands()
    assert finished.returncode == 1 and "is not installed" in finished.stderr, "the fake one installs another"


def test_without_the_uefi_library_it_goes_on(machine: Machine) -> None:
    machine.whole()
    remove(machine, "x86_64-unknown-uefi")
    program(machine.home / ".cargo/bin/rustup", "echo no network; exit 1")
    finished = machine.call()
    assert finished.returncode == 0 and "it will be built instead" in finished.stdout


@pytest.mark.parametrize(
    ("goal", "environ", "expected"),
    [
        ("image", {}, []),
        ("run-qemu", {}, ["qemu-system-x86"]),
        ("run-qemu-uefi", {"DISPLAY": ":0"}, ["qemu-system-x86 qemu-system-gui"]),
        ("test-kernel", {}, ["qemu-system-x86"]),
    ],
)
def test_qemu_only_where_it_is_needed(
    ready: Machine, goal: str, environ: dict[str, str], expected: list[str]
) -> None:
    assert ready.ran(goal, **environ) == [APT_GET + packages for packages in expected]
    assert ready.ran(goal, **environ) == []


def test_an_older_compiler_only_from_fresh_lists(machine: Machine) -> None:
    """Lists without the newest packages may only be old, or lack a source that was never asked."""
    updated = machine.folder / "updated"
    machine.fake_apt(
        f"case $1 in update) touch '{updated}' ;; esac\n"
        f"[ -e '{updated}' ] || case $* in *rust-web-llvm*) echo 'E: Unable to locate package rust-web-llvm'"
        "; exit 100 ;; esac"
    )
    assert machine.ran("image")[1:] == ["apt-get update", DEBIANS]


def test_the_tests(ready: Machine) -> None:
    def run() -> list[str]:
        return ready.ran("test", "-k", "a b", cwd=str(ready.home))  # type: ignore[arg-type]

    stable = INSTALL.replace("nightly", "stable", 1)
    program(ready.home / ".cargo/bin/rustup", f"echo \"rustup $*\" >> '{ready.log}'")
    shutil.copytree(ready.complete, ready.home / f".rustup/toolchains/stable-{HOST}")
    steps = [
        "ruff format --check --quiet .",
        "ruff check --quiet .",
        "mypy --no-error-summary",
        "mypy --no-error-summary --platform darwin",
        "lint-imports",
        f"pytest -n {os.cpu_count()} --dist loadgroup -k a b",
    ]
    assert run() == [APT_GET + "qemu-system-x86", DEBIANS, APT_GET + "mtools", *steps]
    assert run() == steps
    assert stable not in steps


def test_what_the_comparison_needs(ready: Machine) -> None:
    """`./sconsw bench`: what the other tools look for, once, and before anything is measured."""
    toolchain = ready.home / ".rustup/toolchains" / NIGHTLY
    program(toolchain / "bin/cargo", f"echo \"cargo $1 $2 ${{4#*rustlib/}}\" | grep fetch >> '{ready.log}'")
    (toolchain / f"lib/rustlib/{HOST}/bin/llvm-objcopy").unlink()
    program(ready.bin / "llvm-objcopy")  # which does for us
    steps = [
        APT_GET + "qemu-system-x86",
        APT_GET + "nginx",
        "rustup component add llvm-tools --toolchain nightly",
        "rustup target add x86_64-unknown-none --toolchain nightly",
        "cargo fetch --locked src/rust/library/Cargo.toml",
    ]
    assert ready.ran("bench") == steps
    assert ready.ran("bench") == []


def test_the_comparison_needs_rustup(machine: Machine) -> None:
    finished = machine.call("bench")
    assert finished.returncode == 1 and "need rustup" in finished.stderr


def test_apt_lists_are_fetched_only_when_a_package_is_not_found(ready: Machine) -> None:
    fetched = ready.folder / "fetched"
    ready.fake_apt(f"case $1 in update) touch {fetched} ;; *) [ -e {fetched} ] || exit 100 ;; esac")
    install = APT_GET + "qemu-system-x86"
    assert ready.ran("run-qemu") == ["apt-get update", install]


# What it cannot install


def test_a_failing_command_is_told_and_tried_again(machine: Machine) -> None:
    machine.whole()
    machine.fake_python("echo no network >&2; exit 1")
    for _ in range(2):
        finished = machine.call()
        assert finished.returncode == 1
        assert "no network" in finished.stderr and "-m pip install -r" in finished.stderr
        assert "Traceback" not in finished.stderr
        assert machine.commands() == [PACKAGES]


def test_without_apt(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    finished = machine.call()
    assert finished.returncode == 1
    assert "there is no apt-get" in finished.stderr and "rustc-web cargo-web" in finished.stderr
    for command in ("dnf install rustup", "pacman -S rustup", "zypper install rustup", "apk add rustup"):
        assert command in finished.stderr
    assert "brew install rustup" in finished.stderr


def test_lists_that_cannot_be_fetched_are_an_error(ready: Machine) -> None:
    unknown = "echo 'E: Unable to locate package qemu-system-x86'"
    ready.fake_apt(f"case $1 in update) echo 'E: no network' ;; *) {unknown} ;; esac; exit 100")
    finished = ready.call("run-qemu")
    assert finished.returncode == 1 and "Traceback" not in finished.stderr
    assert "installing qemu-system-x86 failed:\nE: Unable to locate package" in finished.stderr
    assert "apt-get update:\nE: no network" in finished.stderr
    assert ready.commands() == ["apt-get update"]


def test_what_fails_after_all_is_an_error(ready: Machine) -> None:
    ready.fake_apt("case $1 in install) echo 'E: 404'; exit 100 ;; esac")
    finished = ready.call("run-qemu")
    assert finished.returncode == 1 and "E: 404" in finished.stderr
    install = APT_GET + "qemu-system-x86"
    assert ready.commands() == [install, "apt-get update", install]


CONFLICTS = {
    "removal": ("Remv qemu-utils [1:10.0.2]", "", "apt would remove qemu-utils for it"),
    "no solution": (
        " qemu-utils : Breaks: qemu-system-common (< 1)\nE: Unable to correct problems",
        "exit 100",
        "beside qemu-utils",
    ),
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_nothing_is_removed(ready: Machine, conflict: str) -> None:
    """A private copy is made instead; where that fails, both ways out are named."""
    says, status, reason = CONFLICTS[conflict]
    ready.fake_apt(f"case $1 in --simulate) echo '{says}'; {status} ;; *) exit 100 ;; esac")
    finished = ready.call("run-qemu")
    assert finished.returncode == 1
    assert (
        f"private copy of qemu-system-x86 ovmf in {ready.home}/.cache/rustkernel/private/qemu"
        in finished.stdout
    )
    assert reason in finished.stdout
    assert "no private copy" in finished.stderr and "apt-get install qemu-system-x86" in finished.stderr
    assert not any(line.startswith("apt-get install") for line in ready.commands())
    assert not list((ready.home / ".cache/rustkernel/private").glob("qemu*")), "nothing half-made is left"


def test_a_folder_that_others_can_write_is_not_used(ready: Machine) -> None:
    folder = ready.home / ".cache/rustkernel/private"
    program(folder / "qemu/bin/qemu-system-x86_64")
    folder.chmod(0o777)
    assert ready.ran("run-qemu") == [APT_GET + "qemu-system-x86"], "that QEMU does not count"
    (ready.bin / "qemu-system-x86_64").unlink()
    ready.fake_apt("case $1 in --simulate) echo 'Remv qemu-utils' ;; esac")
    finished = ready.call("run-qemu")
    assert finished.returncode == 1 and "other users can write this folder" in finished.stderr


def test_a_private_copy_is_found(ready: Machine) -> None:
    folder = ready.home / ".cache/rustkernel/private"
    program(folder / "qemu/bin/qemu-system-x86_64")
    program(ready.venv / "bin/python", f"echo \"$PATH\" >> '{ready.log}'")
    assert ready.ran("run-qemu")[-1].endswith(f":{folder}/qemu/bin"), "what scons starts finds it"
    shutil.rmtree(folder)
    assert APT_GET + "qemu-system-x86" in ready.ran("run-qemu"), "deleted, it is gone"


def test_a_package_that_does_not_bring_its_program(ready: Machine) -> None:
    ready.fake_apt("exit 0")
    finished = ready.call("run-qemu")
    assert finished.returncode == 1 and "apt-get install qemu-system-x86" in finished.stderr


OLD = "exit 1"  # a Python that says it is too old


@pytest.mark.parametrize("shell", SHELLS)
def test_python_itself_is_installed(machine: Machine, shell: str) -> None:
    machine.whole()
    (machine.bin / "python3").unlink()
    program(machine.bin / "python3", OLD)
    finished = machine.call(shell=shell)
    assert finished.returncode == 0, finished.stderr
    assert machine.commands()[:2] == [
        "apt-get install -y --no-install-recommends --no-remove python3 python3-venv",
        PACKAGES,
    ]


def test_no_new_enough_python(machine: Machine) -> None:
    (machine.bin / "python3").unlink()
    program(machine.bin / "python3", OLD)
    machine.fake_apt("echo 'E: broken'; exit 100")
    finished = machine.call()
    assert finished.returncode == 1 and "installing Python failed" in finished.stderr
    assert "E: broken" in finished.stderr
    machine.fake_apt("exit 0")
    finished = machine.call()
    assert finished.returncode == 1 and "older than 3.11" in finished.stderr
    (machine.bin / "apt-get").unlink()
    finished = machine.call()
    assert finished.returncode == 1 and "install it, or name it in PYTHON" in finished.stderr
    assert machine.call(PYTHON=sys.executable).returncode == 1, "and then Rust is missing"


@pytest.mark.parametrize(("sudo", "ran"), [("exit 1", False), ('[ "$1" = -n ] && shift; exec "$@"', True)])
def test_without_the_right_to_install(machine: Machine, sudo: str, ran: bool) -> None:
    machine.whole()
    (machine.bin / "python3").unlink()
    (machine.bin / "id").unlink()
    program(machine.bin / "id", "echo 1000")
    program(machine.bin / "sudo", sudo)
    finished = machine.call()
    command = "apt-get install -y --no-install-recommends --no-remove python3 python3-venv"
    assert (command in machine.commands()) == ran
    assert finished.returncode == (0 if ran else 1)
    assert (f"only root can install it: sudo {command}\n" in finished.stderr) == (not ran)


# When it looks again


def replace_requirements(machine: Machine) -> None:
    (machine.project / "requirements.txt").write_text("SCons==1.0\nrich==3.0\n")


def uninstall_scons(machine: Machine) -> None:
    for folder in (machine.venv / "lib/python3.11/site-packages").glob("SCons*"):
        shutil.rmtree(folder)


def add_toolchain(machine: Machine) -> None:
    time.sleep(0.02)  # later than the note, on a file system that counts in 10 ms
    bare = machine.home / ".rustup/toolchains" / f"nightly-2030-01-01-{HOST}"
    bare.mkdir()
    shutil.rmtree(machine.home / ".rustup/toolchains" / NIGHTLY)
    shutil.copytree(machine.complete, machine.home / ".rustup/toolchains" / NIGHTLY)
    remove(machine, "src")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (replace_requirements, [PACKAGES]),
        (lambda machine: remove(machine, "src"), ["rustup component add rust-src --toolchain nightly"]),
        (add_toolchain, ["rustup component add rust-src --toolchain nightly"]),
        (
            lambda machine: shutil.rmtree(machine.venv / "lib/python3.11/site-packages/SCons-1.0.dist-info"),
            [],
        ),
        (uninstall_scons, [PACKAGES]),
        (lambda machine: (machine.project / "SConstruct").write_text("new"), []),
    ],
)
def test_a_change_makes_it_look_again(
    ready: Machine, change: Callable[[Machine], object], expected: list[str]
) -> None:
    change(ready)
    assert ready.ran() == expected


def test_a_damaged_note(ready: Machine) -> None:
    note = ready.venv / ".set-up-build"
    good = note.read_text()
    for damage in ("", good.partition("\n")[0], "123 4\n+/\n", "\0\n"):
        note.write_text(damage)
        assert ready.ran() == []
        assert note.read_text() == good


def test_interrupted_set_up_is_done_again(machine: Machine) -> None:
    machine.whole()
    machine.fake_python("sleep 30")
    for number in (signal.SIGKILL, signal.SIGINT):
        with started(
            [str(machine.project / "sconsw")],
            cwd=machine.project,
            env=machine.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        ) as caller:
            wait_until(machine.log.exists, 20)
            os.killpg(caller.pid, number)
            _, stderr = caller.communicate()
        assert caller.returncode != 0 and b"Traceback" not in stderr
        assert machine.commands() == [PACKAGES]
    machine.fake_python()
    assert machine.ran() == [PACKAGES]


def test_first_calls_at_once(machine: Machine) -> None:
    machine.whole()
    machine.fake_python("sleep 0.5")
    callers = [
        subprocess.Popen(
            [str(machine.project / "sconsw")],
            cwd=machine.project,
            env=machine.environ(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(5)
    ]
    said = [caller.communicate()[0] for caller in callers]
    assert {caller.returncode for caller in callers} == {0}
    assert sum("installing" in text for text in said) == 1
    assert sum("waiting for another sconsw" in text for text in said) >= 1
    commands = machine.commands()
    assert commands.count(PACKAGES) == 1 and len(commands) == 6


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """What a user has after `git clone`, with the work tree's state of what sconsw needs."""
    folder = tmp_path / "fresh clone"
    folder.mkdir()
    for name in ("sconsw", "requirements.txt"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / "bootimage").symlink_to(REPOSITORY / "bootimage")
    (folder / "SConstruct").write_text("import SCons\nprint('read by', SCons.__version__)\n")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.rust
def test_a_fresh_clone_with_an_empty_home(clone: Path, tmp_path: Path) -> None:
    home = tmp_path / "empty home"
    home.mkdir()
    (clone / ".venv/bin").mkdir(parents=True)  # what an interrupted set-up may leave
    (clone / ".venv/bin/python").symlink_to(tmp_path / "an older Python")
    environ = {**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("XDG_CACHE_HOME", "VIRTUAL_ENV"):
        environ.pop(name, None)
    calls = [
        subprocess.run([clone / "sconsw", "-s"], env=environ, cwd=home, capture_output=True, text=True)
        for _ in range(2)
    ]
    assert [call.returncode for call in calls] == [0, 0], calls[0].stderr
    assert "sconsw: making a Python environment" in calls[0].stdout
    pinned = next(line for line in (clone / "requirements.txt").read_text().splitlines() if "SCons==" in line)
    assert calls[1].stdout == f"read by {pinned.partition('==')[2]}\n"
