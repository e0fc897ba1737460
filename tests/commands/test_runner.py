from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from boot_sectors import ENDLESS_SERIAL, HALT, RESET, SHUT_DOWN, TRIPLE_FAULT, exit_with, sector, serial
from child_processes import guests, started, wait_until
from cli_shell import Shell, recorder
from elf_bytes import elf

from bootimage.commands.runner import RunnerRequest

Images = Callable[[bytes], list[Path]]
TEST = "target/x86_64-unknown-none/debug/deps/os-0123456789abcdef"


def configure(shell: Shell, *rows: str) -> None:
    with (shell.folder / "Cargo.toml").open("a") as file:
        file.write("\n".join(["[package.metadata.bootimage]", *rows, ""]))


def executable(shell: Shell, name: str = TEST) -> str:
    path = shell.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(elf())
    return name


def emulator(shell: Shell, then: str, *rows: str) -> None:
    """Let `run-command` be a program that does `then`."""
    path = recorder(shell.folder / "emulator", shell.log, then)
    configure(shell, f'run-command = ["{path}", "--disk={{}}"]', *rows)
    return []


@pytest.mark.parametrize(
    ("path", "is_test"),
    [
        ("target/x/debug/os", False),
        ("target/x/debug/deps/os-1", True),
        ("/tmp/rustdoctest4x/rust_out", True),
        ("target/x/debug/build/os/0f/out/os", True),
        ("target/x/debug/out/os", False),
        ("deps", False),
    ],
)
def test_which_executables_are_tests(path: str, is_test: bool) -> None:
    assert RunnerRequest(Path(path)).is_test == is_test


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (TEST, ["-no-reboot", "-t", "-x", "--help"]),
        ("target/debug/os", ["-r", "-x", "--help"]),
    ],
)
def test_arguments_and_lines(shell: Shell, images: Images, name: str, expected: list[str]) -> None:
    images(b"")
    emulator(shell, "", 'run-args = ["-r"]', 'test-args = ["-t"]')
    out = shell.run(f"bootimage runner {executable(shell, name)} -x --help")
    [call] = shell.calls()
    image = shell.folder / name.replace("/os", "/bootimage-os")
    assert call["words"] == [f"--disk={image}.bin", *expected]
    running = f"Running: `{call['name']} {' '.join(call['words'])}`"
    assert out.splitlines() == ["Building bootloader", running]


def test_quiet(shell: Shell, images: Images) -> None:
    images(b"")
    emulator(shell, "")
    assert shell.run(f"bootimage runner --quiet {executable(shell)}") == ""


@pytest.mark.parametrize(
    ("name", "ends_with", "success", "code"),
    [
        ("target/debug/os", 0, "33", 0),
        ("target/debug/os", 7, "33", 7),
        (TEST, 33, "33", 0),
        (TEST, 35, "33", 35),
        (TEST, 0, "33", 1),
        (TEST, 0, None, 0),
        (TEST, 33, None, 33),
    ],
)
def test_exit_codes(
    shell: Shell, images: Images, name: str, ends_with: int, success: str | None, code: int
) -> None:
    images(b"")
    emulator(shell, f"sys.exit({ends_with})", f"test-success-exit-code = {success}" if success else "")
    shell.run(f"bootimage runner {executable(shell, name)}", fails=code)


def test_a_time_limit_ends_the_program(shell: Shell, images: Images) -> None:
    images(b"")
    emulator(shell, "import time; time.sleep(60)", "test-timeout = 1")
    began = time.monotonic()
    assert "Test timed out" in shell.run(f"bootimage runner {executable(shell)}", fails=1)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (['run-command = ["no-such-emulator"]'], "no program no-such-emulator, which `run-command` names"),
        (
            ['run-command = ["/nowhere/qemu-system-x86_64", "-drive", "format=raw,file={}"]'],
            "QEMU is not installed",
        ),
        (["test-timeout = -1"], "must be a number of seconds"),
    ],
)
def test_a_run_that_cannot_start(shell: Shell, images: Images, rows: list[str], message: str) -> None:
    images(b"")
    configure(shell, *rows)
    assert message in shell.run(f"bootimage runner {executable(shell)}", fails=1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the path of a kernel's executable is missing"),
        ("--quick x", "knows no option --quick"),
        ("missing", "there is no such executable"),
        ("src/main.rs", "ELF"),
    ],
)
def test_refuses(shell: Shell, line: str, message: str) -> None:
    assert message in shell.run(f"bootimage runner {line}", fails=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "ELF"), (b"#!/bin/sh\n", "ELF"), (elf()[:40], ""), (elf(machine=183), "x86")],
)
def test_refuses_a_file_before_anything_is_built(shell: Shell, content: bytes, message: str) -> None:
    lock = shell.folder / "Cargo.lock"
    source = "registry+https://example.invalid/index"
    loader = f'[[package]]\nname = "bootloader"\nversion = "0.9.35"\nsource = "{source}"\n'
    lock.write_text(lock.read_text() + 'dependencies = ["bootloader"]\n' + loader)
    with (shell.folder / "Cargo.toml").open("a") as file:
        file.write('[dependencies]\nbootloader = "0.9"\n')
    (shell.folder / executable(shell)).write_bytes(content)
    errors = shell.run(f"bootimage runner {TEST}", fails=1)
    assert message in errors
    assert f"{TEST}: error" in errors
    assert (shell.calls(), list((shell.folder / TEST).parent.glob("*.bin"))) == ([], [])


