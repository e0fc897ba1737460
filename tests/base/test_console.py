"""What is printed of text that comes from outside: nothing that a terminal obeys."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base import console
from bootimage.base.console import printable, printable_lines, program_text
from bootimage.base.errors import BuildError

EVIL = "\x1b]0;title\x07\x1b[2Jred\x9b1m\u202eexe\u2028\x7f"
HOSTILE = st.text(
    st.one_of(st.sampled_from("\x1b\x9b\x9d\x07\x9c\\[]0;mKJP_^X\r\n\t\u202e\udc80"), st.characters())
)


def obeyed(text: str, allowed: str = "") -> list[str]:
    """The control characters, direction marks and half characters in `text`."""
    wrong = ("Cc", "Cs", "Zl", "Zp")
    return [
        each
        for each in text
        if each not in allowed
        and (unicodedata.category(each) in wrong or unicodedata.bidirectional(each)[:2] in ("LR", "RL", "PD"))
        and each not in "\u200c\u200d"
    ]


@given(HOSTILE)
def test_one_line_stays_one_line_without_control_characters(text: str) -> None:
    assert obeyed(printable(text)) == []
    assert obeyed(printable_lines(text), allowed="\n\t") == []


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    assert printable(text) == printable_lines(text) == program_text(text) == text


def test_how_it_is_shown() -> None:
    assert printable("a\tb\nc") == r"a\x09b\x0ac"
    assert printable_lines("a\tb\nc\rd") == "a\tb\nc\\x0dd"
    assert printable(EVIL) == r"\x1b]0;title\x07\x1b[2Jred\x9b1m\u202eexe\u2028\x7f"
    assert printable("caf\udce9 \ud800") == r"caf\xe9 \ud800"
    assert printable("naïve 日本 no break") == "naïve 日本 no break"


@given(HOSTILE)
def test_a_program_s_text_keeps_its_colours_alone(text: str) -> None:
    assert obeyed(program_text(text), allowed="\n\t") == []
    coloured = program_text(text, colours=True)
    assert obeyed(re.sub(r"\x1b\[[0-9;:]*m", "", coloured), allowed="\n\t") == []
    bar = re.sub(r"\x1b\[(?:[0-9;:]*m|K)", "", program_text(text, progress=True))
    assert obeyed(bar, allowed="\n\t\r") == []


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b]0;title\x07",
        "\x1b]0;title\x1b\\",
        "\x1bPdcs\x1b\\",
        "\x1b_apc\x9c",
        "\x1b^pm\x1b\\",
        "\x1bXsos\x07",
        "\x9dosc\x9c",
        "\x1b[2J",
        "\x9b2J",
        "\x1b[?1049h",
        "\x1b7",
        "\x1bc",
        "\x1b(B",
        "\x1b#8",
        "\x08\r\x07",
    ],
)
def test_sequences_go_as_a_whole(sequence: str) -> None:
    assert program_text(f"one{sequence}two\n") == "onetwo\n"
    assert program_text(f"\x1b[31mone{sequence}two\x1b[0m", colours=True) == "\x1b[31monetwo\x1b[0m"


def test_a_sequence_without_end_takes_its_line_alone() -> None:
    assert program_text("one\x1b]0;title\ntwo\x1b[") == "one\ntwo"


def test_time_grows_with_the_text() -> None:
    for piece in ("\x1b[0", "\x1b]", "\x9d;", "\x1b ", "\x1b\x1b["):
        assert len(program_text(piece * 300_000)) <= 300_000  # seconds, where it were quadratic: hours


def test_an_error_shows_what_it_quotes() -> None:
    error = BuildError(f"no `{EVIL}`", file=f"a\n{EVIL}", line=3, hint=f"not {EVIL}")
    assert str(error).count("\n") == 1
    assert obeyed(str(error), allowed="\n") == []
    assert str(error).startswith(r"a\x0a\x1b]0;title\x07")


def test_what_is_said_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    console.say(f"warning: {EVIL}")
    console.say_of_guest("\x1b[31mred\x1b[0m\x1b[2J")
    console.output(f"{EVIL}\n")
    console.write_error(f"\x1b[31mred\x1b[0m {EVIL}\r\x1b[K\n")
    with console.step(f"Building {EVIL}"):
        pass
    shown = capsys.readouterr()
    first, second, *others = shown.out.splitlines()
    assert obeyed(first + "".join(others)) == [] and len(others) == 2
    assert second == "red"
    assert shown.err == "\x1b[31mred\x1b[0m redexe\r\x1b[K\n"


def test_signs_that_the_terminal_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(shown, encoding="latin-1"))
    console.say("naïve 日本")
    console.output("日\n")
    assert shown.getvalue() == b"na\xefve \\u65e5\\u672c\n\\u65e5\n"
