"""What the user sees while things are built: plain lines, or a live display on a terminal.

On a terminal every running step shows its name, crates done of how many, and its time; otherwise a
step is one plain line. Steps may run in several threads at once (scons -j), so the display is shared.

Text from outside (a project's files, a cache server, a guest) may contain what a terminal obeys. All that is
printed passes through `printable` or `program_text`.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID
    from rich.table import Column

_EVEN_IN_SILENCE = ("warning: ", "  help: ")


# What a terminal obeys (C0, DEL, C1), what turns the direction of writing or is not seen, half characters.
# Patterns are compiled when the first such character is met: most runs meet none.
_UNSAFE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f"
)
# ECMA-48: CSI; OSC, DCS, SOS, PM, APC up to their end or, never ended, to the end of the line; other escapes.
_SEQUENCE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\n\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_COLOUR = r"\x1b\[[0-9;:]*m"
_RESET = "\x1b[0m"
_NEVER = "(?!)"
_PROGRESS = rf"{_COLOUR}|\x1b\[K|\r"


def printable(text: str) -> str:
    r"""`text` as one line that no terminal obeys: control characters and their like are shown, as `\x1b`."""
    return text if text.isprintable() else re.sub(rf"[{_UNSAFE}\t\n]", _escaped, text)


def printable_lines(text: str) -> str:
    """The same for text of several lines, with its line ends and tabs."""
    return text if text.isprintable() else re.sub(rf"[{_UNSAFE}]", _escaped, text)


def program_text(text: str, *, colours: bool = False, progress: bool = False) -> str:
    """What a program or a guest wrote, in lines, without the sequences that a terminal obeys.

    Each sequence is removed as a whole, and so are other control characters. With `colours`, those that
    set a colour stay; with `progress`, what a progress bar is written with stays too.
    """
    if text.isprintable():
        return text
    kept = _PROGRESS if progress else _COLOUR if colours else _NEVER
    return re.sub(rf"({kept})|{_SEQUENCE}|[{_UNSAFE}]", lambda found: found[1] or "", text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def verbose() -> bool:
    """True when the user asked for full commands (VERBOSE=1)."""
    return os.environ.get("VERBOSE", "") not in ("", "0")


def guest_colours() -> bool:
    """True when the user wants to see the colours of a guest under test (RUSTKERNEL_GUEST_COLOURS=1)."""
    return os.environ.get("RUSTKERNEL_GUEST_COLOURS", "") not in ("", "0")


def on_terminal() -> bool:
    """True when somebody is there to see a live display."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def be_silent() -> None:
    """From now on, show warnings and errors alone (scons -s)."""
    _display.silent = True


def say(line: str) -> None:
    """Print one line to the user, above the live display where there is one."""
    if not _display.silent or line.startswith(_EVEN_IN_SILENCE):
        _show(printable_lines(line))


def say_of_guest(line: str) -> None:
    """The same for a line that a guest wrote: without its sequences, and with its colours only on request."""
    line = program_text(line, colours=guest_colours())
    if not _display.silent:
        _show(f"{line}{_RESET}" if "\x1b" in line else line)


def output_of_guest(text: str) -> None:
    """Print what a guest wrote to standard output, without its sequences; its colours only on request."""
    _write_out(program_text(text, colours=guest_colours()))


def output_of_terminal(text: str) -> None:
    """Print what a guest writes to the user's own terminal: every sequence too, as the user wished."""
    _write_out(text)


def output(text: str) -> None:
    """Print what a command is asked for to standard output, in one piece, in silence too."""
    _write_out(printable_lines(text))


def _write_out(text: str) -> None:
    """Write to standard output in one piece; signs that its encoding does not have are escaped."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _show(line: str) -> None:
    display = _display.progress
    if display is not None:
        display.console.print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        # In one piece: with scons -j, another thread may print at the same time.
        _write_out(f"{line}\n")


def announce(line: str) -> None:
    """Print one line about what is begun, unless somebody else has told of that: see `told_by_others`."""
    if not _thread.told_by_others:
        say(line)


@contextmanager
def told_by_others() -> Iterator[None]:
    """Neither announcements nor steps of this thread are shown during the body: its caller tells of them."""
    _thread.told_by_others = True
    try:
        yield
    finally:
        _thread.told_by_others = False


class _Thread(threading.local):
    told_by_others = False


_thread = _Thread()


def write_error(text: str) -> None:
    """Pass on `text` (a compiler's diagnostics, colours and progress bar included) to standard error."""
    with _errors, _paused(_display.progress):
        sys.stderr.write(program_text(text, progress=True))
        sys.stderr.flush()


_errors = threading.Lock()


@contextmanager
def _paused(display: Progress | None) -> Iterator[None]:
    if display is not None:
        display.stop()
    yield
    if display is not None:
        display.start()


@dataclass(frozen=True)
class Step:
    """One long piece of work that is shown to the user while it runs."""

    label: str
    task: TaskID | None

    def progress(self, done: int, total: int, what: str = "") -> None:
        """Show that `done` of `total` crates are built, and which one is at work (`what`)."""
        display = _display.progress
        if display is not None and self.task is not None:
            display.update(self.task, completed=done, total=total, what=printable(what))


@contextmanager
def step(label: str) -> Iterator[Step]:
    """Show `label` while the body runs: a live line on a terminal, one plain line elsewhere."""
    label = printable(label)
    if not on_terminal() or _display.silent or _thread.told_by_others:
        announce(label)
        yield Step(label, None)
        return
    task = _display.enter(label)
    try:
        yield Step(label, task)
    finally:
        _display.leave(task)


class _Display:
    """The one live display of this process, started by its first step and stopped after its last."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.silent = False
        self._running = 0
        self._lock = threading.Lock()

    def enter(self, label: str) -> TaskID:
        with self._lock:
            if self.progress is None:
                self.progress = _new_progress()
                self.progress.start()
            self._running += 1
            return self.progress.add_task(label, total=None, what="")

    def leave(self, task: TaskID) -> None:
        with self._lock:
            assert self.progress is not None
            done = next(each for each in self.progress.tasks if each.id == task)
            self.progress.remove_task(task)
            self.progress.console.print(
                f"{done.description} [{done.elapsed or 0:.1f} s]", markup=False, highlight=False
            )
            self._running -= 1
            if self._running == 0:
                self.progress.stop()
                self.progress = None


def _new_progress() -> Progress:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    whole, cut = Column(no_wrap=True), Column(no_wrap=True, overflow="ellipsis", ratio=1)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=whole),
        _crate_count(whole),
        TimeElapsedColumn(whole),
        TextColumn("{task.fields[what]}", style="dim", markup=False, table_column=cut),
        console=Console(stderr=True),
        transient=True,
    )


def _crate_count(column: Column) -> ProgressColumn:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class CrateCount(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{int(task.completed)}/{int(task.total)} crates" if task.total else "")

    return CrateCount(column)


_display = _Display()


def shown(path: Path) -> str:
    """`path` as the user would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
