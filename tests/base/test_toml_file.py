"""TOML files: parsed once, typed on reading, with the place of every error."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.base.toml_file import parse_toml, read_toml
from bootimage.base.toml_positions import positions


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[package\n", ":1:9:", "this is not TOML: "),
        ("[package]\nname = 1\nname = 2\n", ":3:9:", "cannot overwrite a value"),
        ("[package]\n[package]\n", ":2:9:", "cannot declare [package] twice"),
        ('[a."b c)"]\n[a."b c)"]\n', ":2:10:", "cannot declare [a.b c)] twice"),
        ("a = {}\n[a.b]\n", ":2:5:", "[a.b]"),
        ('a = "unclosed', ":1:", "this is not TOML: "),
        ("<<<<<<< HEAD\n", ":1:1:", "this is not TOML: "),
        ("a = " + "[" * 5000, "", "nested too deeply"),
    ],
)
def test_malformed(text: str, place: str, message: str) -> None:
    with pytest.raises(BuildError) as raised:
        parse_toml(text, Path("x/Cargo.toml"))
    assert str(raised.value).startswith(f"x/Cargo.toml{place}")
    assert message in str(raised.value)


def test_what_cargo_accepts_beyond_toml_1_0(tmp_path: Path) -> None:
    path = tmp_path / "Cargo.toml"
    path.write_bytes(b'\xef\xbb\xbf[a]\r\nb = {\n  c = "\\e\\x41", # more\n}\n')
    assert read_toml(path).value("a", "b", "c") == "\x1bA"


@pytest.mark.parametrize("what", ["missing", "folder", "nul\0"])
def test_unreadable(tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BuildError) as raised:
        read_toml(tmp_path / what)
    assert raised.value.file == tmp_path / what


TEXT = """
[package]
name = 1
authors = ["a", 2]
[[bin]]
test = "yes"
"""


@pytest.mark.parametrize(
    ("kind", "keys", "message"),
    [
        (str, ("package", "name"), "3:1: error: `package.name` must be a string, found the number 1"),
        (dict, ("package", "name", "a"), "3:1: error: `package.name` must be a table, found the number 1"),
        (bool, ("bin", 0, "test"), '6:1: error: `bin[0].test` must be true or false, found the string "yes"'),
        (dict, ("bin",), "5:3: error: `bin` must be a table, found an array"),
    ],
)
def test_wrong_types(kind: type, keys: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(BuildError) as raised:
        parse_toml(TEXT, Path("x")).get(kind, *keys)
    assert str(raised.value) == f"x:{message}"


def test_true_is_no_integer() -> None:
    with pytest.raises(BuildError, match="must be an integer, found true"):
        parse_toml("a = true", Path("x")).get(int, "a")


def test_strings_names_the_element() -> None:
    with pytest.raises(BuildError, match=r"x:4:17: error: `package.authors\[1\]` must be a string"):
        parse_toml(TEXT, Path("x")).strings("package", "authors")


def test_read_again_only_when_changed(tmp_path: Path) -> None:
    path = tmp_path / "Cargo.toml"
    path.write_text("a = 1")
    old = time.time() - 10
    os.utime(path, (old, old))
    first = read_toml(path)
    assert read_toml(path) is first
    now = time.time_ns()
    for number in (2, 3):  # within one tick of the clock, with the same size
        path.write_text(f"a = {number}")
        os.utime(path, ns=(now, now))
        assert read_toml(path).data == {"a": number}


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=4)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8"), max_size=6) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_key_has_a_position(data: dict[str, Any]) -> None:
    text = tomli_w.dumps(data)
    places = positions(text)
    lines = text.split("\n")
    for keys in _paths(data):
        line, column = places[keys]
        rest = lines[line - 1][column - 1 :]
        key = keys[-1]
        assert isinstance(key, int) or rest.startswith((key, '"', "'"))


def _paths(data: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else []
    return [path for key, value in items for path in [(*above, key), *_paths(value, (*above, key))]]


@pytest.mark.parametrize(
    ("text", "keys", "place"),
    [
        ("a.b . c = 1", ("a", "b", "c"), (1, 7)),
        ('"a\\u0062" = 1', ("ab",), (1, 1)),
        ("x = '''\n]\n''' \ny = 1", ("y",), (4, 1)),
        ('x = """\\"""" \ny = 1', ("y",), (2, 1)),
        ("[[a]]\n[[a]]\n[a.b]\n[[a.c]]\nd = 1", ("a", 1, "c", 0, "d"), (5, 1)),
        ("x = [ # ]\n 1, {y = 2}]\n", ("x", 1, "y"), (2, 6)),
        ("t = 1979-05-27 07:32:00 # [x]\ny = -inf", ("y",), (2, 1)),
        ("[ a . 'b c' ]\n d=1", ("a", "b c", "d"), (2, 2)),
    ],
)
def test_positions(text: str, keys: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert positions(text)[keys] == place
