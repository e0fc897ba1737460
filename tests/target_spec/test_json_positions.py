"""The JSON reader: the same values as Python's, a place for each, and errors that say what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.target_spec.json_positions import Document, parse_json, read_json

FILE = Path("t.json")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


def refusal(text: str | bytes, folder: Path) -> str:
    file = folder / "t.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BuildError) as caught:
        read_json(file)
    return str(caught.value).removeprefix(f"{folder}/")


@settings(deadline=None)
@given(values, st.sampled_from([None, 0, 1, "\t"]), st.booleans())
def test_reads_what_python_reads(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    read = parse_json(text, FILE).value
    assert read == json.loads(text)
    assert repr(read) == repr(json.loads(text))  # 1 and 1.0, 0.0 and -0.0, True and 1 differ here


@settings(deadline=None)
@given(values)
def test_every_place_is_where_its_value_starts(value: Any) -> None:
    document = parse_json(json.dumps(value, indent=1), FILE)
    decoder = json.JSONDecoder()
    for path, offset in document.values.items():
        assert decoder.raw_decode(document.text, offset)[0] == at(document, path)
    for path, offset in document.keys.items():
        assert decoder.raw_decode(document.text, offset)[0] == path[-1]


def at(document: Document, path: tuple[str | int, ...]) -> Any:
    value: Any = document.value
    for part in path:
        value = value[part]
    return value


@settings(deadline=None)
@given(st.text() | st.text('{}[]",:\\ \n0123456789truefalsn.-eE'))
def test_whatever_the_text_only_build_errors(text: str) -> None:
    try:
        document = parse_json(text, FILE)
    except BuildError as error:
        assert error.line is not None and error.column is not None
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 1
    else:
        assert document.value == json.loads(text)


@settings(deadline=None)
@given(st.binary())
def test_whatever_the_bytes_only_build_errors(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "t.json")
        file.write_bytes(data)
        try:
            read_json(file)
        except BuildError as error:
            assert str(error).startswith(f"{file}:")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "the file is empty"),
        (" \n\t\r\n ", "1:1", "the file is empty"),
        ("{", "1:2", "the file ends here; a key"),
        ('{"a": 1', "1:8", "the file ends here; `,` or `}`"),
        ('{"a" 1}', "1:6", "found 1; `:` after the key is expected"),
        ('{"a": }', "1:7", "found }; a value"),
        ('{\n  "a": 1\n  "b": 2\n}', "3:3", "found a string; `,` or `}` is expected"),
        ('{\n  "a": 1,\n}', "2:9", "no comma before the closing `}`"),
        ('{"a": [1, 2, ]}', "1:12", "no comma before the closing `]`"),
        ('{\n  // why\n  "a": 1}', "2:3", "JSON has no comments"),
        ('{"a": 1, /* why */ "b": 2}', "1:10", "JSON has no comments"),
        ('{"a": 1} # why', "1:10", "JSON has no comments"),
        ('{"a": 1,\r\n "b": 2,\r\n "a": 3}', "3:2", 'the key "a" is there twice, first in line 1'),
        ('{"x": {"a": 1, "\\u0061": 2}}', "1:16", 'the key "a" is there twice'),
        ("{'a': 1}", "1:2", "plain double quotes"),
        ("{“a”: 1}", "1:2", "plain double quotes"),
        ("{a: 1}", "1:2", "found a; a key in double quotes"),
        ('{"a": True}', "1:7", "JSON spells it true"),
        ('{"a": NaN}', "1:7", "NaN is not a number in JSON"),
        ('{"a": -Infinity}', "1:7", "-Infinity is not a number in JSON"),
        ('{"a": 064}', "1:7", "064 is not a number"),
        ('{"a": +64}', "1:7", "+64 is not a number"),
        ('{"a": .5}', "1:7", ".5 is not a number"),
        ('{"a": 0x40}', "1:7", "0x40 is not a number"),
        ('{"a": ٣}', "1:7", "found ٣"),
        ('{"a": 1e999}', "1:7", "too large for 64 bits"),
        ('{"a": 18446744073709551616}', "1:7", "too large for 64 bits"),
        ('{"a": ' + "9" * 100_000 + "}", "1:7", "too large for 64 bits"),
        ('{"a": "b\n"}', "1:7", "no closing quote on its line"),
        ('{"a": "b', "1:7", "no closing quote on its line"),
        ('{"a": "b\tc"}', "1:9", "a control character in a string; write it as \\u0009"),
        (r'{"a": "C:\x"}', "1:10", "no escape of JSON"),
        (r'{"a": "\ud800"}', "1:7", "half of a surrogate pair"),
        ("{} {}", "1:4", "found {; the end of the file"),
        ("{}\n  \x00", "2:3", "found '\\x00'; the end of the file"),
        ("[" * 100_000, "1:66", "more than 64 levels deep"),
    ],
)
def test_refusals(text: str | bytes, place: str, words: str, tmp_path: Path) -> None:
    told = refusal(text, tmp_path)
    assert told.startswith(f"t.json:{place}: error: ")
    assert words in told
    assert len(told) < 250


def test_a_byte_order_mark_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    document = read_json(file)
    assert document.value == {"a": 1}
    assert str(document.key_error(("a",), "x")).startswith(f"{file}:1:2: error: x")
