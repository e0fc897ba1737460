"""What `scons store` prints: what is in the store, when it was used last, and what it saved."""

from __future__ import annotations

import time

from bootimage.base.console import printable
from bootimage.store.record_files import Usage
from bootimage.store.store import Store

_LONGEST_NAME = 200


def report_lines(store: Store) -> list[str]:
    """One line for the store, one for each result (the last used first), one for what it all saved."""
    found = store.stats()
    now = time.time()
    count = f"{len(found.usages)} result{'s' if len(found.usages) != 1 else ''}"
    head = f"Store {found.root}: {count}, {size_text(found.size)} of at most {size_text(found.limit)}"
    return [head, *(_line(usage, now) for usage in found.usages), _saved(store)]


def _line(usage: Usage, now: float) -> str:
    saved = (
        f"saved {duration_text(usage.hits * usage.record.seconds)}" if usage.hits else "not used again yet"
    )
    times = f" in {usage.hits} use{'s' if usage.hits != 1 else ''}" if usage.hits else ""
    age = f"used {duration_text(max(0.0, now - usage.last_use))} ago"
    name = printable(usage.record.label or usage.record.key)[:_LONGEST_NAME]  # it may be a server's
    return f"  {size_text(usage.record.size):>9}  {age:<20}  {name}: {saved}{times}"


def _saved(store: Store) -> str:
    found = store.stats()
    seconds = found.history.seconds + sum(usage.hits * usage.record.seconds for usage in found.usages)
    hits = found.history.hits + sum(usage.hits for usage in found.usages)
    return f"Saved so far: {duration_text(seconds)} of building, in {hits} use{'s' if hits != 1 else ''}"


def size_text(size: float) -> str:
    """A size for people, in powers of 1024: "64.0 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"


def duration_text(seconds: float) -> str:
    """A time for people: "0.4 s", "2 min 5 s", "3 h 20 min", "4 days"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    days = whole // 86400
    return f"{days} day{'s' if days != 1 else ''}"
