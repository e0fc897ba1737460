from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boot_sectors as bs
import pytest

from bootimage.base.errors import BuildError
from bootimage.kernel_test.conversation import Expect, Send
from bootimage.kernel_test.run_tests import GuestTest, run_guest_test
from bootimage.kernel_test.verdict import Outcome, Result
from bootimage.machine.qemu import Machine
from bootimage.machine.stoppable import Stopped

pytestmark = pytest.mark.boot

# For guests that end by themselves; a busy machine may need a multiple of the usual 0.2 s.
AMPLE_S = 60.0


@pytest.fixture
def run(guest_of: Callable[..., Machine], tmp_path: Path, empty_tmp: Path) -> Callable[..., Result]:
    """Runs a test on a guest of the given code, and sees to it that nothing is left behind."""

    def run(*code: bytes, limit: float = AMPLE_S, **options: object) -> Result:
        machine = guest_of(*code)
        before = machine.image.read_bytes()
        test = GuestTest("t", machine, limit, screenshot=tmp_path / "t.png", **options)
        result = run_guest_test(test)
        assert machine.image.read_bytes() == before
        assert list(empty_tmp.iterdir()) == []
        return result

    return run


@pytest.mark.parametrize(
    ("code", "outcome", "detail"),
    [
        (bs.exit_with(0x10), Outcome.PASSED, "exit code 33"),
        (bs.exit_with(0x11), Outcome.FAILED, "exit code 35, where 33 is success"),
        (bs.exit_with(0), Outcome.FAILED, "exit code 1, where 33 is success"),
        (bs.TRIPLE_FAULT, Outcome.TRIPLE_FAULT, "triple fault, processor at EIP 0x7c"),
        (bs.RESET, Outcome.RESET, "the guest reset the machine"),
        (bs.SHUT_DOWN, Outcome.SHUT_DOWN, "without a verdict"),
    ],
)
def test_endings(run: Callable[..., Result], code: bytes, outcome: Outcome, detail: str) -> None:
    result = run(bs.serial("hello\n"), code)
    assert result.outcome is outcome
    assert detail in result.detail
    assert result.serial_tail == ("hello",)


def test_a_hang_is_told_with_its_place_and_its_screen(run: Callable[..., Result]) -> None:
    result = run(bs.serial("before"), bs.paint(4), bs.HALT, limit=5)
    assert result.outcome is Outcome.HANG
    assert "halted" in result.detail and "after 5 s" in result.detail
    assert result.serial_tail == ("before",)
    assert result.screenshot is not None and result.screenshot_age < 1
    assert bs.is_painted(result.screenshot, 170, 0, 0)


def test_a_passed_test_leaves_no_picture_of_an_earlier_failure(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "t.png").write_bytes(b"of an earlier run")
    assert run(bs.exit_with(0x10)).screenshot is None
    assert not (tmp_path / "t.png").exists()


def test_a_failure_has_the_last_picture_that_could_be_taken(run: Callable[..., Result]) -> None:
    result = run(bs.paint(4), bs.wait(2), bs.exit_with(0x11))
    assert result.outcome is Outcome.FAILED
    # A newer QEMU waits at the guest's end and can be asked for a picture then; an older one is gone.
    assert result.screenshot is not None and 0 <= result.screenshot_age < 2
    assert bs.is_painted(result.screenshot, 170, 0, 0)


def test_endless_serial_output_is_bounded_and_streamed(
    guest_of: Callable[..., Machine], tmp_path: Path
) -> None:
    streamed = 0

    def sink(data: bytes) -> None:
        nonlocal streamed
        streamed += len(data)

    log = tmp_path / "serial.log"
    result = run_guest_test(GuestTest("t", guest_of(bs.ENDLESS_SERIAL), 4, serial_log=log), sink)
    assert result.outcome is Outcome.HANG
    assert 0 < log.stat().st_size <= min(streamed, 1_100_000)


def test_a_sink_that_is_gone_does_not_stop_the_test(guest_of: Callable[..., Machine]) -> None:
    def sink(_data: bytes) -> None:
        raise BrokenPipeError

    test = GuestTest("t", guest_of(bs.serial("hello"), bs.exit_with(0x10)), AMPLE_S)
    assert run_guest_test(test, sink).passed


def test_a_guest_cannot_alter_its_image(run: Callable[..., Result]) -> None:
    # It writes, and reads its own zeros back: mov al, [0x8001]; the exit code is that of 0.
    zeros_read = bytes.fromhex("a00180 e6f4") + bs.HALT
    result = run(bs.write_disk(), bs.paint(1), bs.read_disk(), zeros_read, success_code=1)
    assert result.passed


class TestConversation:
    def test_it_is_held(self, run: Callable[..., Result]) -> None:
        talk = (Expect("name[?] "), Send("guest"), Expect("guest\n"))
        result = run(bs.serial("name? "), bs.ECHO_LINE, bs.exit_with(0x10), conversation=talk)
        assert result.passed
        assert result.serial_tail == ("name? guest",)

    def test_it_may_be_the_verdict(self, run: Callable[..., Result]) -> None:
        result = run(bs.serial("ready"), bs.HALT, conversation=(Expect("ready"),), conversation_passes=True)
        assert (result.outcome, result.detail) == (Outcome.PASSED, "the conversation went as expected")

    def test_each_step_has_its_limit(self, run: Callable[..., Result]) -> None:
        result = run(bs.serial("hello"), bs.HALT, conversation=(Expect("login", limit=2),))
        assert result.outcome is Outcome.CONVERSATION
        assert result.seconds < 10
        assert result.screenshot is not None

    def test_a_guest_that_ends_before_its_end_fails(self, run: Callable[..., Result]) -> None:
        result = run(bs.exit_with(0x10), conversation=(Expect("login"),))
        assert (result.outcome, result.detail) == (
            Outcome.CONVERSATION,
            "ended while 'login' was waited for",
        )


def test_several_at_once_on_the_same_image(guest_of: Callable[..., Machine]) -> None:
    machine = guest_of(bs.serial("hello"), bs.exit_with(0x10))
    results: list[Result] = []

    def one() -> None:
        results.append(run_guest_test(GuestTest("t", machine, AMPLE_S)))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.outcome for each in results] == [Outcome.PASSED] * 3


def test_a_worker_thread_is_stopped_by_asking(
    guest_of: Callable[..., Machine], running_guests: Callable[[], list[int]]
) -> None:
    asked, caught = threading.Event(), []
    test = GuestTest("t", guest_of(bs.HALT))

    def one() -> None:
        try:
            run_guest_test(test, stop=asked.is_set)
        except Stopped as error:
            caught.append(error)

    thread = threading.Thread(target=one)
    thread.start()
    while not running_guests():
        time.sleep(0.05)
    asked.set()
    thread.join(AMPLE_S)
    assert caught and running_guests() == []


def test_a_log_that_cannot_be_written_is_an_error(guest_of: Callable[..., Machine], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    test = GuestTest("t", guest_of(bs.exit_with(0x10)), AMPLE_S, serial_log=tmp_path / "file" / "log")
    with pytest.raises(BuildError, match="cannot be written"):
        run_guest_test(test)


def test_the_users_own_debug_exit_port_counts(guest_of: Callable[..., Machine]) -> None:
    own = ("-nic", "none", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-serial", "stdio")
    machine = replace(guest_of(bs.serial("hello"), bs.exit_with(0x10)), extra=own)
    result = run_guest_test(GuestTest("t", machine, AMPLE_S))
    assert result.passed and result.serial_tail == ("hello",)
