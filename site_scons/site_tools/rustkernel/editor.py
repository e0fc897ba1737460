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

    folder = nodes[0].dir.Dir("rust-analyzer")
    _clean(env, nodes[0], folder)

    def prepare(_target: face.Nodes, _source: face.Nodes, env: Any) -> None:
        from bootimage.commands.rust_analyzer import tell
        from bootimage.editor import prepare_editor

        build = crate_build(env, nodes, nodes[0].attributes.rust_kernel)
        files = prepare_editor(face.context(env), build, Path(folder.abspath), in_project=True)
        tell(files, Path(env.Dir("#").abspath), write=True)

    face.goal(env, GOAL, [each for each in nodes[0].sources if each.name != "Cargo.toml"], prepare)


def _clean(env: Any, node: Any, folder: Any) -> None:
    """Let `scons -c` remove with the kernel `node` what names the build folder to editors."""
    if not env.GetOption("clean"):
        return
    from bootimage.editor import project_configuration

    known = node.attributes.rust_kernel
    config = project_configuration(known.manifest)
    env.Clean(node, [folder, *([env.fs.File(str(config))] if config else [])])
