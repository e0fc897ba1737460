"""How files begin that we have written ourselves into the user's folders, and that our builds pass over.

A `.cargo/config.toml` of ours tells a plain cargo what our builds decide anyway; taken as the user's own
words it would come twice. The results of kernel tests are written when the kernel was built: taken as one of
its inputs, they would have it built again after each run of its tests.
"""

from __future__ import annotations

from pathlib import Path

_BEGINNING = "# Written by `bootimage rust-analyzer`"
MARK = f"{_BEGINNING} for cargo check and editors; our own builds pass it over."


def is_marked(text: str) -> bool:
    """Whether the text of a cargo configuration is one that we have written."""
    return text.startswith(_BEGINNING)


RESULTS = "Results of kernel tests, which no build of a kernel reads"
"""The comment at the beginning of a JUnit file."""


def holds_results(path: str) -> bool:
    """Whether a file is one in which we have written how kernel tests ended."""
    if not path.endswith(".xml"):
        return False
    try:
        with Path(path).open("rb") as file:
            return RESULTS.encode() in file.read(200)
    except OSError:
        return False
