"""The message that a cache of Bazel's protocol keeps under `/ac/`: an ActionResult, in protobuf's encoding.

Servers such as bazel-remote accept nothing else there, and hand it out only while every content that it
names is in `/cas/`. So our contents are named in it as output files, and our own record is its standard
output. Field numbers: build.bazel.remote.execution.v2, remote_execution.proto:

    ActionResult: output_files = 2, stdout_raw = 5, execution_metadata = 9 (of it: worker = 1)
    OutputFile:   path = 1, digest = 2, is_executable = 4      Digest: hash = 1, size_bytes = 2
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bootimage.store.record import Blob

# A server puts its own note of the sender in a result that names no worker, and so would change it.
_WORKER = "rustkernel"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def encode_action_result(outputs: Iterable[tuple[str, Blob]], stdout: bytes) -> bytes:
    """An ActionResult with these output files (path, content) and this standard output."""
    files = b"".join(_bytes(2, _output_file(path, blob)) for path, blob in outputs)
    return files + _bytes(5, stdout) + _bytes(9, _bytes(1, _WORKER.encode()))


def decode_stdout(data: bytes) -> bytes:
    """The standard output in an ActionResult; ValueError when `data` is none, or has no standard output."""
    found = [value for number, value in _fields(data) if number == 5 and isinstance(value, bytes)]
    if not found:
        raise ValueError("no standard output in the action result")
    return found[-1]


def _output_file(path: str, blob: Blob) -> bytes:
    digest = _bytes(1, blob.sha256.encode()) + _number(2, blob.size)
    return _bytes(1, path.encode()) + _bytes(2, digest) + _number(4, int(blob.executable))


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _number(number: int, value: int) -> bytes:
    # Zero is what a reader assumes of a field that is not there.
    return _varint(number << 3 | _VARINT) + _varint(value) if value else b""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a message, in order; ValueError for anything else than a message."""
    place = 0
    while place < len(data):
        tag, place = _read_varint(data, place)
        value, place = _read_value(data, place, tag & 7)
        yield tag >> 3, value


def _read_value(data: bytes, place: int, kind: int) -> tuple[int | bytes, int]:
    if kind == _VARINT:
        return _read_varint(data, place)
    if kind == _BYTES:
        size, place = _read_varint(data, place)
    elif kind in (_FIXED64, _FIXED32):
        size = 8 if kind == _FIXED64 else 4
    else:
        raise ValueError(f"no field is of kind {kind}")
    if place + size > len(data):
        raise ValueError("the message ends within a field")
    return data[place : place + size], place + size


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("the message ends within a number")
        value |= (data[place] & 0x7F) << shift
        place += 1
        if data[place - 1] < 0x80:
            return value, place
    raise ValueError("a number of more than ten bytes")
