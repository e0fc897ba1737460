"""What the builders share: the build's context and its toolchain, nodes and paths, short helpers.

A run in which nothing changed imports little: what an action needs of the engine, it imports itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import SCons.Util

from bootimage.base.errors import BuildError
from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import Toolchain, find_toolchain

from .scons_types import Env

if TYPE_CHECKING:
    from bootimage.base.jobserver import JobServer
    from bootimage.context import BuildContext
    from bootimage.store.remote_cache import RemoteCache
    from bootimage.store.store import Store

TOOLCHAIN_VARIABLES = ("RUSTC", "CARGO", "RUST_TOOLCHAIN", "OBJCOPY", "RUST_SRC")
_TOOLCHAIN_FILES = ("rust-toolchain", "rust-toolchain.toml")


def context(env: Env) -> BuildContext:
    """The context of builds in `env`: its toolchain, and the store, cache and jobs of this process."""
    from bootimage.context import BuildContext

    if _thread.context is not None:
        return _thread.context
    with _sharing:  # asked for by several threads at once
        shared = _shared()
    if isinstance(shared, BuildError):
        raise shared
    return BuildContext(_with_wrapper(env, toolchain(env)), *shared)


def _with_wrapper(env: Env, found: Toolchain) -> Toolchain:
    """The toolchain with RUSTC_WRAPPER: no result depends on it, and so no signature does."""
    if "RUSTC_WRAPPER" not in env:  # then that of the environment holds
        return found
    return replace(found, environ={**found.environ, "RUSTC_WRAPPER": str(env.subst("$RUSTC_WRAPPER"))})


@contextmanager
def instead(other: BuildContext) -> Iterator[None]:
    """Let the actions that this thread runs work in another context during the body."""
    _thread.context = other
    try:
        yield
    finally:
        _thread.context = None


class _Thread(threading.local):
    context: BuildContext | None = None


_thread = _Thread()
_sharing = threading.Lock()


@cache
def _shared() -> tuple[Store, RemoteCache | None, JobServer] | BuildError:
    """What all nodes share; or the one error of all of them, which is then told once."""
    from bootimage.base.jobserver import JobServer
    from bootimage.store.remote_cache import open_remote
    from bootimage.store.store import open_store

    try:
        store, remote = open_store(os.environ), open_remote(os.environ)
    except BuildError as error:
        return error
    return store, remote, JobServer(SCons.Script.GetOption("num_jobs"))


def toolchain(env: Env) -> Toolchain:
    """The toolchain that `env` asks for, looked for once in this process."""
    return _toolchain(asked_toolchain(env))


def asked_toolchain(env: Env) -> tuple[str | None, ...]:
    """What `env` says of the toolchain: where these are equal, the toolchains are. Runs nothing."""
    named = (str(env.subst(f"${name}")) or None if name in env else None for name in TOOLCHAIN_VARIABLES)
    return (*named, env.get("_RUST_PROJECT") or env.Dir("#").abspath)


def for_package(env: Env, folder: Path) -> Env:
    """`env` for the package in `folder`, which may have a rust-toolchain file of its own."""
    top = Path(env.Dir("#").abspath)
    for above in (folder, *folder.parents):
        if above == top:
            return env
        if any(os.path.isfile(f"{above}/{name}") for name in _TOOLCHAIN_FILES):  # noqa: PTH113
            return env.Override({"_RUST_PROJECT": str(above)})
    return env


@cache
def _toolchain(asked: tuple[str | None, ...]) -> Toolchain:
    rustc, cargo, name, objcopy, library_source, project = asked
    return find_toolchain(
        ToolchainRequest(
            rustc=rustc,
            cargo=cargo,
            toolchain=name,
            objcopy=objcopy,
            library=library_source,
            project=Path(project or "."),
        )
    )
