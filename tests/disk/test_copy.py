"""Copying into an image: every way gives the same bytes, holes stay holes, errors are not lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.disk import copy_ranges

DATA = bytes(range(256)) * 9000


def failing(code: int) -> Callable[..., int]:
    def fail(*_arguments: Any, **_keywords: Any) -> int:
        raise OSError(code, os.strerror(code))

    return fail


def copied(tmp_path: Path, size: int = len(DATA)) -> bytes:
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(DATA)
    target = os.open(out, os.O_RDWR | os.O_CREAT)
    try:
        copy_ranges.copy_file(source, size, target, 1000)
    finally:
        os.close(target)
    return out.read_bytes()[1000:]


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
@pytest.mark.parametrize("missing", [["copy_file_range"], ["copy_file_range", "sendfile"]])
def test_other_ways_where_the_kernel_knows_no_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, missing: list[str]
) -> None:
    for name in missing:
        monkeypatch.setattr(os, name, failing(code))
    assert copied(tmp_path) == DATA


def test_a_file_system_that_cannot_tell_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seek = os.lseek

    def no_holes(file: int, offset: int, how: int) -> int:
        return failing(errno.EINVAL)() if how in (os.SEEK_DATA, os.SEEK_HOLE) else seek(file, offset, how)

    monkeypatch.setattr(os, "lseek", no_holes)
    assert copied(tmp_path) == DATA


def test_a_copy_in_short_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.copy_file_range
    steps: list[int] = []

    def short(source: int, target: int, count: int, start: int, offset: int) -> int:
        steps.append(start)
        # The last part is left to another way, as procfs does.
        return real(source, target, min(count, 100_000), start, offset) if len(steps) < 5 else 0

    monkeypatch.setattr(os, "copy_file_range", short)
    assert copied(tmp_path) == DATA and len(steps) == 5


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_or_failing_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "copy_file_range", failing(code))
    with pytest.raises(OSError) as caught:
        copied(tmp_path)
    assert caught.value.errno == code


def test_a_file_that_has_shrunk(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="changed its size"):
        copied(tmp_path, len(DATA) + 1)


def test_holes_are_not_filled(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(64 << 20)
        file.seek(10 << 20)
        file.write(b"data")
    target = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    os.ftruncate(target, 64 << 20)
    copy_ranges.copy_file(source, 64 << 20, target, 0)
    os.close(target)
    assert (tmp_path / "out").read_bytes() == source.read_bytes()
    assert (tmp_path / "out").stat().st_blocks * 512 < 1 << 20
