"""Which built-in target of a compiler is nearest to an `llvm-target`: same machine, same object format.

What follows from the triple alone (data layout, pointer width, `arch`) is then the same for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bootimage.base.lazy_dataclass import dataclass
from bootimage.target_spec.compiler_facts import Specification

# Words of a triple, with any version behind them, that decide the object format; LLVM's default is ELF.
_FORMATS = {
    **dict.fromkeys(("elf", "netbsdelf"), "elf"),
    **dict.fromkeys(("apple", "macho", "darwin", "macosx", "ios", "tvos", "watchos", "xros"), "macho"),
    **dict.fromkeys(("coff", "windows", "win", "uefi", "cygwin", "mingw"), "coff"),
    **dict.fromkeys(("wasm", "wasi"), "wasm"),
    **dict.fromkeys(("aix", "xcoff"), "xcoff"),
}
# Words that mean other pointers on the same machine.
_NARROW_POINTERS = re.compile(r"x32$|ilp32|abin32|_ilp32")
_VERSION = re.compile(r"[0-9.]+$")
_X86 = re.compile(r"i[3-9]86$")


@dataclass(frozen=True)
class Nearest:
    """A built-in target: its name and its specification; `layouts` of all targets of its kind."""

    name: str
    specification: Specification
    layouts: frozenset[str]


def nearest(llvm_target: str, targets: Mapping[str, Specification]) -> Nearest | None:
    """The built-in target that LLVM treats most like `llvm_target`, or None if none is of its kind."""
    kind = _kind(llvm_target)
    alike = {name: each for name, each in targets.items() if _kind(each["llvm-target"]) == kind}
    if not alike:
        return None
    best = min(alike, key=lambda name: _distance(llvm_target, name, alike[name]["llvm-target"]))
    return Nearest(best, alike[best], frozenset(each["data-layout"] for each in alike.values()))


def machine(llvm_target: str) -> str:
    """The first word of a triple, where several spellings mean one machine the usual one."""
    word = llvm_target.split("-")[0]
    if _X86.match(word):
        return "i686"
    return "x86_64" if word in ("amd64", "x86_64h") else word


def _kind(llvm_target: str) -> tuple[str, str, bool]:
    words = llvm_target.split("-")[1:]
    formats = [_FORMATS[word] for word in (_VERSION.sub("", each) for each in words) if word in _FORMATS]
    return machine(llvm_target), formats[-1] if formats else "elf", bool(_NARROW_POINTERS.search(llvm_target))


def _distance(wanted: str, name: str, llvm_target: str) -> tuple[bool, int, str]:
    """Least for the same name, then for the fewest words apart; the name only to be definite."""
    ours = set(wanted.split("-"))
    apart = min(len(ours ^ set(theirs.split("-"))) for theirs in (name, llvm_target))
    return wanted not in (llvm_target, name), apart, name
