"""RunQemu: an image -> a guest. An alias that acts: it is never up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bootimage.errors import BuildError
from bootimage.machine.qemu import Machine
from bootimage.machine.run import run_interactive

from . import face


def generate(env: Any) -> None:
    """Add the method RunQemu(alias, images) to `env`."""
    env.AddMethod(run_qemu, "RunQemu")


def run_qemu(env: Any, alias: str, images: Any, **overrides: Any) -> Any:
    """Two aliases that boot the first kernel's images: `alias` on BIOS and `alias`-uefi on UEFI."""
    env = env.Override(overrides) if overrides else env
    nodes = env.arg2nodes(images, env.fs.File)
    first = {getattr(node.attributes, "boot_image", None): node for node in reversed(nodes)}
    made = []
    for name, kind in ((alias, "bios"), (f"{alias}-uefi", "uefi")):
        if first.get(kind) is not None:
            action = env.Action(_runner(kind), lambda target, source, env: "")
            made += env.AlwaysBuild(env.Alias(name, first[kind], action))
    return made


def _runner(firmware: str) -> Any:
    def run(target: Any, source: Any, env: Any) -> int:
        image = Path(source[0].abspath)
        try:
            return run_interactive(_machine(env, image, firmware), screenshot=image.with_suffix(".png"))
        except BuildError as error:
            print(error)
            return 1

    return run


def _machine(env: Any, image: Path, firmware: str) -> Machine:
    return Machine(
        image=image,
        firmware=firmware,
        program=str(env.subst("$QEMU")) or None,
        extra=tuple(face.words(env["QEMUFLAGS"])),
    )
