"""Flags for rustc, as cargo takes them from its environment."""

from __future__ import annotations

from collections.abc import Sequence


def encoded(flags: Sequence[str]) -> str:
    """The value of CARGO_ENCODED_RUSTFLAGS: spaces in a flag are safe there."""
    return "\x1f".join(flags)
