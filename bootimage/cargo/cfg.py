"""Platform conditions such as `cfg(all(unix, target_os = "none"))`, as cargo's settings use them.

Grammar: https://doc.rust-lang.org/reference/conditional-compilation.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# What the compiler says of a target: a name alone, or a name with its value.
CfgSet = frozenset[tuple[str, str | None]]
_Condition = Callable[[CfgSet], bool]

_TOKEN = re.compile(r'\s*(?:(?P<word>(?:r#)?[^\W\d]\w*)|"(?P<string>[^"]*)"|(?P<sign>[(),=])|(?P<end>$))')
_MOST_LEVELS = 64
_END = "end of the condition"


def cfg_set(printed: str) -> CfgSet:
    """The set that `rustc --print cfg` prints: one `name` or `name="value"` a line."""
    pairs = (line.strip().partition("=") for line in printed.splitlines() if line.strip())
    return frozenset((name, value[1:-1] if equals else None) for name, equals, value in pairs)


def matches(key: str, cfg: CfgSet) -> bool:
    """Whether the table key `cfg(...)` applies. Like cargo, anything else and what is malformed does not."""
    if not (key.startswith("cfg(") and key.endswith(")")):
        return False
    try:
        return parse(key[len("cfg(") : -len(")")])(cfg)
    except ValueError:
        return False


def parse(text: str) -> _Condition:
    """The condition inside `cfg(...)`, as a function of the compiler's set. ValueError says what is wrong."""
    tokens = _Tokens(text)
    condition = _condition(tokens)
    tokens.take(_END)
    return condition


def _condition(tokens: _Tokens, level: int = 0) -> _Condition:
    if level > _MOST_LEVELS:
        raise ValueError(f"a condition of more than {_MOST_LEVELS} levels")
    word = tokens.take("word")
    if word in ("all", "any", "not") and tokens.next_is("("):
        return _combined(word, list(_arguments(tokens, level + 1)))
    if word in ("true", "false"):
        return lambda _: word == "true"
    name = word.removeprefix("r#")
    if not tokens.next_is("="):
        return lambda cfg: (name, None) in cfg
    tokens.take("=")
    value = tokens.take("string")
    return lambda cfg: (name, value) in cfg


def _combined(word: str, parts: list[_Condition]) -> _Condition:
    if word == "all":
        return lambda cfg: all(part(cfg) for part in parts)
    if word == "any":
        return lambda cfg: any(part(cfg) for part in parts)
    if len(parts) != 1:
        raise ValueError(f"`not` takes one condition, found {len(parts)}")
    return lambda cfg: not parts[0](cfg)


def _arguments(tokens: _Tokens, level: int) -> Iterator[_Condition]:
    tokens.take("(")
    while not tokens.next_is(")"):
        yield _condition(tokens, level)
        if not tokens.next_is(")"):
            tokens.take(",")
    tokens.take(")")


class _Tokens:
    """The tokens of a condition, one ahead: pairs of kind (word, string, a sign, the end) and text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._next = self._read()

    def next_is(self, kind: str) -> bool:
        return self._next[0] == kind

    def take(self, kind: str) -> str:
        found, text = self._next
        if found != kind:
            raise ValueError(f"expected {kind}, found {text or found} in `{self._text}`")
        if kind != _END:
            self._next = self._read()
        return text

    def _read(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise ValueError(f"cannot read `{self._text[self._at :].strip()}` in `{self._text}`")
        self._at = match.end()
        if match["sign"]:
            return match["sign"], match["sign"]
        kind = match.lastgroup or ""
        return (_END, "") if kind == "end" else (kind, match[kind])
