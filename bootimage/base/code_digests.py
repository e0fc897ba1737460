"""What Python files and tables do, as digests: what only people read in them does not count."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass


@dataclass(frozen=True)
class CodeDigests:
    """The digests of the code in a folder, remembered in `file` while the code's files are untouched.

    A line of `file` is a digest, a file's stamp, and its name. A line that is damaged, or a file that cannot
    be written, costs only time.
    """

    file: Path

    def of(self, folder: Path) -> list[tuple[str, str]]:
        """Name below `folder` and digest of each file with code, sorted by name."""
        known = self._read()
        found = {name: _stamp(entry) for name, entry in _code_in(str(folder), "")}
        digests = {name: known.get((name, stamp)) for name, stamp in found.items()}
        if new := {name: _digest(folder / name) for name, digest in digests.items() if not digest}:
            digests.update(new)
            self._write([f"{digests[name]} {found[name]} {name}" for name in found])
        return sorted((name, str(digest)) for name, digest in digests.items())

    def _read(self) -> dict[tuple[str, str], str]:
        try:
            with open(self.file, encoding="utf-8") as opened:  # noqa: PTH123 - on the way of every run
                words = [line.rstrip("\n").split(" ", 2) for line in opened]
        except (OSError, ValueError):
            return {}
        return {(name, stamp): digest for digest, stamp, name in (each for each in words if len(each) == 3)}

    def _write(self, lines: list[str]) -> None:
        from bootimage.base.write_files import write_whole

        with contextlib.suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            write_whole(self.file, "\n".join([*lines, ""]).encode())


def _code_in(folder: str, above: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".toml")):
                yield above + entry.name, entry
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _code_in(entry.path, f"{above}{entry.name}/")


def _stamp(entry: os.DirEntry[str]) -> str:
    status = entry.stat()
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _digest(file: Path) -> str:
    text = file.read_bytes()
    with contextlib.suppress(SyntaxError, ValueError):  # being edited: then each of its bytes counts
        text = (_python(text) if file.suffix == ".py" else _table(file)).encode()
    return hashlib.sha256(text).hexdigest()


def _table(file: Path) -> str:
    from bootimage.base.toml_text import parse_table

    return repr(parse_table(file.read_text()))


def _python(text: bytes) -> str:
    import ast

    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            del body[0]
    return ast.dump(tree)


def _is_docstring(node: object) -> bool:
    import ast

    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
