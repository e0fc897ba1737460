"""Options that the tool adds to the command line: --release, --rerun, --junit."""

from __future__ import annotations

from typing import Any

import SCons.Script


def release_option() -> bool:
    try:
        SCons.Script.AddOption(
            "--release",
            dest="rust_release",
            action="store_true",
            default=False,
            help="Build Rust kernels with optimizations (the cargo profile `release`).",
        )
    except Exception as error:  # SCons's own optparse: a name that is taken already
        if "conflict" not in type(error).__name__.lower():
            raise
    return bool(SCons.Script.GetOption("rust_release"))


def add_options() -> None:
    """Add `--rerun` and `--junit=FILE` to the command line, once however many environments load the tool."""
    _add_option(
        "--rerun",
        dest="kernel_test_rerun",
        action="store_true",
        default=False,
        help="Run all kernel tests, those too whose image has not changed since they passed.",
    )
    _add_option(
        "--junit",
        dest="kernel_test_junit",
        metavar="FILE",
        nargs=1,
        type="string",
        default=None,
        help="Write the results of the kernel tests to FILE as JUnit XML.",
    )


def _add_option(name: str, **about: Any) -> None:
    try:
        SCons.Script.AddOption(name, **about)
    except Exception as error:  # SCons's own optparse: a name that is taken already
        if "conflict" not in type(error).__name__.lower():
            raise
