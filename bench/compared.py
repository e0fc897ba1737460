"""Rows against the peers: cold, a new project with a warm store, nothing changed, one line edited."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench import ours, peers
from bench.interactive import session
from bench.measure import Cost, Failed, interleaved
from bench.project import Project, environment
from bench.results import Goal, Results, Row

_OFTEN, _SOME, _FEW = 9, 5, 3


@dataclass(frozen=True)
class Pair:
    """Ours and a peer on the same kernel.

    `fresh` is ours as another project on the same machine; `cache` is the folder of our store;
    `set_up` installs the programs of both.
    """

    group: str
    ours: Project
    fresh: Project
    peer: Project
    cache: Path
    goals: Mapping[str, Goal]
    set_up: Callable[[], None]


def template_pair(scratch: Path) -> Pair:
    """The demo against the template for loader 0.11."""
    cache = scratch / "demo-cache"
    env = environment(**ours.store_variables(cache))
    return Pair(
        group="template",
        ours=ours.demo(scratch / "demo", env),
        fresh=ours.demo(scratch / "demo-fresh", env),
        peer=peers.template(scratch),
        cache=cache,
        goals={"cold": Goal("ratio", 0.5), "warm": Goal("ratio", 0.05), "edit": Goal("ratio", 0.5)},
        set_up=lambda: None,
    )


def bootimage_pair(scratch: Path) -> Pair:
    """Our `cargo bootimage` against the one that it replaces, on the example for loader 0.9."""
    cache = scratch / "vga-cache"

    def set_up() -> None:
        peers.install_bootimage(scratch)
        ours.install_bootimage(scratch)

    return Pair(
        group="bootimage",
        ours=ours.cargo_bootimage(scratch, "vga ours", cache),
        fresh=ours.cargo_bootimage(scratch, "vga fresh", cache),
        peer=peers.bootimage(scratch, "cargo bootimage", peers.bootimage_programs(scratch)),
        cache=cache,
        goals={
            "cold": Goal("ratio", 0.7),
            "warm": Goal("ratio", 0.15),
            "unchanged": Goal("ratio", 0.8),
            "edit": Goal("ratio", 0.4),
        },
        set_up=set_up,
    )


def cold(pair: Pair, results: Results) -> Row:
    """Nothing built anywhere: our store is empty, the peer's target folder does not exist."""
    _prepare(pair)

    def build(project: Project) -> Callable[[int], Cost]:
        def measured(_number: int) -> Cost:
            if project is pair.ours:
                shutil.rmtree(pair.cache, ignore_errors=True)
            project.anew()
            return project.build()

        return measured

    mine, other = interleaved(_FEW, build(pair.ours), build(pair.peer))
    return _row(pair, "cold", "cold, empty store", mine, other)


def warm(pair: Pair, results: Results) -> Row:
    """A new project where another one has been built: the peer shares nothing, so it starts cold again."""
    known = results.rows.get(f"{pair.group}-cold")
    if known is None or known.other is None:
        raise Failed(f"measure {pair.group}-cold first: the peer's time for a new project is its cold one")
    _prepare(pair)
    build_ours(pair.ours)

    def measured(_number: int) -> Cost:
        pair.fresh.anew()
        return pair.fresh.build()

    (mine,) = interleaved(_SOME, measured)
    row = _row(pair, "warm", "new project, warm store", mine, known.other)
    return replace(row, note="the peer keeps nothing between projects: its time is the cold one")


def unchanged(pair: Pair, results: Results) -> Row:
    """Build again what is built."""
    _ensure_both(pair)
    mine, other = interleaved(_OFTEN, lambda _n: pair.ours.build(), lambda _n: pair.peer.build())
    return _row(pair, "unchanged", "nothing changed", mine, other)


def edit(pair: Pair, results: Results) -> Row:
    """Change a number in the kernel's main.rs; the images must change with it."""
    _ensure_both(pair)
    mine, other = interleaved(_SOME, lambda _n: pair.ours.build_edited(), lambda _n: pair.peer.build_edited())
    return _row(pair, "edit", "one line edited", mine, other)


def edit_interactive(scratch: Path) -> Row:
    """An edit where scons runs already, beside the template's, which has no such thing."""
    pair = template_pair(scratch)
    _ensure_both(pair)
    with session(pair.ours) as running:
        mine, other = interleaved(
            _SOME, lambda _n: running.build_edited(), lambda _n: pair.peer.build_edited()
        )
    row = _row(pair, "interactive", "one line edited, in `scons --interactive`", mine, other)
    note = "the session has read the project before; the memory is the session's alone"
    return replace(row, goal=pair.goals["edit"], note=note)


def floor(scratch: Path) -> Row:
    """Our run with nothing changed beside SCons's own run with nothing to do."""
    project = template_pair(scratch).ours
    build_ours(project)
    empty = ours.empty_scons(scratch / "empty")
    mine, other = interleaved(_OFTEN, lambda _n: project.build(), lambda _n: empty.run())
    return Row(
        "floor",
        "unchanged",
        "nothing changed",
        mine,
        other,
        "SCons, empty SConstruct",
        Goal("excess", 0.1),
    )


def _ensure_both(pair: Pair) -> None:
    _prepare(pair)
    build_ours(pair.ours)
    pair.peer.ensure_built()


def build_ours(project: Project) -> None:
    """Build our side without measuring, from today's sources: of an older engine nothing may remain."""
    project.anew()
    project.build()


def _prepare(pair: Pair) -> None:
    """Have the programs and all crates of both sides, so that no download is measured."""
    pair.set_up()
    for project in (pair.ours, pair.peer):
        peers.fetch(project, pair.cache.parent)


def _row(pair: Pair, name: str, title: str, mine: Cost, other: Cost) -> Row:
    return Row(pair.group, name, title, mine, other, pair.peer.name, pair.goals.get(name, Goal()))
