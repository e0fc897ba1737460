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
    """The crates `asked` for and those of `unstable.build-std` in the cargo configuration, CRATES first.

    Sorted, so that equal sets are one sysroot. An empty or boolean build-std asks for nothing more.
    """
    return (*CRATES, *sorted({*asked, *_listed(config, "build-std")} - set(CRATES)))


def features_for(config: CargoConfig, asked: Iterable[str] = ()) -> tuple[str, ...]:
    """The features `asked` for and those of `unstable.build-std-features`, FEATURES first."""
    return (*FEATURES, *sorted({*asked, *_listed(config, "build-std-features")} - set(FEATURES)))


def _listed(config: CargoConfig, key: str) -> list[str]:
    found = config.table("unstable").get(key, [])
    words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [name.strip() for word in words if isinstance(word, str) for name in word.split(",") if name]
