from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.machine.serial_line import LineSink, SerialLog, to_stdout


@given(st.lists(st.binary(max_size=50)))
def test_the_log_keeps_both_ends_within_its_limit(pieces: list[bytes]) -> None:
    log, text = SerialLog(limit=40), b"".join(pieces)
    for piece in pieces:
        log.add(piece)
    if len(text) <= 40:
        assert log.content() == text
    else:
        gap = b"\n[... %d bytes left out ...]\n" % (len(text) - 40)
        assert log.content() == text[:20] + gap + text[-20:]


def test_a_guest_that_writes_without_end_is_bounded() -> None:
    log = SerialLog(limit=1000)
    for _ in range(1000):
        log.add(b"x" * 700)
    assert len(log.content()) < 1100
    assert len(log._tail) <= 1000


def test_last_lines_can_be_printed() -> None:
    log = SerialLog()
    log.add(b"one\r\n\x1b[31mtwo\x1b[0m\n\tthree \xff\x00")
    assert log.last_lines(2) == ["two", "\tthree \ufffd"]


def test_lines_are_shown_whole() -> None:
    shown: list[str] = []
    sink = LineSink("guest: ", shown.append)
    for piece in (b"one\r\ntw", b"o\n\xc3", b"\xa4", b"x" * 5000, b"\nlast"):
        sink(piece)
    sink.close()
    assert shown == ["guest: one", "guest: two", "guest: ä" + "x" * 5000, "guest: ", "guest: last"]


def test_standard_output_gets_every_byte_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    show = to_stdout()
    show(b"prompt> \xc3")
    assert capsys.readouterr().out == "prompt> "
    show(b"\xa4\xff")
    assert capsys.readouterr().out == "ä\ufffd"
