"""The files that our builders make and read, as nodes that notice when somebody else has written them.

SCons compares what a target is made from, and not the target itself: one that was overwritten by hand, or
by a build that was killed before it could keep its records, would pass as up to date. A `Product` is one
only while it is what the last build left.
"""

from __future__ import annotations

from typing import Any

import SCons.Node.FS

from ..scons_types import Env
from . import cache_dir


class Product(SCons.Node.FS.File):  # type: ignore[misc]
    """A file that one of our builders makes."""

    # No more than File has, so that a File can become one of these.
    __slots__ = ()

    def is_up_to_date(self) -> bool:
        """Whether nothing has changed: neither what the file is made from nor the file."""
        unchanged = super().is_up_to_date()
        return bool(unchanged) and not self._is_damaged()

    def getmtime(self) -> float | None:
        """The time stamp, in seconds: SCons leaves out the fraction, and a build may write twice in one."""
        status = self.stat()
        return float(status.st_mtime) if status else None

    def get_max_drift_csig(self) -> str | None:
        """The known digest of the contents, while time stamp and size are those of the last build.

        None where there is none, never "": up to 4.10, SCons takes that for the digest.
        """
        known = self.get_stored_info().ninfo
        stamp = (getattr(known, "timestamp", None), getattr(known, "size", None))
        same = stamp == (self.get_timestamp(), self.get_size())
        return getattr(known, "csig", None) or None if same else None

    def retrieve_from_cache(self) -> bool:
        """Take the file from CacheDir, if it has one that is what was stored there."""
        if self.nocache or not cache_dir.is_sound(self):
            return False
        return bool(super().retrieve_from_cache())

    def push_to_cache(self) -> bool:
        """Store the file in CacheDir, with its digest."""
        self._prepare_entry()
        return bool(super().push_to_cache())

    def visited(self) -> None:
        """Note that this is up to date; under --cache-force SCons then stores it, too."""
        if SCons.CacheDir.cache_force and self.executor is not None:
            self._prepare_entry()
        super().visited()

    def explain(self) -> str | None:
        """For --debug=explain: why this is built."""
        reason: str | None = super().explain()
        if reason and "for unknown reasons" in reason and self._is_damaged():
            return f"rebuilding `{self}' because it is not what the last build made\n"
        return reason

    def _prepare_entry(self) -> None:
        if not self.nocache and not cache_dir.prepare_entry(self):
            self.set_nocache()

    def _is_damaged(self) -> bool:
        known = getattr(self.get_stored_info().ninfo, "csig", None)
        return bool(self.get_csig() != known)


class Input(SCons.Node.FS.File):  # type: ignore[misc]
    """A file that a kernel is made from, which is always read.

    Of one that is older than two days (`max_drift`), SCons would believe the time stamp, in whole seconds:
    an archive unpacked over a tree, or a link to another file of the same age, would go unnoticed.
    """

    __slots__ = ()

    def get_max_drift_csig(self) -> None:
        """No digest of an earlier build's."""


def always_read(node: Any) -> Any:
    """The node, read in each run where it is a plain file that nobody makes."""
    if type(node) is SCons.Node.FS.File and not node.has_builder():
        node.__class__ = Input
    return node


def claim(target: list[Any], source: list[Any], env: Env) -> tuple[list[Any], list[Any]]:
    """The emitter of all our builders: targets are products, and stay until their successors are whole."""
    for node in target:
        node.__class__ = Product
        node.set_precious()
    return target, source
