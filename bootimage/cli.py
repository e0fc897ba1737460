"""The programs `bootimage`, `cargo bootimage` and `cargo disk-image`: which command is meant.

Each command is a module of `bootimage.commands`, imported when it is called: cargo starts the runner once
for every test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from bootimage.base.systems import WINDOWS, is_windows

if is_windows():  # what is imported next is not there
    sys.exit(f"error: {WINDOWS}")

from bootimage.base import console
from bootimage.base.errors import BuildError, closest
from bootimage.base.signals import ending_signals

HELP = """\
Turns a Rust kernel into disk images which boot on BIOS and UEFI

USAGE:
    cargo bootimage [BUILD_OPTS]             Build the kernel here and its images
    cargo disk-image [BUILD_OPTS]            The same, with the arguments of `bootimage build`
    bootimage build [OPTS] [BUILD_OPTS]      The images of a kernel, compiled already or built now
    bootimage runner EXECUTABLE [ARGS]       Boot an executable: the runner for cargo run and cargo test
    bootimage target-spec FILE               Print a target specification, brought up to date
    bootimage init [PATH]                    Write an SConstruct for the kernel in PATH
    bootimage rust-analyzer [--write]        The settings with which rust-analyzer reads the kernel
    bootimage completion SHELL               What bash, zsh or tcsh needs to complete these words

`COMMAND --help` tells more of each.

GENERAL OPTIONS:
    -h, --help     Print this
    --version      Print the version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """`bootimage ARGS`."""
    return _safely(lambda: _bootimage(_words(arguments)))


def cargo_bootimage(arguments: Sequence[str] | None = None) -> int:
    """`cargo bootimage ARGS`. cargo calls its subcommands with their own name first."""
    from bootimage.commands import cargo_bootimage as command

    return _safely(lambda: command.run(_without(_words(arguments), "bootimage")))


def cargo_disk_image(arguments: Sequence[str] | None = None) -> int:
    """`cargo disk-image ARGS`: build the kernels of the package here, and their images."""
    from bootimage.commands import build

    words = _without(_words(arguments), "disk-image")
    return _safely(lambda: build.run(words, program="cargo disk-image"))


def _bootimage(words: list[str]) -> int:
    name = words[0] if words else ""
    if name in ("-h", "--help"):
        console.output(HELP)
        return 0
    if name == "--version":
        from bootimage.commands import version

        console.output(f"{version()}\n")
        return 0
    if not name:
        raise BuildError("a command is missing", hint="bootimage --help")
    return _command(name)(words if name.startswith("--") else words[1:])


def _command(name: str) -> Callable[[Sequence[str]], int]:
    from importlib import import_module

    # Options without a command are those of the text's builder.
    module = "build" if name.startswith("--") else _COMMANDS.get(name)
    if module is None:
        raise BuildError(f"bootimage knows no command `{name}`", hint=_nearest(name))
    run: Callable[[Sequence[str]], int] = import_module(f"bootimage.commands.{module}").run
    return run


_COMMANDS = {
    "build": "build",
    "runner": "runner",
    "target-spec": "target_spec",
    "init": "init",
    "adopt": "init",
    "rust-analyzer": "rust_analyzer",
    "completion": "completion",
}


def _nearest(name: str) -> str:
    near = closest(name, _COMMANDS)
    return f"did you mean `bootimage {near}`?" if near else "bootimage --help lists them"


def _words(arguments: Sequence[str] | None) -> list[str]:
    return list(sys.argv[1:] if arguments is None else arguments)


def _without(words: list[str], name: str) -> list[str]:
    return words[1:] if words[:1] == [name] else words


def _safely(command: Callable[[], int]) -> int:
    """Run `command`: errors of the user's become lines on standard error and exit status 1."""
    try:
        with ending_signals():
            return command()
    except BuildError as error:
        console.write_error(f"{error}\n")
        return 1
    except OSError as error:
        console.write_error(f"{_of_system(error)}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _of_system(error: OSError) -> BuildError:
    """A full disk, a folder that must not be written to: what every file may meet."""
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; what is left to print goes nowhere, and says so no more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BuildError("nobody reads the output any more")
    return BuildError(f"cannot be used: {error.strerror}", file=error.filename)
