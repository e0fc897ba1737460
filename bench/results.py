"""What was measured: rows with their goals, kept in a file so that one row can be measured anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.measure import Cost, Failed

GoalKind = Literal["ratio", "excess", "seconds", "speed", "none"]


@dataclass(frozen=True)
class Goal:
    """What our figure has to reach beside the other one.

    ratio: at most `limit` of its time. excess: at most `limit` seconds more. seconds: at most `limit`
    seconds. speed: at least `limit` of its speed. none: reported only.
    """

    kind: GoalKind = "none"
    limit: float = 0.0

    def value(self, ours: Cost, other: Cost | None) -> float:
        """The figure that is compared with the limit."""
        if self.kind == "seconds" or other is None:
            return ours.wall
        if self.kind == "excess":
            return ours.wall - other.wall
        return other.wall / ours.wall if self.kind == "speed" else ours.wall / other.wall

    def is_met(self, ours: Cost, other: Cost | None) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.kind == "none":
            return None
        value = self.value(ours, other)
        return value >= self.limit if self.kind == "speed" else value <= self.limit


@dataclass(frozen=True)
class Row:
    """One comparison. `group` and `name` identify it; `note` says what a reader must know."""

    group: str
    name: str
    title: str
    ours: Cost
    other: Cost | None = None
    other_name: str = ""
    goal: Goal = field(default_factory=Goal)
    note: str = ""

    @property
    def key(self) -> str:
        """Its name on the command line, as `template-edit`."""
        return f"{self.group}-{self.name}"


@dataclass
class Results:
    """All rows measured so far on this machine with these programs; `machine` tells both."""

    machine: Mapping[str, str]
    rows: dict[str, Row] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Keep a row, in place of an older one of the same name."""
        self.rows[row.key] = row

    def cover(self, path: Path) -> bool:
        """Whether there is a row here for each that is kept at `path`: none would be lost."""
        return not path.exists() or json.loads(path.read_text())["rows"].keys() <= self.rows.keys()

    def save(self, path: Path) -> None:
        """Write everything to `path`, replaced only when complete."""
        document = {
            "machine": dict(self.machine),
            "rows": {key: asdict(row) for key, row in self.rows.items()},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps(document, indent=1) + "\n")
        partial.replace(path)


def load(paths: Sequence[Path], machine: Mapping[str, str], anew: bool) -> Results:
    """The results kept at the first of `paths` that are of this machine and these programs.

    Where there are others only, they give way to a whole run: `anew` says that it is one. Otherwise Failed
    is raised, since figures of two machines do not mix.
    """
    others = [path for path in paths if path.exists()]
    for path in others:
        document = json.loads(path.read_text())
        if document["machine"] == dict(machine):
            return Results(machine, {key: _row(row) for key, row in document["rows"].items()})
    if others and not anew:
        name = others[0].name
        raise Failed(f"{name} is of another machine or other programs: measure everything, or remove it")
    return Results(machine)


def _row(data: dict[str, Any]) -> Row:
    other = Cost(**data["other"]) if data["other"] else None
    return Row(**{**data, "ours": Cost(**data["ours"]), "other": other, "goal": Goal(**data["goal"])})
