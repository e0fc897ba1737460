"""RunQemu: an image -> a guest. An alias that acts: it is never up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Errors

from . import node_actions, scons_types, user_errors, variable_types, variable_values
from .scons_types import Env

if TYPE_CHECKING:
    from bootimage.machine.qemu import Machine
    from bootimage.machine.uefi_firmware import Firmware


def generate(env: Env) -> None:
    """Add the method RunQemu(alias, images) to `env`."""
    user_errors.add_method(env, run_qemu, "RunQemu")


def run_qemu(env: Env, alias: str, images: Any, **overrides: Any) -> Any:
    """Two aliases that boot the first kernel's images: `alias` on BIOS and `alias`-uefi on UEFI."""
    variable_types.check_text("the alias of RunQemu", alias)
    variable_types.check_files("the images of RunQemu", images)
    env = env.Override(overrides) if overrides else env
    nodes = env.arg2nodes(images, env.fs.File)
    first = {getattr(node.attributes, "boot_image", None): node for node in reversed(nodes)}
    made = []
    for name, kind in ((alias, "bios"), (f"{alias}-uefi", "uefi")):
        if first.get(kind) is not None:
            env.Clean(first[kind], screenshot(first[kind]))
            about = f"boot {first[kind].name} in QEMU"
            made += node_actions.goal(env, name, first[kind], _runner(kind), about)
    if not made and not variable_values.names_only(env):
        raise _no_image(alias, nodes)
    return made


def _no_image(alias: str, nodes: list[Any]) -> SCons.Errors.UserError:
    found = ", ".join(str(node) for node in nodes) or "nothing"
    return SCons.Errors.UserError(
        f"RunQemu was given {found}, and no disk image among it: pass what BootImage returned, "
        f'RunQemu("{alias}", env.BootImage(kernel))'
    )


def screenshot(image: Any) -> Any:
    """The file for the last picture of the screen of a guest that was booted from `image`."""
    return image.dir.File(f"{Path(image.name).stem}.png")


def _runner(firmware: str) -> Callable[[scons_types.Nodes, scons_types.Nodes, Any], int]:
    def run(_target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> int:
        from bootimage.base.child_processes import interrupted
        from bootimage.machine.run_guest import run_interactive

        guest = machine(env, Path(source[0].abspath), firmware)
        # Under -j this is not the main thread, which alone sees a signal.
        return run_interactive(guest, Path(screenshot(source[0]).abspath), stop=interrupted)

    return run


def machine(env: Env, image: Path, firmware: str) -> Machine:
    """The machine that boots `image` on `firmware` ("bios" or "uefi") under the variables of `env`."""
    from bootimage.machine.accelerator import choose_accel
    from bootimage.machine.qemu import Machine, find_qemu

    program = find_qemu(os.environ, str(env.subst("$QEMU")) or None)
    return Machine(
        program=program,
        image=image,
        firmware=_firmware(env, program) if firmware == "uefi" else None,
        accel=choose_accel(os.environ, program),
        extra=tuple(variable_values.words(env["QEMUFLAGS"])),
    )


def _firmware(env: Env, program: Path) -> Firmware:
    from bootimage.machine.uefi_firmware import find_firmware

    code, vars_template = (_file(env, name) for name in ("OVMF_CODE", "OVMF_VARS"))
    return find_firmware(os.environ, code=code, vars_template=vars_template, program=program)


def _file(env: Env, name: str) -> str | None:
    with user_errors.no_mix_ups(name):
        return str(env.File(env.subst(f"${name}")).abspath) if env.get(name) else None
