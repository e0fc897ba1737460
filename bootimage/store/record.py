"""What the store knows of one result: its files by digest, written down so that damage shows.

A record is canonical JSON with a check sum of itself, the same in the store (`ac/`) and on a network
cache. A record that cannot be trusted to the last bit is no record.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from bootimage.base.json_text import parse_object
from bootimage.base.lazy_dataclass import dataclass

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_VERSION = 1
RECORD_LIMIT = 1 << 20
"""Bytes; a larger record is none."""

_MOST_SECONDS = 1e11  # the year 5138
_LARGEST_FILE = 1 << 50


@dataclass(frozen=True)
class Blob:
    """The content of one file: its SHA-256 in hexadecimal, its size in bytes, and its x bit."""

    sha256: str
    size: int
    executable: bool = False


@dataclass(frozen=True)
class Record:
    """One result: what it was made from (`key`), what it is called, and the blob of each file.

    `seconds` is how long it took to build, `created` the time of that (seconds since 1970).
    """

    key: str
    label: str
    seconds: float
    created: float
    blobs: Mapping[str, Blob]

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        return sum(blob.size for blob in self.blobs.values())


@dataclass(frozen=True)
class Entry:
    """A result that is at hand: `files` lie in a store, read-only, and stay there while this process runs."""

    record: Record
    files: Mapping[str, Path]

    @property
    def key(self) -> str:
        """The digest of everything that the result depends on."""
        return self.record.key

    @property
    def label(self) -> str:
        """What the result is called before users."""
        return self.record.label

    @property
    def blobs(self) -> Mapping[str, Blob]:
        """The digest, size and x bit of each file."""
        return self.record.blobs


def is_digest(text: object) -> bool:
    """True for a SHA-256 in lower-case hexadecimal."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


def is_file_name(name: str) -> bool:
    """True for a relative path that stays below its folder ("lib/a.rlib"; never "", "/a", "../a", "a//b")."""
    parts = PurePosixPath(name).parts
    inside = bool(parts) and name == "/".join(parts) and not {"/", "..", "."} & set(parts)
    return inside and "\0" not in name and _is_unicode(name)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def seal(content: Mapping[str, Any]) -> bytes:
    """`content` as canonical JSON that carries its own check sum."""
    return _canonical({**content, "check": _check(content)})


def unseal(data: bytes) -> dict[str, Any]:
    """The content of what `seal` made; ValueError when a single bit of it is not as it was."""
    content = parse_object(data)
    if content.pop("check", None) != _check(content):
        raise ValueError("the check sum is wrong")
    return content


def _check(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def record_content(record: Record) -> dict[str, Any]:
    """The record as plain JSON values."""
    files = {name: _blob_content(blob) for name, blob in record.blobs.items()}
    return {
        "version": _VERSION,
        "key": record.key,
        "label": record.label,
        "seconds": record.seconds,
        "created": record.created,
        "files": files,
    }


def _blob_content(blob: Blob) -> dict[str, Any]:
    return {"sha256": blob.sha256, "size": blob.size, **({"executable": True} if blob.executable else {})}


def record_of(content: Mapping[str, Any], key: str) -> Record:
    """The record in `content`; ValueError when it is none, or one of another key than `key`."""
    try:
        if content["version"] != _VERSION or content["key"] != key:
            raise ValueError("a record of another key or version")
        blobs = {name: _blob_of(each) for name, each in content["files"].items()}
        numbers = _number(content["seconds"]), _number(content["created"])
        label = content["label"]
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"not a record: {problem!r}") from None
    if not isinstance(label, str) or not all(is_file_name(name) for name in blobs):
        raise ValueError("a label or file name that cannot be")
    return Record(key, label, *numbers, blobs)


def _number(value: object) -> float:
    """A number of seconds: one that is finite, and stays so when it is added up or multiplied."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _MOST_SECONDS:
        raise ValueError("a number of seconds that cannot be")
    return float(value)


def _blob_of(content: Mapping[str, Any]) -> Blob:
    sha256, size = content["sha256"], content["size"]
    if not is_digest(sha256) or type(size) is not int or not 0 <= size <= _LARGEST_FILE:
        raise ValueError("a digest or size that cannot be")
    return Blob(sha256, size, content.get("executable") is True)
