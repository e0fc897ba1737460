"""The results as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from bench.measure import MIB, Cost
from bench.plot import seconds
from bench.results import Results, Row

GROUPS = {
    "template": "The demo beside the 0.11 template: `bootloader` 0.11.15, artifact dependency, build script",
    "bootimage": "`cargo bootimage` beside `cargo bootimage` 0.10.5, on `examples/vga_text`",
    "floor": "Nothing changed, beside SCons's own empty run",
    "kernels": "A hundred kernels with one target and one loader",
    "images": "Writing an image, beside `cp --sparse=never` of the same kernel",
    "network": "A fresh clone, with a network cache on loopback",
}
_HEAD = """\
# Benchmark

Written by `./sconsw bench`, which measures everything below anew; `./sconsw bench --help` tells how
to measure one row. The figures of a row come from one run of that command on one machine, round by round in
turn (ours, the peer's, ours, the peer's), and are the medians of its rounds.

![Times of this project and of its peers](benchmark.svg)

- Time is the whole process's, from its start to its end. In brackets: processor time of all its
  children together, and the largest resident memory of any one process (the measuring program's own,
  about 24 MiB, is the least that can be seen).
- Every crate is downloaded before anything is measured, for both sides, and the network is off then.
- *Cold*: no store, no target folder. *Warm store*: a new project where another one has been built; the
  peers share nothing between projects, so their figure is the cold one.
- *One line edited*: a number in the kernel's `main.rs` becomes another one, and the images must differ
  from those before.
- Images are written by a Python that runs already, as in a build; `cp` is a process of its own.
"""


def page(results: Results, order: Sequence[str]) -> str:
    """The whole page; `order` are the keys of rows in the order to show them."""
    rows = ordered(results, order)
    parts = [_HEAD, *(f"- {label}: {text}" for label, text in results.machine.items())]
    for group, members in groupby(rows, key=lambda row: row.group):
        parts += ["", f"## {GROUPS[group]}", "", *_table(list(members))]
    return "\n".join(parts) + "\n"


def ordered(results: Results, order: Sequence[str]) -> list[Row]:
    """The rows that there are, in `order`."""
    return [results.rows[key] for key in order if key in results.rows]


def line(row: Row) -> str:
    """One row in one line, for the terminal."""
    other = f", {row.other_name} {_cost(row.other)}" if row.other else ""
    return f"{row.key}: ours {_cost(row.ours)}{other}; {_compared(row)} ({_goal(row)}: {_reached(row)})"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield f"| | this project | {rows[0].other_name or '-'} | rounds | compared | to reach | reached |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        figures = (_cost(row.ours), _cost(row.other), str(row.ours.runs))
        yield f"| {' | '.join((row.title, *figures, _compared(row), _goal(row), _reached(row)))} |"
    notes = [f"{row.title}: {row.note}." for row in rows if row.note]
    yield from (text for note in notes for text in ("", note))


def _cost(cost: Cost | None) -> str:
    if cost is None:
        return "-"
    return f"{seconds(cost.wall)} ({seconds(cost.cpu)}, {cost.memory / MIB:.0f} MiB)"


def _compared(row: Row) -> str:
    if row.other is None:
        return "-"
    if row.goal.kind == "excess":
        return f"{(row.ours.wall - row.other.wall) * 1000:+.0f} ms"
    if row.goal.kind == "speed":
        return f"{row.other.wall / row.ours.wall:.2f} of its speed"
    return f"{row.ours.wall / row.other.wall:.3f} of its time"


def _goal(row: Row) -> str:
    limit = row.goal.limit
    return {
        "ratio": f"at most {limit:g} of its time",
        "excess": f"at most {limit * 1000:+.0f} ms",
        "seconds": f"at most {limit:g} s",
        "speed": f"at least {limit:g} of its speed",
        "none": "-",
    }[row.goal.kind]


def _reached(row: Row) -> str:
    met = row.goal.is_met(row.ours, row.other)
    return "-" if met is None else "yes" if met else "**no**"
