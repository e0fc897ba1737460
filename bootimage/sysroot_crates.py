"""What a sysroot is made of: crates of the standard library, for one target."""

from __future__ import annotations

from dataclasses import dataclass

from bootimage.target import Target

CRATES = ("core", "compiler_builtins")
"""The crates of every sysroot; `alloc` is added where it is asked for."""

FEATURES = ("compiler-builtins-mem",)
"""`memcpy` and its kin, which no C library provides here."""


@dataclass(frozen=True)
class Sysroot:
    """One sysroot to build: `crates` of the standard library (build-std names) for `target`."""

    target: Target
    crates: tuple[str, ...] = CRATES
    features: tuple[str, ...] = FEATURES

    @property
    def label(self) -> str:
        """What the user reads while it is built."""
        return f"Compiling {', '.join(self.crates)} for {self.target.name}"
