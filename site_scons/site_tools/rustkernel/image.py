"""BootImage: a kernel and its loader -> a BIOS disk, a UEFI disk and an EFI program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootimage.errors import BuildError
from bootimage.loader.choose import loader_version

from . import face, kernel, loader

if TYPE_CHECKING:
    from bootimage.image import Contents


def generate(env: Any) -> None:
    """Add the method BootImage(kernel) to `env`."""
    env.Append(
        BUILDERS={
            "_StripKernel": env.Builder(action=_STRIP, suffix=".stripped", single_source=True),
            "_BootImage": env.Builder(action=_WRITE),
        }
    )
    env.AddMethod(boot_image, "BootImage")
    face.add_signatures(env)


def boot_image(env: Any, kernels: Any, **overrides: Any) -> Any:
    """The images of each kernel, beside it: BIOS disk, UEFI disk, EFI program.

    `kernels` are nodes that RustKernel returned, or names of ELF files (then BOOTLOADER_VERSION says
    which loader to use). Construction variables may be given as keywords.
    """
    env = env.Override(overrides) if overrides else env
    return [image for node in env.arg2nodes(kernels, env.fs.File) for image in _images(env, node)]


def _images(env: Any, node: Any) -> list[Any]:
    version = _version(env, node)
    programs = env.BootLoader(version)
    stripped = env._StripKernel(node.dir.File(f"{node.name}.stripped"), node)
    extras = _extras(env)
    made = {
        "bios": f"bootimage-bios-{node.name}.bin",
        "uefi": f"bootimage-uefi-{node.name}.bin",
        "efi": f"bootimage-uefi-{node.name}.efi",
    }
    parts = {
        "bios": [*stripped, *(programs[name] for name in loader.BIOS), *extras],
        "uefi": [*stripped, programs["uefi"], *extras],
        "efi": [programs["uefi"]],
    }
    images = []
    for kind, name in made.items():
        image = node.dir.File(name)
        image.attributes.boot_image = kind
        image.attributes.boot_kernel = node
        image.attributes.loader_version = version
        images += env._BootImage(image, parts[kind])
    return images


def _version(env: Any, node: Any) -> str:
    if "BOOTLOADER_VERSION" in env:
        return str(env.subst("$BOOTLOADER_VERSION"))
    known = kernel.kernel_of(node)
    with face.user_errors():
        if known is None:
            raise BuildError(
                "this kernel was not built by RustKernel, so no lock file tells its loader",
                file=node.path,
                hint='say which one: BootImage(..., BOOTLOADER_VERSION="0.11.17")',
            )
        return loader_version(known.manifest, known.package)


def _extras(env: Any) -> list[Any]:
    ramdisk = env.arg2nodes(env["RAMDISK"], env.fs.File) if env.get("RAMDISK") else []
    return [*ramdisk, *(env.arg2nodes(file, env.fs.File)[0] for file in env["BOOT_FILES"].values())]


def _contents(env: Any, stripped: Path, extras: list[Path]) -> Contents:
    from bootimage.boot_config import boot_json
    from bootimage.image import Contents

    ramdisk, files = (extras[0], extras[1:]) if env.get("RAMDISK") else (None, extras)
    return Contents(
        kernel=stripped,
        kernel_name=stripped.stem,
        ramdisk=ramdisk,
        boot_config=boot_json(env["BOOT_CONFIG"]) if env["BOOT_CONFIG"] else None,
        files=dict(zip(env["BOOT_FILES"], files, strict=True)),
    )


def _write(target: face.Nodes, source: face.Nodes, env: Any) -> None:
    from bootimage.elf import check_bootable
    from bootimage.files import copy_whole
    from bootimage.image import BiosStages, write_bios_disk, write_uefi_disk

    out = Path(target[0].abspath)
    paths = [Path(node.abspath) for node in source]
    kind = target[0].attributes.boot_image
    face.say_now(f"Writing {target[0]}")
    if kind == "efi":
        copy_whole(paths[0], out)
        return
    check_bootable(paths[0], target[0].attributes.loader_version)
    if kind == "bios":
        write_bios_disk(out, BiosStages(*paths[1:5]), _contents(env, paths[0], paths[5:]))
    else:
        write_uefi_disk(out, paths[1], _contents(env, paths[0], paths[2:]))


def _write_label(target: face.Nodes, _source: face.Nodes, _env: Any) -> str:
    return f"Writing {target[0]}"


def _write_signature(target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    about = target[0].attributes
    extras = (sorted(env["BOOT_CONFIG"].items()), list(env["BOOT_FILES"]), bool(env.get("RAMDISK")))
    return f"{about.boot_image} {about.loader_version} {extras}"


def _strip(target: face.Nodes, source: face.Nodes, env: Any) -> None:
    from bootimage.elf import strip_debug

    tools = face.toolchain(env)
    strip_debug(
        tools.objcopy(), Path(source[0].abspath), Path(target[0].abspath), tools.objcopy_environment()
    )


def _strip_label(target: face.Nodes, source: face.Nodes, _env: Any) -> str:
    return f"Stripping {source[0]} into {target[0]}"


def _strip_signature(_target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    return face.toolchain(env).identity


_WRITE = face.action(_write, _write_label, _write_signature, "BOOTIMAGECOMSTR")
_STRIP = face.action(_strip, _strip_label, _strip_signature, "RUSTSTRIPCOMSTR")
