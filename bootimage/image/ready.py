"""Load what makes images of a kernel, at a time when there is nothing else to do.

After an edit, that would take longer than to make them.
"""

from __future__ import annotations

from importlib import import_module

from bootimage.dataclass import make_ready


def load_image_writers() -> None:
    """Load the modules, and those they load when first needed, and make their classes."""
    for name in ("bootimage.image.image", "elftools.elf.structs"):
        import_module(name)
    make_ready("bootimage.image", "bootimage.disk")
