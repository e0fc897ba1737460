"""Fuzz all readers: `./sconsw test --fuzz[=SECONDS] [READER ...]`, ten minutes unless said otherwise.

Each reader is fuzzed by a process of its own (atheris: inputs are chosen by what code they reach), as many at
once as there are processors. A reader fails when it raises what it may not, takes more than two seconds of
processor time or 500 MB for one input. What failed is kept in build/fuzz/ and named at the end.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOUND = ROOT / "build/fuzz"
LIMIT_S = 2
START_S = 1
LIMIT_MB = 500
LONGEST_INPUT = 16384
TOKENS = Path(__file__).with_name("tokens.dict")
_MOST_FAULTS = 5


@dataclass(frozen=True)
class Outcome:
    """What came of fuzzing one reader: how many inputs it had, and a line for each that it failed on."""

    name: str
    inputs: int
    faults: tuple[str, ...]


def main() -> int:
    """Fuzz, print a line for each reader, and return 1 where one has failed."""
    from fuzz.readers import READERS

    options = _parser().parse_args()
    names = options.readers or list(READERS)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    seconds = max(2, round(options.seconds * processors / len(names) - START_S))
    with ThreadPoolExecutor(processors) as pool:
        outcomes = list(pool.map(lambda name: _fuzz(name, seconds), names))
    for each in outcomes:
        print(f"{each.name}: {each.inputs:,} inputs, {len(each.faults)} faults")
        print("".join(f"  {line}\n" for line in each.faults), end="")
    total, faults = sum(each.inputs for each in outcomes), sum(len(each.faults) for each in outcomes)
    print(f"fuzzed {len(outcomes)} readers with {total:,} inputs: {faults} faults")
    idle = [each.name for each in outcomes if not each.inputs]
    return int(faults > 0 or bool(idle))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sconsw test")
    parser.add_argument("--fuzz", dest="seconds", type=float, nargs="?", const=600, default=600)
    parser.add_argument("readers", nargs="*", metavar="READER")
    return parser


def _fuzz(name: str, seconds: int) -> Outcome:
    """Fuzz one reader for so long. libFuzzer ends at a fault; it is begun again in the time that is left."""
    FOUND.mkdir(parents=True, exist_ok=True)
    end, inputs, faults = time.monotonic() + seconds, 0, dict[str, str]()
    with tempfile.TemporaryDirectory() as corpus:
        while (left := round(end - time.monotonic())) > 0 or not inputs:
            text = _child("--child", name, str(max(1, left)), corpus, timeout=seconds + 120)
            done = re.findall(r"number_of_executed_units: (\d+)|^#(\d+)\t", text, re.MULTILINE)
            inputs += max((int(one or other) for one, other in done), default=0)
            kept = re.search(r"Test unit written to (\S+)", text)
            if kept is None:
                break
            known = len(faults)
            if fault := _judged(name, Path(kept[1])):
                faults.setdefault(kept[1], f"{kept[1]}: {fault}")
                if len(faults) in (known, _MOST_FAULTS):  # the same again: a seed, most likely
                    break
    return Outcome(name, inputs, tuple(faults.values()))


def _judged(name: str, file: Path) -> str:
    """What is wrong with how the reader takes this input alone: a busy machine makes all late."""
    return _child("--judge", name, str(file), timeout=120).strip()


def _child(*words: str, timeout: float) -> str:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests/helpers'}"}
    command = [sys.executable, "-m", "fuzz", *words]
    try:
        done = subprocess.run(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return f"no end after {timeout} s"
    return done.stdout.decode(errors="replace")


def child(name: str, seconds: str, corpus: str) -> None:
    """In a process of its own: fuzz the reader `name`; never returns."""
    import atheris

    with atheris.instrument_imports(include=["bootimage"]):
        from fuzz.readers import READERS

    reader = READERS[name]
    for number, seed in enumerate(reader.seeds):
        Path(corpus, f"seed-{number}").write_bytes(seed)
    folder = Path(tempfile.mkdtemp(dir=_memory()))

    def one(data: bytes) -> None:
        if fault := reader.fault(data, folder):
            raise AssertionError(fault)

    words = [
        *(sys.argv[0], corpus, f"-max_total_time={seconds}", f"-timeout={LIMIT_S}", "-print_final_stats=1"),
        *(f"-max_len={LONGEST_INPUT}", f"-rss_limit_mb={LIMIT_MB}", f"-artifact_prefix={FOUND}/{name}-"),
        f"-dict={TOKENS}",
    ]
    atheris.Setup(words, one)
    atheris.Fuzz()


def _memory() -> str | None:
    """A folder in memory, where there is one: most readers read files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def judge(name: str, file: str) -> None:
    """In a process of its own: print what is wrong with how the reader takes the input in `file`."""
    from fuzz.readers import READERS

    data = Path(file).read_bytes()
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        before = time.process_time()
        fault = READERS[name].fault(data, Path(folder))
        took = time.process_time() - before
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if fault or took > LIMIT_S or megabytes > LIMIT_MB:
        print(fault or f"{took:.1f} s, {megabytes:.0f} MB")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--child", *words]:
            child(*words)
        case ["--judge", *words]:
            judge(*words)
        case _:
            sys.exit(main())
