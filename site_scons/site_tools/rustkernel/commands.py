"""Goals that tell rather than build: `scons toolchain` and `scons store`."""

from __future__ import annotations

from typing import Any

from bootimage import report

from . import face


def generate(env: Any) -> None:
    """Add the goals to the build, once however many environments load the tool."""
    for name, tell in (("toolchain", _toolchain), ("store", _store)):
        if not env.Alias(name)[0].has_builder():
            face.goal(env, name, [], tell)


def _toolchain(_target: face.Nodes, _source: face.Nodes, env: Any) -> None:
    from bootimage.toolchain.table import table

    report.output("\n".join([*table(face.toolchain(env)), ""]))


def _store(_target: face.Nodes, _source: face.Nodes, env: Any) -> None:
    from bootimage.store.report import report_lines

    report.output("\n".join([*report_lines(face.context(env).store), ""]))
