"""Of the flags that a kernel is compiled with, those to which `core` has to fit.

build-std compiles `core` with all of the kernel's flags and in its profile. Here it is made once for many:
so only what would not link, or would not hold, with another `core` makes a sysroot of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bootimage.cargo.config import CargoConfig
from bootimage.cargo.workspace import Workspace

_ABI = "functions of both are called by each other"
_MITIGATION = "a protection holds where all code has it"
_PLACE = "the code must reach the addresses that it is linked to"

FITTING: Mapping[str, str] = {
    "-Cpanic": "rustc refuses crates whose panic strategies differ",
    "-Ctarget-feature": _ABI,
    "-Ctarget-cpu": _ABI,
    "-Csoft-float": _ABI,
    "-Cno-redzone": "an interrupt would overwrite what `core` keeps below the stack pointer",
    "-Ccode-model": _PLACE,
    "-Crelocation-model": _PLACE,
    "-Zsanitizer": "rustc refuses crates that are sanitized and others that are not",
    "-Zsanitizer-cfi-normalize-integers": "rustc refuses crates that differ in it",
    "-Zsanitizer-cfi-generalize-pointers": "the types of calls are compared at run time",
    "-Zbranch-protection": _MITIGATION,
    "-Zcf-protection": _MITIGATION,
    "-Zfunction-return": _MITIGATION,
    "-Zharden-sls": _MITIGATION,
    "-Zindirect-branch-cs-prefix": _MITIGATION,
    "-Zretpoline": _MITIGATION,
    "-Zretpoline-external-thunk": _MITIGATION,
    "-Zstack-protector": _MITIGATION,
    "-Zzero-call-used-regs": _MITIGATION,
    "-Zfixed-x18": _ABI,
    "-Zreg-struct-return": _ABI,
    "-Zregparm": _ABI,
}
"""The flag -> why `core` has to fit to it."""

_PREFIXES = {"-C": "-C", "--codegen": "-C", "-Z": "-Z"}
# Any `core` fits to the first; the second is another processor for each machine, which no key knows.
_NEVER = ("-Cpanic=abort", "-Ctarget-cpu=native")
_UNSTABLE = "-Zunstable-options"
_DEFAULT_PARENT = {"test": "dev", "bench": "release"}


def fitting_flags(flags: Sequence[str]) -> tuple[str, ...]:
    """Those of rustc's `flags` to which `core` has to fit, in one spelling."""
    named = [*_options(flags)]
    kept = tuple(each for each in named if each.partition("=")[0] in FITTING and each not in _NEVER)
    return (_UNSTABLE, *kept) if kept and _UNSTABLE in named else kept


def _options(flags: Iterable[str]) -> Iterator[str]:
    """Each -C and -Z option as `-Cname=value`, however it is written."""
    rest = iter(flags)
    for word in rest:
        for prefix, short in _PREFIXES.items():
            if word == prefix:
                yield _spelled(short, next(rest, ""))
            elif word.startswith(prefix):
                yield _spelled(short, word.removeprefix(prefix).removeprefix("="))


def _spelled(short: str, option: str) -> str:
    name, equals, value = option.partition("=")
    return f"{short}{name.replace('_', '-')}{equals}{value}"


def profile_flags(workspace: Workspace, config: CargoConfig, profile: str) -> list[str]:
    """The flags that the cargo `profile` stands for, as far as `core` has to fit to them."""
    flags = _profile_value(workspace, config, profile, "rustflags")
    words = [each for each in flags if isinstance(each, str)] if isinstance(flags, list) else []
    if _profile_value(workspace, config, profile, "panic") == "immediate-abort":
        words += [_UNSTABLE, "-Cpanic=immediate-abort"]
    return words


def _profile_value(workspace: Workspace, config: CargoConfig, profile: str, key: str) -> Any:
    """What the profile says at `key`, or the profile that it inherits from; the configuration comes first."""
    name, seen = profile, set[str]()
    while name and name not in seen:
        seen.add(name)
        tables = [_table(config.merged, name), _table(workspace.file.data, name)]
        for table in tables:
            if key in table:
                return table[key]
        inherited = next((table["inherits"] for table in tables if "inherits" in table), None)
        name = inherited if isinstance(inherited, str) else _DEFAULT_PARENT.get(name, "")
    return None


def _table(data: Mapping[str, Any], profile: str) -> Mapping[str, Any]:
    profiles = data.get("profile")
    found = profiles.get(profile) if isinstance(profiles, dict) else None
    return found if isinstance(found, dict) else {}
