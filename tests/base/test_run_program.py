"""Running programs: what is kept, what is shown, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from child_processes import runs, started, wait_until

from bootimage.base import console, run_program
from bootimage.base.errors import BuildError
from bootimage.cargo.run_cargo import run_cargo

ENV = {"PATH": os.environ["PATH"]}
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user gets to see on standard error."""
    texts: list[str] = []
    monkeypatch.setattr(console, "write_error", texts.append)
    monkeypatch.delenv("VERBOSE", raising=False)
    return texts


def sh(script: str, **options: object) -> run_program.Finished:
    return run_program.run(["sh", "-c", script], env=ENV, **options)  # type: ignore[arg-type]


def test_streams_and_status_are_kept_apart(shown: list[str]) -> None:
    finished = sh("printf out; printf 'err\\n' >&2; exit 3")
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, b"out", b"err\n")
    assert shown == ["err\n"]


def test_only_the_given_environment(monkeypatch: pytest.MonkeyPatch, shown: list[str]) -> None:
    monkeypatch.setenv("RUSTFLAGS", "-Cleak")
    assert b"leak" not in sh("env").stdout


def test_messages_come_while_the_program_runs(shown: list[str]) -> None:
    times: list[float] = []
    run_program.run(
        ["sh", "-c", "echo one >&2; sleep 0.5; echo two >&2"],
        env=ENV,
        on_stderr=lambda _: times.append(time.monotonic()),
    )
    assert times[1] - times[0] > 0.3


def test_lines_are_whole(shown: list[str]) -> None:
    sh("printf 'a: ' >&2; sleep 0.1; printf 'b\\nlast' >&2; sleep 0.1; printf ' line' >&2")
    assert shown == ["a: b\n", "last line"]


def test_bytes_that_are_not_text(shown: list[str]) -> None:
    finished = sh(r"printf '\377\n\303' >&2; sleep 0.1; printf '\251\n' >&2; printf '\376'")
    assert "".join(shown) == "\ufffd\né\n"
    assert finished.stderr == b"\xff\n\xc3\xa9\n" and finished.stdout == b"\xfe"


def test_more_than_a_pipe_holds(shown: list[str]) -> None:
    finished = sh("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2")
    assert len(finished.stdout) == len(finished.stderr) == 3000000


def test_a_grandchild_that_keeps_the_pipes_is_not_waited_for(shown: list[str]) -> None:
    began = time.monotonic()
    finished = sh("setsid sleep 20 & echo $!; echo told >&2")
    os.kill(int(finished.stdout), signal.SIGKILL)
    assert time.monotonic() - began < 5 and shown == ["told\n"]


def test_what_a_program_says_as_it_ends_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when it ends in the moment between a look for output and one for the program's end."""
    poll, release = subprocess.Popen.poll, tmp_path / "release"

    def end_first(child: subprocess.Popen[bytes]) -> int | None:
        release.touch()
        child.wait()
        return poll(child)

    monkeypatch.setattr(subprocess.Popen, "poll", end_first)
    assert sh(f"while [ ! -e '{release}' ]; do sleep 0.01; done; echo last").stdout == b"last\n"


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["no-such-program"], "cannot run no-such-program: No such file or directory"),
        (["/etc/passwd"], "cannot run /etc/passwd: Permission denied"),
    ],
)
def test_a_program_that_cannot_be_started(argv: list[str], expected: str) -> None:
    with pytest.raises(BuildError, match=expected):
        run_program.run(argv, env=ENV)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no such folder"):
        run_program.run(["true"], env=ENV, cwd=tmp_path / "gone")


@pytest.mark.parametrize(
    ("script", "quiet", "expected"),
    [
        ("echo why >&2; exit 2", False, "error: no core (sh ended with exit status 2)\n  help: mend it"),
        ("echo why >&2; exit 2", True, "error: no core (sh ended with exit status 2):\nwhy\n  help: mend it"),
        ("kill -9 $$", False, "error: no core (sh was ended by SIGKILL)\n  help: mend it"),
    ],
)
def test_failure_as_an_error(shown: list[str], script: str, quiet: bool, expected: str) -> None:
    with pytest.raises(BuildError) as caught:
        sh(script, quiet=quiet).or_fail("no core", hint="mend it")
    assert str(caught.value) == expected
    assert bool(shown) == ("why" in script and not quiet)


def test_success_is_handed_on(shown: list[str]) -> None:
    assert sh("printf yes").or_fail("no").stdout == b"yes"


def test_the_full_command_when_verbose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("VERBOSE", "1")
    folder = tmp_path / "a folder"
    folder.mkdir()
    run_program.run(["printf", "%s", "it's"], env={**ENV, "RUSTFLAGS": "-C x"}, cwd=folder)
    line = capsys.readouterr().out
    assert line == f"(cd '{folder}' && RUSTFLAGS='-C x' printf %s 'it'\"'\"'s')\n"
    assert subprocess.run(["sh", "-c", line], capture_output=True, text=True).stdout == "it's"


def test_several_threads_at_once(shown: list[str]) -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(sh(f"sleep 0.1; echo {n}").stdout))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(f"{n}\n".encode() for n in range(16))


# A process as SCons is one: its handler only raises a flag, the programs run in a worker thread, and
# what they start (a compiler's own children) writes its number down.
WORKER = """
    import os, signal, sys, threading
    from pathlib import Path
    from bootimage.base import child_processes, run_program
    from bootimage.base.errors import BuildError
    HANDLER
    child_processes.watch_signals()
    def work():
        try:
            script = "TRAP sleep 60 & echo $! $$ > pids.new; mv pids.new pids; wait"
            run_program.run(["sh", "-c", script], env=dict(os.environ))
        except BuildError as error:
            print(error, flush=True)
    RUN
"""
IN_THREAD = "t = threading.Thread(target=work); t.start(); t.join()"
FLAG_ONLY = "signal.signal(signal.{}, lambda *_: None)"


