"""What a guest writes to its serial line: kept within bounds, and shown as it comes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from bootimage.base import console

Sink = Callable[[bytes], None]

_LONGEST_LINE = 4096
_MOST_SHOWN = 4 << 20


class SerialLog:
    """Keeps the first and the last bytes of a serial line, `limit` bytes in all, however much comes."""

    def __init__(self, limit: int = 1024 * 1024) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        """Take in what came next."""
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Cut only now and then: each cut moves the whole tail.
        if len(self._tail) > 2 * self._half:
            self._cut()

    def _cut(self) -> None:
        excess = max(0, len(self._tail) - self._half)
        self._left_out += excess
        del self._tail[:excess]

    def content(self) -> bytes:
        """All that is kept; where something was left out, a line says how much."""
        self._cut()
        gap = b"\n[... %d bytes left out ...]\n" % self._left_out if self._left_out else b""
        return bytes(self._head) + gap + bytes(self._tail)

    def last_lines(self, count: int) -> list[str]:
        """The last `count` lines, as text, without what cannot be printed."""
        lines = self.content()[-64 * 1024 :].decode(errors="replace").splitlines()
        return [console.program_text(line)[-_LONGEST_LINE:] for line in lines[-count:]]


def to_stdout() -> Sink:
    """Shows a guest's serial line on standard output, every byte as it comes."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def show(data: bytes) -> None:
        console.output_of_terminal(decoder.decode(data))

    return show


# A control sequence that has begun and not ended (see `report.program_text`).
_UNFINISHED = re.compile(
    r"(?:(?:\x1b\[|\x9b)[0-?]*[ -/]*|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\n\x07\x1b\x9c]*\x1b?|\x1b[ -/]*)\Z"
)


def as_text() -> Sink:
    """Shows a guest's serial line on standard output as it comes, without what a terminal obeys."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""

    def show(data: bytes) -> None:
        nonlocal rest
        text = rest + decoder.decode(data)
        begun = _UNFINISHED.search(text)
        rest = begun[0] if begun and len(begun[0]) < _LONGEST_LINE else ""
        console.output_of_guest(text.removesuffix(rest))

    return show


class LineSink:
    """Shows a guest's serial line in whole lines, each after a prefix: several guests may speak at once.

    After `limit` characters nothing more is shown: the log keeps what came last.
    """

    def __init__(
        self, prefix: str, show: Callable[[str], None] = console.say_of_guest, limit: int = _MOST_SHOWN
    ) -> None:
        self._prefix = prefix
        self._show = show
        self._left = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def __call__(self, data: bytes) -> None:
        """Show the lines that `data` completes; an endless line is cut."""
        if self._left <= 0:
            return
        *lines, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            self._show_line(line.rstrip("\r"))

    def _show_line(self, line: str) -> None:
        if self._left > 0:
            self._left -= len(line) + 1
            self._show(self._prefix + line)
            if self._left <= 0:
                self._show(f"{self._prefix}[... what the guest writes from here on is not shown ...]")

    def close(self) -> None:
        """Show the last line, if it was not ended."""
        if self._rest:
            self._show_line(self._rest)
            self._rest = ""
