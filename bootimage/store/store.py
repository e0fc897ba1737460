"""The user's store: what is dear to build is built once, kept by digest, and checked when it is read.

A store that cannot be written is read all the same, and results of this run go to a private folder that
goes with the process: a build never fails for the store's sake alone. How the folder looks inside, and
how processes share it, is told in store_shelf.py.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import os
import shlex
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_files import belongs_to_another, close_to_others, why_not_trusted
from bootimage.store.expected_result import ANYTHING, Expected
from bootimage.store.record import Blob, Entry, is_digest, is_file_name
from bootimage.store.record_files import History, Usage, read_history, stored_size, usages
from bootimage.store.room import LITTLE_ROOM, room
from bootimage.store.store_folder import Shelf
from bootimage.store.store_settings import OTHER_ADVICE, is_readable, prepare, store_choice
from bootimage.store.temporary_store import make_temporary_store, remove_abandoned_stores
from bootimage.store.tree import Content

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class StoreStatistics:
    """What is in a store: its results (the last used first), their bytes, the limit, and what has left it."""

    root: Path
    usages: tuple[Usage, ...]
    size: int
    limit: int
    history: History


class Store:
    """The store at `root`, held to `limit` bytes. Several threads may use it at once.

    With no `root` it is a private folder. `problem` says why `root` cannot be written, where that is known.
    """

    def __init__(self, root: Path | None, limit: int, problem: OSError | None = None) -> None:
        self.limit = limit
        self._private: Shelf | None = None
        self._owner = os.getpid()
        self._guard = threading.Lock()
        self._shelf = Shelf(root, limit, problem) if root else self._private_shelf()

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self._shelf.root

    def get(self, key: str, expected: Expected = ANYTHING) -> Entry | None:
        """The result for `key`, every content checked, or None.

        What is damaged, or is not what was `expected`, is removed, never used.
        """
        _check_key(key)
        return self._first(lambda shelf: shelf.get(key, expected))

    def put(self, key: str, files: Mapping[str, Path], label: str = "", seconds: float = 0.0) -> Entry:
        """Keep `files` (name in the result -> file) as the result for `key`, which took `seconds` to build.

        Files in a folder of `work` must not be changed afterwards; others are copied. Where a whole result
        for `key` is there already, that one stays and is returned.
        """
        _check_key(key)
        for name, path in files.items():
            _check_file(name, path, label)
        return self._either(lambda shelf: shelf.put(key, files, label, seconds))

    def content(self, blob: Blob) -> Path | None:
        """A file with this content, checked, whichever result it belongs to, or None."""
        return self._first(lambda shelf: shelf.content(blob))

    def tree(self, entry: Entry, layout: Mapping[str, str]) -> Path:
        """A folder with the entry's files (name in the entry -> path in the folder), checked and mended.

        Its path holds the digest of its contents, and is the same in every process. Only to be read.
        """
        contents = {path: Content(entry.blobs[name], entry.files[name]) for name, path in layout.items()}
        return self._tree(contents)

    def text(self, name: str, text: str) -> Path:
        """A file called `name` with this text, at a path that holds the digest of both. Only to be read."""
        data = text.encode()
        blob = Blob(hashlib.sha256(data).hexdigest(), len(data))
        return self._tree({name: Content(blob, data)}) / name

    def _tree(self, contents: Mapping[str, Content]) -> Path:
        for path in contents:
            if not is_file_name(path):
                raise ValueError(f"not a path within a folder: {path!r}")
        return self._either(lambda shelf: shelf.tree(contents))

    @contextmanager
    def work(self, label: str) -> Iterator[Path]:
        """A private, empty folder in the store's file system, removed after the body."""
        folder = self._either(lambda shelf: shelf.session().scratch(label))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def set_aside_if_full(self, folder: Path) -> bool:
        """Whether `folder`, which `work` gave, lies in the store and its disk is full.

        From then on, what is new goes to a private folder; the user is told once.
        """
        if not folder.is_relative_to(self.root) or self.root == (self._private and self._private.root):
            return False
        if room(folder) >= LITTLE_ROOM:
            return False
        problem = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._shelf.refuse(problem)
        self._spare_for(problem)
        return True

    @contextmanager
    def building(self, key: str, label: str = "this") -> Iterator[None]:
        """Hold the lock for building `key`, one process and thread at a time. A long wait is announced."""
        _check_key(key)

        def waiting() -> None:
            console.say(f"Waiting for another build of {label} to end")

        with ExitStack() as held:
            self._either(lambda shelf: held.enter_context(shelf.building(key, waiting)))
            yield

    def stats(self) -> StoreStatistics:
        """What is in the store."""
        root = self.root
        found = sorted(usages(root), key=lambda usage: -usage.last_use)
        return StoreStatistics(root, tuple(found), stored_size(root), self.limit, read_history(root))

    def close(self) -> None:
        """Give up whatever is in use. What `open_store` opens is closed at the end of the process."""
        self._shelf.close()
        with self._guard:
            private, self._private = self._private, None
        if private is not None:
            private.close()
            if self._owner == os.getpid():  # not in a forked child
                shutil.rmtree(private.root, ignore_errors=True)

    def _first(self, find: Callable[[Shelf], _Result | None]) -> _Result | None:
        """What one of the folders has; a folder that cannot be read has nothing."""
        for shelf in dict.fromkeys((self._shelf, self._private or self._shelf)):
            with suppress(OSError):
                found = find(shelf)
                if found is not None:
                    return found
        return None

    def _either(self, act: Callable[[Shelf], _Result]) -> _Result:
        """What comes of `act` in the store's folder or, where that cannot be written, in a private one."""
        try:
            return act(self._shelf)
        except OSError as problem:
            spare = self._spare_for(problem)
        try:
            return act(spare)
        except OSError as problem:
            raise _no_place(spare.root, problem) from problem

    def _spare_for(self, problem: OSError) -> Shelf:
        with self._guard:
            if self._private is None:
                console.say(f"warning: nothing new is kept in the store {self.root}: {_reason(problem)}")
                console.say(f"  help: {_advice(problem)}")
                self._private_shelf()
            assert self._private is not None
            return self._private

    def _private_shelf(self) -> Shelf:
        """A folder for this process alone."""
        try:
            self._private = Shelf(make_temporary_store(), self.limit)
            self._private.session()
        except OSError as problem:
            raise _no_place(Path(tempfile.gettempdir()), problem) from problem
        remove_abandoned_stores()
        return self._private


