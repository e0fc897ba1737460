"""Run cargo: its progress bar becomes the step's, its diagnostics reach the user as it prints them.

Where cargo says that an error is: it names manifests from the folder that it runs in, not the user's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootimage.base import console
from bootimage.base.console import program_text
from bootimage.base.run_program import Argument, Finished, run
from bootimage.cargo.messages import printed_lines

_LINE = re.compile(r"[^\r\n]*(?:\r?\n|\r)|[^\r\n]+\Z")
_ERASE = "\x1b[K"  # what cargo writes to take its progress bar away
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# `    Building [=====>      ] 12/30: core, foo(build)` and a carriage return.
_PROGRESS = re.compile(r" *\w+ \[[=> ]*\] (\d+)/(\d+)(?:: (.*?))? *\r")
# Cargo sets the verb of a status line in the first 12 columns. That it waits for another one is something
# the user wants to know (`Blocking`), but for the short waits of our own that download at once.
_STATUS = re.compile(
    r"(?=.{12} )(?: *)(?:Adding|Building|Checking|Compiling|Dirty|Documenting|Downgrading|Downloaded"
    r"|Downloading|Executable|Finished|Fresh|Ignored|Installing|Locking|Packaging|Removing|Replacing"
    r"|Running|Unchanged|Updating|Upgrading|Blocking waiting for file lock on package cache) *"
)


def run_cargo(
    argv: Sequence[Argument],
    *,
    env: Mapping[str, str],
    step: console.Step | None = None,
    cwd: Path | None = None,
    reword: Callable[[str], str] = str,
) -> Finished:
    """Run the cargo command `argv` in the environment `env` and return when it has ended.

    Warnings and errors are shown as they come, in colour on a terminal. Cargo's progress is shown as
    `step`'s; its status lines (`Compiling core ...`) are shown only under VERBOSE=1. Standard output
    is kept for the caller; of it, what programs have printed among cargo's messages is shown. `reword` says
    what the user reads for a line that names a file of ours. Any exit status is returned:
    `run_cargo(...).or_fail("cannot build x")`.
    """
    show = None if console.verbose() else _CargoMessages(step, cwd, reword).show
    bar = step is not None and not console.verbose()
    finished = run(argv, env=_with_terminal(env, bar=bar), cwd=cwd, on_stderr=show)
    show_printed(finished.stdout)
    return finished


def show_printed(messages: bytes) -> None:
    """Show what programs have printed among cargo's JSON messages, as cargo would on a terminal."""
    for line in printed_lines(messages):
        console.say(program_text(line))


def _with_terminal(env: Mapping[str, str], *, bar: bool) -> dict[str, str]:
    return {
        **env,
        "CARGO_TERM_COLOR": "always" if console.on_terminal() else "never",
        "CARGO_TERM_PROGRESS_WHEN": "always" if bar else "never",
        "CARGO_TERM_PROGRESS_WIDTH": "80",
    }


class _CargoMessages:
    """Passes on what a person should read of cargo's standard error, and the progress to `step`."""

    def __init__(
        self, step: console.Step | None, cwd: Path | None, reword: Callable[[str], str] = str
    ) -> None:
        self._step = step
        self._cwd = cwd
        self._reword = reword

    def show(self, text: str) -> None:
        pieces = (piece.removeprefix(_ERASE) for piece in _LINE.findall(text))
        kept = "".join(self._mended(piece) for piece in pieces if self._is_for_user(piece))
        if kept:
            console.write_error(kept)

    def _mended(self, piece: str) -> str:
        return self._reword(mended_place(piece, self._cwd) if self._cwd else piece)

    def _is_for_user(self, piece: str) -> bool:
        plain = _COLOUR.sub("", piece)
        if self._step is not None and (bar := _PROGRESS.fullmatch(plain)):
            self._step.progress(int(bar[1]), int(bar[2]), bar[3] or "")
            return False
        return not _STATUS.match(plain)


# `  --> path/Cargo.toml:8:5`, perhaps with colours. Of sources, rustc says the place: those stay.
_PLACE = re.compile(
    r"^( *(?:\x1b\[[0-9;]*m)*(?:-->|:::) (?:\x1b\[[0-9;]*m)*)([^\x1b\n]+\.(?:toml|lock))(?=:\d)"
)


def mended_place(line: str, cwd: Path) -> str:
    """A line of cargo's, run in `cwd`, with the place as the user names it: from the user's own folder."""
    found = _PLACE.match(line)
    if found is None or not (path := cwd / found[2]).is_file():
        return line
    return f"{found[1]}{_as_users_name(str(path))}{line[found.end() :]}"


def _as_users_name(path: str) -> str:
    here = os.getcwd()  # noqa: PTH109
    return os.path.relpath(path, here) if path.startswith(f"{here.rstrip('/')}/") else path
