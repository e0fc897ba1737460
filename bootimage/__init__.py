"""From a Rust kernel to disk images that boot: the engine, which knows nothing of SCons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bootimage.api import create_bootimage, locate_bootloader

__all__ = ["create_bootimage", "locate_bootloader"]


def __getattr__(name: str) -> object:
    # Imported when asked for: a program that needs one module of the engine does not pay for all.
    if name in __all__:
        from bootimage import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
