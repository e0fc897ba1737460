"""The rules for one compiler and its cargo: what they need, and whether they have been tried.

What is found out of the files (`rule_files`) is remembered until one of them changes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bootimage.base.json_text import parse_object
from bootimage.toolchain.fact_cache import open_probe
from bootimage.toolchain.rule_files import Row, Rules, own_rules, read_rules, rule_files

_NO_MATTER = ("name", "why", "since", "before")
"""Fields of a row by which no result can differ."""


class Version(NamedTuple):
    """The release of a compiler or a cargo, as `1.97.0-nightly`, and the day of its source, if known."""

    release: str
    day: str

    def is_before(self, bound: Mapping[str, str]) -> bool:
        """Whether it is older than the `bound` of a rule."""
        if "nightly" in self.release and self.day[:1].isdigit():
            return self.day < bound["nightly"]
        return _numbers(self.release) < _numbers(bound["release"])

    def __str__(self) -> str:
        return f"{self.release} ({self.day})" if "nightly" in self.release else self.release


class CompilerRules:
    """What counts for one compiler: `pinned` crates for loaders, `arguments` for cargo and rustc.

    `untried` names what of the two has not been tried; empty for none. `digest` is of all that can change a
    result, but for the pinned crates, which are for loaders alone. It is empty where the program's own rules
    count: what these give is a part of the engine.
    """

    # No dataclass: to make one would take longer than all else that an idle run has to do with rules.
    def __init__(self, found: Mapping[str, Any]) -> None:
        self.pinned: tuple[Row, ...] = tuple(found["pinned"])
        self.arguments: tuple[Row, ...] = tuple(found["arguments"])
        self.untried: str = found["untried"]
        self.digest: str = found["digest"]

    def words(self, program: str, *when: str) -> list[str]:
        """The arguments for `program` in the cases `when`."""
        rows = (row for row in self.arguments if row["program"] == program and row["when"] in when)
        return [word for row in rows for word in row["words"]]


def compiler_rules(rustc: Version, cargo: Version, environ: Mapping[str, str]) -> CompilerRules:
    """The rules for this compiler and cargo. BuildError for what is wrong in a file of rules."""

    def ask() -> str:
        return json.dumps(_chosen(read_rules(environ), own_rules(), rustc, cargo))

    what = f"rules 1 for rustc {rustc.release} {rustc.day}, cargo {cargo.release} {cargo.day}"
    return CompilerRules(parse_object(open_probe(environ).recall(what, rule_files(environ), ask)))


def _chosen(rules: Rules, own: Rules, rustc: Version, cargo: Version) -> dict[str, object]:
    digest = _digest(rules, rustc, cargo)
    return {
        "pinned": [row for row in rules.rows["pinned-crate"] if _applies(row, rustc)],
        "arguments": _arguments(rules, rustc, cargo),
        "untried": " and ".join(_untried(rules.rows["tried"], rustc, cargo)),
        "digest": "" if digest == _digest(own, rustc, cargo) else digest,
    }


def _arguments(rules: Rules, rustc: Version, cargo: Version) -> list[Row]:
    whose = {"cargo": cargo, "rustc": rustc}
    return [row for row in rules.rows["argument"] if _applies(row, whose[row["program"]])]


def _applies(row: Row, version: Version) -> bool:
    since, before = row.get("since"), row.get("before")
    return not (since and version.is_before(since)) and (not before or version.is_before(before))


def _untried(tried: Iterable[Row], rustc: Version, cargo: Version) -> Iterator[str]:
    rows = list(tried)
    if not any(_is(rustc, row["release"], row.get("commit_date")) for row in rows):
        yield f"rustc {rustc}"
    if cargo != rustc and not any(_is(cargo, row.get("cargo", row["release"]), None) for row in rows):
        yield f"cargo {cargo.release}"


def _is(version: Version, release: str, day: str | None) -> bool:
    same_day = day is None or "nightly" not in release or version.day == day
    return version.release == release and same_day


def _digest(rules: Rules, rustc: Version, cargo: Version) -> str:
    kinds = ("specification-key", "specification-value", "dropped-feature")
    rows = [*_arguments(rules, rustc, cargo), *(row for kind in kinds for row in rules.rows[kind])]
    matter = [{key: value for key, value in row.items() if key not in _NO_MATTER} for row in rows]
    return hashlib.sha256(json.dumps(matter, sort_keys=True).encode()).hexdigest()


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release.split("-")[0]))
