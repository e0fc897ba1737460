"""Compare LLVM data layouts: is one an older spelling of another, or another layout?

The format is LLVM's: https://llvm.org/docs/LangRef.html#data-layout
"""

from __future__ import annotations

import re

# What LLVM assumes where a layout says nothing.
_DEFAULTS = {
    **{"p": "64:64", "i1": "8", "i8": "8", "i16": "16", "i32": "32", "i64": "32:64"},
    **{"f16": "16", "f32": "32", "f64": "64", "f128": "128", "v64": "64", "v128": "128", "a": "0:64"},
}
# What LLVM's own layouts came to state that they did not state before: name mangling (LLVM 3.5), the
# pointers of mixed sizes of x86 (LLVM 10, rust PR 116672), function pointers, 128-bit integers (LLVM 18,
# rust PR 120062). A layout without them was right in its day.
_CAME_LATER = frozenset({"m", "p270", "p271", "p272", "F", "i128"})
_SIZED = re.compile(r"([pifva][0-9]*):(.*)")
_PLAIN = re.compile(r"(ni|[A-Za-z])(.*)")


def added_since(old: str, current: str) -> tuple[str, ...] | None:
    """What `current` states and its older spelling `old` does not; None if `old` is another layout."""
    ours, theirs = _components(old), _components(current)
    missing = theirs.keys() - ours.keys()
    if missing - _CAME_LATER or any(theirs.get(key, [None])[0] != ours[key][0] for key in ours):
        return None
    return tuple(theirs[key][1] for key in theirs if key in missing)


def difference(layout: str, current: str) -> str:
    """The first thing in which `layout` contradicts `current`, in words."""
    ours, theirs = _components(layout), _components(current)
    for key, (value, text) in ours.items():
        if key not in theirs:
            return f"it states {text or 'an empty part'}, which LLVM's does not"
        if theirs[key][0] != value:
            return f"it states {text} where LLVM's states {theirs[key][1]}"
    lacking = [theirs[key][1] for key in theirs if key not in ours and key not in _CAME_LATER]
    return f"it lacks {', '.join(lacking)}"


def _components(layout: str) -> dict[str, tuple[str, str]]:
    """Each component by what it is about: its value without what is implied anyway, and its text."""
    components: dict[str, tuple[str, str]] = {}
    for text in layout.split("-") if layout else ():
        key, value = _component(text)
        if key != "s" and _DEFAULTS.get(key) != value:
            components[key] = (value, text)
    return components


def _component(text: str) -> tuple[str, str]:
    if text in ("e", "E"):
        return "endian", text
    if re.match(r"s[0-9]*:", text):  # objects on the stack: LLVM has long ceased to read it
        return "s", ""
    if sized := _SIZED.fullmatch(text):
        key, fields = sized.group(1), sized.group(2).split(":")
        return "a" if key == "a0" else key, _without_same_preference(key, fields)
    plain = _PLAIN.fullmatch(text)
    return (plain.group(1), plain.group(2)) if plain else (text, "")


def _without_same_preference(key: str, fields: list[str]) -> str:
    """`64:64` as `64`: a preferred alignment need not be told when it is the required one."""
    alignment = 1 if key.startswith("p") else 0
    if len(fields) == alignment + 2 and fields[alignment] == fields[alignment + 1]:
        fields = fields[:-1]
    return ":".join(fields)
