"""Start QEMU so that it can be watched, and leave nothing behind however it ends.

QEMU starts paused: the monitor is connected, and the first picture can be taken, before the guest's
first instruction. Monitor and serial line are pairs of sockets; the variable store and every other
temporary file lie in one folder, which goes with the guest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.machine import qemu
from bootimage.machine.guest import Ending, Guest, Serial
from bootimage.machine.guest_environment import guest_environment
from bootimage.machine.guest_folder import dies_with_parent, guest_folder, note_guest
from bootimage.machine.qemu import Machine
from bootimage.machine.qmp import Monitor, MonitorError

_GRACE_S = 5.0
_COMPLAINT_BYTES = 16 * 1024


@dataclass(frozen=True)
class Mode:
    """How a guest is launched.

    `on_terminal`: its serial line is our own standard input and output, else `Guest`'s to read and
    write. `window`: QEMU shows its screen, in the display that it likes best unless the machine names
    one. `pause_at_end`: a guest that resets or shuts down stays, stopped, to be looked at.
    """

    on_terminal: bool = False
    window: bool = False
    pause_at_end: bool = False


class Launched:
    """QEMU as a process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, *, show_complaint: bool) -> None:
        self.process = process
        self.folder = folder
        self.monitor: Monitor | None = None
        self.serial: Serial | None = None
        self._complaint = bytearray()
        self._collecting = asyncio.ensure_future(self._collect(show_complaint))

    async def _collect(self, show: bool) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(4096):
            self._complaint += data
            del self._complaint[:-_COMPLAINT_BYTES]
            if show:
                console.write_error(data.decode(errors="replace"))

    async def end(self) -> None:
        """End QEMU if it still runs: asked through its monitor, then told, then made to."""
        await self._ask_to_end()
        for insist in (self.process.terminate, self.process.kill):
            if self.process.returncode is None:
                insist()
                await self.ended()
        await self.process.wait()
        # Not for long: a child of QEMU's may hold the pipe.
        await asyncio.wait({self._collecting}, timeout=1.0)

    async def _ask_to_end(self) -> None:
        if self.process.returncode is None and self.monitor is not None:
            with contextlib.suppress(MonitorError, TimeoutError):
                await asyncio.wait_for(self.monitor.execute("quit"), _GRACE_S)
            await self.ended()

    async def ended(self) -> None:
        """Wait, for a few seconds, for QEMU to end by itself."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), _GRACE_S)

    async def close(self) -> None:
        """Give back what is left of an ended QEMU."""
        self._collecting.cancel()
        if self.monitor is not None:
            await self.monitor.close()
        if self.serial is not None:
            self.serial[1].close()

    def complaint(self) -> str:
        """The end of what QEMU has written to standard error."""
        return self._complaint.decode(errors="replace").strip()

    async def ending(self, reason: str | None) -> Ending:
        """End QEMU and tell how the guest ended; `reason` is what `Guest.end_reached` returned."""
        await self.end()
        assert self.process.returncode is not None
        faulted = _has_line(self.folder / _LOG, b"Triple fault")
        return Ending(reason, self.process.returncode, faulted, self.complaint())


@asynccontextmanager
async def running(machine: Machine, mode: Mode) -> AsyncIterator[tuple[Guest, Launched]]:
    """The guest of `machine`, launched but paused; when the body ends, however it does, QEMU is ended.

    Raises BuildError where the image is missing, or QEMU does not start.
    """
    if not machine.image.is_file():
        raise BuildError("there is no such image", file=machine.image, hint="build it first")
    with contextlib.ExitStack() as sockets, guest_folder() as folder:
        monitor, monitor_of_qemu = _pair(sockets)
        serial, serial_of_qemu = (None, None) if mode.on_terminal else _pair(sockets)
        theirs = [monitor_of_qemu] if serial_of_qemu is None else [monitor_of_qemu, serial_of_qemu]
        command = _command(machine, mode, folder, [each.fileno() for each in theirs])
        launched = Launched(
            await _spawn(command, mode, folder, theirs), folder, show_complaint=mode.on_terminal
        )
        try:
            launched.monitor = await _greet(monitor, launched, machine)
            launched.serial = await asyncio.open_connection(sock=serial) if serial else None
            yield Guest(launched.process, launched.monitor, folder, launched.serial), launched
        finally:
            await launched.end()
            await launched.close()


def _pair(stack: contextlib.ExitStack) -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    stack.callback(ours.close)
    stack.callback(theirs.close)
    return ours, theirs


def _command(machine: Machine, mode: Mode, folder: Path, ends: list[int]) -> list[str]:
    display = machine.display or (None if mode.window else "none")
    return [
        os.fspath(machine.program),
        *(("-display", display) if display else ()),
        *("-S", "-chardev", f"socket,id=monitor,fd={ends[0]}", "-mon", "chardev=monitor,mode=control"),
        *(_TERMINAL if mode.on_terminal else _serial(ends[1])),
        *(_PAUSE if mode.pause_at_end else ("-no-reboot",) if machine.no_reboot else ()),
        *(_log(machine, folder) if mode.pause_at_end else ()),
        *machine.arguments(_copy_vars(machine, folder)),
    ]


# The serial line on our own terminal: Ctrl-C (or Ctrl-A X) ends QEMU, Ctrl-A C is its prompt.
_TERMINAL = (
    *("-chardev", "stdio,id=terminal,mux=on,signal=on"),
    *("-serial", "chardev:terminal"),
    *("-mon", "chardev=terminal,mode=readline"),
)

# -no-reboot, and then neither -no-reboot nor a guest's shutdown ends QEMU.
_PAUSE = ("-action", "reboot=shutdown,shutdown=pause")

_LOG = "qemu.log"


def _serial(end: int) -> tuple[str, ...]:
    return ("-chardev", f"socket,id=serial,fd={end}", "-serial", "chardev:serial")


def _log(machine: Machine, folder: Path) -> tuple[str, ...]:
    """Have QEMU log resets of the processor: nothing else tells a triple fault from another reset."""
    if "-d" in machine.extra or "-D" in machine.extra:
        return ()
    return ("-d", "cpu_reset", "-D", os.fspath(folder / _LOG))


def _has_line(file: Path, line: bytes) -> bool:
    try:
        return line in file.read_bytes().splitlines()
    except OSError:
        return False


def _copy_vars(machine: Machine, folder: Path) -> Path | None:
    if machine.firmware is None:
        return None
    copy = folder / "vars.fd"
    try:
        shutil.copyfile(machine.firmware.vars_template, copy)
    except OSError as error:
        raise BuildError(
            f"cannot make a temporary copy of the variable store: {error.strerror}",
            file=machine.firmware.vars_template,
        ) from error
    return copy


async def _spawn(
    command: list[str], mode: Mode, folder: Path, inherited: list[socket.socket]
) -> asyncio.subprocess.Process:
    if console.verbose():
        console.say(shlex.join(command))
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            # Only where the serial line is on the terminal may QEMU see it: it changes its modes.
            stdin=None if mode.on_terminal else asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=[each.fileno() for each in inherited],
            env={**guest_environment(), "TMPDIR": os.fspath(folder)},
            preexec_fn=dies_with_parent(),
        )
    except OSError as error:
        raise BuildError(f"cannot run {command[0]}: {error.strerror}") from error
    note_guest(folder, process.pid)
    for each in inherited:
        each.close()  # or we would never see QEMU's end of it closed
    return process


async def _greet(end: socket.socket, launched: Launched, machine: Machine) -> Monitor:
    try:
        return await Monitor.connect(end)
    except MonitorError as error:
        await launched.ended()  # for its own exit status
        await launched.end()
        raise await _not_started(launched, machine) from error


async def _not_started(launched: Launched, machine: Machine) -> BuildError:
    found = await asyncio.to_thread(qemu.version, machine.program)
    if (0, 0) < found < qemu.OLDEST:
        return BuildError(
            "QEMU {}.{} is too old: {}.{} is the oldest that will do".format(*found, *qemu.OLDEST),
            file=machine.program,
            hint="install a newer QEMU, or name one",
        )
    text = launched.complaint() or "it said nothing"
    return BuildError(
        f"QEMU did not start (exit status {launched.process.returncode}): {text}", file=machine.program
    )
