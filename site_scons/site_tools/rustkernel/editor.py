"""The goal `rust-analyzer`: what an editor and `cargo check` need to know of every kernel of the build."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import face

GOAL = "rust-analyzer"


def offer(env: Any, nodes: face.Nodes, crate_build: Callable[..., Any]) -> None:
    """Let the goal tell of the kernels `nodes`, whose target and sysroot are made before.

    `crate_build(env, nodes, kernel)` is how they are built.
    """

    def prepare(_target: face.Nodes, _source: face.Nodes, env: Any) -> None:
        from bootimage.commands.rust_analyzer import tell
        from bootimage.editor import prepare_editor

        build = crate_build(env, nodes, nodes[0].attributes.rust_kernel)
        folder = Path(nodes[0].dir.abspath) / "rust-analyzer"
        files = prepare_editor(face.context(env), build, folder, in_project=True)
        tell(files, Path(env.Dir("#").abspath), write=True)

    face.goal(env, GOAL, [each for each in nodes[0].sources if each.name != "Cargo.toml"], prepare)
