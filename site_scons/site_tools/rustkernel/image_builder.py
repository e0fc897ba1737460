"""BootImage: a kernel and its loader -> a BIOS disk, a UEFI disk and an EFI program.

With a loader 0.9, whose image holds the kernel and boots on BIOS alone, it is one disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.image.image_files import image_names
from bootimage.loader.choose_loader import Loader, NoLoader
from bootimage.loader.loader_release import Release, release_of

from . import (
    env_context,
    flat_image_builder,
    kernel_node,
    node_actions,
    scons_types,
    user_errors,
    variable_types,
    variable_values,
    verify_reproducible,
)
from . import loader_builder as programs_of
from .loader_builder import check_loader, describe_image, loader_for
from .scons_types import Env

if TYPE_CHECKING:
    from bootimage.image.disk_images import Contents


def generate(env: Env) -> None:
    """Add the method BootImage(kernel) to `env`."""
    env.Append(
        BUILDERS={
            "_StripKernel": node_actions.builder(_STRIP, suffix=".stripped", single_source=True),
            "_BootImage": node_actions.builder(_WRITE),
            "_NoImage": node_actions.builder(_REFUSE),
        }
    )
    user_errors.add_method(env, boot_image, "BootImage")


def boot_image(env: Env, kernels: Any, **overrides: Any) -> Any:
    """The images of each kernel, beside it: BIOS disk, UEFI disk, EFI program (loader 0.9: one disk).

    `kernels` are nodes that RustKernel returned, or names of ELF files (then BOOTLOADER_VERSION says
    which loader to use). Construction variables may be given as keywords.
    """
    variable_types.check_files("the kernels of BootImage", kernels)
    env = env.Override(overrides) if overrides else env
    nodes = env.arg2nodes(kernels, env.fs.File)
    images = {node: _images(env, node) for node in nodes}
    verify_reproducible.watch(env, [each for node in nodes if not _is_test(node) for each in images[node]])
    return [each for node in nodes for each in images[node]]


def _is_test(node: Any) -> bool:
    # The second build of a kernel does not give the executables of its tests.
    known = kernel_node.kernel_of(node)
    return known is not None and known.is_test


def _images(env: Env, node: Any) -> list[Any]:
    known = kernel_node.kernel_of(node)
    env = env_context.for_package(env, known.manifest.parent) if known else env
    if kernel_node.is_stand_in(node):
        return [node]
    stripped = env._StripKernel(node.dir.File(f"{node.name}.stripped"), node)[0]
    try:
        loader = loader_for(env, node)
    except BuildError as error:  # told when the image is built: other goals may do without
        return [_no_image(env, node, stripped, error)]
    if loader.family == "0.9":
        return [flat_image_builder.flat_image(env, node, stripped, loader)]
    if not variable_values.names_only(env):
        _check_boot_config(env, loader)  # a mistake there is better told at the user's line
    programs = programs_of.program_nodes(env, _release(node, loader))
    extras = _extras(env)
    bios = [programs[name] for name in programs_of.BIOS]
    return [
        _image(env, node, "bios", [stripped, *bios, *extras], loader),
        _image(env, node, "uefi", [stripped, programs["uefi"], *extras], loader),
        _image(env, node, "efi", [programs["uefi"]], loader),
    ]


def _image(env: Env, node: Any, kind: str, parts: list[Any], loader: Loader) -> Any:
    image = node.dir.File(image_names(node.name)[kind])
    describe_image(image, node, kind, loader)
    return env._BootImage(image, parts)[0]


def _no_image(env: Env, node: Any, stripped: Any, problem: BuildError) -> Any:
    image = node.dir.File(image_names(node.name)["bios"])
    image.attributes.boot_image = "bios"
    image.attributes.problem = problem
    return env._NoImage(image, stripped)[0]


def _release(node: Any, loader: Loader) -> Release:
    known = kernel_node.kernel_of(node)
    return release_of(loader, known.manifest) if known else Release(loader.version)


def _extras(env: Env) -> list[Any]:
    ramdisk = [variable_values.one_file(env, env["RAMDISK"], "RAMDISK")] if env.get("RAMDISK") else []
    named = variable_values.table(env, "BOOT_FILES").items()
    return [*ramdisk, *(variable_values.one_file(env, file, f"BOOT_FILES[{name!r}]") for name, file in named)]


def _check_boot_config(env: Env, loader: Loader) -> None:
    if not env["BOOT_CONFIG"]:
        return
    from bootimage.image.boot_config import unchecked_key, unchecked_keys

    _boot_json(env, loader)
    for key in unchecked_keys(env["BOOT_CONFIG"], loader.version):
        console.say(unchecked_key(key, loader.version))


def _boot_json(env: Env, loader: Loader) -> bytes | None:
    """The contents of boot.json, where there is to be one."""
    if not env["BOOT_CONFIG"]:
        return None
    from bootimage.image.boot_config import boot_json

    return boot_json(env["BOOT_CONFIG"], loader.version)


def _contents(env: Env, stripped: Path, extras: list[Path], loader: Loader) -> Contents:
    from bootimage.image.disk_images import Contents

    ramdisk, further = (extras[0], extras[1:]) if env.get("RAMDISK") else (None, extras)
    return Contents(
        kernel=stripped,
        kernel_name=stripped.stem,
        ramdisk=ramdisk,
        boot_config=_boot_json(env, loader),
        files=dict(zip(variable_values.table(env, "BOOT_FILES"), further, strict=True)),
    )


def _write(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.base.write_files import copy_whole
    from bootimage.elf.kernel_file import check_bootable
    from bootimage.image.boot_config import note_on_bios_screen
    from bootimage.image.disk_images import BiosStages, write_bios_disk, write_uefi_disk

    out = Path(target[0].abspath)
    paths = [Path(node.abspath) for node in source]
    about = target[0].attributes
    kind = about.boot_image
    console.announce(f"Writing {target[0]}")
    if kind == "efi":
        copy_whole(paths[0], out)
        return
    check_loader(env, target[0])
    config = check_bootable(paths[0], about.boot_loader.version)
    if kind == "bios":
        if config and (note := note_on_bios_screen(config.screen, env["BOOT_CONFIG"])):
            console.say(f"{target[0]}: {note}")
        stages = BiosStages(about.boot_loader.version, *paths[1:5])
        write_bios_disk(out, stages, _contents(env, paths[0], paths[5:], about.boot_loader))
    else:
        write_uefi_disk(out, paths[1], _contents(env, paths[0], paths[2:], about.boot_loader))


def _write_label(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    return f"Writing {target[0]}"


def _write_settings(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    about = target[0].attributes
    text = node_actions.settings_text(image=about.boot_image, loader=about.boot_loader.version)
    if about.boot_image == "efi":  # the loader's program as it is
        return text
    extras = node_actions.settings_text(
        ramdisk=bool(env.get("RAMDISK")),
        boot_config=_boot_json(env, about.boot_loader),
        files=list(variable_values.table(env, "BOOT_FILES")),
    )
    return f"{text}\n{extras}"


def _refuse(target: scons_types.Nodes, source: scons_types.Nodes, _env: Any) -> None:
    from bootimage.elf.kernel_file import read_kernel, read_loader_config

    problem = target[0].attributes.problem
    if isinstance(problem, NoLoader):
        # What the kernel itself lacks is more telling than what its manifest does.
        read_loader_config(read_kernel(Path(source[0].abspath)))
    raise problem


def _refuse_settings(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    return node_actions.settings_text(problem=target[0].attributes.problem.message)


def _strip(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.elf.kernel_file import strip_debug

    tools = env_context.toolchain(env)
    strip_debug(
        tools.objcopy(), Path(source[0].abspath), Path(target[0].abspath), tools.objcopy_environment()
    )


def _strip_label(target: scons_types.Nodes, source: scons_types.Nodes, _env: Any) -> str:
    return f"Stripping {source[0]} into {target[0]}"


def _strip_settings(_target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    toolchain = env_context.toolchain(env)
    return node_actions.settings_text(objcopy=toolchain.objcopy_digest(), compiler=toolchain.identity)


_WRITE = node_actions.action("image", _write, _write_label, _write_settings, "BOOTIMAGECOMSTR", shared=True)
_REFUSE = node_actions.action("image", _refuse, _write_label, _refuse_settings, "BOOTNOIMAGECOMSTR")
_STRIP = node_actions.action(
    "stripped kernel", _strip, _strip_label, _strip_settings, "RUSTSTRIPCOMSTR", shared=True
)
