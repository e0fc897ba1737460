"""What the build of a package reads, as nodes: files that lie there, and files that other nodes make.

SCons asks for this when it is about to look at a node, so that files which come to be during the build are
among them; it is found out from manifests alone, so nothing is run for it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import SCons.Node.FS

from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.cargo.package_files import package_files

from .scons_internals.node_state import MadeFrom, made_in
from .scons_internals.product_nodes import Product, always_read
from .scons_types import Env

# What may lie above a project, at another depth on each machine.
_ABOVE = ("config", "config.toml", "rust-toolchain", "rust-toolchain.toml")


def declared_nodes(env: Env, manifest: Path, targets: list[Any], skip: Path, more: list[Any]) -> list[Any]:
    """The nodes of all that the package `manifest` may read to make `targets`, always in the same order.

    `skip` is the folder of what is built; `more` are the nodes of RUST_INPUTS. What is made from the
    targets is no input of theirs, wherever it lies. Raises BuildError: see `declared_inputs`.
    """
    inputs = declared_inputs(manifest, skip=[skip])
    found = [env.fs.File(str(path)) for path in inputs.files]
    found += [each for folder in inputs.directories for each in made_in(env.fs.Dir(str(folder)), skip)]
    ours = [each for each in found if not isinstance(each, Product)]
    asked = [each for node in more for each in _asked_for(env, node)]
    made = MadeFrom(targets)
    unique = {each.get_abspath(): each for each in (*ours, *asked) if each not in made}
    return [
        always_read(unique[path])
        for _, path in sorted((input_name(env, manifest, path), path) for path in unique)
    ]


def input_name(env: Env, manifest: Path, path: str) -> str:
    """What to call the input `path` of the package `manifest`, the same on every machine."""
    name = os.path.relpath(path, manifest.parent)
    above = name.startswith("..") and not path.startswith(f"{env.Dir('#').abspath}/")
    return os.path.basename(path) if above and name.rpartition("/")[2] in _ABOVE else name  # noqa: PTH119


def names_digest(env: Env, manifest: Path, nodes: Iterable[Any]) -> str:
    """How many `nodes` there are, and the digest of their names.

    SCons compares the contents of what a node is made from, one by one, and not the names: a module that
    was renamed would go unnoticed.
    """
    names = [input_name(env, manifest, node.get_abspath()) for node in nodes]
    return f"{len(names)}, {hashlib.sha256(repr(names).encode()).hexdigest()[:16]}"


def input_path(node: Any) -> Path | None:
    """The file or folder that stands for `node` in a build; None for a node that is none."""
    return Path(node.rfile().get_abspath()) if isinstance(node, SCons.Node.FS.Base) else None


def _asked_for(env: Env, node: Any) -> Iterator[Any]:
    """A file as it is; for a folder, all files in it and all that are made there."""
    node = node.disambiguate()
    if not isinstance(node, SCons.Node.FS.Dir):
        yield node if node.is_derived() else node.srcnode()
        return
    files, folders = package_files(node.srcnode().get_abspath(), other_packages=True)
    yield from map(env.fs.File, files)
    for folder in {*folders, node.get_abspath()}:
        yield from made_in(env.fs.Dir(folder), None)
