from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.machine.serial_line import LineSink, SerialLog, as_text, to_stdout


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


def test_a_guest_s_text_comes_at_once_and_its_sequences_not_at_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = b"prompt> \x1b]0;title\x07\x1b[31mred\x1b[0m\x1bPdcs\x1b\\ \x9b2Jend\xc2\x9b1m.\r\n"
    for step in (1, 3, len(said)):
        show = as_text()
        show(b"at once ")
        assert capsys.readouterr().out == "at once "
        for start in range(0, len(said), step):
            show(said[start : start + step])
        assert capsys.readouterr().out == "prompt> red \ufffd2Jend.\n"
    monkeypatch.setenv("RUSTKERNEL_GUEST_COLOURS", "1")
    as_text()(said)
    assert capsys.readouterr().out == "prompt> \x1b[31mred\x1b[0m \ufffd2Jend.\n"


def test_a_sequence_without_end_is_not_kept_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    show = as_text()
    for _ in range(100):
        show(b"\x1b]" + b"x" * 1000)
    show(b"\nend\n")
    assert capsys.readouterr().out.endswith("\nend\n")


def test_colours_of_a_line_end_with_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = b"\x1b[31mred\x1b[2J\nplain\n"
    LineSink("t | ")(said)
    monkeypatch.setenv("RUSTKERNEL_GUEST_COLOURS", "1")
    LineSink("t | ")(said)
    assert capsys.readouterr().out == "t | red\nt | plain\nt | \x1b[31mred\x1b[0m\nt | plain\n"


def test_a_gigabyte_is_not_shown() -> None:
    shown: list[str] = []
    log, sink, piece = SerialLog(), LineSink("t | ", shown.append), b"spam and eggs.\n\n" * 4096
    for _ in range(16384):
        log.add(piece)
        sink(piece)
    sink.close()
    assert sum(map(len, shown)) < 12 << 20 and "is not shown" in shown[-1]
    assert len(log.content()) < 1100000
