"""A small program between cargo and rustc, for kernels that need one. There are two reasons:

**Names.** cargo gives every crate a number (`-C metadata=`) that goes into the names of all its symbols. For
a path dependency outside of the workspace's folder the package's whole path is in it, and so it is in the
number of every crate above: two clones in different folders would differ in each symbol. The wrapper puts
words in the number's place that tell the crates of one build apart and are the same everywhere. (The names
of files, which only cargo reads, stay as they are.)

**sccache.** It passes on whatever has `--sysroot` without looking whether it knows the answer. So it is told
of a folder with libraries instead. That this is another sysroot than the last one it must learn from
something that it looks at: the prefix map, since the sysroot's path holds the digest of what is in it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from bootimage.base.write_files import write_whole

# Of the shell only what is built in, since it runs for every crate: a millisecond each.
_SCRIPT = """\
#!/bin/sh
# Made by {module}: see there.
case $CARGO_MANIFEST_DIR in
{places}
*) place=$CARGO_MANIFEST_DIR ;;
esac
words="$CARGO_PKG_NAME $CARGO_PKG_VERSION $place"
target=
before=
for word; do
    case "$before $word" in
    "--crate-name "* | "--crate-type "* | "--target "* | *" --test" | "--cfg feature="*)
        words="$words ${{word##*/}}" ;;
    esac
    case $before in
    --target) target=${{word##*/}} ;;
    esac
    before=$word
done
for word; do
    shift
    case $word in
{changes}
    esac
    set -- "$@" "$word"
done
exec {wrapped}"$@"
"""
_NAMES = """\
    metadata=*) word="metadata=$words" ;;"""
_LIBRARIES = """\
    --sysroot=*)
        sysroot=${word#--sysroot=}
        set -- "$@" -L "$sysroot/lib/rustlib/${target%.json}/lib"
        word="--remap-path-prefix=$sysroot=/sysroot" ;;"""


def needs_names(workspace_root: Path, packages: Iterable[Path]) -> bool:
    """Whether one of the packages (folders) lies outside of the workspace's folder."""
    return not all(folder.is_relative_to(workspace_root) for folder in packages)


def wrapper(folder: Path, places: Mapping[Path, str] | None, wrapped: str | None = None) -> Path:
    """A program for RUSTC_WRAPPER, written into `folder`.

    `places` are the stand-ins of folders, the more particular last, by which it names crates; None: their
    names stay. `wrapped` is the user's own wrapper.
    """
    path = folder / "rustc-wrapper"
    changes = [*([_NAMES] if places is not None else []), *([_LIBRARIES] if wrapped else [])]
    script = _SCRIPT.format(
        module=__name__,
        places="\n".join(_case(place, name) for place, name in reversed(list((places or {}).items()))),
        changes="\n".join(changes),
        wrapped=f"{shlex.quote(wrapped)} " if wrapped else "",
    )
    if not path.is_file() or path.read_text() != script or not os.access(path, os.X_OK):
        write_whole(path, script)
        path.chmod(0o755)
    return path


def _case(folder: Path, name: str) -> str:
    quoted = shlex.quote(str(folder))
    # Quoted within `${...#pattern}` too, so that nothing of the path is a pattern.
    return f"{quoted} | {quoted}/*) place={shlex.quote(name)}${{CARGO_MANIFEST_DIR#{quoted}}} ;;"
