from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import boot_sectors as bs
import pytest
from child_processes import started

from bootimage.machine import run_guest
from bootimage.machine.qemu import Machine
from bootimage.machine.run_guest import Audience, audience, run_interactive

pytestmark = pytest.mark.boot

AMPLE_S = 60.0
REPOSITORY = Path(__file__).parents[2]


class TestAudience:
    @pytest.mark.parametrize(
        ("display", "environ", "back_ends", "terminal", "expected"),
        [
            (None, {}, {"gtk"}, True, Audience.TERMINAL),
            (None, {}, {"gtk"}, False, Audience.NOBODY),
            (None, {"DISPLAY": ":0"}, {"none", "gtk"}, True, Audience.WINDOW),
            (None, {"WAYLAND_DISPLAY": "w"}, {"sdl"}, False, Audience.WINDOW),
            (None, {"DISPLAY": ":0"}, {"none", "curses"}, False, Audience.NOBODY),
            ("none", {"DISPLAY": ":0"}, {"gtk"}, True, Audience.TERMINAL),
            ("vnc=:1", {}, set(), False, Audience.WINDOW),
        ],
    )
    def test_audience(
        self,
        monkeypatch: pytest.MonkeyPatch,
        display: str | None,
        environ: dict,
        back_ends: set,
        terminal: bool,
        expected: Audience,
    ) -> None:
        monkeypatch.setattr("bootimage.machine.qemu.displays", lambda _program: frozenset(back_ends))
        monkeypatch.setattr("os.isatty", lambda _fd: terminal)
        machine = Machine(Path("qemu"), Path("image"), display=display)
        assert audience(machine, environ) is expected


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_guest, "audience", lambda _machine, _environ: Audience.NOBODY)


