"""Dataclasses that are made with their first value."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, replace

import pytest

from bootimage.base.lazy_dataclass import dataclass


def test_it_is_a_dataclass() -> None:
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 2
        more: list[int] = field(default_factory=list)

    point = Point(1)
    assert (point, hash(replace(point, more=()))) == (Point(1, 2, []), hash(Point(1, y=2, more=())))  # type: ignore[arg-type]
    assert repr(point).endswith("Point(x=1, y=2, more=[])")
    with pytest.raises(FrozenInstanceError):
        point.x = 3  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg]


def test_two_threads_may_want_their_first_value_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    real = dataclasses.dataclass

    def slow(**options: bool) -> object:
        time.sleep(0.05)
        return real(**options)  # type: ignore[call-overload]

    monkeypatch.setattr(dataclasses, "dataclass", slow)

    @dataclass(frozen=True)
    class Point:
        x: int

    def make(number: int) -> Point:
        time.sleep(number / 100)
        return Point(number)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(make, range(4))) == [Point(number) for number in range(4)]
