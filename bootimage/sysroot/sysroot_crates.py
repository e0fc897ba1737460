"""What a sysroot is made of: crates of the standard library, for one target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.target import Target

if TYPE_CHECKING:
    from bootimage.cargo.config import CargoConfig

CRATES = ("core", "compiler_builtins")
"""The crates of every sysroot; `alloc` is added where it is asked for."""

FEATURES = ("compiler-builtins-mem",)
"""`memcpy` and its kin, which no C library provides here."""


@dataclass(frozen=True)
class Sysroot:
    """One sysroot to build: `crates` of the standard library (build-std names) for `target`.

    One that is `small` is optimised across its codegen units too, which takes longer. `flags` are those of a
    kernel's flags for rustc to which it has to fit.
    """

    target: Target
    crates: tuple[str, ...] = CRATES
    features: tuple[str, ...] = FEATURES
    small: bool = False
    flags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What the user reads while it is built."""
        return f"Compiling {', '.join(self.crates)} for {self.target.name}"


def crates_for(config: CargoConfig, asked: Iterable[str] = ()) -> tuple[str, ...]:
    """The crates `asked` for and those that the cargo configuration's build-std lists, CRATES first.

    Sorted, so that equal sets are one sysroot. An empty or boolean build-std asks for nothing more, as do the
    words of `build.build-std` (RFC 3874): a sysroot is always built.
    """
    return (*CRATES, *sorted({*asked, *_listed(config, "build-std", "crates")} - set(CRATES)))


def features_for(config: CargoConfig, asked: Iterable[str] = ()) -> tuple[str, ...]:
    """The features `asked` for and those of `unstable.build-std-features`, FEATURES first."""
    return (*FEATURES, *sorted({*asked, *_listed(config, "build-std-features", "features")} - set(FEATURES)))


_WHEN = {"always", "never"}


def _listed(config: CargoConfig, key: str, part: str) -> list[str]:
    """What `unstable` has as `key`, and what the tables `build-std` of RFC 3875 have as `part`."""
    places = [config.table("build"), *config.table("target").values()]
    stable = [_part(each.get("build-std"), part) for each in places if isinstance(each, dict)]
    return [name for found in (config.table("unstable").get(key), *stable) for name in _names(found)]


def _part(found: object, part: str) -> object:
    """One part of a table; what is no table lists the crates."""
    if isinstance(found, dict):
        return found.get(part)
    return found if part == "crates" else None


def _names(found: object) -> list[str]:
    words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    names = [name.strip() for word in words if isinstance(word, str) for name in word.split(",")]
    return [name for name in names if name and name not in _WHEN]
