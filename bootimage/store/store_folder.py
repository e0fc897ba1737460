"""One folder of contents, results and trees: how they get in, and how they are had again.

    cas/ab/<sha256>       contents, read-only        ac/ab/<key>.json   records: which contents a result has
    trees/<digest>/...    folders laid out from contents, for programs that want paths
    stamps/ab/<sha256>    which files need not be hashed again
    tmp/<session>/        scratch space and leases of one process
    lock, changing, locks/<key>                      locks; stats: what results that have left had saved

Readers and writers hold `lock` together with others, and who makes room holds it alone; `changing` is
held for the instant in which a file takes its place or goes. A record appears only after all of its
contents, in one step, so that a process may be killed at any moment. What a process has got is leased to
it until it ends: nobody removes it before.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bootimage.store.blobs import blob_path, digest_of, discard, has_blob, keep, make_folder
from bootimage.store.eviction import Bound
from bootimage.store.expected_result import ANYTHING, Expected
from bootimage.store.file_locks import locked, locked_by_name
from bootimage.store.record import Blob, Entry, Record
from bootimage.store.record_files import count_hit, read_record, record_path, write_record
from bootimage.store.session import Session, sweep
from bootimage.store.tree import Content, make_tree, tree_digest, tree_is_whole, tree_path


class Shelf:
    """The folder `root`, held to `limit` bytes. Several threads and processes may use it at once.

    Everything that writes raises OSError where the folder cannot be written; `problem` says so beforehand.
    """

    def __init__(self, root: Path, limit: int, problem: OSError | None = None) -> None:
        self.root = root
        self._problem = problem
        self._session: Session | None = None
        self._held: int | None = None
        self._bound = Bound(root, limit)
        self._guard = threading.Lock()

    def get(self, key: str, expected: Expected = ANYTHING) -> Entry | None:
        """The result for `key`, checked, or None. One that is damaged, or not as `expected`, is forgotten."""
        with self.reading():
            record = read_record(self.root, key)
            if record is None:
                return None
            if not (self._is_whole(record) and _fits(self._entry(record), expected)):
                path = record_path(self.root, key)
                discard(self.root, path, path.lstat())
                return None
            if self._lease(record):
                count_hit(self.root, key)
        return self._entry(record)

    def put(self, key: str, files: Mapping[str, Path], label: str, seconds: float) -> Entry:
        """Keep `files` as the result for `key`, unless there is a whole one. `files` stay where they are."""
        session = self.session()
        incoming = {name: _take_in(session, path) for name, path in files.items()}
        blobs = {name: blob for name, (_, blob) in incoming.items()}
        record = Record(key, label, seconds, time.time(), blobs)
        with locked(self.root / "lock", shared=True):
            present = read_record(self.root, key)
            if present is not None and self._is_whole(present):
                record = present
            else:
                for path, blob in incoming.values():
                    keep(self.root, path, blob)
                write_record(self.root, record, session.partial())
            self._lease(record)
        for path, _ in incoming.values():
            path.unlink(missing_ok=True)
        self._bound.added(record.size, session)
        return self._entry(record)

    def content(self, blob: Blob) -> Path | None:
        """A file with this content, whichever result it belongs to, or None."""
        with self.reading():
            if not has_blob(self.root, blob):
                return None
            self._lease_name(blob.sha256)
            return blob_path(self.root, blob.sha256)

    def tree(self, contents: Mapping[str, Content]) -> Path:
        """The folder with these contents (path in it -> content), made or mended where need be."""
        digest = tree_digest({path: content.blob for path, content in contents.items()})
        with self.reading():
            self._lease_name(digest)
            if not tree_is_whole(self.root, digest, contents):
                make_tree(self.root, self.session(), digest, contents)
        return tree_path(self.root, digest)

    def refuse(self, problem: OSError) -> None:
        """From now on, nothing is written here, because of `problem`."""
        with self._guard:
            self._problem = problem

    @contextmanager
    def building(self, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock for building `key`; `waiting` is called once when that takes long."""
        self.session()
        with locked_by_name(self.root / "locks" / key, waiting):
            yield

    def session(self) -> Session:
        """This process's corner of the folder."""
        with self._guard:
            if self._problem is not None:
                raise OSError(self._problem.errno, self._problem.strerror)
            if self._session is None or self._session.owner != os.getpid():
                make_folder(self.root / "locks")
                self._session = Session(self.root)
                sweep(self.root)
            return self._session

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing is removed to make room during the body."""
        try:
            self.session()
        except OSError:
            self._hold()
            yield
            return
        with locked(self.root / "lock", shared=True):
            yield

    def close(self) -> None:
        """Give up whatever is in use."""
        with self._guard:
            if self._session is not None:
                self._session.close()
            if self._held is not None:
                os.close(self._held)
            self._session = self._held = None

    def _hold(self) -> None:
        # Who cannot write a lease keeps everything in place instead, for as long as the process lives.
        with self._guard, suppress(OSError):
            if self._held is None:
                self._held = os.open(self.root / "lock", os.O_RDONLY)
                fcntl.flock(self._held, fcntl.LOCK_SH)

    def _lease(self, record: Record) -> bool:
        """Tell other processes that the result is in use; True the first time that this one does."""
        for blob in record.blobs.values():
            self._lease_name(blob.sha256)
        return self._lease_name(record.key)

    def _lease_name(self, name: str) -> bool:
        try:
            return self._session is not None and self._session.lease(name)
        except OSError:
            self._hold()
            return False

    def _is_whole(self, record: Record) -> bool:
        return all(has_blob(self.root, blob) for blob in record.blobs.values())

    def _entry(self, record: Record) -> Entry:
        return Entry(record, {name: blob_path(self.root, blob.sha256) for name, blob in record.blobs.items()})


def _fits(entry: Entry, expected: Expected) -> bool:
    try:
        expected.check_record(entry.record)
        expected.check_files(entry.files)
    except ValueError:
        return False
    return True


def _take_in(session: Session, path: Path) -> tuple[Path, Blob]:
    """A file of the session's own with the content of `path`, and its blob.

    What lies in one of the session's scratch folders is linked, anything else is copied: a link to a
    user's file would change with it.
    """
    path, partial = path.resolve(), session.partial()
    if path.is_relative_to(session.folder.resolve()):
        partial.unlink()
        partial.hardlink_to(path)
    else:
        shutil.copyfile(path, partial)
    executable = bool(path.stat().st_mode & 0o100)
    return partial, Blob(digest_of(partial), partial.stat().st_size, executable)
