"""The ActionResult message, against bytes that protobuf's own implementation wrote."""

from __future__ import annotations

import contextlib

import pytest
from bazel_messages import output_digests
from hypothesis import given
from hypothesis import strategies as st

from bootimage.store.bazel_action_result import decode_stdout, encode_action_result
from bootimage.store.record import Blob

A, B = "a" * 64, "b" * 64
GOLDEN = bytes.fromhex(
    "12550a0a6c69622f612e726c696212450a40616161616161616161616161616161616161616161616161616161616161"
    "6161616161616161616161616161616161616161616161616161616161616161616110ac02200112470a016212420a40"
    "626262626262626262626262626262626262626262626262626262626262626262626262626262626262626262626262"
    "626262626262626262626262626262622a0b7b22636865636b223a317d4a0c0a0a727573746b65726e656c"
)


def test_the_bytes_are_protobufs() -> None:
    made = encode_action_result([("lib/a.rlib", Blob(A, 300, True)), ("b", Blob(B, 0))], b'{"check":1}')
    assert made == GOLDEN
    assert output_digests(made) == {A: 300, B: 0}


@given(st.dictionaries(st.text(max_size=300), st.integers(0, 1 << 62)), st.binary(max_size=1000))
def test_what_goes_in_comes_out(files: dict[str, int], stdout: bytes) -> None:
    made = encode_action_result([(name, Blob(A, size)) for name, size in files.items()], stdout)
    assert decode_stdout(made) == stdout


def test_fields_that_a_server_adds_are_passed_over() -> None:
    added = b"\x20\x07" + b"\x79" + bytes(8) + b"\x7d" + bytes(4) + b"\xa2\x06\x03abc"
    assert decode_stdout(added + encode_action_result([], b"ours") + added) == b"ours"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x12",
        b"\x2a\x05abc",
        b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x2b",
        b"\x28\x05",
        b"<html>",
    ],
)
def test_what_is_no_action_result(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_stdout(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode_stdout(data)
