"""The memory of a test that has passed. Every run of scons looks at it, so little is loaded for that."""

from __future__ import annotations

import json
from pathlib import Path

from bootimage.base.json_text import read_object
from bootimage.kernel_test.verdict import Outcome, Result


def write_pass(result: Result, path: Path) -> None:
    """Remember in the file `path` that the test has passed."""
    from bootimage.base.write_files import write_whole

    write_whole(path, json.dumps({"test": result.name, "seconds": result.seconds, "detail": result.detail}))


def read_pass(path: Path) -> Result | None:
    """The result of an earlier run that passed; None where there is none, or none that can be read."""
    known = read_object(path)
    test, detail, seconds = (known.get(key) for key in ("test", "detail", "seconds"))
    if isinstance(test, str) and isinstance(detail, str) and isinstance(seconds, float | int):
        return Result(test, Outcome.PASSED, detail, seconds, None)
    return None
