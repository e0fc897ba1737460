"""The standard library's source: where it lies, and whether it is the compiler's own.

`core` can be compiled by exactly its own compiler. A source tree does not say its version, so it is
read off the `stable(..., since = "1.95.0")` attributes of `core`; verified on nightly 2026-05-19,
1.95.0, and Debian's 1.96.0.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_SINCE = re.compile(rb'stable\(\s*feature = "\w+",\s*since = "(?:1\.(\d+)\.\d+|(CURRENT_RUSTC_VERSION))"')
_MINOR = re.compile(r"1\.(\d+)\.")


def library_in(folder: Path) -> Path | None:
    """The `library` folder in `folder` or `folder` itself, if it is one; else None."""
    for library in (folder / "library", folder):
        if (library / "Cargo.lock").is_file() and (library / "core/src/lib.rs").is_file():
            return library
    return None


def source_minors(library: Path) -> list[int]:
    """The releases 1.N that the source in `library` can be of: one, or two for a nightly's."""
    version = library.parent / "src/version"  # Debian's package is the whole source tree, with this file
    if version.is_file() and (match := _MINOR.match(version.read_text())):
        return [int(match[1])]
    found = [
        each for file in (library / "core/src").rglob("*.rs") for each in _SINCE.findall(file.read_bytes())
    ]
    newest = max((int(minor) for minor, _ in found if minor), default=0)
    # A release's source has no placeholder left. A nightly's has, from the day that the release before it
    # branched off until some days later also for the features of that release.
    return [newest + 1, newest + 2] if any(placeholder for _, placeholder in found) else [newest]


def named_digest(named: str | None) -> str:
    """A line with the digest of the source that the user names; nothing where there is none named."""
    library = library_in(Path(named).expanduser().absolute()) if named else None
    if library is None:
        return f"library source: none in {named}\n" if named else ""
    digest = hashlib.sha256()
    for path in sorted(path for path in library.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(library)}\0".encode() + path.read_bytes() + b"\0")
    return f"library source: {digest.hexdigest()}\n"


def is_of_release(minors: list[int], release: str) -> bool:
    """Whether source of the releases 1.`minors` is the compiler `release`'s (`1.97.0-nightly`)."""
    match = _MINOR.match(release)
    return match is None or int(match[1]) in minors
