"""RustKernel: a cargo package -> its kernels (ELF), one node for each binary.

What the package reads is declared before it is built (declared.py); cargo's own record of what was read is
compared with the declaration after each build.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import SCons.Errors
import SCons.Scanner
import SCons.Util

from bootimage.cargo.inputs import declared_inputs
from bootimage.cargo.link_scripts import link_scripts, linker_arguments, linker_words
from bootimage.cargo.manifest import Package, read_package
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError
from bootimage.specification.target import Target, read_target

from . import cargo_env, cargo_flags, caution, checks, editor, face, places, sysroot
from .declared import declared_nodes, input_path, names_digest
from .leftovers import clean_leftovers

if TYPE_CHECKING:
    from bootimage.cargo.crate import CrateBuild

Result = TypeVar("Result")

# What a kernel's own tests are built with, too.
_SETTINGS = (
    *("RUST_PROFILE", "RUST_FEATURES", "RUST_DEFAULT_FEATURES", "RUST_SYSROOT_CRATES", "RUST_BUILD_DIR"),
    *("RUST_INPUTS", "RUSTFLAGS", "CARGOFLAGS", "CARGO_ENV", *face.TOOLCHAIN_VARIABLES),
)


@dataclass(frozen=True)
class Kernel:
    """What later builders need to know about a kernel's node: its package and how it is built."""

    manifest: Path
    package: Package
    binary: str
    target: Any
    """The node of the canonical specification, or a built-in triple."""
    is_test: bool = False
    """Whether it is an executable of `cargo test`, which KernelTest made."""


def generate(env: Any) -> None:
    """Add the method RustKernel(package) to `env`."""
    scanner = SCons.Scanner.ScannerBase(function=scan, name="RustKernelScanner")
    env.Append(BUILDERS={"_RustKernel": face.builder(_ACTION, target_scanner=scanner)})
    face.add_method(env, rust_kernel, "RustKernel")


def rust_kernel(env: Any, package: Any, **overrides: Any) -> Any:
    """The kernels of the cargo package in the folder (or with the Cargo.toml) `package`: a node each.

    Construction variables may be given as keywords. Raises UserError for a package that cannot be
    read, and where another kernel already has the same output.
    """
    env = env.Override(overrides) if overrides else env
    manifest = manifest_of(env, package)
    env = settled(env, manifest)
    described = described_in(env, manifest)
    names = _tried(env, lambda: _binaries(env, described)) if described else None
    if described is None or names is None:
        return [_stand_in(env, manifest)]
    where = places.target_of(env)
    folder = places.result_folder(env, where)
    targets = [folder.File(name) for name in names]
    _refuse_taken(env, targets, manifest)
    nodes = env._RustKernel(targets, [manifest_node(env, manifest), *places.prerequisites(env, where)])
    for node, name in zip(nodes, names, strict=True):
        node.attributes.rust_kernel = Kernel(manifest, described, name, where)
    env.Clean(nodes, places.cargo_folder(folder, described))
    clean_leftovers(env, nodes[0])
    editor.offer(env, nodes, crate_build)
    return nodes


def _stand_in(env: Any, manifest: Path) -> Any:
    """A node for a kernel of which not even the name is known, and with which its leftovers go."""
    node = env.Dir(env.subst("$RUST_BUILD_DIR")).File(f".{manifest.parent.name}.unknown")
    node.attributes.rust_stand_in = True
    clean_leftovers(env, node)
    return node


def is_stand_in(package: Any) -> bool:
    """True for the node of a kernel that could not be read (under -c and -h, where that is no error)."""
    return hasattr(getattr(_first(package), "attributes", None), "rust_stand_in")


def settled(env: Any, manifest: Path) -> Any:
    """`env` for the package `manifest`; what SConscripts mean by their own folder is resolved in it."""
    env = face.for_package(env, manifest.parent)
    cargo_env.refuse_ours(env)
    inputs = env.arg2nodes(env["RUST_INPUTS"], env.fs.Entry)
    env = env.Override({"RUST_INPUTS": inputs, "RUST_BUILD_DIR": env.Dir(env.subst("$RUST_BUILD_DIR"))})
    env = cargo_flags.with_config_files(env)
    return _tried(env, lambda: sysroot.with_configured_crates(env, manifest)) or env


def described_in(env: Any, manifest: Path) -> Package | None:
    """The package, or UserError; None for one that cannot be read where that is no matter (-c, -h)."""
    return _tried(env, lambda: read_package(manifest))


def _tried(env: Any, read: Callable[[], Result]) -> Result | None:
    try:
        return read()
    except BuildError as error:
        if face.names_only(env):
            return None
        raise SCons.Errors.UserError(face.told(error)) from None


def _binaries(env: Any, package: Package) -> list[str]:
    names = face.words(env["RUST_BINS"]) or [binary.name for binary in package.binaries]
    if not names:
        raise BuildError("the package has no binary", file=package.manifest, hint="add src/main.rs")
    if places.CARGO in names:
        raise BuildError(
            f"a kernel cannot be called `{places.CARGO}`: cargo's own folder is", file=package.manifest
        )
    return names


def kernel_of(node: Any) -> Kernel | None:
    """What is known of the kernel that `node` is; None for a file that RustKernel did not make."""
    return getattr(getattr(node, "attributes", None), "rust_kernel", None)


