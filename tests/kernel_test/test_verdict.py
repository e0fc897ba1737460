from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootimage.kernel_test.conversation import Expect
from bootimage.kernel_test.verdict import Evidence, Outcome, Result, describe, judge, summary
from bootimage.machine.guest import Ending


def ending(reason: str | None, code: int = 0, *, triple_fault: bool = False, complaint: str = "") -> Ending:
    return Ending(reason, code, triple_fault, complaint)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (ending(None, 33), Outcome.PASSED),
        (ending("guest-shutdown", 33), Outcome.PASSED),  # QEMU 9 and later
        (ending(None, 35), Outcome.FAILED),
        (ending("guest-shutdown", 35), Outcome.FAILED),
        (ending(None, 1), Outcome.FAILED),
        (ending(None, 1, complaint="qemu: out of memory"), Outcome.MACHINE),
        (ending(None, -6, complaint="qemu: fatal"), Outcome.MACHINE),
        (ending(None, 0), Outcome.MACHINE),
        (ending("host-error", 0), Outcome.MACHINE),
        (ending("guest-reset"), Outcome.RESET),
        (ending("guest-reset", triple_fault=True), Outcome.TRIPLE_FAULT),
        (ending("guest-shutdown"), Outcome.SHUT_DOWN),
        (ending("guest-panic"), Outcome.FAILED),
    ],
)
def test_endings(end: Ending, outcome: Outcome) -> None:
    assert judge(Evidence(end, 300.0))[0] is outcome


def test_another_success_code() -> None:
    assert judge(Evidence(ending(None, 35), 1.0), 35)[0] is Outcome.PASSED
    assert judge(Evidence(ending(None, 33), 1.0), 35)[0] is Outcome.FAILED


@pytest.mark.parametrize(("code", "of_a_reset"), [(None, Outcome.RESET), (0, Outcome.PASSED)])
def test_where_exit_code_0_is_success(code: int | None, of_a_reset: Outcome) -> None:
    """Who asks for 0 means a reset too; who asks for nothing means a shutdown."""
    assert judge(Evidence(ending("guest-shutdown"), 1.0), code)[0] is Outcome.PASSED
    assert judge(Evidence(ending("guest-reset"), 1.0), code)[0] is of_a_reset
    fault = replace(ending("guest-reset"), triple_fault=True)
    assert judge(Evidence(fault, 1.0), code)[0] is Outcome.TRIPLE_FAULT
    assert judge(Evidence(ending(None), 1.0), code)[0] is Outcome.MACHINE


@pytest.mark.parametrize(
    ("seen", "outcome", "detail"),
    [
        (
            Evidence(ending(None), 5.0, timed_out=True, where="RIP 0x8, halted"),
            Outcome.HANG,
            "had not ended after 5 s, processor at RIP 0x8, halted",
        ),
        (
            Evidence(ending(None), 5.0, awaited=Expect("ok", 3), overdue=True),
            Outcome.CONVERSATION,
            "waited 3 s in vain for 'ok'",
        ),
        (
            Evidence(ending(None, 33), 5.0, awaited=Expect("ok")),
            Outcome.CONVERSATION,
            "ended while 'ok' was waited for",
        ),
        (
            Evidence(ending("guest-reset"), 5.0, awaited=Expect("ok")),
            Outcome.RESET,
            "the guest reset the machine",
        ),
        (
            Evidence(ending(None), 5.0, conversation_passes=True),
            Outcome.PASSED,
            "the conversation went as expected",
        ),
    ],
)
def test_other_failures(seen: Evidence, outcome: Outcome, detail: str) -> None:
    assert judge(seen) == (outcome, detail)


def test_a_failure_is_described_with_what_to_look_at() -> None:
    result = Result(
        *("boot", Outcome.HANG, "had not ended after 5 s", 5.0, 0),
        serial_tail=("one", "two"),
        serial_log=Path("boot.log"),
        screenshot=Path("boot.png"),
        screenshot_age=1.5,
    )
    assert describe(result).splitlines() == [
        "boot: FAILED (hang, 5.0 s): had not ended after 5 s",
        "  last lines of the serial output:",
        "    | one",
        "    | two",
        "  serial output: boot.log",
        "  screen: boot.png (1.5 s before the end)",
    ]
    assert describe(Result("boot", Outcome.PASSED, "", 0.52, 33)) == "boot: passed (0.5 s)"


def test_a_summary_names_what_failed() -> None:
    good = Result("a", Outcome.PASSED, "", 0.5, 33)
    bad = Result("b", Outcome.TRIPLE_FAULT, "", 1.0, 0)
    assert summary([good]) == "1 passed, 0 failed, 0.5 s"
    assert summary([good, bad]) == "1 passed, 1 failed, 1.5 s: b (triple fault)"
