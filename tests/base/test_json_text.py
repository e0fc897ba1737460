"""JSON that others wrote: a value or a ValueError; what is only remembered counts as none when damaged."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base.json_text import parse_json, parse_object, read_object

DAMAGED = ["", "{", "nul", "[" * 100_000, "{" * 100_000, '{"a":' * 100_000, "9" * 5000, "\ud800", "\0", "1 2"]


@pytest.mark.parametrize("text", DAMAGED)
def test_what_is_not_json_is_one_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


@given(st.text() | st.binary())
def test_any_text_is_a_value_or_a_value_error(text: str | bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_json(text)


def test_an_object_is_expected() -> None:
    assert parse_object(b'{"a": 1}') == {"a": 1}
    with pytest.raises(ValueError, match="no object"):
        parse_object("[]")


@pytest.mark.parametrize("text", [*DAMAGED, "[]", "5", "null", "{}" + " " * 1000])
def test_a_damaged_memory_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "memory.json"
    file.write_text(text, errors="surrogatepass")
    assert read_object(file, limit=500 if text.endswith(" ") else 1 << 20) == {}


def test_what_is_no_file_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for ever
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("pipe", "link", "missing", ".", "nul\0"):
        assert read_object(tmp_path / name) == {}
    (tmp_path / "whole").write_text('{"a": [1]}')
    assert read_object(tmp_path / "whole") == {"a": [1]}
