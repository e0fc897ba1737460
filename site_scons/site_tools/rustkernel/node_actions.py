"""What a builder does, and on what besides its sources the result depends.

SCons takes the digest of an action's text for that, and shows the text under --debug=explain. So it is
written to be read: one setting a line, and nothing in it is of one machine only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import SCons.Node
import SCons.Util

from bootimage.base import child_processes, console
from bootimage.base.errors import BuildError
from bootimage.store.recipes import code_state, recipe_number

from .command_options import TIMINGS, describe_goal
from .scons_internals.node_state import release_side_effects
from .scons_internals.product_nodes import claim
from .scons_types import Build, Env, Nodes, Text
from .user_errors import no_mix_ups, tell, user_errors


class NodeAction(SCons.Action.FunctionAction):  # type: ignore[misc]
    """An action that makes nodes with the engine.

    `build(target, source, env)` makes the targets; `label(...)` is its one line for `scons -n`;
    `settings(...)` is all that the result depends on beyond the contents of the sources, and beyond the
    number of the `recipe` (`bootimage.store.recipes`); `comstr` names the variable with which users replace
    the line. What is `shared` comes from the network cache where that has it.
    """

    def __init__(
        self, recipe: str, build: Build, label: Text, settings: Text, comstr: str, *, shared: bool = False
    ) -> None:
        make = _shared(recipe, build, label, settings) if shared else build
        super().__init__(_Guarded(make, comstr, recipe), {"strfunction": _shown(label, comstr)})
        self._recipe = recipe
        self._settings = settings
        self.make = build
        """What makes the targets, without errors told as SCons's, and without the network cache."""

    def genstring(self, target: Nodes, source: Nodes, env: Env, executor: Any = None) -> str:
        """What --debug=explain shows."""
        with user_errors():
            return f"{self._settings(target, source, env)}\nplug-in: {_recipe(self._recipe)}"

    def get_contents(self, target: Nodes, source: Nodes, env: Env) -> bytes:
        """What is compared with the last build's."""
        return self.genstring(target, source, env).encode()


class Goal(SCons.Action.FunctionAction):  # type: ignore[misc]
    """An action that tells or runs something and makes no file; a BuildError of `act` is printed."""

    def __init__(self, act: Callable[[Nodes, Nodes, Env], int | None]) -> None:
        super().__init__(_Told(act), {"strfunction": None})


class _Guarded:
    def __init__(self, build: Build, comstr: str, recipe: str) -> None:
        self.build = build
        self.comstr = comstr
        self.recipe = recipe

    def __call__(self, target: Nodes, source: Nodes, env: Env) -> None:
        child_processes.begin()
        theirs = _replaced(self.comstr, target, source, env)
        try:
            with (
                _timed(self.recipe, target, env),
                no_mix_ups(),
                console.told_by_others() if theirs else nullcontext(),
            ):
                self.build(target, source, env)
        except BuildError as error:
            tell(error)
            release_side_effects(target)
            raise SCons.Errors.BuildError(node=target[0], errstr="see the error above", status=1) from None


def _timed(recipe: str, target: Nodes, env: Env) -> AbstractContextManager[None]:
    file = env.GetOption(TIMINGS)
    if file is None:
        return nullcontext()
    from .timings import noted

    return noted(file, recipe, target)


class _Told:
    def __init__(self, act: Callable[[Nodes, Nodes, Env], int | None]) -> None:
        self.act = act

    def __call__(self, target: Nodes, source: Nodes, env: Env) -> int:
        child_processes.begin()
        try:
            with no_mix_ups():
                return self.act(target, source, env) or 0
        except BuildError as error:
            tell(error)
            return 1


def _shared(recipe: str, build: Build, label: Text, settings: Text) -> Build:
    def make(target: Nodes, source: Nodes, env: Env) -> None:
        from .network_cache import Making, share

        share(env, Making(recipe, target, source, label, settings), lambda: build(target, source, env))

    return make


def _shown(label: Text, comstr: str) -> Callable[[Nodes, Nodes, Env], str]:
    def show(target: Nodes, source: Nodes, env: Env) -> str:
        replaced = _replaced(comstr, target, source, env)
        # While it runs, the engine itself says what it does, and only if there is something to do.
        return replaced or (console.printable(label(target, source, env)) if env.GetOption("no_exec") else "")

    return show


def _replaced(comstr: str, target: Nodes, source: Nodes, env: Env) -> str:
    """The user's line for these nodes; empty for ours."""
    return str(env.subst(f"${comstr}", target=target, source=source))


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
def _recipe(name: str) -> str:
    """The recipe with its number; in a checkout also what the code does: SCons sees one function's alone."""
    return f"{name} {recipe_number(name)} {code_state(Path(__file__).parent)[:16]}".rstrip()


action = NodeAction


def builder(action: NodeAction, **more: Any) -> Any:
    """A builder whose targets are products: see `products.claim`."""
    return SCons.Builder.Builder(action=action, emitter=claim, **more)


def goal(env: Env, name: str, needed: Any, act: Callable[[Nodes, Nodes, Env], int | None], about: str) -> Any:
    """The alias `name`, which has the nodes `needed` made and then acts, whenever it is asked for.

    `about` is its line in `scons -h`.
    """
    describe_goal(env, name, about)
    return env.AlwaysBuild(env.Alias(name, needed, Goal(act)))
