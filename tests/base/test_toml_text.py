"""TOML that others wrote: a table that can be used, or one error with its place."""

from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base import toml_text
from bootimage.base.toml_text import DEPTH_LIMIT, TomlError, parse_table

PARSERS = pytest.mark.parametrize("parser", [toml_text.toml, tomllib], ids=["tomli", "tomllib"])


@PARSERS
@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        (f"a = 1\nb = {'9' * 5000}", "64 bits", 2),
        (f"b = 0x{'f' * 5000}", "64 bits", None),  # Python reads it, and cannot print it
        (f"a = {1 << 63}", "64 bits", None),
        (f"a = [{-(1 << 63) - 1}]", "64 bits", None),
        ("a = " + "[" * 100_000, "nested too deeply", None),
        ("a = " + "{a=" * 10_000, "nested too deeply", None),
        ("a." * 100_000 + "a = 1", "nested too deeply", None),
        ("a." * (DEPTH_LIMIT + 1) + "a = 1", "nested too deeply", None),
        (f"[{'a.' * 900}a]", "nested too deeply", None),
        ("a = 0000-13-99", "expected newline", 1),
        ('a = "x', "unterminated string", 1),
        ("a = 1\n[b\n", "expected", 2),
        ("[a]\n[a]", "cannot declare [a] twice", 2),
    ],
)
def test_one_error(
    monkeypatch: pytest.MonkeyPatch, parser: object, text: str, message: str, line: int | None
) -> None:
    monkeypatch.setattr(toml_text, "toml", parser)
    with pytest.raises(TomlError) as caught:
        parse_table(text)
    assert message in caught.value.message.lower() and len(caught.value.message) < 200
    assert line is None or caught.value.line == line


@PARSERS
def test_within_the_limits(monkeypatch: pytest.MonkeyPatch, parser: object) -> None:
    monkeypatch.setattr(toml_text, "toml", parser)
    deep = parse_table("a." * DEPTH_LIMIT + "a = 1")
    for _ in range(DEPTH_LIMIT):
        deep = deep["a"]
    assert deep == {"a": 1}
    largest = {"a": [(1 << 63) - 1, -(1 << 63), True, 1e308, float("inf")]}
    assert parse_table(f"a = [{(1 << 63) - 1}, {-(1 << 63)}, true, 1e308, inf]") == largest


@given(st.text(st.sampled_from("[]{}=.\"'\\\n #,_aeut09+-:TZxn\0")) | st.text())
def test_any_text_is_a_table_or_a_toml_error(text: str) -> None:
    with contextlib.suppress(TomlError):
        parse_table(text)
