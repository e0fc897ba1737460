"""The commands, one module each: `run(words) -> exit code`. A BuildError reaches `bootimage.cli`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def version() -> str:
    """The line for `--version`: the program whose place this takes, and what this is."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("scons-rustkernel")
    except PackageNotFoundError:  # run from a checkout
        own = "of this folder"
    return f"bootimage 0.10.5 (scons-rustkernel {own})"


@contextmanager
def quiet(wanted: bool) -> Iterator[None]:
    """Drop what the body prints to standard output, where that is `wanted`. Errors are not dropped."""
    with contextlib.ExitStack() as stack:
        if wanted:
            nowhere = stack.enter_context(Path(os.devnull).open("w"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        yield
