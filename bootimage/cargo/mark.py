"""The first line of a `.cargo/config.toml` that we have written ourselves, and that our builds pass over.

It tells a plain cargo what our builds decide anyway; taken as the user's own words it would come twice.
"""

from __future__ import annotations

_BEGINNING = "# Written by `bootimage rust-analyzer`"
MARK = f"{_BEGINNING} for cargo check and editors; our own builds pass it over."


def is_marked(text: str) -> bool:
    """Whether the text of a cargo configuration is one that we have written."""
    return text.startswith(_BEGINNING)
