"""RustKernel: a cargo package -> its kernels (ELF), one node for each binary.

What the package reads is declared before it is built (declared.py); cargo's own record of what was read is
compared with the declaration after each build.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Util

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.cargo.link_scripts import link_scripts, linker_arguments, linker_words
from bootimage.cargo.lock_file import required_lock_file
from bootimage.cargo.manifest import Package
from bootimage.target_spec.target import Target, read_target

from . import (
    cargo_variables,
    env_context,
    goals,
    kernel_node,
    node_actions,
    scons_types,
    sysroot_builder,
    user_errors,
    variable_values,
)
from .kernel_inputs import declared_nodes, input_path, names_digest
from .kernel_node import Kernel, described_in, kernel_of, manifest_node, manifest_of, settled, tried
from .scons_internals import node_state
from .scons_internals.clean_leftovers import clean_leftovers
from .scons_internals.node_state import no_cache
from .scons_types import Env

if TYPE_CHECKING:
    from bootimage.kernel.crate_build import CrateBuild


def generate(env: Env) -> None:
    """Add the method RustKernel(package) to `env`."""
    scanner = SCons.Scanner.ScannerBase(function=scan, name="RustKernelScanner")
    env.Append(BUILDERS={"_RustKernel": node_actions.builder(_ACTION, target_scanner=scanner)})
    user_errors.add_method(env, rust_kernel, "RustKernel")


def rust_kernel(env: Env, package: Any, **overrides: Any) -> Any:
    """The kernels of the cargo package in the folder (or with the Cargo.toml) `package`: a node each.

    Construction variables may be given as keywords. Raises UserError for a package that cannot be
    read, and where another kernel already has the same output.
    """
    env = env.Override(overrides) if overrides else env
    manifest = manifest_of(env, package)
    env = settled(env, manifest)
    described = described_in(env, manifest)
    names = tried(env, lambda: _binaries(env, described)) if described else None
    if described is None or names is None:
        return [_stand_in(env, manifest)]
    where = kernel_node.target_of(env)
    folder = kernel_node.result_folder(env, where)
    targets = [folder.File(name) for name in names]
    _refuse_taken(env, targets, manifest)
    nodes = env._RustKernel(targets, [manifest_node(env, manifest), *kernel_node.prerequisites(env, where)])
    for node, name in zip(nodes, names, strict=True):
        node.attributes.rust_kernel = Kernel(manifest, described, name, where)
    env.Clean(nodes, kernel_node.cargo_folder(folder, described))
    clean_leftovers(env, nodes[0])
    goals.offer(env, nodes, crate_build)
    return nodes


def _stand_in(env: Env, manifest: Path) -> Any:
    """A node for a kernel of which not even the name is known, and with which its leftovers go."""
    node = env.Dir(env.subst("$RUST_BUILD_DIR")).File(f".{manifest.parent.name}.unknown")
    node.attributes.rust_stand_in = True
    clean_leftovers(env, node)
    return node


def _binaries(env: Env, package: Package) -> list[str]:
    names = variable_values.words(env["RUST_BINS"]) or [binary.name for binary in package.binaries]
    if not names:
        raise BuildError("the package has no binary", file=package.manifest, hint="add src/main.rs")
    if kernel_node.CARGO in names:
        raise BuildError(
            f"a kernel cannot be called `{kernel_node.CARGO}`: cargo's own folder is", file=package.manifest
        )
    return names


def _refuse_taken(env: Env, targets: list[Any], manifest: Path) -> None:
    for target in targets:
        other = kernel_of(target)
        if other is not None:
            both = " and ".join(str(manifest_node(env, each)) for each in (other.manifest, manifest))
            hint = "give one of them another RUST_BUILD_DIR, RUST_PROFILE or RUST_BINS"
            raise SCons.Errors.UserError(f"{both} would both write {target}: {hint}")


def scan(node: Any, env: Env, _path: Any) -> list[Any]:
    """Every file that the package of `node` may read."""
    kernel = kernel_of(node)
    if kernel is None or variable_values.names_only(env):
        return []
    targets = node.get_executor().get_all_targets()
    with user_errors.user_errors():
        _require_lock_file(env, kernel.package)
        more = [*env["RUST_INPUTS"], *_linked_with(env, kernel), *_found_before(env, kernel)]
        return declared_nodes(env, kernel.manifest, targets, _results(env), more)


def _require_lock_file(env: Env, package: Package) -> None:
    """Say at once that cargo will have no lock file, before anything is compiled for the kernel."""
    lock = package.workspace.lock
    if not env.fs.File(str(lock)).is_derived():
        required_lock_file(lock, package.manifest)


def _linked_with(env: Env, kernel: Kernel) -> list[Any]:
    """The linker scripts that RUSTFLAGS and the target specification name."""
    words = [*linker_arguments(variable_values.words(env["RUSTFLAGS"]))]
    if not isinstance(kernel.target, str):
        words += linker_words(Path(kernel.target.sources[0].rfile().abspath))
    return [env.fs.File(str(path)) for path in link_scripts(words, kernel.package.workspace.folder)]


def _found_before(env: Env, kernel: Kernel) -> list[Any]:
    """What earlier builds have found that the package's build scripts compile by themselves."""
    folder = kernel_node.cargo_folder(kernel_node.result_folder(env, kernel.target), kernel.package)
    return [env.fs.File(str(path)) for path in _nested_inputs(Path(folder.abspath))]


