"""The disk image of a kernel on loader 0.9, and the node of its loader.

The loader's node depends on what the kernel asks of it (version, features, settings) and not on the
kernel's code: it is built beside the kernel, and an edited kernel needs only the last link.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SCons.Scanner

from bootimage.base import console
from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.loader.choose_loader import Loader

from . import (
    env_context,
    kernel_builder,
    kernel_node,
    node_actions,
    scons_types,
    user_errors,
    variable_values,
)
from .kernel_inputs import names_digest
from .loader_builder import check_loader, describe_image
from .scons_types import Env

# What `loader/relocatable.py` calls OBJECT, SCRIPT and ARGUMENTS.
_FILES = ("loader.o", "linker.ld", "arguments")


def generate(env: Env) -> None:
    """Add the builders that `flat_image` uses to `env`."""
    scanner = SCons.Scanner.ScannerBase(function=_scan, name="FlatLoaderScanner")
    env.Append(
        BUILDERS={
            "_FlatLoader": node_actions.builder(_LOADER, target_scanner=scanner),
            "_FlatImage": node_actions.builder(_IMAGE),
        }
    )


def flat_image(env: Env, node: Any, stripped: Any, loader: Loader) -> Any:
    """The image that boots the kernel `node`; `stripped` is that without debug information."""
    image = node.dir.File(f"bootimage-{node.name}.bin")
    describe_image(image, node, "bios", loader)
    return env._FlatImage(image, [stripped, *_loader_nodes(env, node, loader)])[0]


def _loader_nodes(env: Env, node: Any, loader: Loader) -> list[Any]:
    """The loader's files: one set for all kernels of a package in one folder."""
    known = kernel_node.kernel_of(node)
    assert known is not None
    folder = node.dir.Dir(f"{loader.package}-{loader.version}").Dir(known.package.name)
    targets = [folder.File(name) for name in _FILES]
    if not targets[0].has_builder():
        manifest = kernel_node.manifest_node(env, known.manifest)
        env._FlatLoader(targets, [manifest, *([] if isinstance(known.target, str) else [known.target])])
        for target in targets:
            target.attributes.rust_kernel_node = node
            target.attributes.boot_loader = loader
    return targets


def _scan(node: Any, env: Env, _path: Any) -> list[Any]:
    """What decides about features and settings, and a loader's own source where it is the user's."""
    if variable_values.names_only(env):
        return []
    known = kernel_node.kernel_of(node.attributes.rust_kernel_node)
    assert known is not None
    loader = node.attributes.boot_loader
    with user_errors.user_errors():
        asked = declared_inputs(known.manifest)
        own = declared_inputs(loader.manifest).files if loader.manifest else ()
    files = [*asked.manifests, *asked.configs, *([asked.lock] if asked.lock else []), *own]
    return [env.fs.File(str(path)) for path in dict.fromkeys(files)]


def _build_loader(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
    from bootimage.base.write_files import copy_whole
    from bootimage.loader.loader_0_9 import flat_loader, provide_loader

    node = target[0].attributes.rust_kernel_node
    known = kernel_node.kernel_of(node)
    assert known is not None
    context = env_context.context(env)
    build = kernel_builder.crate_build(env, [node], known)
    made = provide_loader(context, flat_loader(context, build, target[0].attributes.boot_loader))
    for each in target:
        copy_whole(made.files[each.name], Path(each.abspath))


def _loader_label(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    loader = target[0].attributes.boot_loader
    return f"Compiling {loader.package} {loader.version}"


def _loader_settings(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    known = kernel_node.kernel_of(target[0].attributes.rust_kernel_node)
    assert known is not None
    loader = target[0].attributes.boot_loader
    return node_actions.settings_text(
        loader=f"{loader.package} {loader.version}",
        source=loader.source,
        checksum=loader.checksum,
        target=kernel_node.target_name(known.target),
        features=variable_values.words(env["RUST_FEATURES"]),
        default_features=bool(env["RUST_DEFAULT_FEATURES"]),
        inputs=names_digest(env, known.manifest, target[0].implicit or []),
        compiler=env_context.toolchain(env).identity,
    )


def _write_image(target: scons_types.Nodes, source: scons_types.Nodes, env: Env) -> None:
    from bootimage.image.flat_image import write_flat_image

    stripped, loader = (Path(each.abspath) for each in source[:2])
    console.announce(f"Writing {target[0]}")
    check_loader(env, target[0])
    write_flat_image(env_context.context(env), loader.parent, stripped, Path(target[0].abspath))


def _image_label(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    return f"Writing {target[0]}"


def _image_settings(_target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    toolchain = env_context.toolchain(env)
    return node_actions.settings_text(objcopy=toolchain.objcopy_digest(), compiler=toolchain.identity)


_LOADER = node_actions.action(
    "loader 0.9", _build_loader, _loader_label, _loader_settings, "BOOTFLATLOADERCOMSTR", shared=True
)
_IMAGE = node_actions.action(
    "flat image", _write_image, _image_label, _image_settings, "BOOTFLATIMAGECOMSTR", shared=True
)
