"""`dataclass` as the standard library has it, but made when its first value is.

The standard decorator writes and compiles half a dozen methods for each class, which takes half a
millisecond. An engine of a hundred such classes would spend an eighth of an edit's whole build on that, and
most runs have values of a few only. To mypy and to readers both decorators are the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, **options: bool) -> type | Callable[[type], type]:
        """`dataclasses.dataclass`; a class of these must not be the base of another one."""
        return _deferred(cls, options) if cls else lambda given: _deferred(given, options)


__all__ = ["dataclass"]

T = TypeVar("T")
_making = RLock()


def _deferred(cls: type[T], options: dict[str, bool]) -> type[T]:
    made = False

    # Not in __init__, which is not there for a moment while the class is made: threads come by here first.
    def new(wanted: type[T], *_values: object, **_named: object) -> T:
        nonlocal made
        if not made:
            with _making:  # two threads may want their first value at once
                if not made:
                    dataclasses.dataclass(**options)(cls)
                    made = True
        return object.__new__(wanted)

    cls.__new__ = new  # type: ignore[method-assign, assignment]
    return cls
