"""Values as Python source for an SConstruct: what is written arrives in SCons as it was, and runs nothing.

SCons expands `$` in names of nodes and in most strings, `${...}` as Python; `$$` is a dollar there.
A name of a node that begins with `#` is one from the project's top.
"""

from __future__ import annotations

from collections.abc import Iterable

from bootimage.base.errors import BuildError


def scons_string(text: str) -> str:
    """`text` as a string literal for a place where SCons expands `$`."""
    return _literal(text.replace("$", "$$"))


def scons_path(path: str) -> str:
    """The relative or absolute `path` as a literal; a folder called `#` is not the project's top."""
    return scons_string(f"./{path}" if path.startswith("#") else path)


def word_list(words: Iterable[str]) -> str:
    """A list of strings for a construction variable whose words are taken as they are."""
    return f"[{', '.join(map(_literal, words))}]"


def _literal(text: str) -> str:
    """Between double quotes, as people write it, with what cannot stand there escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a name that is no UTF-8
        raise BuildError(f"{text!a} is no text that an SConstruct can hold", hint="rename it") from None
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(each if each.isprintable() else ascii(each)[1:-1] for each in escaped)}"'
