"""The folders and files of a FAT volume: from paths to a tree in which every name is checked."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.disk import fat_names
from bootimage.disk.fat_names import ENTRY_SIZE, Name

Source = Path | bytes
"""What a file of the volume holds: the contents of a file on this machine, or these bytes."""

LARGEST_FILE = (1 << 32) - 1
# The specification's limit for a folder: 2 MiB of entries.
_MOST_ENTRIES = 65536


@dataclass(eq=False)
class Node:
    """A folder (`source` is None) or a file of `length` bytes; `first` is its first cluster, once placed."""

    path: str
    source: Source | None
    length: int = 0
    children: dict[str, Node] = field(default_factory=dict)
    names: list[Name] = field(default_factory=list)
    first: int = 0

    def walk(self) -> Iterator[Node]:
        """This node and all below it, folders before what they hold, in the caller's order."""
        yield self
        for child in self.children.values():
            yield from child.walk()


def build(entries: Mapping[str, Source]) -> Node:
    """Make the tree of a volume from paths such as `efi/boot/bootx64.efi`; return its root folder.

    Raises BuildError for names that FAT forbids, a path that is both a file and a folder, two names that
    differ only in case, a source that is no file, a file of 4 GiB or more, a folder with too many entries.
    """
    root = Node("", None)
    for path, source in entries.items():
        _add(root, path, source)
    for node in root.walk():
        if node.source is None:
            _finish_folder(node, is_root=node is root)
    return root


def _add(root: Node, path: str, source: Source) -> None:
    *folders, name = path.split("/")
    folder = root
    for part in folders:
        folder = _child(folder, part)
        if folder.source is not None:
            raise BuildError(f"{folder.path!r} would be both a file and a folder in the image")
    node = _child(folder, name)
    if node.children or node.source is not None:
        what = "both a file and a folder" if node.children else "there twice"
        raise BuildError(f"{path!r} would be {what} in the image")
    node.source, node.length = source, _length(path, source)


def _child(folder: Node, name: str) -> Node:
    path = f"{folder.path}/{name}".lstrip("/")
    try:
        fat_names.check_name(name)
    except BuildError as error:
        raise BuildError(f"{error.message} (in the path {path!r} of the image)") from None
    found = folder.children.setdefault(fat_names.folded(name), Node(path, None))
    if found.path != path:
        raise BuildError(
            f"{found.path!r} and {path!r} differ only in the case of letters, which FAT does not tell apart"
        )
    return found


def _length(path: str, source: Source) -> int:
    if isinstance(source, bytes):
        length = len(source)
    else:
        try:
            status = source.stat()
        except OSError as error:
            raise BuildError(f"cannot read the file: {error.strerror}", file=source) from None
        if not stat.S_ISREG(status.st_mode):
            raise BuildError("not a regular file, so it cannot be put into an image", file=source)
        length = status.st_size
    if length > LARGEST_FILE:
        raise BuildError(
            f"{path!r} has {length:,} bytes; a file in a FAT volume has at most {LARGEST_FILE:,}"
        )
    return length


def _finish_folder(folder: Node, *, is_root: bool) -> None:
    names = [child.path.rpartition("/")[2] for child in folder.children.values()]
    folder.names = fat_names.with_aliases(names)
    # The root folder has the volume's label, every other one `.` and `..`.
    entries = (1 if is_root else 2) + sum(name.entries for name in folder.names)
    if entries > _MOST_ENTRIES:
        raise BuildError(
            f"the folder {folder.path!r} of the image needs {entries:,} entries; FAT allows {_MOST_ENTRIES}",
            hint="spread the files over several folders",
        )
    folder.length = entries * ENTRY_SIZE


def folder_bytes(folder: Node, parent: Node | None, label: bytes) -> bytes:
    """The directory entries of a placed folder; `parent` is None for the root, which holds a label."""
    if parent is None:
        parts = [fat_names.short_entry(label, fat_names.VOLUME_LABEL, 0, 0)] if label else []
    else:
        # The root folder is cluster 0 in `..`, wherever it really is.
        above = parent.first if parent.path else 0
        parts = [
            fat_names.short_entry(b".".ljust(11), fat_names.FOLDER, folder.first, 0),
            fat_names.short_entry(b"..".ljust(11), fat_names.FOLDER, above, 0),
        ]
    for name, child in zip(folder.names, folder.children.values(), strict=True):
        parts.append(_child_bytes(name, child))
    return b"".join(parts)


def _child_bytes(name: Name, child: Node) -> bytes:
    if child.source is None:
        return fat_names.entry_bytes(name, fat_names.FOLDER, child.first, 0)
    return fat_names.entry_bytes(name, fat_names.ARCHIVE, child.first, child.length)
