"""Measure this project against its peers and write docs/benchmark.md: `./sconsw bench`.

A full run takes about a quarter of an hour on two cores and 5 GB of disk. Results are kept, so that a
single row can be measured anew.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path[0] = str(PROJECT)  # instead of this folder, whose modules belong to the package `bench`

from bench import compared, images, many, network, plot, report  # noqa: E402
from bench.compared import Pair  # noqa: E402
from bench.machine_facts import machine_facts  # noqa: E402
from bench.measure import Failed  # noqa: E402
from bench.results import Results, Row, load  # noqa: E402

_DOCS = PROJECT / "docs"
_KINDS = {
    "cold": compared.cold,
    "warm": compared.warm,
    "unchanged": compared.unchanged,
    "edit": compared.edit,
}


def main() -> int:
    """Measure what the command line asks for; 1 where something failed."""
    options = _options()
    options.scratch.mkdir(parents=True, exist_ok=True)
    _only_one(options.scratch)
    shown, begun = _DOCS / "benchmark.json", options.scratch / "benchmark.json"
    results = load((shown, begun), machine_facts(options.scratch), anew=_is_whole(options))
    pairs = [make(options.scratch) for make in (compared.template_pair, compared.bootimage_pair)]
    rows = _rows(options.scratch, pairs, results)
    left_out = _peers_from_nothing(pairs) if options.quick else set()
    chosen = [key for key in _chosen(list(rows), options.only) if key not in left_out]
    measured = [_measure(key, rows, results, begun) for key in chosen]
    return 0 if all(measured) else 1


def _only_one(scratch: Path) -> None:
    """Hold the folder until this process ends: two runs would spoil each other's builds and figures."""
    lock = os.open(scratch / "lock", os.O_RDWR | os.O_CREAT, 0o600)  # closed at the end of the process
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failed(f"another run is busy in {scratch}") from None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./sconsw bench", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="a row (template-edit) or a group of rows (template)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="leave out what would build a peer from nothing, which takes minutes",
    )
    folder = Path(tempfile.gettempdir()) / f"rustkernel-bench-{os.getuid()}"
    parser.add_argument(
        "--scratch", type=Path, default=folder, help="where to build, kept for the next run (%(default)s)"
    )
    return parser.parse_args()


def _is_whole(options: argparse.Namespace) -> bool:
    return not options.only and not options.quick


def _rows(scratch: Path, pairs: list[Pair], results: Results) -> dict[str, Callable[[], Row]]:
    """Name -> how to measure it, in the report's order; the group stands before the `-`."""
    rows: dict[str, Callable[[], Row]] = {}
    for pair in pairs:
        rows |= {f"{pair.group}-{kind}": partial(measure, pair, results) for kind, measure in _KINDS.items()}
        if pair.group == "template":
            rows["template-interactive"] = partial(compared.edit_interactive, scratch)
    rows["floor-unchanged"] = partial(compared.floor, scratch)
    rows["kernels-first"] = partial(many.first, scratch)
    rows["kernels-unchanged"] = partial(many.unchanged, scratch)
    for firmware in ("bios", "uefi"):
        for size in images.SIZES:
            rows[f"images-{firmware}-{size}"] = partial(images.row, scratch, firmware, size)
    rows["network-clone"] = partial(network.clone, scratch)
    return rows


def _chosen(keys: list[str], only: list[str] | None) -> list[str]:
    """The rows that are named, by themselves or by their group; all where nothing is named."""
    groups = {key.partition("-")[0] for key in keys}
    for name in only or []:
        if name not in groups and name not in keys:
            raise Failed(f"no row or group is called {name}; there are: {' '.join(keys)}")
    return [key for key in keys if not only or key in only or key.partition("-")[0] in only]


def _peers_from_nothing(pairs: list[Pair]) -> set[str]:
    """The rows that need a peer's cold build; an earlier run's build serves for the others."""
    return {
        f"{pair.group}-{kind}"
        for pair in pairs
        for kind in _KINDS
        if kind in ("cold", "warm") or not pair.peer.is_built()
    }


def _measure(key: str, rows: dict[str, Callable[[], Row]], results: Results, begun: Path) -> bool:
    """Measure one row, keep it, and write the report; a row that fails keeps its older figures.

    A report of another machine gives way only when all its rows are measured; until then they are in `begun`.
    """
    print(f"{key}: measuring", flush=True)
    try:
        row = rows[key]()
    except Failed as failure:
        print(f"{key}: {failure}", file=sys.stderr, flush=True)
        return False
    print(report.line(row), flush=True)
    results.add(row)
    results.save(begun)
    if not results.cover(_DOCS / "benchmark.json"):
        return True
    results.save(_DOCS / "benchmark.json")
    (_DOCS / "benchmark.md").write_text(report.page(results, list(rows)))
    (_DOCS / "benchmark.svg").write_text(plot.chart(report.ordered(results, list(rows))))
    return True


if __name__ == "__main__":
    # So that what was started for a row (a server, a build) ends with this process.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
