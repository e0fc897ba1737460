"""Goals that tell rather than build: `scons toolchain` and `scons store`."""

from __future__ import annotations

from typing import Any

from bootimage.errors import BuildError

from . import face


def generate(env: Any) -> None:
    """Add the goals to the build, once however many environments load the tool."""
    for name, tell in (("toolchain", _toolchain), ("store", _store)):
        if not env.Alias(name)[0].has_builder():
            env.AlwaysBuild(env.Alias(name, [], env.Action(tell, lambda target, source, env: "")))


def _toolchain(target: Any, source: Any, env: Any) -> int:
    from bootimage.toolchain_table import table

    return _print(lambda: table(face.toolchain(env)))


def _store(target: Any, source: Any, env: Any) -> int:
    from bootimage.store_report import report_lines

    return _print(lambda: report_lines(face.context(env).store))


def _print(lines: Any) -> int:
    try:
        print("\n".join(lines()))
    except BuildError as error:
        print(error)
        return 1
    return 0
