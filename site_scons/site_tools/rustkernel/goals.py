"""Goals that tell rather than build: `scons toolchain` and `scons store`.

The goal `rust-analyzer`: what an editor and `cargo check` need to know of every kernel of the build.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bootimage.base import console

from . import env_context, node_actions, scons_types
from .scons_types import Env


def generate(env: Env) -> None:
    """Add the goals to the build, once however many environments load the tool."""
    for name, tell, about in (
        ("toolchain", _toolchain, "which compiler and programs are used, and what is missing"),
        ("store", _store, "what the store holds, and what it has saved"),
    ):
        if not env.Alias(name)[0].has_builder():
            node_actions.goal(env, name, [], tell, about)


def _toolchain(_target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
    from bootimage.toolchain.toolchain_summary import table

    console.output("\n".join([*table(env_context.toolchain(env)), ""]))


def _store(_target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
    from bootimage.store.store_summary import report_lines

    console.output("\n".join([*report_lines(env_context.context(env).store), ""]))


GOAL = "rust-analyzer"


def offer(env: Env, nodes: scons_types.Nodes, crate_build: Callable[..., Any]) -> None:
    """Let the goal tell of the kernels `nodes`, whose target and sysroot are made before.

    `crate_build(env, nodes, kernel)` is how they are built.
    """

    folder = nodes[0].dir.Dir("rust-analyzer")
    _clean(env, nodes[0], folder)

    def prepare(_target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
        from bootimage.kernel.editor_settings import prepare_editor, tell

        build = crate_build(env, nodes, nodes[0].attributes.rust_kernel)
        files = prepare_editor(env_context.context(env), build, Path(folder.abspath), in_project=True)
        tell(files, Path(env.Dir("#").abspath), write=True)

    needed = [each for each in nodes[0].sources if each.name != "Cargo.toml"]
    node_actions.goal(env, GOAL, needed, prepare, "tell editors and `cargo check` how the kernels are built")


def _clean(env: Env, node: Any, folder: Any) -> None:
    """Let `scons -c` remove with the kernel `node` what names the build folder to editors."""
    if not env.GetOption("clean"):
        return
    from bootimage.kernel.editor_settings import project_configuration

    known = node.attributes.rust_kernel
    config = project_configuration(known.manifest)
    env.Clean(node, [folder, *([env.fs.File(str(config))] if config else [])])
