"""Nodes whose files come from the network cache where it has them: stripped kernels and images."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bootimage.base.file_digest import digest_of_file, digest_of_files
from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.recipes import code_state, recipe_number

from . import env_context, scons_types
from .scons_types import Env


@dataclass(frozen=True)
class Making:
    """How targets come from sources: `recipe`, `label` and `signature` are the action's (NodeAction)."""

    recipe: str
    target: scons_types.Nodes
    source: scons_types.Nodes
    label: scons_types.Text
    signature: scons_types.Text

    def key(self, env: Env) -> str:
        """The digest of all that the targets depend on, the same in every clone."""
        from bootimage.store.keys import action_key

        parts = [f"{node.name} {digest_of_file(Path(node.abspath))}" for node in self.source]
        top = env.Dir("#").abspath
        further = [Path(node.abspath) for node in self.target[0].all_children() if node not in self.source]
        told = {
            "recipe": recipe_number(self.recipe),
            "engine": code_state(),
            "how": self.signature(self.target, self.source, env),
            "from": repr(parts),
            "beside": digest_of_files((os.path.relpath(path, top), path) for path in further),
            "to": repr([node.name for node in self.target]),
        }
        return action_key("files", told)


def share(env: Env, making: Making, build: Callable[[], None]) -> None:
    """Take the targets from the network cache, if there is one, or `build` them and offer them to others."""
    if env_context.context(env).remote is None:
        build()
        return
    from bootimage.store.build_once import SharedFiles, provide_files

    def make() -> bool:
        build()
        return True

    outputs = {node.name: Path(node.abspath) for node in making.target}
    label = making.label(making.target, making.source, env)
    wanted = SharedFiles(label, outputs, lambda: making.key(env))
    # Of what was made here a moment ago, nobody else can have made anything.
    ask = not any(str(node) in _made for node in making.source)
    context = env_context.context(env)
    if provide_files(context.store, context.remote, wanted, make, ask=ask):
        note_made(making.target)


_made: set[str] = set()


def note_made(nodes: scons_types.Nodes) -> None:
    """Remember that the network cache did not have what these nodes are."""
    _made.update(map(str, nodes))
