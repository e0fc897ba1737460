"""Try README's two commands on new machines: `./sconsw test --fresh[=MACHINE,...] [--anew]`.

Each machine is a root made by debootstrap, with this checkout in it as a clone has it (see new_machine.py).
All of them take half an hour; the log of each is kept beside the roots, in the folder that `--scratch` names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from fresh.new_machine import USER, Kind, new_machine, suite_root

from bootimage.base.errors import BuildError

PROJECT = Path(__file__).resolve().parent.parent.parent
_BOOKWORM = ("bookworm-updates", "bookworm-security")
_BACKPORT = Kind(
    "bookworm", (*_BOOKWORM, "bookworm-backports"), ("ca-certificates", "qemu-utils/bookworm-backports")
)
_PLAIN = ("ca-certificates", "python3")  # without root's rights, Python has to be there

MACHINES = {
    "bookworm": Kind("bookworm", _BOOKWORM),
    "bookworm-old-lists": Kind("bookworm"),
    "bookworm-backport": _BACKPORT,
    "bookworm-user": Kind("bookworm", _BOOKWORM, _PLAIN, USER),
    "bookworm-rustup": replace(_BACKPORT, rustup=True),
    "bookworm-user-rustup": Kind("bookworm", _BOOKWORM, (*_PLAIN, "gcc", "libc6-dev"), USER, rustup=True),
    "trixie": Kind("trixie"),
    "trixie-user": Kind("trixie", (), _PLAIN, USER),
    "testing": Kind("testing"),
}
"""Name -> the kind of machine."""

# What `./sconsw test` runs there: each asks for another part of what it has installed.
_TESTS = ("tests/machine", "tests/disk", "tests/set_up/test_python_environment.py")
# With a Python newer than the one that the whole tests run on, the table of rebuilds too.
_GRAPH = ("tests/tool/test_rebuilds.py",)


def main() -> int:
    """Try the machines that the command line names; 1 where something failed."""
    options = _options()
    options.scratch.mkdir(parents=True, exist_ok=True)
    chosen = options.machines.split(",") if options.machines else list(MACHINES)
    if unknown := set(chosen) - set(MACHINES):
        raise BuildError(f"no machine is called {min(unknown)}", hint=f"there are: {' '.join(MACHINES)}")
    if options.anew:
        for suite in sorted({MACHINES[name].suite for name in chosen}):
            suite_root(suite, options.scratch, anew=True)
    failed = [name for name in chosen if not _works(name, options)]
    return int(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./sconsw test")
    parser.add_argument("--fresh", dest="machines", nargs="?", help="the machines, all unless some are named")
    parser.add_argument("--anew", action="store_true", help="make the suites' roots again")
    parser.add_argument("--demo", action="store_true", help="the first command alone")
    folder = Path(tempfile.gettempdir(), "rustkernel-fresh")
    parser.add_argument("--scratch", type=Path, default=folder, help="where the roots are (%(default)s)")
    return parser.parse_args()


def _works(name: str, options: argparse.Namespace) -> bool:
    """Try one machine, and print a line for each command."""
    log = options.scratch / f"{name}.log"
    log.unlink(missing_ok=True)
    tests = _TESTS if MACHINES[name].suite == "bookworm" else (*_TESTS, *_GRAPH)
    commands = [("run-qemu",)] if options.demo else [("run-qemu",), ("test", "-q", "-m", "not rust", *tests)]
    with new_machine(MACHINES[name], PROJECT, options.scratch, log) as machine:
        for command in commands:
            began = time.monotonic()
            status = machine.run("./sconsw", *command)
            took = time.monotonic() - began
            print(f"{name}: ./sconsw {command[0]}: exit status {status}, {took:.0f} s", flush=True)
            if status:
                print("".join(log.read_text(errors="replace").splitlines(keepends=True)[-40:]), flush=True)
                return False
    return True


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BuildError as error:
        sys.exit(f"fresh: {error}")
