"""The target that crates are compiled for: a built-in triple, or a canonical target specification."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from bootimage.store.store import Store


@dataclass(frozen=True)
class Target:
    """`name` as cargo calls it (a triple, or the file stem), and the canonical JSON of a custom target."""

    name: str
    specification: str | None = None

    @property
    def digest(self) -> str:
        """What tells two targets apart: the triple, or the name and SHA-256 of the specification."""
        if self.specification is None:
            return self.name
        return f"{self.name}:{hashlib.sha256(self.specification.encode()).hexdigest()}"

    def argument(self, store: Store) -> str:
        """What `--target` takes: the triple, or a JSON file at a path in the store that holds its digest."""
        if self.specification is None:
            return self.name
        return str(store.text(f"{self.name}.json", self.specification))


def read_target(path: Path) -> Target:
    """The target of a canonical specification that a TargetSpec node wrote to `path`."""
    return Target(path.stem, path.read_text(encoding="utf-8"))
