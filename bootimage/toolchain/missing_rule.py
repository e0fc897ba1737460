"""Which rule is likely missing, where something breaks with a compiler that has not been tried.

The row that is proposed has all that the error tells; what only a person can find out is left as `?`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bootimage.toolchain.toolchain import Toolchain

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CRATE = re.compile(r"could not compile `([\w-]+)`")
_ITS_VERSION = r"[/\\]{}-(\d+\.\d+\.\d+[-+.\w]*)[/\\]"
_NEEDED = re.compile(r"(?:requires?|needs?|pass(?:ing)?|add|use|without)\b[^\n]{0,60}?(-Z\s?[a-z][a-z0-9-]*)")
_REFUSED = re.compile(
    r"unknown `-Z` flag specified: ([a-z-]+)|unknown (?:unstable|codegen) option: `([a-z-]+)`"
)
_SPECIFICATION = r"error loading target specification: [^\n]*?"
_KEY = re.compile(_SPECIFICATION + r"(?:unknown|missing) field `([^`]+)`")
_VALUE = re.compile(_SPECIFICATION + r"unknown variant `([^`]+)`, expected ([^\n]+)")
NO_VERSION_HELPS = re.compile(r"No space left on device|Permission denied|Cannot allocate memory|signal: \d+")
"""Errors that another version of anything would have too."""

_LOADERS_OWN = re.compile(r"bootloader.*")

_Proposal = Callable[[Toolchain, str], list[str] | None]


def likely_rule(toolchain: Toolchain, text: str, *, of_loader: bool = False) -> str | None:
    """What to add to the rules, by the errors in `text`: several lines, where it goes and the rule.

    None for a compiler that has been tried, and for errors of another kind. Crates are held back for loaders
    alone, so that is proposed for errors `of_loader` only.
    """
    if not toolchain.rules.untried:
        return None
    plain = _COLOUR.sub("", text)
    proposals = (*_PROPOSALS, *([_crate] if of_loader else []))
    row = next((found for propose in proposals if (found := propose(toolchain, plain))), None)
    return _with_place(toolchain, row) if row else None


def missing_key(toolchain: Toolchain, key: str) -> str | None:
    """The same for a `key` of a target specification that the compiler does not know."""
    return _with_place(toolchain, _key_row(key)) if toolchain.rules.untried else None


def missing_spelling(toolchain: Toolchain, key: str, value: str) -> str | None:
    """The same for a `value` of such a key."""
    row = ["[[specification-value]]", f'key = "{key}"', f'spellings = ["{value}", "?"]']
    return _with_place(toolchain, row) if toolchain.rules.untried else None


def other_version(toolchain: Toolchain, text: str) -> str | None:
    """The command for a kernel's own crate that, by the rules, this compiler cannot build: it failed."""
    plain = _COLOUR.sub("", text)
    for row in toolchain.rules.pinned:
        crate, version = row["crate"], row["version"]
        if crate in _CRATE.findall(plain) and re.search(rf"[/\\]{re.escape(crate)}-{row['series']}\.", plain):
            age = "an older" if row["bound"] == "at most" else "a newer"
            return f"this compiler needs {age} {crate}: cargo update -p {crate} --precise {version}"
    return None


def _with_place(toolchain: Toolchain, row: list[str]) -> str:
    known = f"{toolchain.rules.untried} has not been tried with this program"
    return "\n    ".join([f"{known}; a rule may be missing. Add it to {toolchain.rules_file}:", *row])


def _argument_needed(toolchain: Toolchain, text: str) -> list[str] | None:
    match = _NEEDED.search(text)
    if match is None:
        return None
    word = re.sub(r"\s", "", match[1])
    return [
        "[[argument]]",
        f'name = "cargo asks for {word}"',
        'program = "cargo"',
        'when = "always"',
        f'words = ["{word}"]',
        _bound(toolchain, "since", cargo=True),
        'why = "the error message asks for it"',
    ]


def _argument_refused(toolchain: Toolchain, text: str) -> list[str] | None:
    match = _REFUSED.search(text)
    if match is None:
        return None
    flag = match[1] or match[2]
    known = [row for row in toolchain.rules.arguments if any(flag in word for word in row["words"])]
    if not known:
        return None
    row = known[0]
    return [
        "[[argument]]",
        f'name = "{row["name"]}"  # in place of the row of this name',
        f'program = "{row["program"]}"',
        f'when = "{row["when"]}"',
        f"words = [{', '.join(_quoted(word) for word in row['words'])}]",
        _bound(toolchain, "before", cargo=row["program"] == "cargo"),
        f'why = "-Z{flag} is gone"',
    ]


def _value(_toolchain: Toolchain, text: str) -> list[str] | None:
    match = _VALUE.search(text)
    if match is None:
        return None
    return [
        "[[specification-value]]",
        'key = "?"  # the key with this value',
        f'spellings = ["{match[1]}", "?"]  # one of {match[2]}',
    ]


def _key(_toolchain: Toolchain, text: str) -> list[str] | None:
    match = _KEY.search(text)
    return _key_row(match[1]) if match else None


def _key_row(key: str) -> list[str]:
    return ["[[specification-key]]", f'key = "{key}"', 'now = "?"  # or no such line: it is removed']


def _crate(toolchain: Toolchain, text: str) -> list[str] | None:
    crates = [name for name in _CRATE.findall(text) if not _LOADERS_OWN.fullmatch(name)]
    if not crates or NO_VERSION_HELPS.search(text):
        return None
    crate = crates[0]
    version = re.search(_ITS_VERSION.format(re.escape(crate)), text)
    series = ".".join(version[1].split(".")[: 2 if version[1].startswith("0.") else 1]) if version else "?"
    found = version[1] if version else "?"
    return [
        "[[pinned-crate]]",
        f'name = "{crate} {found} with rustc {toolchain.release}"',
        f'crate = "{crate}"',
        f'series = "{series}"',
        'bound = "at least"  # or "at most": an older one than the lock file names',
        'version = "?"  # one of the series that this compiler builds',
        'checksum = "?"  # as a Cargo.lock with that version has it',
        _bound(toolchain, "since", cargo=False),
        f'why = "{crate} {found} does not build"',
    ]


_PROPOSALS: tuple[_Proposal, ...] = (_argument_refused, _argument_needed, _value, _key)


def _bound(toolchain: Toolchain, word: str, *, cargo: bool) -> str:
    release = toolchain.cargo_release if cargo else toolchain.release
    day = toolchain.commit_date if toolchain.commit_date[:1].isdigit() else "?"
    return f'{word} = {{ nightly = "{day}", release = "{release.partition("-")[0]}" }}'


def _quoted(word: str) -> str:
    return f'"{word}"' if '"' not in word else f"'{word}'"
