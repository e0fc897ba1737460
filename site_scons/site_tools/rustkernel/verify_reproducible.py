"""`scons verify-reproducible`: build every kernel and its images a second time elsewhere, and compare.

With `--full` also the sysroot and the loader's programs, which takes minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Script

from bootimage.base import console

from . import env_context, kernel_builder, kernel_node, node_actions, scons_types
from .scons_internals.node_state import make_of
from .scons_types import Env

if TYPE_CHECKING:
    from bootimage.context import BuildContext

_GOAL = "verify-reproducible"
_ADVICE = (
    "  help: what reads the clock, random numbers or this machine's names at build time makes other bytes:\n"
    "  look for build scripts and macros that do, and give them what they need in CARGO_ENV"
)


def generate(env: Env) -> None:
    """Add the goal and its option to the build, once however many environments load the tool."""
    if not env.Alias(_GOAL)[0].has_builder():
        node_actions.goal(env, _GOAL, [], _verify, "build everything a second time elsewhere, and compare")
        SCons.Script.AddOption(
            "--full",
            dest="rust_verify_full",
            action="store_true",
            default=False,
            help=f"With {_GOAL}: build sysroot and loader a second time, too.",
        )


def watch(env: Env, images: scons_types.Nodes) -> None:
    """Have `scons verify-reproducible` verify these images."""
    env.Alias(_GOAL, images)


def _verify(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.kernel.second_build import second_context

    context = env_context.context(env)
    full = bool(env.GetOption("rust_verify_full"))
    console.say("Building a second time, in another folder and under another name")
    with context.store.work("verify") as folder:
        other = second_context(context, folder, full=full)
        with env_context.instead(other):
            differing = _compare(_Second(other, folder, full), source)
    if differing:
        raise SCons.Errors.BuildError(node=target[0], errstr="not reproducible", status=1)


def _compare(second: _Second, images: scons_types.Nodes) -> int:
    """Build all again, tell what differs, and return how many files do."""
    from bootimage.inspection.image_difference import describe_difference

    for image in images:
        second.again(image)
    differing = 0
    for node, path in second.made.items():
        lines = describe_difference(Path(node.abspath), path)
        differing += bool(lines)
        for line in lines:
            console.say(f"{node}: {line}")
    if differing:
        console.say(f"Not reproducible: of {len(second.made)} files, {differing} came out differently")
        console.write_error(f"{_ADVICE}\n")
    else:
        console.say(f"Reproducible: {len(second.made)} files came out the same to the last bit")
    return differing


class _Second:
    """The files of the second build, made as they are asked for, by their nodes."""

    def __init__(self, context: BuildContext, folder: Path, full: bool) -> None:
        self._context = context
        self._folder = folder
        self._full = full
        self.made: dict[Any, Path] = {}

    def again(self, node: Any) -> Path | None:
        """The second file for `node`; None where it is none of what is built again."""
        if node not in self.made and self._is_made_again(node):
            self._make(node)
        return self.made.get(node)

    def _seen(self, node: Any) -> Any:
        """What stands for a source: the node itself, or its second file."""
        path = self.again(node)
        return _Elsewhere(node, path) if path else node

    def _is_made_again(self, node: Any) -> bool:
        """True for a kernel and what is made of it; with `--full` for all that an action of ours makes."""
        if make_of(node) is None:
            return False
        return (
            self._full
            or kernel_node.kernel_of(node) is not None
            or any(map(self._is_made_again, node.sources))
        )

    def _make(self, node: Any) -> None:
        group = getattr(node, "target_peers", [node])  # which a lone target lacks
        folder = self._folder / f"{len(self.made)}"
        if kernel_node.kernel_of(node) is None:
            sources = [self._seen(each) for each in node.sources]
            targets = [_Elsewhere(each, folder / each.name) for each in group]
            make = make_of(node)
            assert make is not None
            make(targets, sources, node.env)
            self.made.update({each: folder / each.name for each in group})
            return
        for each in node.sources:
            self.again(each)  # the sysroot, with --full
        built = self._build_kernel(group, folder)
        self.made.update({each: built[each.name] for each in group})

    def _build_kernel(self, nodes: scons_types.Nodes, folder: Path) -> dict[str, Path]:
        from bootimage.kernel.second_build import build_elsewhere

        env = nodes[0].env
        known = kernel_node.kernel_of(nodes[0])
        assert known is not None
        inputs = [Path(each.abspath) for each in nodes[0].all_children()]
        results = Path(env.Dir(env.subst("$RUST_BUILD_DIR")).abspath)
        build = kernel_builder.crate_build(env, nodes, known)
        return build_elsewhere(self._context, build, inputs, [results], folder)


class _Elsewhere:
    """A node as actions see it, with its file at another place."""

    def __init__(self, node: Any, path: Path) -> None:
        self.abspath = self.path = str(path)
        self.name = node.name
        self.attributes = node.attributes
        self._node = node

    def is_derived(self) -> bool:
        """True, for it was made."""
        return True

    def get_path(self) -> str:
        """Where its file is."""
        return self.path

    def __str__(self) -> str:
        return str(self._node)
