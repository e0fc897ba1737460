"""How each kind of result is made, as a number; a result's key and its node's signature have it.

A new number says: the same inputs now give another result, so what was made before is not to be used. It
costs everybody all results of that kind, and of what is made from them. `tests/recipes/` records what each
recipe does with fixed inputs (commands, environment, bytes), and fails where that changed and the number
did not.

An installed engine needs nothing but the numbers. In a checkout, where code is worked on, they are not
enough: what is half done has the number of what was released. There the code itself counts as well, without
comments and docstrings (`code_state`), so that neither a node nor a cache takes one for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from bootimage.base.code_digests import CodeDigests

RECIPES: Mapping[str, int] = MappingProxyType(
    {
        "target specification": 1,
        "sysroot": 2,
        "kernel": 1,
        "kernel test": 1,
        "test run": 1,
        "stripped kernel": 1,
        "loader 0.9": 3,
        "loader 0.11": 4,
        "image": 2,
        "flat image": 1,
    }
)
"""The number of each recipe; it only ever grows."""

_HERE = Path(__file__).parents[1]


def recipe_number(name: str) -> str:
    """The number of the recipe `name`, as text for a key. Raises KeyError for one that is not listed."""
    return str(RECIPES[name])


@cache
def code_state(*further: Path) -> str:
    """In a checkout, the SHA-256 of what the code of the engine, and of the packages `further`, does.

    Comments, docstrings and layout do not count. Empty where the engine is installed.
    """
    if not (_HERE.parent / "pyproject.toml").is_file():
        return ""
    digest = hashlib.sha256()
    for folder in (_HERE, *further):
        for line in _lines(folder):
            digest.update(line.encode())
    return digest.hexdigest()


def _lines(folder: Path) -> Iterator[str]:
    # Where Python keeps what it compiles: whoever may write there decides what runs anyway.
    for name, digest in CodeDigests(folder / "__pycache__" / "code_digests.txt").of(folder):
        yield f"{name} {digest}\n"
