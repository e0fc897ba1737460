"""`bootimage completion SHELL`: what a shell needs to complete the words after `bootimage`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import shtab

from bootimage.base import console
from bootimage.commands import build, init, rust_analyzer, target_spec

_SHELLS = ("bash", "zsh", "tcsh")
_COMMANDS = {
    "build": (build.parser, "the images of a kernel"),
    "init": (init.parser, "write an SConstruct"),
    "target-spec": (target_spec.parser, "bring a target specification up to date"),
    "rust-analyzer": (rust_analyzer.parser, "settings for rust-analyzer"),
}


def run(words: Sequence[str]) -> int:
    """Run the command: the script goes to standard output."""
    shell = parser().parse_args(words).shell
    console.output(f"{shtab.complete(_all_commands(), shell)}\n")
    return 0


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="bootimage completion",
        description="Print what a shell needs to complete `bootimage`, for its start-up file: "
        'eval "$(bootimage completion bash)"',
        allow_abbrev=False,
    )
    made.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=f"one of {', '.join(_SHELLS)}")
    return made


def _all_commands() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="bootimage")
    commands = made.add_subparsers()
    for name, (make, what) in _COMMANDS.items():
        _add(commands, name, make(), what)
    _add(commands, "completion", parser(), "complete words in a shell")
    made.add_argument("--version", action="store_true", help="print the version")
    return made


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    given: argparse.ArgumentParser,
    what: str,
) -> None:
    for action in given._actions:
        if action.type is Path:
            folder = action.metavar == "DIR" or name == "init"
            action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined]
    commands.add_parser(name, parents=[given], add_help=False, help=what)
