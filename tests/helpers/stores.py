"""Stores to test with: small results, other processes, and a look inside."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from bootimage.store.build_once import perform
from bootimage.store.record import Entry
from bootimage.store.store import Store
from bootimage.store.store_settings import prepare

REPOSITORY = Path(__file__).resolve().parents[2]
GIB = 1 << 30
CONTENTS = {"liba.rlib": b"first" * 1000, "sub/b": b"", "c": b"first" * 1000}
LAYOUT = {"liba.rlib": "lib/rustlib/t/lib/liba.rlib", "c": "lib/rustlib/t/lib/c"}


def key_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


KEY = key_of("key")


def build(folder: Path) -> dict[str, Path]:
    for name, content in CONTENTS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return {name: folder / name for name in CONTENTS}


def read(entry: Entry) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in entry.files.items()}


def put(store: Store, name: str, content: bytes) -> Entry:
    with store.work(name) as folder:
        (folder / "f").write_bytes(content)
        return store.put(key_of(name), {"f": folder / "f"}, name, 2.0)


def python(script: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    """Another process that runs `script`, with the store's names at hand."""
    head = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from bootimage.store.store import Store, open_store\n"
    )
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", head + textwrap.dedent(script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def finished(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output


def use(store: Store) -> tuple[Entry, Path]:
    """The result of `build`, made where need be, and a folder with two of its files."""
    entry = perform(store, None, KEY, "thing", build)
    return entry, store.tree(entry, LAYOUT)


def age(store: Store, name: str, seconds: float) -> None:
    for path in store.root.glob(f"ac/*/{key_of(name)}.*"):
        os.utime(path, (time.time() - seconds,) * 2)


def held(store: Store) -> set[str]:
    return {usage.record.label for usage in store.stats().usages}


def filled(root: Path) -> None:
    """A store with six results of 10,000 bytes, made by processes that have ended."""
    prepare(root)
    store = Store(root, GIB)
    for number in range(6):
        put(store, f"r{number}", bytes([number]) * 10_000)
        age(store, f"r{number}", 1000 - number)
    store.close()
