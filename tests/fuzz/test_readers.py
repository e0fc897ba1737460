"""Each reader takes its seeds without an error, and anything else with one that it may raise."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from fuzz.readers import READERS
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = pytest.mark.parametrize("name", READERS)
# What has ended a reader with something else than an error, or cost it more than seconds.
FOUND: list[tuple[str, bytes]] = [
    ("toml", b"a = 0x" + b"f" * 5000),
    ("toml", b"a." * 5000 + b"a = 1"),
    ("cargo_config", b"[target.x]\nrunner = 5"),
    ("cargo_config", b"unstable = 5"),
    ("cargo_config", b"[target.'cfg(" + b"not(" * 5000 + b"unix" + b")" * 5000 + b")']\nrustflags = ['x']"),
    ("manifest", b'[package]\nname = "k"\n[dependencies]\nbootloader_api = { version = 5 }'),
    ("manifest", b'[package]\nname = "k"\n[dependencies]\na = { path = "\\u0000" }'),
    ("lock", b'[[package]]\nname = "a"\nversion = "0.1.\xd9\xa3"'),
    ("memory", b"[" * 100_000),
    ("memory", b"9" * 5000),
    ("firmware", b"[" * 100_000),
    ("toolchain", b"x = " + b"[" * 100_000),
    ("target_spec", b'{"x": ' + b"[" * 100_000),
    ("metadata", b"{}"),
    ("screen", b"P6 0 999999999 255\n"),
]


@NAMES
def test_seeds_are_read(name: str, tmp_path: Path) -> None:
    for number, seed in enumerate(READERS[name].seeds):
        READERS[name].read(seed, tmp_path / str(number))


@NAMES
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_changed_seed_is_read_or_refused(name: str, data: st.DataObject) -> None:
    text = bytearray(data.draw(st.sampled_from(READERS[name].seeds)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = start + data.draw(st.integers(0, 8))
        text[start:end] = data.draw(st.binary(max_size=8))
    with tempfile.TemporaryDirectory() as folder:
        assert READERS[name].fault(bytes(text), Path(folder)) == ""


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_was_found_stays_mended(name: str, data: bytes, tmp_path: Path) -> None:
    assert READERS[name].fault(data, tmp_path) == ""
