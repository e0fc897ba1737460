"""Which loader a kernel's images get: chosen when SConstruct is read, since the graph depends on it."""

from __future__ import annotations

from typing import Any

from bootimage.errors import BuildError
from bootimage.loader.choose import Loader, choose_loader

from . import kernel, loader


def loader_for(env: Any, node: Any) -> Loader:
    """The loader for the kernel `node`. Raises BuildError where nothing tells it."""
    if "BOOTLOADER_VERSION" in env:
        return loader.asked(env, env["BOOTLOADER_VERSION"])
    known = kernel.kernel_of(node)
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


def check_loader(env: Any, image: Any) -> None:
    """Raise BuildError where the kernel has got another loader since its image became part of the graph.

    That is so when Cargo.lock changes between two builds of `scons --interactive`.
    """
    before, node = image.attributes.boot_loader, image.attributes.boot_kernel
    now = loader_for(env, node)
    if now != before:
        change = f"{_named(before)} was chosen when SConstruct was read, and now it is {_named(now)}"
        raise BuildError(
            f"the kernel has got another boot loader: {change}",
            file=kernel.kernel_of(node).package.workspace.lock,  # type: ignore[union-attr]
            hint="start scons again, which then builds the other one",
        )


def _named(chosen: Loader) -> str:
    place = "" if chosen.origin == "registry" else f" ({chosen.source or chosen.manifest})"
    return f"{chosen.package} {chosen.version}{place}"