@pytest.mark.usefixtures("nobody")
class TestUnattended:
    def test_it_runs_until_the_screen_stands_still(
        self,
        guest_of: Callable[..., Machine],
        tmp_path: Path,
        empty_tmp: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        png = tmp_path / "build" / "screen.png"
        machine = guest_of(bs.serial("hello\n"), bs.paint(2), bs.HALT)
        before = machine.image.read_bytes()
        assert run_interactive(machine, png) == 0
        assert bs.is_painted(png, 0, 170, 0)
        assert capsys.readouterr().out == f"hello\nScreen: {png}\n"
        assert machine.image.read_bytes() == before
        assert list(empty_tmp.iterdir()) == []

    def test_a_loader_that_reads_behind_a_still_screen_is_waited_for(
        self, guest_of: Callable[..., Machine], tmp_path: Path
    ) -> None:
        loading = (bs.read_disk() + bs.wait(0.7)) * 6
        assert run_interactive(guest_of(loading, bs.paint(2), bs.HALT), tmp_path / "s.png") == 0
        assert bs.is_painted(tmp_path / "s.png", 0, 170, 0)

    def test_a_screen_that_never_stands_still_is_ended_in_time(
        self, guest_of: Callable[..., Machine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        began = time.monotonic()
        assert run_interactive(guest_of(bs.FLICKER), tmp_path / "s.png", limit=4) == 0
        assert 4 <= time.monotonic() - began < 30
        assert "ended after 4 s" in capsys.readouterr().out
        assert (tmp_path / "s.png").exists()

    @pytest.mark.parametrize(
        ("code", "status", "told"),
        [
            (bs.SHUT_DOWN, 0, "The guest shut the machine down."),
            (bs.RESET, 1, "The guest reset the machine."),
            (bs.TRIPLE_FAULT, 1, "The guest met a triple fault."),
        ],
    )
    def test_a_guest_that_ends_by_itself(
        self,
        guest_of: Callable[..., Machine],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        code: bytes,
        status: int,
        told: str,
    ) -> None:
        png = tmp_path / "s.png"
        assert run_interactive(guest_of(bs.serial("bye\n"), code), png) == status
        assert capsys.readouterr().out == f"bye\nScreen: {png}\n{told}\n"

    def test_an_exit_code_is_passed_on(
        self, guest_of: Callable[..., Machine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        machine = replace(guest_of(bs.exit_with(0x11)), isa_debug_exit=True)
        assert run_interactive(machine, tmp_path / "s.png") == 35
        assert "exit code 35" in capsys.readouterr().out


class TestSignals:
    """What a signal or a key does to a run in a process of its own."""

    def command(self, machine: Machine, tmp_path: Path) -> list[str]:
        script = REPOSITORY / "tests/helpers/guest_process.py"
        return [sys.executable, str(script), str(machine.image), str(tmp_path / "s.png"), str(AMPLE_S)]

    def environ(self) -> dict[str, str]:
        hidden = {"DISPLAY", "WAYLAND_DISPLAY"}
        kept = {name: value for name, value in os.environ.items() if name not in hidden}
        return {**kept, "PYTHONPATH": str(REPOSITORY)}

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_ends_the_guest_and_leaves_nothing(
        self,
        guest_of: Callable[..., Machine],
        tmp_path: Path,
        empty_tmp: Path,
        running_guests: Callable[[], list[int]],
        number: signal.Signals,
    ) -> None:
        machine = guest_of(bs.serial("ready\n"), bs.FLICKER)
        with started(
            self.command(machine, tmp_path),
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            assert running_guests()
            child.send_signal(number)
            child.communicate(timeout=AMPLE_S)
        assert child.returncode == -number
        assert running_guests() == []
        assert list(empty_tmp.iterdir()) == []
        assert not (tmp_path / "s.png").exists()

    @pytest.mark.parametrize("keys", [b"\x03", b"\x01x"], ids=["Ctrl-C", "Ctrl-A X"])
    def test_a_key_ends_the_guest_and_the_terminal_is_as_before(
        self,
        guest_of: Callable[..., Machine],
        tmp_path: Path,
        empty_tmp: Path,
        running_guests: Callable[[], list[int]],
        keys: bytes,
    ) -> None:
        machine = guest_of(bs.serial("ready\r\n"), bs.ECHO_LINE, bs.HALT)
        with on_a_terminal(self.command(machine, tmp_path), self.environ()) as (child, terminal):
            before = termios.tcgetattr(terminal)
            read_until(terminal, b"ready")
            assert termios.tcgetattr(terminal) != before
            os.write(terminal, b"typed\n")
            read_until(terminal, b"typed")
            os.write(terminal, keys)
            read_until(terminal, None)
            child.wait(timeout=AMPLE_S)
            assert termios.tcgetattr(terminal) == before
        assert running_guests() == []
        assert list(empty_tmp.iterdir()) == []

    def test_a_qemu_that_is_killed_leaves_the_terminal_as_before(
        self, guest_of: Callable[..., Machine], tmp_path: Path, running_guests: Callable[[], list[int]]
    ) -> None:
        machine = guest_of(bs.serial("ready\r\n"), bs.HALT)
        with on_a_terminal(self.command(machine, tmp_path), self.environ()) as (child, terminal):
            before = termios.tcgetattr(terminal)
            read_until(terminal, b"ready")
            [guest] = running_guests()
            os.kill(guest, signal.SIGKILL)
            read_until(terminal, b"QEMU failed (exit status -9)")
            child.wait(timeout=AMPLE_S)
            assert termios.tcgetattr(terminal) == before


@contextmanager
def on_a_terminal(
    command: list[str], environ: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`command` with a terminal of its own, as its session's leader; with our end of the terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=lambda: _own(theirs)
    )
    try:
        yield child, ours
    finally:
        child.kill()
        child.wait()
        os.close(ours)
        os.close(theirs)


def _own(terminal: int) -> None:
    import fcntl

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def read_until(terminal: int, wanted: bytes | None) -> bytes:
    """What the terminal shows up to `wanted`; None for until it has shown nothing more for a second."""
    shown, end = b"", time.monotonic() + AMPLE_S
    while time.monotonic() < end and (wanted is None or wanted not in shown):
        if select.select([terminal], [], [], 1.0)[0]:
            shown += os.read(terminal, 4096)
        elif wanted is None:
            return shown
    assert wanted is None or wanted in shown, shown
    return shown
