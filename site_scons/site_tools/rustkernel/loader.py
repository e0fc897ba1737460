"""BootLoader: a version of the `bootloader` crate -> its programs, one node each.

They depend on the version and the compiler alone, never on a kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootimage.loader.choose import Loader, published_loader
from bootimage.loader.programs_0_11 import BY_NAME, PROGRAMS, program_key
from bootimage.loader.release import Release, own_files

from . import face

BIOS = ("boot-sector", "stage-2", "stage-3", "stage-4")
UEFI = ("uefi",)


def generate(env: Any) -> None:
    """Add the method BootLoader(version) to `env`."""
    env.Append(BUILDERS={"_BootLoader": face.builder(_ACTION)})
    face.add_method(env, boot_loader, "BootLoader")


def boot_loader(env: Any, version: str) -> dict[str, Any]:
    """The nodes of the loader's programs by name: boot-sector, stage-2, stage-3, stage-4 and uefi."""
    return program_nodes(env, Release(asked(env, version).version))


def asked(env: Any, version: Any) -> Loader:
    """The loader of the version that a SConscript names; another version is an error of that line."""
    if face.names_only(env):
        return Loader("0.11", "bootloader_api", str(version))
    with face.user_errors():
        return published_loader(env.subst(version) if isinstance(version, str) else version)


def program_nodes(env: Any, release: Release) -> dict[str, Any]:
    """The same for any release: a checkout's programs depend on their sources there."""
    folder = env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(f"bootloader-{release.name}")
    nodes = {program.name: folder.File(program.file) for program in PROGRAMS}
    if not nodes["uefi"].has_builder():
        _declare(env, nodes, release)
    return nodes


def _declare(env: Any, nodes: dict[str, Any], release: Release) -> None:
    for name, target in nodes.items():
        with face.user_errors():
            own = [env.fs.File(str(path)) for path in own_files(release, BY_NAME[name].crate)]
        env._BootLoader(target, [env.Value(release.version), *own])
        target.attributes.loader_release = release
        target.attributes.loader_program = name
    # They share a sysroot: the second would only hold a job while it waits for the first to build it.
    env.Requires(nodes["stage-2"], nodes["boot-sector"])


def _build(target: face.Nodes, _source: face.Nodes, env: Any) -> None:
    from bootimage.files import copy_whole
    from bootimage.loader.v0_11 import provide_program

    program = BY_NAME[target[0].attributes.loader_program]
    entry = provide_program(face.context(env), target[0].attributes.loader_release, program)
    copy_whole(entry.files[program.file], Path(target[0].abspath))


def _label(target: face.Nodes, source: face.Nodes, _env: Any) -> str:
    return f"Compiling bootloader {source[0].value} {target[0].attributes.loader_program}"


def _settings(target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    about, toolchain = target[0].attributes, face.toolchain(env)
    program = BY_NAME[about.loader_program]
    return face.settings_text(
        program=program.name,
        version=about.loader_release.version,
        recipe=program_key(toolchain, about.loader_release, program),
        compiler=toolchain.identity,
    )


_ACTION = face.action(_build, _label, _settings, "BOOTLOADERCOMSTR")