def _check_key(key: str) -> None:
    if not is_digest(key):
        raise ValueError(f"not a key of the store: {key!r}")


def _check_file(name: str, path: Path, label: str) -> None:
    if not is_file_name(name):
        raise ValueError(f"not a file name for the store: {name!r}")
    if not path.is_file():
        raise BuildError(f"{label or 'the build'} was to make this file, and did not", file=path)


def _no_place(folder: Path, problem: OSError) -> BuildError:
    return BuildError(
        f"no place for temporary files: {_reason(problem)}", file=folder, hint="make room, or set TMPDIR"
    )


def _reason(problem: OSError) -> str:
    return problem.strerror or str(problem)


def _advice(problem: OSError) -> str:
    if _is_full(problem):
        return "make room there, or lower RUSTKERNEL_STORE_LIMIT"
    return OTHER_ADVICE


def _is_full(problem: OSError) -> bool:
    return problem.errno in (errno.ENOSPC, errno.EDQUOT)


_opened: dict[tuple[Path | None, int], Store] = {}
_opening = threading.Lock()


def open_store(environ: Mapping[str, str]) -> Store:
    """The user's store: one object for each folder in a process.

    BuildError when the user named a folder that cannot be used, or when the place of the store is taken
    by something else. A folder that can be read but not written is read.
    """
    choice = store_choice(environ)
    with _opening:
        store = _opened.get((choice.root, choice.limit))
        if store is None:
            store = _open(choice.root, choice.limit, choice.named)
            _opened[choice.root, choice.limit] = store
            atexit.register(store.close)
        return store


def _open(root: Path | None, limit: int, named: bool) -> Store:
    if root is not None and not _is_trusted(root):
        return Store(None, limit)
    try:
        if root is not None:
            prepare(root)
            if not named:  # whoever named one may mean others to read it
                close_to_others(root)
    except OSError as problem:
        if named and root and not is_readable(root) and not _is_full(problem):
            reason = f"the store cannot be here: {_reason(problem)}"
            raise BuildError(reason, file=root, hint=OTHER_ADVICE) from problem
        return Store(root, limit, problem)
    return Store(root, limit)


def _is_trusted(root: Path) -> bool:
    """False where others could write to the store. Another user's is read; each costs a warning."""
    reason = why_not_trusted(root, deep=True)
    if reason is None:
        return True
    if belongs_to_another(root):
        console.say(f"warning: what is in the store {root} is believed, though {reason}")
        return True
    console.say(f"warning: the store {root} is not used: {reason}, and could have changed what is in it")
    console.say(f"  help: remove it; or, if nobody did, close it: chmod -R go-w {shlex.quote(str(root))}")
    return False
