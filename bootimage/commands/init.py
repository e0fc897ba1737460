"""`bootimage init [PATH]`: look at a cargo kernel and write a minimal SConstruct beside it.

It says what was found and what a build by SCons does differently. No other file is touched, but that cargo
makes a Cargo.lock where there is none; an SConstruct that is there already stays.

An existing cargo kernel, seen with the eyes of somebody who wants to build it with SCons.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootimage.base import console
from bootimage.base.console import shown
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.python_literal import scons_path, scons_string, word_list
from bootimage.base.toml_file import read_toml
from bootimage.cargo.config import CargoConfig, read_cargo_config
from bootimage.cargo.flags import advice_for_plain_cargo
from bootimage.cargo.manifest import Package, locate_manifest, member_manifests, read_package
from bootimage.cargo.metadata_tables import BootimageSettings, bootimage_settings
from bootimage.cargo.workspace import find_workspace
from bootimage.cargo_cli.build_as_cargo import choose_target
from bootimage.context import BuildContext
from bootimage.loader.choose_loader import Loader, choose_loader
from bootimage.sysroot.sysroot_crates import CRATES, crates_for
from bootimage.toolchain.toolchain import Toolchain

_NAMES = ("SConstruct", "Sconstruct", "sconstruct", "SConstruct.py", "Sconstruct.py", "sconstruct.py")


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Write the SConstruct, or with --dry-run only show it."""
    from bootimage.base.write_files import write_whole
    from bootimage.context import open_context

    options = parser().parse_args(words)
    folder = options.path.absolute()
    context = open_context(folder, environ)
    _see_to_lock_file(context, folder, dry_run=options.dry_run)
    found = look_at(folder, context.toolchain, options.target)
    place = found.folder / "SConstruct"
    taken = [name for name in _NAMES if (found.folder / name).exists()]
    if taken and not options.dry_run:
        raise BuildError(
            "there is an SConstruct already, and it stays as it is",
            file=found.folder / taken[0],
            hint="bootimage init --dry-run shows what would be written",
        )
    console.output("\n".join([*found.report(), ""]))
    if options.dry_run:
        console.output(f"\n{shown(place)} would be:\n\n{found.sconstruct()}")
        return 0
    write_whole(place, found.sconstruct())
    console.output(f"\nWrote {shown(place)}. Now: scons -C {shown(found.folder) or '.'}\n")
    return 0


def _see_to_lock_file(context: BuildContext, folder: Path, *, dry_run: bool) -> None:
    """Make the lock file that says which loader the kernel needs, where there is none."""
    from bootimage.cargo.crate_sources import write_lock_file

    manifest = locate_manifest(folder)
    workspace = find_workspace(read_toml(manifest), context.toolchain.cargo_home())
    if dry_run or workspace.lock.exists():
        return
    console.output(f"cargo generate-lockfile --manifest-path {shown(manifest)}\n")
    write_lock_file(context, manifest)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="bootimage init",
        description="Write a minimal SConstruct for a cargo kernel; no other file is touched, but that "
        "cargo makes a Cargo.lock where there is none.",
    )
    add = made.add_argument
    add("path", type=Path, nargs="?", default=Path(), metavar="PATH", help="the kernel's folder (default: .)")
    add("--target", metavar="TARGET", help="a triple or a target specification, where cargo is not told it")
    add("--dry-run", action="store_true", help="show what would be written, and write nothing")
    return made


@dataclass(frozen=True)
class Kernel:
    """A package that is a kernel: it has a binary, and a loader among its dependencies."""

    package: Package
    loader: Loader
    settings: BootimageSettings


