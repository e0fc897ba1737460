"""What the builders share: the build's context, signatures, and errors as SCons shows them.

A run in which nothing changed imports little: what an action needs of the engine, it imports itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Action
import SCons.Errors
import SCons.Script

from bootimage import report
from bootimage.engine import engine_digest
from bootimage.errors import BuildError
from bootimage.toolchain import Toolchain, ToolchainRequest, find_toolchain

if TYPE_CHECKING:
    from bootimage.context import BuildContext

Nodes = list[Any]


def context(env: Any) -> BuildContext:
    """The context of builds in `env`: its toolchain, and the store, cache and jobs of this process."""
    from bootimage.context import BuildContext

    store, remote, jobs = _shared()
    return BuildContext(toolchain(env), store, remote, jobs)


@cache
def _shared() -> Any:
    from bootimage.jobserver import JobServer
    from bootimage.remote_cache import open_remote
    from bootimage.store import open_store

    environ = os.environ
    return open_store(environ), open_remote(environ), JobServer(SCons.Script.GetOption("num_jobs"))


def toolchain(env: Any) -> Toolchain:
    """The toolchain that `env` asks for, looked for once in this process."""
    names = ("RUSTC", "CARGO", "RUST_TOOLCHAIN", "OBJCOPY", "RUST_SRC")
    asked = tuple(str(env.subst(f"${name}")) or None if name in env else None for name in names)
    return _toolchain(asked, env.Dir("#").abspath)


@cache
def _toolchain(asked: tuple[str | None, ...], project: str) -> Toolchain:
    rustc, cargo, name, objcopy, library_source = asked
    return find_toolchain(
        ToolchainRequest(
            rustc=rustc,
            cargo=cargo,
            toolchain=name,
            objcopy=objcopy,
            library=library_source,
            project=Path(project),
        )
    )


Build = Callable[[Nodes, Nodes, Any], None]
Text = Callable[[Nodes, Nodes, Any], str]


def action(build: Build, label: Text, signature: Text, comstr: str, *, shared: bool = False) -> Any:
    """A builder's action.

    `build(target, source, env)` makes the targets; `label(...)` is its one line for `scons -n`;
    `signature(...)` is all that the result depends on beyond the contents of the sources; `comstr`
    names the variable with which users replace the line.
    """

    def run(target: Nodes, source: Nodes, env: Any) -> None:
        try:
            if shared and context(env).remote is not None:
                from .sharing import Making, share

                share(env, Making(target, source, label, signature), lambda: build(target, source, env))
            else:
                build(target, source, env)
        except BuildError as error:
            report.write_error(f"{error}\n")
            raise SCons.Errors.BuildError(node=target[0], errstr="see the error above", status=1) from None

    def show(target: Nodes, source: Nodes, env: Any) -> str:
        replaced = str(env.subst(f"${comstr}", target=target, source=source))
        # While it runs, the engine itself says what it does, and only if there is something to do.
        return replaced or (label(target, source, env) if env.GetOption("no_exec") else "")

    def sign(target: Nodes, source: Nodes, env: Any, for_signature: bool) -> str:
        with user_errors():
            return f"{engine_digest()} {signature(target, source, env)}"

    # SCons finds the signature by the name of a construction variable, so each action's has one.
    variable = f"_{comstr}_SIGNATURE"
    _signatures[variable] = sign
    return SCons.Action.Action(run, show, varlist=[variable])


_signatures: dict[str, Any] = {}


def add_signatures(env: Any) -> None:
    """Give `env` the variables that `action` has named."""
    env.SetDefault(**_signatures)


class user_errors:
    """Turn the engine's errors into SCons's: one line, no traceback."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, BuildError):
            raise SCons.Errors.UserError(str(error)) from None


def words(value: Any) -> list[str]:
    """A construction variable's list of words: a list as it is, a string split at spaces."""
    return [str(each) for each in (value.split() if isinstance(value, str) else value or [])]


def say_now(text: str) -> None:
    """One plain line about a node that is being made."""
    report.say(text)


def is_cleaning(env: Any) -> bool:
    """True under `scons -c`, when nothing but names matters."""
    return bool(env.GetOption("clean"))


def warn(text: str) -> None:
    """One line of warning on standard error."""
    print(f"scons: warning: {text}", file=sys.stderr)
