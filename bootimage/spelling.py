"""Words that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of `known` most like `word`, at least by `cutoff` (0 to 1: equal); None where none is."""
    import difflib  # needed by few runs

    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=cutoff)
    return near[0] if near else None
