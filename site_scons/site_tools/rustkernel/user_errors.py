"""The engine's errors as SCons shows them: with no traceback, and at the line of the user's that asked.

A folder where a file is expected, or the reverse: SCons's TypeErrors for that, as errors of ours.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import SCons.Node.FS

from bootimage.base import console
from bootimage.base.errors import BuildError

from .scons_types import Env
from .variable_types import check_variables


def told(error: BuildError) -> str:
    """The text for the user, in which files of the project are named from its top."""
    top = SCons.Node.FS.get_default_fs().Top.get_abspath()
    file = os.fspath(error.file) if error.file else ""
    if file.startswith(f"{top}/"):
        error.file = os.path.relpath(file, top)
    return str(error)


def tell(error: BuildError) -> None:
    """Print the error, once however many nodes fail for it."""
    if error not in _told:
        _told.add(error)
        console.write_error(f"{told(error)}\n")


_told: WeakSet[BuildError] = WeakSet()


@contextmanager
def no_mix_ups(variable: str = "") -> Iterator[None]:
    """Turn what SCons raises for a folder in a file's place into a BuildError, which names `variable`."""
    try:
        yield
    except TypeError as error:
        raise described(error, variable) or error from None


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn the engine's errors, and SCons's own for a folder in a file's place, into those for the user."""
    try:
        with no_mix_ups():
            yield
    except BuildError as error:
        raise SCons.Errors.UserError(told(error)) from None


def _called(name: str, method: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    try:
        return method(*arguments, **named)
    except TypeError:
        try:
            inspect.signature(method).bind(*arguments, **named)
        except TypeError as error:  # the mistake is in the call itself
            raise SCons.Errors.UserError(f"{name}: {error}") from None
        raise


def add_method(env: Env, method: Callable[..., Any], name: str) -> None:
    """Give `env` a method whose errors are told at the line that calls it, not where we noticed them."""

    def call(env: Env, *arguments: Any, **named: Any) -> Any:
        try:
            with user_errors():
                check_variables(env, named)
                return _called(name, method, (env, *arguments), named)
        except SCons.Errors.UserError as error:
            raise error.with_traceback(None) from None

    # SCons names the innermost line that is not its own, and it knows its own by their folder.
    call.__code__ = call.__code__.replace(co_filename=SCons.Errors.__file__)
    env.AddMethod(call, name)


# On the disk, and in the graph.
_FOUND = re.compile(r"(Directory|File) (.*) found where (?:directory|file) expected\.", re.S)
_LOOKED_UP = re.compile(r"Tried to lookup (\w+) '(.*)' as a (\w+)\.", re.S)

_FOLDER, _FILE = "this is a folder; a file is expected", "this is a file; a folder is expected"
_HINT = "name another one in the SConstruct, or remove this one if nobody needs it"


def described(error: TypeError, variable: str = "") -> BuildError | None:
    """What `error` says to the user, and which `variable` it is about; None if that is something else."""
    text = str(error)
    if found := _FOUND.fullmatch(text):
        path, message = found[2], _FOLDER if found[1] == "Directory" else _FILE
    elif found := _LOOKED_UP.fullmatch(text):
        path, message = found[2], _FILE if found[3] == "Dir" else _FOLDER
    else:
        return None
    return BuildError(f"{variable}: {message}" if variable else message, file=path, hint=_HINT)
