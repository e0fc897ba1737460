"""The error for a cargo that has failed, with advice only where its cause was recognised."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.run_program import Finished, decode
from bootimage.cargo.messages import rendered_errors

_ERROR = re.compile(r"error(?:\[\w+\])?: (.*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def cargo_failure(
    what: str, finished: Finished, advice: Callable[[str], str | None], file: Path | None = None
) -> BuildError:
    """The error for a cargo that has failed: `what`, and at its end the first thing that went wrong.

    The compiler's errors, which were data, are shown. `advice` knows what helps against some of them and
    of cargo's own, which come after them; where it is None, cargo's words stand last.
    """
    errors = rendered_errors(finished.stdout)
    console.write_error(errors)
    first = _first_error(errors) or _first_error(decode(finished.stderr)) or _how_it_ended(finished)
    return BuildError(f"{what}: {first}", file=file, hint=advice(errors + decode(finished.stderr)))


def _first_error(text: str) -> str:
    """What stands on the first line that reports an error, without the colours of a terminal."""
    plain = _COLOUR.sub("", text)
    found = (match[1] for line in plain.splitlines() if (match := _ERROR.match(line)))
    return next(found, "")


def _how_it_ended(finished: Finished) -> str:
    """Cargo's last line; where it wrote none, its exit status."""
    last = decode(finished.stderr).strip().rpartition("\n")[2]
    return last or f"cargo ended with exit status {finished.returncode}"
