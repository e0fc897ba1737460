"""Versions of crates as cargo compares them (semver.org, section 11)."""

from __future__ import annotations

import re

_LONGEST = 255
_NUMBER = r"([0-9]{1,20})"  # of 64 bits
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")

# A part of a pre-release: numbers come before words. They may be of any length, which is compared first.
_Part = tuple[int, int, str]
Order = tuple[int, int, int, bool, tuple[_Part, ...], tuple[_Part, ...]]


def order(version: str) -> Order:
    """A key that sorts versions as cargo does in lock files. ValueError when it is no full version."""
    match = _VERSION.fullmatch(version) if len(version) <= _LONGEST else None
    if match is None:
        raise ValueError(f"`{version[:60]}` is not a version such as 1.2.3")
    major, minor, patch, before, build = match.groups()
    # A pre-release comes before its release.
    numbers = (int(major), int(minor), int(patch))
    return (*numbers, before is None, _parts(before), _parts(build))


def compatible(one: str, other: str) -> bool:
    """True when cargo would take one for the other: no difference up to the first number that is not 0."""
    return _line(order(one)) == _line(order(other))


def _line(version: Order) -> tuple[int, ...]:
    major, minor, patch = version[:3]
    if major:
        return (major,)
    return (0, minor) if minor else (0, 0, patch)


def _parts(text: str | None) -> tuple[_Part, ...]:
    words = text.split(".") if text else []
    return tuple(
        (0, len(word.lstrip("0")), word.lstrip("0")) if word.isdigit() else (1, 0, word) for word in words
    )
