"""The types of construction variables and of arguments: a wrong one is told at the user's line.

Only here: elsewhere a value is what its variable is for. How many files one names, and whether they are
there, is told by who looks for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import SCons.Util

from .scons_types import Env

Check = Callable[[str, Any], None]

_FILE = "the name of a file or the node of one"


def check_variables(env: Env, overrides: Mapping[str, Any]) -> None:
    """Raise UserError for the first variable of `env`, under `overrides`, that is not of its type."""
    for name, check in _CHECKS.items():
        value = overrides[name] if name in overrides else env.get(name)
        if value is not None or name in _NEEDED:
            check(name, value)


def check_files(what: str, value: Any, *, expected: str = _FILE) -> None:
    """Raise UserError where `value` is no file's name or node, and no list of those."""
    for name, each in _each(what, value):
        if SCons.Util.is_String(each):
            _no_nul(name, each)
        elif not isinstance(each, SCons.Node.FS.Base):
            raise _wrong(name, expected, each)


def check_some_files(what: str, value: Any) -> None:
    """The same for what may not be empty."""
    if not value:
        raise _wrong(what, _FILE, value)
    check_files(what, value)


def check_sysroot_source(what: str, value: Any) -> None:
    """Raise UserError where `value` is neither a canonical specification nor the Value of a triple."""
    first = value[0] if SCons.Util.is_Sequence(value) and len(value) == 1 else value
    if isinstance(first, SCons.Node.Python.Value) and isinstance(first.value, str):
        return
    if not first or not (SCons.Util.is_String(first) or isinstance(first, SCons.Node.FS.Base)):
        raise _wrong(what, "a canonical specification, or the Value of a target's name", value)


def check_package(value: Any) -> None:
    """Raise UserError where `value` does not name a package."""
    first = value[0] if SCons.Util.is_Sequence(value) and value else value
    if not isinstance(first, (os.PathLike, SCons.Node.FS.Base)) and not SCons.Util.is_String(first):
        raise _wrong("the package", "its folder, its Cargo.toml or its kernel", value)


def check_target(what: str, value: Any) -> None:
    """Raise UserError where `value` names no target."""
    first = value[0] if SCons.Util.is_Sequence(value) and value else value
    is_name = SCons.Util.is_String(first) and first.strip()
    if not is_name and not isinstance(first, (os.PathLike, SCons.Node.FS.Base)):
        raise _wrong(what, "the name of a built-in target or of a JSON file", value)
    check_text(what, first)


def check_text(what: str, value: Any) -> None:
    """Raise UserError where `value` is no string, nor what SCons makes one of."""
    for name, each in _each(what, value):
        if SCons.Util.is_String(each):
            _no_nul(name, each)
        elif not callable(each) and not isinstance(each, (os.PathLike, SCons.Node.FS.Base)):
            raise _wrong(name, "a string", each)


def _words(what: str, value: Any) -> None:
    if SCons.Util.is_String(value):
        _is_utf8(what, value)
        return
    if not SCons.Util.is_Sequence(value):
        raise _wrong(what, "a list of words or a string", value)
    for number, each in enumerate(value):
        _word(f"{what}[{number}]", each)


def _word(what: str, value: Any) -> None:
    if SCons.Util.is_String(value):
        _is_utf8(what, value)
    elif not isinstance(value, (int, float, os.PathLike, SCons.Node.FS.Base)):
        raise _wrong(what, "a string", value)


def _inputs(what: str, value: Any) -> None:
    check_files(what, value, expected="the name of a file or a folder, or the node of one")


def _flag(what: str, value: Any) -> None:
    if not isinstance(value, int):
        raise _wrong(what, "True or False", value)


def _environment(what: str, value: Any) -> None:
    for name, each in _rows(what, value):
        if not name or "=" in name:
            raise _wrong(f"a name in {what}", "one without `=`, and not empty", name)
        _word(f"{what}[{name!r}]", each)


def _ramdisk(what: str, value: Any) -> None:
    if value:
        check_files(what, value)


def _boot_files(what: str, value: Any) -> None:
    for name, each in _rows(what, value) if value else ():
        check_some_files(f"{what}[{name!r}]", each)


def _rows(what: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise _wrong(what, "a dictionary", value)
    for name, each in value.items():
        if not isinstance(name, str):
            raise _wrong(f"a name in {what}", "a string", name)
        _is_utf8(f"a name in {what}", name)
        yield name, each


def _each(what: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is in a list, with where it is; what is none, by itself."""
    if not SCons.Util.is_Sequence(value):
        yield what, value
        return
    for number, each in enumerate(value):
        yield from _each(f"{what}[{number}]", each)


def _no_nul(what: str, value: Any) -> None:
    if "\0" in value:
        raise _wrong(what, "without NUL characters", str(value))


def _is_utf8(what: str, value: Any) -> None:
    _no_nul(what, value)
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise _wrong(what, "text that UTF-8 can hold", str(value)) from None


def _wrong(what: str, expected: str, found: Any) -> SCons.Errors.UserError:
    return SCons.Errors.UserError(f"{what} must be {expected}, found {found!r}")


_CHECKS: dict[str, Check] = {
    "RUST_TARGET": check_target,
    **dict.fromkeys(("RUST_FEATURES", "RUST_BINS", "RUST_SYSROOT_CRATES"), _words),
    **dict.fromkeys(("RUSTFLAGS", "CARGOFLAGS", "QEMUFLAGS", "KERNEL_TEST_FIRMWARE"), _words),
    **dict.fromkeys(("RUST_PROFILE", "RUST_BUILD_DIR", "RUST_TOOLCHAIN", "RUST_SRC"), check_text),
    **dict.fromkeys(("RUSTC", "CARGO", "OBJCOPY", "RUSTC_WRAPPER", "BOOTLOADER_VERSION"), check_text),
    **dict.fromkeys(("QEMU", "OVMF_CODE", "OVMF_VARS", "KERNEL_TEST_JUNIT"), check_text),
    "RUST_DEFAULT_FEATURES": _flag,
    "RUST_INPUTS": _inputs,
    "CARGO_ENV": _environment,
    "RAMDISK": _ramdisk,
    "BOOT_FILES": _boot_files,
}

# For all others, None is as good as nothing.
_NEEDED = ("RUST_TARGET",)
