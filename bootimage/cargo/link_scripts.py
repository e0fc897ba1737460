"""The linker scripts that flags name: files of a build that no `.d` file tells of.

rustc hands the linker what `-C link-arg` says; a script is `-T FILE` or `--script=FILE` there (GNU ld's
manual, "Command-line Options"), behind `-Wl,` where a C compiler links. rustc runs in the workspace's root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from bootimage.base.json_text import read_object

_CODEGEN = re.compile(r"link-args?=(.*)", re.DOTALL)
_SCRIPT = re.compile(r"-d?T=?(?!text|data|bss|ldata|rodata)(.*)|--?(?:default-)?script(?:=(.*))?", re.DOTALL)
_PLACES = ("pre", "late", "post")
_FOLDER = re.compile(r"-L(.*)|--library-path=(.*)", re.DOTALL)


def link_scripts(linker_arguments: Iterable[str], base: Path) -> list[Path]:
    """The linker scripts that are there; a relative one lies in `base` or in a folder of `-L`."""
    words = list(_words(linker_arguments))
    folders = [base, *(base / name for name in _named(words, _FOLDER))]
    places = (folder / name for name in _named(words, _SCRIPT) for folder in folders)
    return [place for place in places if place.is_file()]


def linker_arguments(rustc_flags: Iterable[str]) -> Iterator[str]:
    """What `-C link-arg=WORD` and `-C link-args=WORDS` among rustc's flags say to the linker."""
    for flag in rustc_flags:
        text = flag.removeprefix("--codegen").removeprefix("-C").lstrip("= ")
        if found := _CODEGEN.fullmatch(text):
            yield from found[1].split() if text.startswith("link-args=") else [found[1]]


def linker_words(specification: Path) -> list[str]:
    """What the target specification in that JSON file says to the linker; nothing for one that is none."""
    read = read_object(specification)  # what is wrong with it is said when the specification is read
    found = (read.get(f"{place}-link-args") for place in _PLACES)
    lists = [words for each in found for words in (each.values() if isinstance(each, dict) else [each])]
    return [word for words in lists if isinstance(words, list) for word in words if isinstance(word, str)]


def _words(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        yield from argument.removeprefix("-Wl,").split(",") if argument.startswith("-Wl,") else [argument]


def _named(words: list[str], option: re.Pattern[str]) -> Iterator[str]:
    """The values of an option, joined to it or as the word behind it."""
    for word, following in pairwise([*words, ""]):
        if found := option.fullmatch(word):
            value = next((group for group in found.groups() if group), following)
            if value:
                yield value
