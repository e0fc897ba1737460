"""The benchmark's report: what was measured on one machine is not lost to half a run on another."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.measure import Cost, Failed
from bench.results import Results, Row, load

ROWS = [Row("demo", name, name, Cost(1.0, 1.0, 1)) for name in ("cold", "edit")]
HERE, THERE = {"cpu": "this"}, {"cpu": "another"}


def kept(path: Path, machine: dict[str, str], *rows: Row) -> Results:
    results = Results(machine)
    for row in rows:
        results.add(row)
    results.save(path)
    return results


def test_half_a_run_on_another_machine_does_not_cover_the_report(tmp_path: Path) -> None:
    shown = tmp_path / "shown.json"
    kept(shown, THERE, *ROWS)
    results = Results(HERE)
    results.add(ROWS[0])
    assert not results.cover(shown)
    results.add(ROWS[1])
    assert results.cover(shown)
    assert Results(HERE).cover(tmp_path / "none.json")


def test_what_was_begun_is_gone_on_with(tmp_path: Path) -> None:
    shown, begun = tmp_path / "shown.json", tmp_path / "begun.json"
    kept(shown, THERE, *ROWS)
    with pytest.raises(Failed, match="another machine"):
        load((shown, begun), HERE, anew=False)
    assert load((shown, begun), HERE, anew=True).rows == {}
    kept(begun, HERE, ROWS[0])
    assert load((shown, begun), HERE, anew=False).rows == {"demo-cold": ROWS[0]}
