from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.kernel_test.conversation import Conversation, Expect, Send


def test_steps_are_taken_in_order() -> None:
    talk = Conversation([Expect(r"login: $"), Send("root"), Expect("# "), Send("halt", end="\r")])
    assert talk.begin(0.0) == b""
    assert talk.hear(b"boot\nlog", 1.0) == b""
    assert talk.awaited == Expect(r"login: $")
    assert talk.hear(b"in: ", 2.0) == b"root\n"
    assert not talk.over
    assert talk.hear(b"welcome # ", 3.0) == b"halt\r"
    assert talk.over and talk.awaited is None and talk.deadline == math.inf


def test_what_was_matched_is_not_matched_again() -> None:
    talk = Conversation([Expect("a"), Expect("a")])
    talk.hear(b"a", 0.0)
    assert not talk.over
    talk.hear(b"a", 0.0)
    assert talk.over


def test_one_piece_may_answer_several_steps() -> None:
    talk = Conversation([Send("go"), Expect("1"), Expect("2"), Send("done")])
    assert talk.begin(0.0) == b"go\n"
    assert talk.hear(b"1 2", 0.0) == b"done\n"


def test_each_step_has_its_own_time() -> None:
    talk = Conversation([Expect("a", limit=5), Expect("b", limit=7)])
    talk.begin(10.0)
    assert talk.deadline == 15.0
    talk.hear(b"a", 12.0)
    assert talk.deadline == 19.0


def test_a_guest_that_writes_without_end_is_bounded() -> None:
    talk = Conversation([Expect("never")])
    for _ in range(100):
        talk.hear(b"x" * 65536, 0.0)
    assert len(talk._unmatched) <= 65536


def test_a_broken_pattern_is_an_error() -> None:
    with pytest.raises(BuildError, match="no regular expression"):
        Expect("(")


@pytest.mark.parametrize("limit", ["x", None, True, 0, -1, math.nan])
def test_a_limit_is_a_time(limit: Any) -> None:
    with pytest.raises(BuildError, match="must be a number of seconds"):
        Expect("a", limit)


@pytest.mark.parametrize("text", [5, b"a", None, "\ud800"])
def test_only_text_is_said(text: Any) -> None:
    for step in (Expect, Send, lambda text: Send("a", end=text)):
        with pytest.raises(BuildError, match=r"a text|regular expression"):
            step(text)


@given(st.lists(st.binary(max_size=5)))
def test_how_the_text_is_cut_does_not_matter(pieces: list[bytes]) -> None:
    text = b"".join(pieces) + b"ready>"
    whole, cut = (Conversation([Expect("ready>"), Send("x")]) for _ in range(2))
    answers = b"".join(cut.hear(piece, 0.0) for piece in [*pieces, b"rea", b"dy>"])
    assert whole.hear(text, 0.0) == answers == b"x\n"
