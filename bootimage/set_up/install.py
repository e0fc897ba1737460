"""Run the commands that install something: announced, and quiet unless they fail."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence

from bootimage.base import console
from bootimage.base.errors import BuildError


def announce(what: str, command: str) -> None:
    """Tell the user, in one line, what is about to be installed, and how."""
    console.output(f"sconsw: {what} ({command})\n")


def install(
    what: str, command: Sequence[str], environ: Mapping[str, str], *, shown: str | None = None
) -> None:
    """Announce and run `command`. Raises BuildError with its output where it fails.

    `shown` is the command as a person would type it, where that is shorter.
    """
    announce(what, shown or shlex.join(command))
    if output := failure(command, environ):
        raise BuildError(
            f"{what} failed:\n{output}", hint=f"see to that, and try again: {shlex.join(command)}"
        )


def succeeds(command: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether there is the program of `command`, and it ends well."""
    return shutil.which(command[0], path=environ.get("PATH")) is not None and not failure(command, environ)


def failure(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """What `command` wrote if it failed, else nothing. On a terminal its progress is shown as it comes."""
    watched = sys.stderr.isatty() and command[0] == "rustup"
    finished = subprocess.run(
        command,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if watched else subprocess.STDOUT,
        check=False,
    )
    if finished.returncode == 0:
        return ""
    output = _without_traceback(finished.stdout.decode(errors="replace").strip())
    return output or f"exit status {finished.returncode}"


def _without_traceback(text: str) -> str:
    """What a program says of its failure, but not where in its own Python code that was."""
    before, found, after = text.partition("Traceback (most recent call last):")
    return before.strip() or after.strip().splitlines()[-1] if found and after.strip() else text