@pytest.mark.parametrize(
    ("number", "handler", "run", "trap"),
    [
        (signal.SIGINT, FLAG_ONLY.format("SIGINT"), IN_THREAD, ""),
        (signal.SIGTERM, FLAG_ONLY.format("SIGTERM"), IN_THREAD, ""),
        (signal.SIGINT, FLAG_ONLY.format("SIGINT"), "work()", ""),
        (signal.SIGINT, "", "work()", ""),
        (signal.SIGINT, FLAG_ONLY.format("SIGINT"), IN_THREAD, "trap '' TERM;"),
    ],
    ids=["scons -j2, Ctrl-C", "scons -j2, kill", "scons -j1, Ctrl-C", "no scons, Ctrl-C", "a deaf program"],
)
def test_a_signal_ends_the_children(
    tmp_path: Path, number: signal.Signals, handler: str, run: str, trap: str
) -> None:
    script = WORKER.replace("HANDLER", handler).replace("RUN", run).replace("TRAP", trap)
    with started(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env={**ENV, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as parent:
        wait_until((tmp_path / "pids").exists, 10)
        parent.send_signal(number)
        stdout, _ = parent.communicate(timeout=20)
    assert stdout.decode() == ("error: sh was interrupted\n" if handler else "")
    for pid in (tmp_path / "pids").read_text().split():
        wait_until(lambda pid=pid: not runs(int(pid)), 10)  # type: ignore[misc]


def test_no_zombie_is_left(shown: list[str]) -> None:
    finished = sh("echo $$")
    with pytest.raises(ChildProcessError):
        os.waitpid(int(finished.stdout), 0)


class Progress(console.Step):
    """A step that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("label", None)
        object.__setattr__(self, "told", [])

    def progress(self, done: int, total: int, what: str = "") -> None:
        self.told.append((done, total, what))  # type: ignore[attr-defined]


# Cargo's own bytes, as a nightly of 2026-05-19 writes them (`^M` and `^[` are the control characters).
CARGO = """\
^[[1m^[[92m    Updating^[[0m the index
^[[1m^[[92m     Locking^[[0m 2 packages to latest compatible versions
^[[1m^[[92m   Compiling^[[0m itoa v1.0.19
^[[1m^[[96m    Building^[[0m [                             ] 0/3: ryu, itoa                   ^M^[[K\
^[[1m^[[96m    Building^[[0m [========>                    ] 1/3: ryu                         ^M^[[K\
^[[1m^[[92m   Compiling^[[0m p v0.1.0 (/tmp/w/p)
^[[1m^[[96m    Building^[[0m [==================>          ] 2/3: p(bin)                      ^M^[[K\
^[[1m^[[33mwarning^[[0m^[[1m: unused variable: `x`^[[0m
 ^[[1m^[[94m--> ^[[0msrc/main.rs:1:15
^[[1m^[[92m    Finished^[[0m `dev` profile [unoptimized + debuginfo] target(s) in 0.91s
^[[1m^[[36m    Blocking^[[0m waiting for file lock on package cache
^[[1m^[[36m    Blocking^[[0m waiting for file lock on build directory
""".replace("^M", "\r").replace("^[", "\x1b")


def test_cargo_progress_is_the_steps_and_status_lines_are_swallowed(shown: list[str], tmp_path: Path) -> None:
    step = Progress()
    (tmp_path / "said").write_text(CARGO)
    finished = run_cargo(["sh", "-c", "cat said >&2; env"], env=ENV, step=step, cwd=tmp_path)
    assert step.told == [(0, 3, "ryu, itoa"), (1, 3, "ryu"), (2, 3, "p(bin)")]  # type: ignore[attr-defined]
    assert "".join(shown) == (
        "\x1b[1m\x1b[33mwarning\x1b[0m\x1b[1m: unused variable: `x`\x1b[0m\n"
        " \x1b[1m\x1b[94m--> \x1b[0msrc/main.rs:1:15\n"
        "\x1b[1m\x1b[36m    Blocking\x1b[0m waiting for file lock on build directory\n"
    )
    assert b"CARGO_TERM_PROGRESS_WHEN=always" in finished.stdout


def test_cargo_shows_everything_when_verbose(
    shown: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBOSE", "1")
    (tmp_path / "said").write_text(CARGO)
    finished = run_cargo(["sh", "-c", "cat said >&2; env"], env=ENV, step=Progress(), cwd=tmp_path)
    assert "".join(shown) == CARGO
    assert b"CARGO_TERM_PROGRESS_WHEN=never" in finished.stdout


BETWEEN = """\
import os, signal, sys, time
from bootimage.base import child_processes, run_program
from bootimage.base.errors import BuildError
signal.signal(signal.SIGINT, lambda number, frame: None)
child_processes.watch_signals()
os.kill(os.getpid(), signal.SIGINT)
while not child_processes.interrupted():
    time.sleep(0.01)
try:
    run_program.run(["touch", "made"], env={"PATH": os.environ["PATH"]})
except BuildError as error:
    print(error)
child_processes.begin()
run_program.run(["touch", "made later"], env={"PATH": os.environ["PATH"]})
"""


def test_after_a_signal_nothing_starts_until_something_new_begins(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", BETWEEN],
        cwd=tmp_path,
        env={**ENV, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.stdout == "error: touch was interrupted before it began\n", finished.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["made later"]
