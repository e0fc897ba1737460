"""What the end of a guest means for a kernel's test, and how to tell the user.

A kernel passes by one way only: it ends QEMU with the success code, over isa-debug-exit. A reset, a
triple fault, a shutdown and silence are failures, and each is told apart from the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base.lazy_dataclass import dataclass
from bootimage.machine.qemu import SUCCESS_CODE

if TYPE_CHECKING:
    from bootimage.kernel_test.conversation import Expect
    from bootimage.machine.guest import Ending


class Outcome(Enum):
    """How a kernel's test came out."""

    PASSED = "passed"
    FAILED = "failed"
    RESET = "reset"
    TRIPLE_FAULT = "triple fault"
    SHUT_DOWN = "shut down"
    HANG = "hang"
    CONVERSATION = "conversation"
    MACHINE = "machine"


@dataclass(frozen=True)
class Evidence:
    """What was seen of a guest, when it ended or we ended it.

    `timed_out`: it had not ended after `limit` seconds. `awaited` is what the conversation waited for
    then, with `overdue` for longer than it may. `where` is what the processor was at, where known.
    """

    ending: Ending
    limit: float
    timed_out: bool = False
    awaited: Expect | None = None
    overdue: bool = False
    conversation_passes: bool = False
    where: str = ""


@dataclass(frozen=True)
class Result:
    """The result of one kernel's test.

    `detail` says in one line what happened; `seconds` are the guest's own; `exit_code` is QEMU's.
    `serial_log` is the file that the serial output is kept in, `serial_tail` its last lines.
    `screenshot` is the picture of the screen on a failure, taken `screenshot_age` seconds before the
    end: QEMU before version 9 leaves at once when a guest reports failure.
    """

    name: str
    outcome: Outcome
    detail: str
    seconds: float
    exit_code: int | None
    serial_tail: tuple[str, ...] = ()
    serial_log: Path | None = None
    screenshot: Path | None = None
    screenshot_age: float = 0.0

    @property
    def passed(self) -> bool:
        """True when the kernel said so."""
        return self.outcome is Outcome.PASSED


def judge(seen: Evidence, success_code: int | None = SUCCESS_CODE) -> tuple[Outcome, str]:
    """The outcome, and one line that says what happened.

    Without a success code, success is to shut the machine down; with the code 0, to reset it, too, but for a
    triple fault.
    """
    if seen.awaited is not None and seen.overdue:
        return Outcome.CONVERSATION, f"waited {seen.awaited.limit:g} s in vain for {seen.awaited.pattern!r}"
    if seen.timed_out:
        return Outcome.HANG, f"had not ended after {seen.limit:g} s{_at(seen)}"
    if seen.conversation_passes and seen.awaited is None:
        return Outcome.PASSED, "the conversation went as expected"
    outcome, detail = _judge_ending(seen, success_code)
    if outcome is Outcome.PASSED and seen.awaited is not None:
        return Outcome.CONVERSATION, f"ended while {seen.awaited.pattern!r} was waited for"
    return outcome, detail


def _judge_ending(seen: Evidence, success_code: int | None) -> tuple[Outcome, str]:
    code, reason = seen.ending.exit_code, seen.ending.reason
    if code == (success_code or 0) and (code != 0 or _ended_well(seen.ending, success_code)):
        return Outcome.PASSED, f"exit code {code}"
    if _machine_failed(seen.ending):
        return Outcome.MACHINE, f"QEMU failed, {_exit(code)}: {seen.ending.complaint or 'it said nothing'}"
    if code != 0:
        return Outcome.FAILED, f"exit code {code}, where {success_code or 0} is success"
    if reason == "guest-panic":
        return Outcome.FAILED, "the guest reported a panic to QEMU"
    if reason == "guest-shutdown":
        return Outcome.SHUT_DOWN, "the guest shut the machine down without a verdict"
    if seen.ending.triple_fault:
        return Outcome.TRIPLE_FAULT, f"triple fault{_at(seen)}"
    return Outcome.RESET, f"the guest reset the machine{_at(seen)}"


def _ended_well(ending: Ending, success_code: int | None) -> bool:
    """Whether the guest ended as it wanted, where QEMU's own exit code 0 is success."""
    wanted_reset = success_code == 0 and ending.reason == "guest-reset" and not ending.triple_fault
    return ending.reason == "guest-shutdown" or wanted_reset


def _machine_failed(ending: Ending) -> bool:
    """True when QEMU ended for a reason of its own.

    Exit code 1 is both QEMU's own and that of a guest that writes 0 to isa-debug-exit: only QEMU says why.
    """
    if ending.reason == "host-error" or ending.exit_code < 0:
        return True
    return ending.reason is None and (
        ending.exit_code == 0 or (ending.exit_code == 1 and bool(ending.complaint))
    )


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _at(seen: Evidence) -> str:
    return f", processor at {seen.where}" if seen.where else ""


def summary(results: Sequence[Result]) -> str:
    """One line for all: how many passed, which did not, and the time that they took together."""
    seconds = sum(each.seconds for each in results)
    failed = [f"{each.name} ({each.outcome.value})" for each in results if not each.passed]
    told = f"{len(results) - len(failed)} passed, {len(failed)} failed, {seconds:.1f} s"
    return f"{told}: {', '.join(failed)}" if failed else told


def describe(result: Result) -> str:
    """The result for people: one line for a test that passed; what to look at for one that did not."""
    if result.passed:
        return f"{result.name}: passed ({result.seconds:.1f} s)"
    lines = [f"{result.name}: FAILED ({result.outcome.value}, {result.seconds:.1f} s): {result.detail}"]
    if result.serial_tail:
        lines += ["  last lines of the serial output:", *(f"    | {line}" for line in result.serial_tail)]
    if result.serial_log is not None:
        lines.append(f"  serial output: {result.serial_log}")
    if result.screenshot is not None:
        age = f" ({result.screenshot_age:.1f} s before the end)" if result.screenshot_age >= 0.1 else ""
        lines.append(f"  screen: {result.screenshot}{age}")
    return "\n".join(lines)
