"""Run an image for the user: in a window, on the terminal, or, where nobody watches, until it rests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.machine import qemu
from bootimage.machine.guest import Ending, Guest
from bootimage.machine.launch import Mode, running
from bootimage.machine.qemu import Machine
from bootimage.machine.qmp import MonitorError
from bootimage.machine.screen import Picture, save_png
from bootimage.machine.screen_watch import Sample, Stillness
from bootimage.machine.serial_line import Sink, to_stdout
from bootimage.machine.stoppable import Stopped, run_stoppable
from bootimage.machine.terminal import terminal_kept

LIMIT_S = 60.0
_SAMPLE_S = 0.2
_DRAIN_S = 2.0

# QEMU's display back ends that open a window by themselves.
_WINDOWS = {"gtk", "sdl", "cocoa"}


class Audience(Enum):
    """Who is there to see the guest, and to end it."""

    WINDOW = "window"
    TERMINAL = "terminal"
    NOBODY = "nobody"


def audience(machine: Machine, environ: Mapping[str, str]) -> Audience:
    """A window where there is a display that QEMU can show one on, else the terminal, else nobody.

    A display that the user names is taken as it is; "none" rules a window out.
    """
    if machine.display not in (None, "none"):
        return Audience.WINDOW
    if machine.display is None and _has_screen(environ) and qemu.displays(machine.program) & _WINDOWS:
        return Audience.WINDOW
    return Audience.TERMINAL if _is_terminal() else Audience.NOBODY


def _has_screen(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")) or sys.platform == "darwin"


def _is_terminal() -> bool:
    return os.isatty(0) and os.isatty(1)


def run_interactive(
    machine: Machine,
    screenshot: Path,
    *,
    limit: float = LIMIT_S,
    stop: Callable[[], bool] | None = None,
) -> int:
    """Run the guest until it ends, or the user ends it; QEMU's exit code, 0 when all was in order.

    Where nobody watches, its serial output goes to standard output, it is ended when its screen has
    come to rest (see `stillness`) or after `limit` seconds, and a picture of the screen is written to
    `screenshot`. `stop` is asked ten times a second whether to give up. Raises BuildError when QEMU
    does not start, Stopped when stopped; Ctrl-C and SIGTERM end the guest first and are raised then.
    """
    who = audience(machine, os.environ)
    if who is Audience.NOBODY:
        return run_stoppable(_run_unattended(machine, screenshot, limit), stop)
    with terminal_kept():
        return run_stoppable(
            _run_attended(machine, Mode(on_terminal=True, window=who is Audience.WINDOW)), stop
        )


async def _run_attended(machine: Machine, mode: Mode) -> int:
    async with running(machine, mode) as (guest, launched):
        if not mode.window:
            console.say("The guest's serial line is on this terminal; Ctrl-C ends the guest.")
        await guest.start()
        reason = await guest.end_reached()
        ending = await launched.ending(reason)
    return _tell(ending)


async def _run_unattended(machine: Machine, screenshot: Path, limit: float) -> int:
    eye = _Eye()
    async with running(machine, Mode(pause_at_end=True)) as (guest, launched):
        showing = asyncio.ensure_future(_show_serial(guest, to_stdout()))
        resting = asyncio.ensure_future(eye.until_rest(guest))
        ended = asyncio.ensure_future(guest.end_reached())
        await asyncio.wait({resting, ended}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        rested, by_itself = resting.done(), ended.done()
        resting.cancel()
        await eye.look(guest)
        ending = await launched.ending(ended.result() if by_itself else None)
        await asyncio.wait({showing}, timeout=_DRAIN_S)  # what the guest wrote last is under way
        showing.cancel()
        ended.cancel()
    if eye.picture is not None:
        save_png(eye.picture, screenshot)
        console.say(f"Screen: {screenshot}")
    else:
        console.say("QEMU ended before a picture of its screen could be taken.")
    if by_itself:
        return _tell(ending)
    if not rested:
        console.say(f"The guest was ended after {limit:g} s: its screen had not come to rest.")
    return 0


async def _show_serial(guest: Guest, sink: Sink) -> None:
    while data := await guest.read_serial():
        # A reader of ours that has gone away (| head) must not stall the guest.
        with contextlib.suppress(OSError):
            sink(data)


class _Eye:
    """Looks at the screen, and keeps what was seen last."""

    def __init__(self) -> None:
        self.picture: Picture | None = None

    async def look(self, guest: Guest) -> None:
        """Look once; a guest that is gone leaves the picture that there was."""
        with contextlib.suppress(MonitorError):
            self.picture = await guest.picture()

    async def until_rest(self, guest: Guest) -> None:
        """Start the guest, and look until it has come to rest; for ever if it ends before that."""
        stillness = Stillness()
        with contextlib.suppress(MonitorError):
            self.picture = await guest.picture()
            stillness.at_rest(Sample(time.monotonic(), self.picture, 0))
            await guest.start()
            while not stillness.at_rest(await self._sample(guest)):
                await asyncio.sleep(_SAMPLE_S)
            return
        await asyncio.Event().wait()

    async def _sample(self, guest: Guest) -> Sample:
        # In this order: what is drawn after the last read must never be taken for drawn before it.
        self.picture = await guest.picture()
        return Sample(time.monotonic(), self.picture, await guest.disk_reads())


def _tell(ending: Ending) -> int:
    """Tell the user how the guest ended by itself; the exit code that stands for it."""
    if ending.reason == "host-signal":
        raise Stopped()
    if ending.exit_code < 0 or ending.reason == "host-error":
        raise BuildError(
            f"QEMU failed (exit status {ending.exit_code}): {ending.complaint or 'it said nothing'}"
        )
    if ending.exit_code != 0:
        console.say(f"The guest ended with exit code {ending.exit_code}.")
        return ending.exit_code
    if ending.reason == "guest-reset":
        console.say(
            "The guest met a triple fault." if ending.triple_fault else "The guest reset the machine."
        )
        return 1
    if ending.reason == "guest-shutdown":
        console.say("The guest shut the machine down.")
    return 0
