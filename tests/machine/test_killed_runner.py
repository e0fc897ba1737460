"""kill -9 of the program that runs a guest: the guest ends, and the next run removes what was left."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boot_sectors as bs
import pytest
from child_processes import runs, started, wait_until

from bootimage.machine import guest_folder as folders
from bootimage.machine.guest_folder import guest_folder, note_guest
from bootimage.machine.qemu import Machine

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.boot
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next run ends it")
def test_the_guest_dies_with_its_runner(
    guest_of: Callable[..., Machine],
    tmp_path: Path,
    empty_tmp: Path,
    running_guests: Callable[[], list[int]],
) -> None:
    machine = guest_of(bs.serial("ready\n"), bs.FLICKER)
    hidden = {"DISPLAY", "WAYLAND_DISPLAY"}
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [
        sys.executable,
        REPOSITORY / "tests/helpers/guest_process.py",
        machine.image,
        tmp_path / "s.png",
        "60",
    ]
    with started(
        command,
        env={**environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(empty_tmp)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert len(running_guests()) == 1
        child.kill()
    wait_until(lambda: running_guests() == [])
    assert len(list(empty_tmp.glob("machine-*"))) == 1, "nobody was there to remove it"
    with guest_folder() as mine:
        assert list(empty_tmp.iterdir()) == [mine]
    assert list(empty_tmp.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it goes on")
def test_a_program_on_the_terminal_dies_with_its_runner(tmp_path: Path) -> None:
    """What a manifest's `run-command` names, or QEMU as its arguments say."""
    script = "import os\nfrom bootimage.machine.terminal import run_attached\n"
    script += "run_attached(['sh', '-c', 'echo $$; exec sleep 60'], os.environ, None)\n"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with started([sys.executable, "-c", script], env=environ, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        number = int(runner.stdout.readline())
        assert Path(f"/proc/{number}").exists()
        runner.kill()
    wait_until(lambda: not runs(number))


def left(temporary: Path) -> Path:
    """A folder as a killed run leaves it."""
    folder = temporary / "machine-left"
    folder.mkdir()
    (folder / "owner").touch()
    return folder


def test_where_guests_outlive_their_runner(empty_tmp: Path) -> None:
    folder = left(empty_tmp)
    with started(["sh", "-c", "sleep 60; :", folder / "vars.fd"]) as guest:
        note_guest(folder, guest.pid)
        wait_until(lambda: os.fsencode(folder) in folders._command_line(guest.pid))  # it is being started
        with guest_folder():
            assert guest.wait(10) == -9
    assert not folder.exists()


def test_a_number_that_is_another_process_by_now(empty_tmp: Path) -> None:
    folder = left(empty_tmp)
    with started(["sleep", "60"]) as other:
        note_guest(folder, other.pid)
        with guest_folder():
            assert not folder.exists()
        assert other.poll() is None


def test_what_is_not_ours_stays(empty_tmp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder for temporary files is everybody's: links, files, and a run that is under way."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "owner").touch()
    (empty_tmp / "machine-link").symlink_to(precious)
    (empty_tmp / "machine-file").touch()
    (empty_tmp / "machine-mine").mkdir()
    with guest_folder() as running:
        kept = {"machine-link", "machine-file", "machine-mine", running.name}
        with guest_folder() as second:
            assert {path.name for path in empty_tmp.iterdir()} == kept | {second.name}
    folder = left(empty_tmp)
    monkeypatch.setattr(folders.os, "geteuid", lambda: os.getuid() + 1)
    with guest_folder():
        assert folder.exists() and (precious / "owner").exists()


def test_many_at_once_leave_each_other_alone(empty_tmp: Path) -> None:
    script = "from bootimage.machine.guest_folder import guest_folder\n"
    script += "for _ in range(150):\n    with guest_folder() as folder: (folder / 'log').write_text('here')\n"
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(empty_tmp)}
    command = [sys.executable, "-c", script]
    with contextlib.ExitStack() as running:
        children = [running.enter_context(started(command, env=environ)) for _ in range(6)]
        assert [child.wait(60) for child in children] == [0] * 6
    assert list(empty_tmp.iterdir()) == []
