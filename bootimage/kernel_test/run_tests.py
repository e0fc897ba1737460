"""Run one kernel's test: boot its image, hear it out, and judge how it ended.

Run one kernel's test for the user.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bootimage.base import console
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import write_output
from bootimage.kernel_test.conversation import Conversation, Step
from bootimage.kernel_test.verdict import Evidence, Result, describe, judge
from bootimage.machine.guest import Guest
from bootimage.machine.launch import Mode, running
from bootimage.machine.qemu import SUCCESS_CODE, Machine
from bootimage.machine.qmp import MonitorError
from bootimage.machine.screen import Picture, save_png
from bootimage.machine.serial_line import LineSink, SerialLog, Sink
from bootimage.machine.stoppable import Stopped, run_stoppable

_TAIL_LINES = 20
_DRAIN_S = 2.0
_POLL_S = 0.05
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.5, 4.0


@dataclass(frozen=True)
class GuestTest:
    """One kernel's test.

    `machine` boots the image; a debug-exit port is added to it, and a reset ends it. `limit` is in
    seconds, from the guest's first instruction. `success_code` is what QEMU ends with on success
    (see `judge`).
    With `conversation_passes` the test has passed when its conversation is over; otherwise the guest
    must still end with the success code. `serial_log` and `screenshot` are the files to write, the
    latter only on a failure; a picture of an earlier run is deleted.
    """

    name: str
    machine: Machine
    limit: float = 300.0
    success_code: int | None = SUCCESS_CODE
    conversation: tuple[Step, ...] = ()
    conversation_passes: bool = False
    serial_log: Path | None = None
    screenshot: Path | None = None


def run_guest_test(
    test: GuestTest, sink: Sink | None = None, stop: Callable[[], bool] | None = None
) -> Result:
    """Run the test to its end; `sink` is shown the serial output as it comes.

    `stop` is asked ten times a second whether to give up: only the main thread sees signals.
    Raises BuildError when QEMU does not start or a file cannot be written, Stopped when stopped.
    """
    _delete(test.screenshot)
    seen = run_stoppable(_watch(test, sink or (lambda _data: None)), stop)
    outcome, detail = judge(seen.evidence, test.success_code)
    result = Result(
        test.name,
        outcome,
        detail,
        seen.seconds,
        seen.evidence.ending.exit_code,
        serial_tail=tuple(seen.log.last_lines(_TAIL_LINES)),
        serial_log=test.serial_log,
    )
    if test.serial_log is not None:
        write_output(test.serial_log, seen.log.content())
    if result.passed or test.screenshot is None or seen.picture is None:
        return result
    save_png(seen.picture, test.screenshot)
    return replace(result, screenshot=test.screenshot, screenshot_age=seen.picture_age)


def _delete(path: Path | None) -> None:
    if path is not None:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


@dataclass(frozen=True)
class _Seen:
    """Everything that was seen of a guest."""

    evidence: Evidence
    seconds: float
    log: SerialLog
    picture: Picture | None
    picture_age: float


async def _watch(test: GuestTest, sink: Sink) -> _Seen:
    log, eye, talk = SerialLog(), _Eye(), Conversation(test.conversation)
    async with running(replace(test.machine, isa_debug_exit=True), Mode(pause_at_end=True)) as (
        guest,
        launched,
    ):
        began = time.monotonic()
        listening = asyncio.ensure_future(_listen(guest, talk, log, sink))
        looking = asyncio.ensure_future(eye.look_now_and_then(guest))
        await guest.start()
        why, reason = await _first_of(guest, talk, test)
        ended = time.monotonic()
        looking.cancel()
        await eye.look(guest)
        ending = await launched.ending(reason)
        await asyncio.wait({listening}, timeout=_DRAIN_S)  # what the guest wrote last is under way
        listening.cancel()
    if reason in ("host-signal", "host-ui"):
        raise Stopped()
    evidence = Evidence(
        ending,
        test.limit,
        timed_out=why == "late",
        awaited=talk.awaited,
        overdue=why == "overdue",
        conversation_passes=test.conversation_passes,
        where=eye.where,
    )
    return _Seen(evidence, ended - began, log, eye.picture, max(0.0, ended - eye.looked_at))


async def _listen(guest: Guest, talk: Conversation, log: SerialLog, sink: Sink) -> None:
    guest.write_serial(talk.begin(time.monotonic()))
    while data := await guest.read_serial():
        log.add(data)
        guest.write_serial(talk.hear(data, time.monotonic()))
        # A reader of ours that has gone away (| head) must not stall the guest.
        with contextlib.suppress(OSError):
            sink(data)


async def _first_of(guest: Guest, talk: Conversation, test: GuestTest) -> tuple[str, str | None]:
    """What comes first, "ended", "overdue", "talked" or "late", and QEMU's reason for an end."""
    ended = asyncio.ensure_future(guest.end_reached())
    talking = asyncio.ensure_future(_conversation_end(talk, test.conversation_passes))
    try:
        await asyncio.wait({ended, talking}, timeout=test.limit, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return "ended", ended.result()
        return (talking.result() if talking.done() else "late"), None
    finally:
        ended.cancel()
        talking.cancel()


async def _conversation_end(talk: Conversation, passes: bool) -> str:
    while time.monotonic() < talk.deadline and not (passes and talk.over):
        await asyncio.sleep(_POLL_S)
    return "talked" if talk.over else "overdue"


class _Eye:
    """Keeps the last picture of the screen, and what the processor was at when we looked."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.looked_at = 0.0
        self.where = ""

    async def look(self, guest: Guest) -> None:
        """Look once; a guest that is gone leaves the picture that there was."""
        self.where = ""
        with contextlib.suppress(MonitorError):
            self.picture = await guest.picture()
            self.looked_at = time.monotonic()
            self.where = await guest.where()

    async def look_now_and_then(self, guest: Guest) -> None:
        """Look less and less often: a guest may end QEMU before its last picture can be taken."""
        pause = _FIRST_LOOK_S
        while True:
            await asyncio.sleep(pause)
            await self.look(guest)
            pause = min(2 * pause, _LONGEST_LOOK_S)


def run_kernel_test(test: GuestTest, stop: Callable[[], bool]) -> Result:
    """Run the test, show its serial output line by line, each after its name, and then in one how it ended.

    `stop` is asked whether to give up. Raises BuildError where QEMU does not start, Stopped when stopped.
    """
    sink = LineSink(f"{test.name} | ")
    with console.step(f"Testing {test.name}"):
        try:
            result = run_guest_test(test, sink, stop)
        finally:
            sink.close()
    console.say(describe(result).splitlines()[0])
    return result
