"""A hundred kernels in one tree, for one target and one loader: what is shared is built once."""

from __future__ import annotations

import collections
import re
import shutil
from dataclasses import replace
from pathlib import Path

from bench import ours, peers
from bench.measure import Command, Failed, interleaved
from bench.peers import PROJECT
from bench.project import copy_sources, environment
from bench.results import Goal, Row

COUNT = 100
_ROUNDS = 7
_SCONSTRUCT = """\
env = Environment(tools=["default", "rustkernel"])
for number in range({count}):
    env.BootImage(env.RustKernel(f"kernels/kernel_{{number:03}}", RUST_TARGET="x86_64-blog_os.json"))
Default("build")
"""


def first(scratch: Path) -> Row:
    """Build all of them, the store empty, and see that nothing that they share was built twice."""
    folder = scratch / "hundred"
    peers.fetch(ours.demo(folder, environment()), scratch)
    shutil.rmtree(_cache(scratch), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    _create(folder)
    command = _command(scratch)
    cost = command.run()
    shared = _shared_builds(command.output())
    note = f"beside the kernels, each compiled once: {'; '.join(shared)}"
    return Row("kernels", "first", f"{COUNT} kernels, empty store", cost, note=note)


def unchanged(scratch: Path) -> Row:
    """Build them again with nothing changed."""
    command = _command(scratch)
    if not command.folder.exists():
        raise Failed("measure kernels-first before this")
    command.run()
    (cost,) = interleaved(_ROUNDS, lambda _number: command.run())
    row = Row("kernels", "unchanged", f"{COUNT} kernels, nothing changed", cost, goal=Goal("seconds", 2.0))
    return replace(row, note="scons's own memory is the one that counts here: no compiler runs")


def _create(folder: Path) -> None:
    folder.mkdir(parents=True)
    ours.copy_engine(folder)
    shutil.rmtree(folder / "kernel")
    (folder / "SConstruct").write_text(_SCONSTRUCT.format(count=COUNT))
    for number in range(COUNT):
        name = f"kernel_{number:03}"
        kernel = folder / "kernels" / name
        copy_sources(PROJECT / "kernel", kernel)
        for file in ("Cargo.toml", "Cargo.lock"):
            path = kernel / file
            path.write_text(path.read_text().replace('"blog_os"', f'"{name}"'))


def _command(scratch: Path) -> Command:
    env = environment(**ours.store_variables(_cache(scratch)))
    folder = scratch / "hundred"
    return Command(ours.scons(), folder, env, folder.with_suffix(".log"))


def _cache(scratch: Path) -> Path:
    return scratch / "hundred-cache"


def _shared_builds(output: str) -> list[str]:
    """What was compiled apart from the kernels. Raises Failed if anything was compiled twice."""
    compiled = re.findall(r"^Compiling (?!kernel_)(.+)$", output, re.MULTILINE)
    counts = collections.Counter(compiled)
    again = [what for what, count in counts.items() if count > 1]
    if again or not counts:
        raise Failed(f"compiled more than once: {', '.join(again) or 'nothing at all was compiled'}")
    return sorted(counts)
