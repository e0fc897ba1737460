"""Give each crate the same identity on every machine, wherever its package lies.

cargo gives every crate a number (`-C metadata=`) that goes into the names of all its symbols. For a path
dependency outside of the workspace's folder the package's whole path is in it, and so it is in the number
of every crate above: two clones in different folders would differ in each symbol. So, where a kernel has
such dependencies, a wrapper around rustc puts words in the number's place that tell the crates of one
build apart and are the same everywhere. (The names of files, which only cargo reads, stay as they are.)
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from bootimage.files import write_whole

# Of the shell only what is built in, since it runs for every crate: a millisecond each.
_SCRIPT = """\
#!/bin/sh
# Made by {module}: see there.
case $CARGO_MANIFEST_DIR in
{places}
*) place=$CARGO_MANIFEST_DIR ;;
esac
words="$CARGO_PKG_NAME $CARGO_PKG_VERSION $place"
before=
for word; do
    case "$before $word" in
    "--crate-name "* | "--crate-type "* | "--target "* | *" --test" | "--cfg feature="*)
        words="$words ${{word##*/}}" ;;
    esac
    before=$word
done
for word; do
    shift
    case $word in
    metadata=*) word="metadata=$words" ;;
    esac
    set -- "$@" "$word"
done
exec {wrapped}"$@"
"""


def needs_names(workspace_root: Path, packages: Iterable[Path]) -> bool:
    """Whether one of the packages (folders) lies outside of the workspace's folder."""
    return not all(folder.is_relative_to(workspace_root) for folder in packages)


def wrapper(folder: Path, places: Mapping[Path, str], wrapped: str | None = None) -> Path:
    """A program for RUSTC_WRAPPER, written into `folder`: it gives the crates stable names.

    `places` are the stand-ins of folders, the more particular last; `wrapped` is the user's own wrapper.
    """
    path = folder / "rustc-with-names"
    script = _SCRIPT.format(
        module=__name__,
        places="\n".join(_case(place, name) for place, name in reversed(list(places.items()))),
        wrapped=f"{shlex.quote(wrapped)} " if wrapped else "",
    )
    if not path.is_file() or path.read_text() != script or not os.access(path, os.X_OK):
        write_whole(path, script)
        path.chmod(0o755)
    return path


def _case(folder: Path, name: str) -> str:
    quoted = shlex.quote(str(folder))
    return f"{quoted} | {quoted}/*) place={shlex.quote(name)}${{CARGO_MANIFEST_DIR#{_as_is(folder)}}} ;;"


def _as_is(folder: Path) -> str:
    """The path within a shell's `${...#pattern}`: quoted, so that nothing of it is a pattern."""
    return shlex.quote(str(folder))
