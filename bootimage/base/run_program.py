"""Run one program: clean environment, its messages passed on as they come, no child left behind.

Several programs may run at once, in several threads (scons -j). Where Ctrl-C has to end them all,
the main thread calls `watch_signals` first; `run` does so by itself when the main thread calls it.
"""

from __future__ import annotations

import codecs
import contextlib
import math
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bootimage.base import child_processes, console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

Argument = str | os.PathLike[str]

# A child's own child (a compiler cache's server, say) may hold the pipes open after the child's end:
# once the child is gone and nothing has come for this long, reading stops.
_QUIET_S = 0.2
_GRACE_S = 2.0


@dataclass(frozen=True)
class Finished:
    """A program that has ended: its exit status and what it wrote.

    `returncode` is negative for a program ended by a signal; `shown` tells whether the user has
    already seen `stderr`.
    """

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes
    shown: bool

    def or_fail(
        self, message: str, *, file: str | os.PathLike[str] | None = None, hint: str | None = None
    ) -> Finished:
        """Return self if the program succeeded, else raise `BuildError(message)`.

        What the program wrote to standard error is part of the error unless the user has seen it.
        """
        if self.returncode == 0:
            return self
        told = "" if self.shown else console.program_text(decode(self.stderr)).strip()
        text = f"{message} ({program_name(self.argv)} {self._how_it_ended()})"
        raise BuildError(f"{text}:\n{told}" if told else text, file=file, hint=hint)

    def _how_it_ended(self) -> str:
        if self.returncode < 0:
            return f"was ended by {_signal_name(-self.returncode)}"
        return f"ended with exit status {self.returncode}"


def run(
    argv: Sequence[Argument],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    quiet: bool = False,
    on_stderr: Callable[[str], None] | None = None,
    given: bytes = b"",
    at_most: float = math.inf,
) -> Finished:
    """Run `argv` in exactly the environment `env` and return when it has ended.

    `given` is its standard input: a few kilobytes, which fit into a pipe. Standard output is kept;
    standard error is kept and, line by line, shown to the user (handed to `on_stderr` where there is
    one), unless `quiet`. Any exit status is returned: see `Finished.or_fail`. Raises BuildError for a
    program that cannot be started, that runs longer than `at_most` seconds, or that a signal to this
    process has ended.
    """
    words = tuple(os.fspath(word) for word in argv)
    if console.verbose():
        console.say(command_line(words, env=env, cwd=cwd))
    lines = _Lines((lambda _text: None) if quiet else on_stderr or console.write_error)
    with _child(words, env, cwd, given) as child:
        try:
            stdout, stderr = _read_both(child, lines, at_most)
        except TimeoutError:
            raise BuildError(f"{program_name(words)} has not ended after {at_most:g} s") from None
        returncode = child.wait()
    return Finished(words, returncode, stdout, stderr, shown=not quiet)


def command_line(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """The command as one line for a POSIX shell, with the folder and the Rust variables it needs."""
    ours = [
        f"{name}={shlex.quote(value)}"
        for name, value in sorted(env.items())
        if name.startswith(("RUST", "CARGO")) and os.environ.get(name) != value
    ]
    command = " ".join([*ours, shlex.join(argv)])
    return f"(cd {shlex.quote(str(cwd))} && {command})" if cwd else command


def decode(data: bytes) -> str:
    """What a program wrote, as text: UTF-8, with a replacement sign for every byte that is not."""
    return data.decode("utf-8", errors="replace")


class _Lines:
    """Hands text on in whole lines, so that two programs at once do not cut into each other's."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, data: bytes, *, last: bool = False) -> None:
        text = self._rest + self._decoder.decode(data, final=last)
        # A carriage return ends a line too: that is how progress bars are written.
        end = len(text) if last else max(text.rfind("\n"), text.rfind("\r")) + 1
        self._rest = text[end:]
        if end:
            self._show(text[:end])


def _read_both(child: subprocess.Popen[bytes], lines: _Lines, at_most: float) -> tuple[bytes, bytes]:
    assert child.stdout is not None and child.stderr is not None
    began = time.monotonic()
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ, stdout)
        selector.register(child.stderr, selectors.EVENT_READ, stderr)
        while selector.get_map():
            # Asked first: what the child wrote at its end is in the pipes by then.
            ended = child.poll() is not None
            ready = selector.select(timeout=_QUIET_S)
            if ended and not ready:
                break
            if time.monotonic() - began > at_most:
                raise TimeoutError
            for key, _events in ready:
                data = os.read(key.fd, 65536)
                key.data.extend(data)
                if key.fileobj is child.stderr:
                    lines.feed(data)
                if not data:
                    selector.unregister(key.fileobj)
    lines.feed(b"", last=True)
    return bytes(stdout), bytes(stderr)


@contextlib.contextmanager
def _child(
    argv: tuple[str, ...], env: Mapping[str, str], cwd: Path | None, given: bytes
) -> Iterator[subprocess.Popen[bytes]]:
    """The running program; however the body ends, no process and no zombie is left."""
    child = child_processes.start(program_name(argv), lambda: _open(argv, env, cwd, given))
    try:
        _hand_over(child, given)
        yield child
    finally:
        if child.poll() is None:
            _end(child)
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        interrupted = child_processes.forget(child)
    if interrupted:
        raise BuildError(f"{program_name(argv)} was interrupted")


def _hand_over(child: subprocess.Popen[bytes], given: bytes) -> None:
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(given)


def _open(
    argv: tuple[str, ...], env: Mapping[str, str], cwd: Path | None, given: bytes
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A group of its own lets us end a compiler's children with it. Without the watch it stays
            # in ours, where the terminal's Ctrl-C reaches it.
            process_group=0 if child_processes.watch_signals() else None,
        )
    except OSError as error:
        if cwd is not None and not cwd.is_dir():
            raise BuildError("there is no such folder to run a program in", file=cwd) from error
        raise BuildError(
            f"cannot run {argv[0]}: {error.strerror}",
            hint="install it, or name another one; `scons toolchain` shows what is found and what is missing",
        ) from error


def _end(child: subprocess.Popen[bytes]) -> None:
    child_processes.send(child, signal.SIGTERM)
    try:
        child.wait(timeout=_GRACE_S)
    except subprocess.TimeoutExpired:
        child_processes.send(child, signal.SIGKILL)
        child.wait()


def program_name(argv: tuple[str, ...]) -> str:
    """What a user calls the program."""
    return Path(argv[0]).name


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