def as_built(env: Any, package: Any) -> Any:
    """`env` with the settings under which RustKernel builds `package`, if that is one of its nodes."""
    node = _first(package)
    known = kernel_of(node)
    if known is None:
        return env
    target = known.target if isinstance(known.target, str) else known.target.sources[0]
    settings = {name: node.env[name] for name in _SETTINGS if name in node.env}
    return env.Override({**settings, "RUST_TARGET": target})


def _first(package: Any) -> Any:
    return package[0] if SCons.Util.is_Sequence(package) and package else package


def manifest_of(env: Any, package: Any) -> Path:
    """The Cargo.toml that a builder's source names: itself, the one in that folder, or a kernel's."""
    checks.check_package(package)
    package = _first(package)
    known = kernel_of(package)
    if known is not None:
        return known.manifest
    path = Path(env.Entry(str(package)).srcnode().abspath)
    return path if path.name == "Cargo.toml" else path / "Cargo.toml"


def manifest_node(env: Any, manifest: Path) -> Any:
    """The node of a Cargo.toml."""
    return env.fs.File(str(manifest))


def _refuse_taken(env: Any, targets: list[Any], manifest: Path) -> None:
    for target in targets:
        other = kernel_of(target)
        if other is not None:
            both = " and ".join(str(manifest_node(env, each)) for each in (other.manifest, manifest))
            hint = "give one of them another RUST_BUILD_DIR, RUST_PROFILE or RUST_BINS"
            raise SCons.Errors.UserError(f"{both} would both write {target}: {hint}")


def scan(node: Any, env: Any, _path: Any) -> list[Any]:
    """Every file that the package of `node` may read."""
    kernel = kernel_of(node)
    if kernel is None or face.names_only(env):
        return []
    targets = node.get_executor().get_all_targets()
    with face.user_errors():
        more = [*env["RUST_INPUTS"], *_linked_with(env, kernel)]
        return declared_nodes(env, kernel.manifest, targets, _results(env), more)


def _linked_with(env: Any, kernel: Kernel) -> list[Any]:
    """The linker scripts that RUSTFLAGS and the target specification name."""
    words = [*linker_arguments(face.words(env["RUSTFLAGS"]))]
    if not isinstance(kernel.target, str):
        words += linker_words(Path(kernel.target.sources[0].rfile().abspath))
    return [env.fs.File(str(path)) for path in link_scripts(words, kernel.package.workspace.folder)]


def _results(env: Any) -> Path:
    return Path(env.Dir(env.subst("$RUST_BUILD_DIR")).abspath)


def crate_build(env: Any, nodes: face.Nodes, kernel: Kernel) -> CrateBuild:
    """The engine's description of the build that makes `nodes`, all of one package."""
    from bootimage.cargo.crate import CrateBuild

    target = _read(kernel.target)
    folder = nodes[0].dir
    return CrateBuild(
        manifest=kernel.manifest,
        target=target,
        target_dir=Path(places.cargo_folder(folder, kernel.package).abspath),
        workspace_root=kernel.package.workspace.folder,
        sysroot=sysroot.sysroot_of(env, target) if sysroot.needs_sysroot(env, target) else None,
        profile=env.subst("$RUST_PROFILE"),
        bins=tuple(node.name for node in nodes),
        features=tuple(face.words(env["RUST_FEATURES"])),
        default_features=bool(env["RUST_DEFAULT_FEATURES"]),
        rustflags=tuple(face.words(env["RUSTFLAGS"])),
        cargoflags=cargo_flags.for_cargo(env),
        environment=cargo_env.variables(env),
        top=Path(env.Dir("#").abspath),
        packages=declared_inputs(kernel.manifest, skip=[_results(env)]).packages,
    )


def _read(where: Any) -> Target:
    return Target(where) if isinstance(where, str) else read_target(Path(where.abspath))


def declared_paths(node: Any) -> list[Path]:
    """The files that were declared for the build of `node`."""
    return [path for each in node.all_children() if (path := input_path(each)) is not None]


def _build(target: face.Nodes, _source: face.Nodes, env: Any) -> None:
    from bootimage.image.ready import load_image_writers
    from bootimage.kernel import provide_kernel
    from bootimage.running import beside_next

    from .sharing import note_made

    kernel = kernel_of(target[0])
    assert kernel is not None
    outputs = {node.name: Path(node.abspath) for node in target}
    crate = crate_build(env, target, kernel)
    declared = declared_paths(target[0])
    beside_next(load_image_writers)
    if provide_kernel(face.context(env), crate, declared, outputs):
        note_made(target)
    caution.keep_to_this_machine(env, target, crate)
    caution.distrust_edited(target)


def _label(target: face.Nodes, _source: face.Nodes, _env: Any) -> str:
    return f"Compiling {', '.join(node.name for node in target)} into {target[0].dir}"


def signature(target: face.Nodes, _source: face.Nodes, env: Any) -> str:
    """All that the executables `target` depend on beyond the contents of their sources."""
    kernel = kernel_of(target[0])
    assert kernel is not None
    return face.settings_text(
        package=kernel.package.name,
        binaries=[node.name for node in target],
        target=places.target_name(kernel.target),
        profile=env.subst("$RUST_PROFILE"),
        features=face.words(env["RUST_FEATURES"]),
        default_features=bool(env["RUST_DEFAULT_FEATURES"]),
        rustflags=face.words(env["RUSTFLAGS"]),
        cargoflags=cargo_flags.told(env, kernel.manifest),
        environment=cargo_env.variables(env),
        inputs=names_digest(env, kernel.manifest, target[0].implicit or []),
        compiler=face.toolchain(env).identity,
    )


_ACTION = face.action(_build, _label, signature, "RUSTKERNELCOMSTR")
