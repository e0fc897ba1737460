"""`--timings=FILE`: which nodes were made, why, and how long each took, as JSON.

    {"format": 1, "nodes": [{"targets": ["build/.../blog_os"], "recipe": "kernel", "why": "...",
                             "began": 1764240000.0, "seconds": 1.25, "succeeded": true}]}

`began` is in seconds since 1970, `why` what --debug=explain says. The file is written anew after each node: a
build that is killed leaves what was known by then.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bootimage.base.write_files import write_whole

from .scons_types import Nodes

_FORMAT = 1
_made: list[dict[str, Any]] = []
_guard = threading.Lock()


@contextmanager
def noted(file: str, recipe: str, targets: Nodes) -> Iterator[None]:
    """Note how the body makes `targets`, in `file`."""
    about = {"targets": [str(node) for node in targets], "recipe": recipe, "why": _reason(targets)}
    began, clock, succeeded = time.time(), time.monotonic(), False
    try:
        yield
        succeeded = True
    finally:
        seconds = round(time.monotonic() - clock, 3)
        with _guard:
            _made.append({**about, "began": began, "seconds": seconds, "succeeded": succeeded})
            text = json.dumps({"format": _FORMAT, "nodes": _made}, indent=1)
            write_whole(Path(file), f"{text}\n")


def _reason(targets: Nodes) -> str:
    return " ".join(str(targets[0].explain() or "").split())
