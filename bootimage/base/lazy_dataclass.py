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

__all__ = ["dataclass", "make_ready"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, **options: bool) -> type | Callable[[type], type]:
        """`dataclasses.dataclass`; a class of these must not be the base of another one."""
        return _deferred(cls, options) if cls else lambda given: _deferred(given, options)


T = TypeVar("T")
_making = RLock()
_deferred_in: list[tuple[str, Callable[[], None]]] = []


def make_ready(*packages: str) -> None:
    """Make the classes of all modules of these packages that are loaded, where there is time to."""
    for module, make in _deferred_in:
        if module.startswith(packages):
            make()


def _deferred(cls: type[T], options: dict[str, bool]) -> type[T]:
    made = False

    def make() -> None:
        nonlocal made
        with _making:  # two threads may want their first value at once
            if not made:
                dataclasses.dataclass(**options)(cls)
                made = True

    # Not in __init__, which is not there for a moment while the class is made: threads come by here first.
    def new(wanted: type[T], *_values: object, **_named: object) -> T:
        if not made:
            make()
        return object.__new__(wanted)

    _deferred_in.append((cls.__module__, make))
    cls.__new__ = new  # type: ignore[method-assign, assignment]
    return cls