def _nested_inputs(cargo_folder: Path) -> list[Path]:
    if not any(cargo_folder.glob("inputs/nested-*.json")):  # few kernels have any
        return []
    from bootimage.cargo.nested_packages import inputs_of, remembered

    return inputs_of(remembered(cargo_folder))


def _results(env: Env) -> Path:
    return Path(env.Dir(env.subst("$RUST_BUILD_DIR")).abspath)


def crate_build(env: Env, nodes: scons_types.Nodes, kernel: Kernel) -> CrateBuild:
    """The engine's description of the build that makes `nodes`, all of one package."""
    from bootimage.kernel.crate_build import CrateBuild

    target = _read(kernel.target)
    folder = nodes[0].dir
    return CrateBuild(
        manifest=kernel.manifest,
        target=target,
        target_dir=Path(kernel_node.cargo_folder(folder, kernel.package).abspath),
        workspace_root=kernel.package.workspace.folder,
        sysroot=sysroot_builder.sysroot_of(env, target)
        if sysroot_builder.needs_sysroot(env, target)
        else None,
        profile=env.subst("$RUST_PROFILE"),
        bins=tuple(node.name for node in nodes),
        features=tuple(variable_values.words(env["RUST_FEATURES"])),
        default_features=bool(env["RUST_DEFAULT_FEATURES"]),
        rustflags=tuple(variable_values.words(env["RUSTFLAGS"])),
        cargoflags=cargo_variables.for_cargo(env),
        environment=cargo_variables.variables(env),
        top=Path(env.Dir("#").abspath),
        packages=declared_inputs(kernel.manifest, skip=[_results(env)]).packages,
    )


def _read(where: Any) -> Target:
    return Target(where) if isinstance(where, str) else read_target(Path(where.abspath))


def declared_paths(node: Any) -> list[Path]:
    """The files that were declared for the build of `node`."""
    return [path for each in node.all_children() if (path := input_path(each)) is not None]


def _build(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> None:
    from bootimage.base.child_processes import beside_next
    from bootimage.image.image_files import load_image_writers
    from bootimage.kernel.build_kernel import provide_kernel

    from .network_cache import note_made

    kernel = kernel_of(target[0])
    assert kernel is not None
    outputs = {node.name: Path(node.abspath) for node in target}
    crate = crate_build(env, target, kernel)
    declared = declared_paths(target[0])
    beside_next(load_image_writers)
    found_before = _nested_inputs(crate.target_dir)
    if provide_kernel(env_context.context(env), crate, declared, outputs):
        note_made(target)
    if _nested_inputs(crate.target_dir) != found_before:
        node_state.scan_again(target)
    keep_to_this_machine(env, target, crate)
    node_state.distrust_edited(target)


def _label(target: scons_types.Nodes, _source: scons_types.Nodes, _env: Any) -> str:
    return f"Compiling {', '.join(node.name for node in target)} into {target[0].dir}"


def signature(target: scons_types.Nodes, _source: scons_types.Nodes, env: Env) -> str:
    """All that the executables `target` depend on beyond the contents of their sources."""
    kernel = kernel_of(target[0])
    assert kernel is not None
    return node_actions.settings_text(
        package=kernel.package.name,
        binaries=[node.name for node in target],
        target=kernel_node.target_name(kernel.target),
        profile=env.subst("$RUST_PROFILE"),
        features=variable_values.words(env["RUST_FEATURES"]),
        default_features=bool(env["RUST_DEFAULT_FEATURES"]),
        rustflags=variable_values.words(env["RUSTFLAGS"]),
        cargoflags=cargo_variables.told(env, kernel.manifest),
        environment=cargo_variables.variables(env),
        inputs=names_digest(env, kernel.manifest, target[0].implicit or []),
        compiler=env_context.toolchain(env).identity,
    )


_ACTION = node_actions.action("kernel", _build, _label, signature, "RUSTKERNELCOMSTR")


def keep_to_this_machine(env: Env, targets: scons_types.Nodes, build: CrateBuild) -> None:
    """Keep kernels that hold something of this machine out of CacheDir."""
    if not env.get_CacheDir().is_enabled():
        return
    from bootimage.kernel.kernel_key import reason_to_keep

    reason = reason_to_keep(env_context.context(env), build, [Path(node.abspath) for node in targets])
    if reason:
        console.say(f"Not kept in CacheDir: {reason}")
        no_cache(targets)
