"""BootLoader: a version of the `bootloader` crate -> its programs, one node each.

They depend on the version and the compiler alone, never on a kernel.

Which loader a kernel's images get: chosen when SConstruct is read, since the graph depends on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootimage.base.errors import BuildError
from bootimage.loader.choose_loader import Loader, choose_loader, published_loader
from bootimage.loader.loader_0_11 import BY_NAME, PROGRAMS, program_key
from bootimage.loader.loader_release import Release, own_files

from . import env_context, kernel_node, node_actions, scons_types, user_errors, variable_values
from .scons_types import Env

BIOS = ("boot-sector", "stage-2", "stage-3", "stage-4")
UEFI = ("uefi",)


def generate(env: Env) -> None:
    """Add the method BootLoader(version) to `env`."""
    env.Append(BUILDERS={"_BootLoader": node_actions.builder(_ACTION)})
    user_errors.add_method(env, boot_loader, "BootLoader")


def boot_loader(env: Env, version: str) -> dict[str, Any]:
    """The nodes of the loader's programs by name: boot-sector, stage-2, stage-3, stage-4 and uefi."""
    return program_nodes(env, Release(asked(env, version).version))


def asked(env: Env, version: Any) -> Loader:
    """The loader of the version that a SConscript names; another version is an error of that line."""
    if variable_values.names_only(env):
        return Loader("0.11", "bootloader_api", str(version))
    with user_errors.user_errors():
        return published_loader(env.subst(version) if isinstance(version, str) else version)


def program_nodes(env: Env, release: Release) -> dict[str, Any]:
    """The same for any release: a checkout's programs depend on their sources there."""
    folder = env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(f"bootloader-{release.name}")
    nodes = {program.name: folder.File(program.file) for program in PROGRAMS}
    if not nodes["uefi"].has_builder():
        _declare(env, nodes, release)
    return nodes


def _declare(env: Env, nodes: dict[str, Any], release: Release) -> None:
    for name, target in nodes.items():
        with user_errors.user_errors():
            own = [env.fs.File(str(path)) for path in own_files(release, BY_NAME[name].crate)]
        env._BootLoader(target, [env.Value(release.version), *own])
        target.attributes.loader_release = release
        target.attributes.loader_program = name
    # They share a sysroot: the second would only hold a job while it waits for the first to build it.
    env.Requires(nodes["stage-2"], nodes["boot-sector"])


def _build(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
    from bootimage.base.write_files import copy_whole
    from bootimage.loader.compile_0_11 import provide_program

    program = BY_NAME[target[0].attributes.loader_program]
    entry = provide_program(env_context.context(env), target[0].attributes.loader_release, program)
    copy_whole(entry.files[program.file], Path(target[0].abspath))


def _label(target: scons_types.Nodes, source: scons_types.Nodes, _env: Any) -> str:
    return f"Compiling bootloader {source[0].value} {target[0].attributes.loader_program}"


def _settings(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    about, toolchain = target[0].attributes, env_context.toolchain(env)
    program = BY_NAME[about.loader_program]
    return node_actions.settings_text(
        program=program.name,
        version=about.loader_release.version,
        recipe=program_key(toolchain, about.loader_release, program),
        compiler=toolchain.identity,
    )


_ACTION = node_actions.action("loader 0.11", _build, _label, _settings, "BOOTLOADERCOMSTR")


def loader_for(env: Env, node: Any) -> Loader:
    """The loader for the kernel `node`. Raises BuildError where nothing tells it."""
    if "BOOTLOADER_VERSION" in env:
        return asked(env, env["BOOTLOADER_VERSION"])
    known = kernel_node.kernel_of(node)
    if known is None:
        raise BuildError(
            "this kernel was not built by RustKernel, so no lock file tells its loader",
            file=node.path,
            hint='say which one: BootImage(..., BOOTLOADER_VERSION="0.11.17")',
        )
    return choose_loader(known.package)


def describe_image(image: Any, node: Any, kind: str, chosen: Loader) -> None:
    """Note at the image's node what it is: of which kernel, and for which loader."""
    image.attributes.boot_image = kind
    image.attributes.boot_kernel = node
    image.attributes.boot_loader = chosen


def check_loader(env: Env, image: Any) -> None:
    """Raise BuildError where the kernel has got another loader since its image became part of the graph.

    That is so when Cargo.lock changes between two builds of `scons --interactive`.
    """
    before, node = image.attributes.boot_loader, image.attributes.boot_kernel
    now = loader_for(env, node)
    if now != before:
        change = f"{_named(before)} was chosen when SConstruct was read, and now it is {_named(now)}"
        raise BuildError(
            f"the kernel has got another boot loader: {change}",
            file=kernel_node.kernel_of(node).package.workspace.lock,  # type: ignore[union-attr]
            hint="start scons again, which then builds the other one",
        )


def _named(chosen: Loader) -> str:
    place = "" if chosen.origin == "registry" else f" ({chosen.source or chosen.manifest})"
    return f"{chosen.package} {chosen.version}{place}"
