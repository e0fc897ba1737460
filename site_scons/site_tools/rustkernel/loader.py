"""BootLoader: a version of the `bootloader` crate -> its programs, one node each.

They depend on the version and the compiler alone, never on a kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootimage.loader.programs_0_11 import BY_NAME, PROGRAMS, program_key

from . import face

BIOS = ("boot-sector", "stage-2", "stage-3", "stage-4")
UEFI = ("uefi",)


def generate(env: Any) -> None:
    """Add the method BootLoader(version) to `env`."""
    env.Append(BUILDERS={"_BootLoader": face.builder(_ACTION)})
    env.AddMethod(boot_loader, "BootLoader")


def boot_loader(env: Any, version: str) -> dict[str, Any]:
    """The nodes of the loader's programs by name: boot-sector, stage-2, stage-3, stage-4 and uefi."""
    folder = env.Dir(env.subst("$RUST_BUILD_DIR")).Dir(f"bootloader-{version}")
    nodes = {program.name: _program(env, folder.File(program.file), version) for program in PROGRAMS}
    # They share a sysroot: the second would only hold a job while it waits for the first to build it.
    env.Requires(nodes["stage-2"], nodes["boot-sector"])
    return nodes


def _program(env: Any, target: Any, version: str) -> Any:
    if not target.has_builder():
        env._BootLoader(target, env.Value(version))
        target.attributes.loader_program = next(p.name for p in PROGRAMS if p.file == target.name)
    return target


def _build(target: face.Nodes, source: face.Nodes, env: Any) -> None:
    from bootimage.files import copy_whole
    from bootimage.loader.v0_11 import provide_program

    program = BY_NAME[target[0].attributes.loader_program]
    entry = provide_program(face.context(env), str(source[0].value), program)
    copy_whole(entry.files[program.file], Path(target[0].abspath))


def _label(target: face.Nodes, source: face.Nodes, _env: Any) -> str:
    return f"Compiling bootloader {source[0].value} {target[0].attributes.loader_program}"


def _signature(target: face.Nodes, source: face.Nodes, env: Any) -> str:
    program = BY_NAME[target[0].attributes.loader_program]
    return program_key(face.toolchain(env), str(source[0].value), program)


_ACTION = face.action(_build, _label, _signature, "BOOTLOADERCOMSTR")