@dataclass(frozen=True)
class Adoption:
    """What was found: `kernels` in `folder`, built for `target` under the configuration `config`.

    `changes` are what brings the target specification up to date, a line each.
    """

    folder: Path
    kernels: tuple[Kernel, ...]
    target: str
    config: CargoConfig
    changes: tuple[str, ...]
    for_cargo: str | None = None
    """What cargo's own commands need, if they lack something."""

    def sconstruct(self) -> str:
        """The text of the SConstruct."""
        lines = ["# Builds the kernel and its images: `scons`, `scons run-qemu`, `scons --release`."]
        lines += ["import rustkernel", "", 'env = Environment(tools=["default", rustkernel.generate])']
        for kernel in self.kernels:
            lines += ["", *self._of(kernel)]
        return "\n".join([*lines, "", 'Default("image")', ""])

    def _of(self, kernel: Kernel) -> Iterator[str]:
        end = f"-{kernel.package.name}" if len(self.kernels) > 1 else ""
        where = scons_path(os.path.relpath(kernel.package.folder, self.folder))
        yield f"kernel = env.RustKernel({where}, {self._target()}{self._crates()})"
        yield "image = env.BootImage(kernel)"
        yield 'env.Alias("image", image)'
        flags = _qemu_flags(kernel) if kernel.settings.run_args else ""
        yield f'env.RunQemu("run-qemu{end}", image{flags})'
        if _has_tests(kernel.package):
            yield f'env.KernelTest("test-kernel{end}", {where}, {self._target()}{self._crates()})'

    def _target(self) -> str:
        if not self.target.endswith(".json"):
            return f"RUST_TARGET={scons_string(self.target)}"
        return f"RUST_TARGET={scons_path(os.path.relpath(self.target, self.folder))}"

    def _crates(self) -> str:
        more = crates_for(self.config)
        return "" if more == CRATES else f", RUST_SYSROOT_CRATES={word_list(more)}"

    def report(self) -> list[str]:
        """What was found and what will be different, for people."""
        found = [*(line for kernel in self.kernels for line in _found(kernel)), *self._cargo()]
        different = [f"  {line}" for line in self._different()]
        lacking = ["For cargo's own commands:", f"  {self.for_cargo}"] if self.for_cargo else []
        return ["Found:", *(f"  {line}" for line in found), "Different from cargo:", *different, *lacking]

    def _cargo(self) -> Iterator[str]:
        yield f"target {self.target}"
        yield from (f"cargo configuration {path}" for path in self.config.files)

    def _different(self) -> Iterator[str]:
        yield "results lie in build/ instead of target/, which stays as it is"
        if self.config.table("unstable").get("build-std"):
            yield "core is compiled once for all projects and kept in the store: build-std is passed over"
        yield "Cargo.lock must be there and is never changed"
        yield "variables of your shell (RUSTFLAGS and others) do not reach the build"
        yield from (f"{line} [in the build; the file stays as it is]" for line in self.changes)
        for kernel in self.kernels:
            if kernel.settings.build_command != BootimageSettings().build_command:
                yield f"`build-command` of {kernel.package.name} is not used"


def _qemu_flags(kernel: Kernel) -> str:
    """The keyword for `run-args`. SCons expands nothing in it but the variable's own name."""
    words = kernel.settings.run_args
    if any(name in word for word in words for name in ("$QEMUFLAGS", "${QEMUFLAGS}")):
        raise BuildError(
            "`run-args` holds $QEMUFLAGS, which SCons would expand",
            file=kernel.package.manifest,
            hint="write it in another way",
        )
    return f", QEMUFLAGS={word_list(words)}"


def look_at(folder: Path, toolchain: Toolchain, target: str | None = None) -> Adoption:
    """Look at the package or workspace in `folder`. `target` is for those whose cargo is not told it.

    Raises BuildError where there is no kernel, or nothing says what it is built for.
    """
    manifest = read_toml(locate_manifest(folder))
    kernels = _kernels(manifest.path, toolchain)
    config = read_cargo_config(manifest.path.parent, toolchain.cargo_home())
    asked = (_named(target),) if target else ()
    first = read_toml(kernels[0].package.manifest)
    chosen = choose_target(first, config, asked)
    advice = advice_for_plain_cargo(toolchain, chosen, config.table("unstable"))
    changes = tuple(_changes(chosen, toolchain))
    return Adoption(manifest.path.parent, kernels, chosen, config, changes, advice)


def _named(target: str) -> str:
    return os.path.normpath(Path(target).absolute()) if target.endswith(".json") else target


def _kernels(manifest: Path, toolchain: Toolchain) -> tuple[Kernel, ...]:
    """The kernels of the workspace whose root `manifest` is, or of that package alone.

    A package without a loader is a program for the host, unless there is no kernel at all.
    """
    home = toolchain.cargo_home()
    workspace = find_workspace(read_toml(manifest), home)
    manifests = member_manifests(workspace, home) if workspace.manifest == manifest else (manifest,)
    packages = [package for each in manifests if (package := read_package(each, home)).binaries]
    found: list[Kernel] = []
    refused: list[BuildError] = []
    for package in packages:
        try:
            found.append(Kernel(package, choose_loader(package), bootimage_settings(package.file)))
        except BuildError as error:
            refused.append(error)
    if not found:
        raise (
            refused[0]
            if refused
            else BuildError("no package here has a binary", file=manifest, hint="add src/main.rs")
        )
    return tuple(found)


def _changes(target: str, toolchain: Toolchain) -> list[str]:
    if not target.endswith(".json"):
        return []
    from bootimage.target_spec.canonical_spec import canonical, describe
    from bootimage.target_spec.compiler_facts import facts_of

    path = Path(target)
    found = canonical(path, facts_of(toolchain))
    return describe(found.changes, path)


def _found(kernel: Kernel) -> Iterator[str]:
    package = kernel.package
    binaries = ", ".join(crate.name for crate in package.binaries)
    yield f"kernel {package.name} {package.version} ({package.manifest}), binaries: {binaries}"
    yield f"  loader {kernel.loader.version} ({kernel.loader.package}), by {package.workspace.lock}"
    tests = ", ".join(crate.name for crate in package.tests)
    if tests:
        yield f"  integration tests: {tests}"


def _has_tests(package: Package) -> bool:
    """Whether `cargo test` builds anything that can boot, as far as files tell."""
    return bool(package.tests) or any(
        crate.path.is_file() and "custom_test_frameworks" in crate.path.read_text(errors="replace")
        for crate in package.crates
        if crate.kind in ("bin", "lib")
    )
