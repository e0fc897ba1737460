"""What a builder does, and on what besides its sources the result depends.

SCons takes the digest of an action's text for that, and shows the text under --debug=explain. So it is
written to be read: one setting a line, and nothing in it is of one machine only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import SCons.Action
import SCons.Errors

import bootimage
from bootimage import report
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError

from .errors import no_mix_ups, told, user_errors

Nodes = list[Any]
Build = Callable[[Nodes, Nodes, Any], None]
Text = Callable[[Nodes, Nodes, Any], str]


class NodeAction(SCons.Action.FunctionAction):  # type: ignore[misc]
    """An action that makes nodes with the engine.

    `build(target, source, env)` makes the targets; `label(...)` is its one line for `scons -n`;
    `settings(...)` is all that the result depends on beyond the contents of the sources; `comstr`
    names the variable with which users replace the line. What is `shared` comes from the network cache
    where that has it.
    """

    def __init__(
        self, build: Build, label: Text, settings: Text, comstr: str, *, shared: bool = False
    ) -> None:
        make = _shared(build, label, settings) if shared else build
        super().__init__(_Guarded(make), {"strfunction": _shown(label, comstr)})
        self._settings = settings
        self.make = build
        """What makes the targets, without errors told as SCons's, and without the network cache."""

    def genstring(self, target: Nodes, source: Nodes, env: Any, executor: Any = None) -> str:
        """What --debug=explain shows."""
        with user_errors():
            return f"{self._settings(target, source, env)}\nplug-in: {code_digest()[:16]}"

    def get_contents(self, target: Nodes, source: Nodes, env: Any) -> bytes:
        """What is compared with the last build's."""
        return self.genstring(target, source, env).encode()


class Goal(SCons.Action.FunctionAction):  # type: ignore[misc]
    """An action that tells or runs something and makes no file; a BuildError of `act` is printed."""

    def __init__(self, act: Callable[[Nodes, Nodes, Any], int | None]) -> None:
        super().__init__(_Told(act), {"strfunction": None})


# SCons takes the digest of a function and of all that it encloses, which takes longer than what most runs
# have to do, and which our actions do not use. Of an object that can be called it sees the class alone.


@dataclass(frozen=True)
class _Guarded:
    build: Build

    def __call__(self, target: Nodes, source: Nodes, env: Any) -> None:
        try:
            with no_mix_ups():
                self.build(target, source, env)
        except BuildError as error:
            report.write_error(f"{told(error)}\n")
            raise SCons.Errors.BuildError(node=target[0], errstr="see the error above", status=1) from None


@dataclass(frozen=True)
class _Told:
    act: Callable[[Nodes, Nodes, Any], int | None]

    def __call__(self, target: Nodes, source: Nodes, env: Any) -> int:
        try:
            with no_mix_ups():
                return self.act(target, source, env) or 0
        except BuildError as error:
            report.write_error(f"{told(error)}\n")
            return 1


def _shared(build: Build, label: Text, settings: Text) -> Build:
    def make(target: Nodes, source: Nodes, env: Any) -> None:
        from .sharing import Making, share

        share(env, Making(target, source, label, settings), lambda: build(target, source, env))

    return make


def _shown(label: Text, comstr: str) -> Callable[[Nodes, Nodes, Any], str]:
    def show(target: Nodes, source: Nodes, env: Any) -> str:
        replaced = str(env.subst(f"${comstr}", target=target, source=source))
        # While it runs, the engine itself says what it does, and only if there is something to do.
        return replaced or (label(target, source, env) if env.GetOption("no_exec") else "")

    return show


def settings_text(**settings: object) -> str:
    """One line for each setting; of a list, the words; of a table, its rows."""
    return "\n".join(f"{name.replace('_', ' ')}: {_written(value)}" for name, value in settings.items())


def _written(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each!r}" for name, each in sorted(value.items()))
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return str(value)


@cache
def code_digest() -> str:
    """The SHA-256 of this plug-in's own files: SCons sees a function's bytecode, not what it calls."""
    digest = hashlib.sha256()
    for root in (os.path.dirname(bootimage.__file__), os.path.dirname(__file__)):  # noqa: PTH120
        for name in sorted(_code_below(root)):
            digest.update(name.encode() + b"\0" + Path(root, name).read_bytes() + b"\0")
    return digest.hexdigest()


def _code_below(root: str, under: str = "") -> Iterator[str]:
    with os.scandir(os.path.join(root, under)) as entries:  # noqa: PTH118 (on the way of every run)
        for entry in entries:
            if entry.name.endswith((".py", ".toml")):
                yield under + entry.name
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _code_below(root, f"{under}{entry.name}/")
