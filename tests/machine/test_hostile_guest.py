"""A guest that attacks its host with all that it has: its serial line, what it writes there, its screen."""

from __future__ import annotations

import re
import resource
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import boot_sectors as bs
import pytest

from bootimage.kernel_test.junit import junit_xml
from bootimage.kernel_test.run_tests import GuestTest, run_kernel_test
from bootimage.kernel_test.verdict import Outcome, Result, describe, summary
from bootimage.machine.qemu import Machine

pytestmark = pytest.mark.boot

MIB_IN_KIB = 1024


def flood(text: bytes) -> bytes:
    """Writes `text` to the serial line, again and again: mov si, text; mov cx, its size; rep outsb."""
    code = bytes.fromhex("fc 31c0 8ed8 baf803 be147c b9") + len(text).to_bytes(2, "little")
    return code + bytes.fromhex("f36e ebf6") + bytes(2) + text


def once(text: bytes, *code: bytes) -> bytes:
    """Writes `text` once, and goes on with `code`: mov si, 0x7d00; lodsb; out dx, al for each sign."""
    begin = bytes.fromhex("fc 31c0 8ed8 baf803 be007d ac 84c0 7403 ee ebf8") + b"".join(code)
    return begin.ljust(0x100, b"\0") + text + b"\0"


@pytest.fixture
def attack(guest_of: Callable[..., Machine], tmp_path: Path) -> Callable[..., Result]:
    """Runs a guest of the given code as a test, as `scons test-kernel` does."""

    def run(*code: bytes, limit: float = 60.0) -> Result:
        test = GuestTest("t", guest_of(*code), limit, serial_log=tmp_path / "t.serial")
        return run_kernel_test(test, lambda: False)

    return run


def test_serial_output_without_end(
    attack: Callable[..., Result], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    result = attack(flood(b"spam \x1b]0;title\x07 \x1b[2J\x1b[8m\n" * 15), limit=5)
    assert result.outcome is Outcome.HANG and time.monotonic() - began < 40
    assert (tmp_path / "t.serial").stat().st_size < 1.1 * 1024 * MIB_IN_KIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * MIB_IN_KIB
    shown = capsys.readouterr().out
    assert len(shown) < 16 * 1024 * MIB_IN_KIB
    assert not re.search(
        r"[^\n\ufffd -~]", shown
    )  # where bytes are lost, the rest of a sequence is plain text


def test_a_forged_result_is_a_guest_s_line(
    attack: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    forged = b"\r\x1b[2K\x1b[1At: passed (0.1 s)\r\n\x1b[8mtest-kernel: 1 passed, 0 failed, 0.1 s\n"
    result = attack(once(forged + b"\x1b]52;c;ZXZpbA==\x07\x9b2J\xff]]>&<\n", bs.exit_with(0x11)))
    assert result.outcome is Outcome.FAILED
    assert summary([result]) == f"0 passed, 1 failed, {result.seconds:.1f} s: t (failed)"
    shown = capsys.readouterr().out + describe(result)
    assert not re.search(r"[^\n\t\ufffd -~]", shown)
    lines = [line for line in shown.splitlines() if "passed" in line]
    assert lines and all(line.startswith(("t | ", "    | ")) for line in lines)
    report = ElementTree.fromstring(junit_xml([result], "kernel"))
    assert report.find("testsuite").attrib["failures"] == "1"  # type: ignore[union-attr]
    assert "]]>&<" in report.findtext(".//system-out", "")


def test_a_screen_that_never_stands_still_and_a_reset_without_end(attack: Callable[..., Result]) -> None:
    assert attack(bs.FLICKER, limit=3).outcome is Outcome.HANG
    assert attack(bs.RESET).outcome is Outcome.RESET
