"""Reading a user's text file: what is in its place, what it may be encoded as, and where things stand."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.base.text_file import SIZE_LIMIT, Lines, read_text


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b'{"a": "\xe9"}', "1:8", "the byte 0xe9 is not UTF-8"),
        ('{"é": "ü",\r\n '.encode() + b"\xff", "2:2", "the byte 0xff is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "1:1", "UTF-16"),
        ('{"a": 1}'.encode("utf-16-le"), "1:1", "UTF-16"),
        ('{"a": 1}'.encode("utf-32"), "1:1", "UTF-16 or UTF-32"),
    ],
)
def test_other_encodings(data: bytes, place: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_bytes(data)
    with pytest.raises(BuildError) as caught:
        read_text(file, "a JSON file")
    assert str(caught.value).startswith(f"{file}:{place}: error: ")
    assert words in str(caught.value)


@settings(deadline=None)
@given(st.text(), st.integers(0, 50))
def test_places_lead_back_to_the_offset(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    line, column = Lines(text).place(offset)
    starts = [0]
    for at, sign in enumerate(text):
        if sign == "\n" or (sign == "\r" and text[at + 1 : at + 2] != "\n"):
            starts.append(at + 1)
    assert starts[line - 1] + column - 1 == offset
    assert line == len(starts) or starts[line] > offset


def test_a_link_that_leads_nowhere_is_no_name_to_suggest(tmp_path: Path) -> None:
    link = tmp_path / "dangling.json"
    link.symlink_to("nowhere.json")
    with pytest.raises(BuildError) as caught:
        read_text(link, "a JSON file")
    assert str(caught.value) == f"{link}:1:1: error: this link leads nowhere: there is no nowhere.json"
    with pytest.raises(BuildError) as caught:
        read_text(tmp_path / "dangling2.json", "a JSON file")
    assert caught.value.hint is None


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    with file.open("wb") as stream:
        stream.truncate(100_000_000)
    begin = time.perf_counter()
    with pytest.raises(BuildError, match="100000000 bytes"):
        read_text(file, "a JSON file")
    assert time.perf_counter() - begin < 0.05


def test_the_largest_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text("x" * SIZE_LIMIT)
    assert len(read_text(file, "a JSON file")) == SIZE_LIMIT


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")  # opening it would wait for ever
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "kernel.json").write_text("{}")
    for name, words in [
        (".", "this is a folder; a JSON file is expected"),
        ("pipe.json", "not a regular file"),
        ("loop.json", "cannot be read"),
        ("kernle.json", f"no such file\n  help: did you mean {tmp_path}/kernel.json?"),
        ("missing/t.json", "no such file"),
        ("kernel.json/t.json", "cannot be read: Not a directory"),
        ("a\0b.json", "cannot be read: embedded null"),
    ]:
        with pytest.raises(BuildError) as caught:
            read_text(tmp_path / name, "a JSON file")
        assert words in str(caught.value)
        assert ":1:1: error: " in str(caught.value)
