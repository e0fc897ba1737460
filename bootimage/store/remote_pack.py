"""Contents as they travel: compressed, each a content with a digest of its own.

A server that checks what it keeps under `/cas/` wants the digest of the very bytes that it gets, so a
compressed file is a content in its own right, and the record says which belongs to which.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.record import Blob, is_digest

# An rlib of 64 MB takes a second to compress and 0.3 s to expand, to a third; more effort gains little.
_LEVEL = 1
_CHUNK = 1 << 20
_ENCODINGS = ("identity", "zlib")


@dataclass(frozen=True)
class Packed:
    """What travels for one file: digest and size of the bytes, and how they are encoded."""

    sha256: str
    size: int
    encoding: str


def packed_content(packed: Packed) -> dict[str, Any]:
    """`packed` as plain JSON values."""
    return {"sha256": packed.sha256, "size": packed.size, "encoding": packed.encoding}


def packed_of(content: Mapping[str, Any], blob: Blob) -> Packed:
    """What `packed_content` wrote of `blob`. ValueError when it cannot be that: nothing is larger packed."""
    try:
        sha256, size, encoding = content["sha256"], content["size"], content["encoding"]
    except (KeyError, TypeError):
        raise ValueError("not a packed content") from None
    if not is_digest(sha256) or type(size) is not int or encoding not in _ENCODINGS:
        raise ValueError("a digest, size or encoding that cannot be")
    if not 0 <= size <= blob.size or (encoding == "identity" and (sha256, size) != (blob.sha256, blob.size)):
        raise ValueError("a packed size or digest that cannot be of its file")
    return Packed(sha256, size, encoding)


def pack(source: Path, blob: Blob, target: Path) -> tuple[Path, Packed]:
    """Compress `source`, which holds `blob`, to `target`; return the file to send, and what it is.

    What compression makes no smaller is sent as it is.
    """
    digest, size = hashlib.sha256(), 0
    compressor = zlib.compressobj(_LEVEL)
    with source.open("rb") as plain, target.open("wb") as out:
        while chunk := plain.read(_CHUNK):
            size += _add(out.write, digest, compressor.compress(chunk))
        size += _add(out.write, digest, compressor.flush())
    if size >= blob.size:
        return source, Packed(blob.sha256, blob.size, "identity")
    return target, Packed(digest.hexdigest(), size, "zlib")


def _add(write: Any, digest: Any, data: bytes) -> int:
    digest.update(data)
    write(data)
    return len(data)


class Unpacker:
    """Write `blob` to `path` from the packed bytes as they come; never more bytes than the blob has.

    `feed` and `finish` raise ValueError as soon as the bytes turn out to be others than promised.
    """

    def __init__(self, path: Path, blob: Blob, packed: Packed) -> None:
        self._blob = blob
        self._packed = packed
        self._out = path.open("wb")
        self._expander = zlib.decompressobj() if packed.encoding == "zlib" else None
        self._packed_digest = hashlib.sha256()
        self._digest = hashlib.sha256()
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Take the next packed bytes."""
        self._packed_digest.update(data)
        if self._expander is None:
            self._write(data)
            return
        while data:
            self._write(self._expand(data))
            data = self._expander.unconsumed_tail

    def _expand(self, data: bytes) -> bytes:
        assert self._expander is not None
        try:
            return self._expander.decompress(data, _CHUNK)
        except zlib.error as problem:
            raise ValueError("it cannot be expanded") from problem

    def _write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._blob.size:
            raise ValueError("it is larger than its record says")
        self._digest.update(data)
        self._out.write(data)

    def finish(self) -> None:
        """Check that all of it has come, and is what it should be."""
        self.close()
        if self._packed_digest.hexdigest() != self._packed.sha256:
            raise ValueError("its digest is wrong")
        if self._expander is not None and (not self._expander.eof or self._expander.unused_data):
            raise ValueError("it ends too early or too late")
        if self._size != self._blob.size or self._digest.hexdigest() != self._blob.sha256:
            raise ValueError("it expands to something else than its record says")

    def close(self) -> None:
        """Stop writing."""
        self._out.close()
