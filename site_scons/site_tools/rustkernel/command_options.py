"""What the tool adds to the command line: --release, --rerun, --junit, --timings; and goals in `scons -h`."""

from __future__ import annotations

from typing import Any

import SCons.Script

from .scons_types import Env


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


TIMINGS = "rust_timings"
_described: set[str] = set()


def describe_goal(env: Env, name: str, about: str) -> None:
    """Have `scons -h` name the goal, once however many environments add to it."""
    if not env.GetOption("help") or name in _described:
        return
    title = "" if _described else "\nGoals for Rust kernels:\n"
    _described.add(name)
    env.Help(f"{title}  {name.replace('$', '$$'):<24}{about}\n", append=True)


def add_options() -> None:
    """Add the options to the command line, once however many environments load the tool."""
    _add_option(
        "--timings",
        dest=TIMINGS,
        metavar="FILE",
        nargs=1,
        type="string",
        default=None,
        help="Write to FILE which nodes of Rust kernels were made, why, and how long each took, as JSON.",
    )
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