def test_no_manifest(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "os").write_bytes(elf())
    monkeypatch.chdir(tmp_path)
    assert "no Cargo.toml lies in a folder above it" in shell.run("bootimage runner os", fails=1)


def test_cargo_says_which_manifest(
    shell: Shell, images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(b"")
    emulator(shell, "")
    executable(shell)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARGO_MANIFEST_DIR", str(shell.folder))
    shell.run(f"bootimage runner {shell.folder}/{TEST}")
    assert len(shell.calls()) == 1


EXIT_DEVICE = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
EXIT = [f"test-args = {[*EXIT_DEVICE, '-serial', 'stdio']}"]
ZERO = [*EXIT, "test-success-exit-code = 0", "test-timeout = 10"]
SUCCESS = [*EXIT, "test-success-exit-code = 33", "test-timeout = 10"]


@pytest.mark.boot
@pytest.mark.parametrize(
    ("code", "rows", "exit_code", "told"),
    [
        (serial("hello\n") + exit_with(0x10), SUCCESS, 0, "hello\n"),
        (serial("oh\n") + exit_with(0x11), SUCCESS, 35, "FAILED (failed"),
        (serial("oh") + TRIPLE_FAULT, SUCCESS, 1, "\nos-0123456789abcdef: FAILED (triple fault"),
        (RESET, SUCCESS, 1, "FAILED (reset"),
        (SHUT_DOWN, SUCCESS, 1, "FAILED (shut down"),
        (SHUT_DOWN, [*EXIT, "test-timeout = 10"], 0, ""),
        (TRIPLE_FAULT, [*EXIT, "test-timeout = 10"], 1, "FAILED (triple fault"),
        (RESET, [*EXIT, "test-timeout = 10"], 1, "FAILED (reset"),
        (RESET, ZERO, 0, ""),
        (SHUT_DOWN, ZERO, 0, ""),
        (TRIPLE_FAULT, ZERO, 1, "FAILED (triple fault"),
        (exit_with(0x10), ZERO, 33, "exit code 33, where 0 is success"),
        (serial("stuck\n") + HALT, [*EXIT, "test-timeout = 2"], 1, "FAILED (hang"),
    ],
)
def test_how_a_test_ends(
    shell: Shell, images: Images, code: bytes, rows: list[str], exit_code: int, told: str
) -> None:
    images(sector(code))
    configure(shell, *rows)
    assert told in shell.run(f"bootimage runner {executable(shell)}", fails=exit_code)
    assert (shell.folder / TEST).with_name("bootimage-os-0123456789abcdef.serial.txt").is_file()


def start(shell: Shell, name: str, **options: object) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """The runner as a process of its own, with an image that lies there already."""
    program = (
        "import sys; from pathlib import Path; import bootimage.image.kernel_images as k\n"
        "from bootimage.image.image_files import Images\n"
        "image = Path(sys.argv.pop())\n"
        "k.provide_images = lambda c, a, e=None: Images(image)\n"
        "from bootimage.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", program, "runner", name, str(shell.folder / "image")]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return started(words, env=environ, stdin=subprocess.DEVNULL, **options)


@pytest.mark.boot
@pytest.mark.parametrize("name", [TEST, "target/debug/os"])
@pytest.mark.parametrize("more", [["-display", "none"], ["-display", "none", "-serial", "mon:stdio"]])
def test_a_folder_with_commas(shell: Shell, images: Images, name: str, more: list[str]) -> None:
    """Both where the guest is watched and where QEMU is run as the arguments say."""
    moved = shell.folder.rename(shell.folder.with_name("a,b,,c, d"))
    comma = replace(shell, folder=moved)
    images(sector(serial("here\n") + exit_with(0x10)))
    configure(comma, *SUCCESS, f"run-args = {[*EXIT_DEVICE, *more]}")
    code = 0 if name == TEST else 33
    comma.run(f"bootimage runner '{moved / executable(comma, name)}'", fails=code)


@pytest.mark.boot
@pytest.mark.parametrize("name", [TEST, "target/debug/os"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(shell: Shell, name: str, number: signal.Signals) -> None:
    configure(shell, 'run-args = ["-display", "none"]')
    image = shell.folder / "image"
    image.write_bytes(sector(serial("on\n") + HALT))
    with start(shell, executable(shell, name), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        wait_until(lambda: guests(image))
        time.sleep(0.5)
        child.send_signal(number)
        _out, errors = child.communicate(timeout=30)
    assert child.returncode in (128 + number, -number)
    assert b"Traceback" not in errors
    assert guests(image) == []


@pytest.mark.boot
def test_endless_serial_output_is_bounded_on_disk(shell: Shell) -> None:
    configure(shell, *EXIT, "test-timeout = 3")
    (shell.folder / "image").write_bytes(sector(ENDLESS_SERIAL))
    with (
        (shell.folder / "out").open("wb") as out,
        start(shell, executable(shell), stdout=out, stderr=subprocess.PIPE) as child,
    ):
        assert child.wait(60) == 1
    assert (shell.folder / "image.serial.txt").stat().st_size < 1 << 21
    assert (shell.folder / "out").stat().st_size > 1000
