"""Facts that are dear to ask for (a compiler's version), kept until the files they are about change.

They are remembered in this process and in one small JSON file in the user's cache folder, so that a
run which builds nothing starts no compiler. The file is only a memory: what is missing or damaged in it
is asked for again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bootimage.base.json_text import read_object
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_files import make_private_folder, why_not_trusted
from bootimage.base.user_folders import cache_folder, store_is_off

_FORMAT = 2  # of the file; facts of another format are asked for anew
_MOST = 64  # facts kept; the ones longest known are dropped first

_known: dict[tuple[Path | None, str], str] = {}
_read_last: dict[Path, tuple[tuple[int, ...], dict[str, str]]] = {}
_lock = threading.RLock()  # to answer one fact, another may be needed


@dataclass(frozen=True)
class Probe:
    """A memory of facts about files. `file` is None where nothing may be written."""

    file: Path | None

    def recall(self, what: str, files: Sequence[Path], ask: Callable[[], str], *, keep: bool = True) -> str:
        """The fact `what` about `files`: remembered while they are untouched, else asked by `ask`.

        With `keep` false it is remembered in this process alone.
        """
        key = json.dumps([what, *([str(file), *_stamp(file)] for file in files)])
        with _lock:
            if (self.file, key) not in _known:
                _known[self.file, key] = self._recall_from_file(key, ask) if keep else ask()
            return _known[self.file, key]

    def _recall_from_file(self, key: str, ask: Callable[[], str]) -> str:
        told = _unsealed(key, self._read().get(key, ""))
        if told is None:
            told = ask()  # which may recall, and so write down, another fact
            self._write({**self._read(), key: _sealed(key, told)})
        return told

    def _read(self) -> dict[str, str]:
        if self.file is None:
            return {}
        stamp = _stamp(self.file)
        if _read_last.get(self.file, ((), {}))[0] != stamp:
            facts = read_object(self.file)
            known = {key: value for key, value in facts.items() if isinstance(value, str)}
            _read_last[self.file] = (stamp, known)
        return dict(_read_last[self.file][1])

    def _write(self, facts: dict[str, str]) -> None:
        if self.file is None:
            return
        from bootimage.base.write_files import replacing

        kept = json.dumps(dict(list(facts.items())[-_MOST:]), indent=1)
        with contextlib.suppress(OSError):  # a full or read-only disk: ask again next time
            make_private_folder(self.file.parent)
            with replacing(self.file) as partial:
                handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w") as file:
                    file.write(kept)


def _sealed(key: str, fact: str) -> str:
    """The fact with a digest before it: what a bad disk or another program has made of it is no fact."""
    return f"{hashlib.sha256(f'{_FORMAT} {key} {fact}'.encode()).hexdigest()[:16]} {fact}"


def _unsealed(key: str, text: str) -> str | None:
    fact = text.partition(" ")[2]
    return fact if text and _sealed(key, fact) == text else None


def _stamp(file: Path) -> tuple[int, int, int]:
    """What tells that a file has been replaced: size, modification time and inode; zeros without one."""
    try:
        status = file.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def open_probe(environ: Mapping[str, str]) -> Probe:
    """The user's own; none with RUSTKERNEL_STORE=off, or where others could have written it."""
    folder = cache_folder(environ)
    if store_is_off(environ) or why_not_trusted(folder):
        return Probe(None)
    return Probe(folder / "probe.json")
