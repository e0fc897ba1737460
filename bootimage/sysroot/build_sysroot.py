"""The sysroot: `core`, `compiler_builtins` and what else was asked for, compiled for one target.

It depends on the compiler, its library source, the canonical target specification, the crates and
their features, and on those few flags of a kernel to which `core` has to fit. So it is built once, kept in
the store, and handed to cargo as `--sysroot` at a path that holds its digest (cargo does not notice one that
changes in place).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bootimage.base import console
from bootimage.base.errors import BuildError
from bootimage.base.run_program import decode
from bootimage.cargo.crate_sources import copy_crates, crate_sources, directory_source
from bootimage.cargo.flags import step_flags, step_rustflags
from bootimage.cargo.messages import artifacts
from bootimage.cargo.sealed_build import run_sealed, sealed_flags
from bootimage.context import BuildContext
from bootimage.store.expected_result import Expected
from bootimage.store.keys import action_key
from bootimage.store.recipes import recipe_number
from bootimage.store.record import Entry
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.toolchain.missing_rule import likely_rule
from bootimage.toolchain.toolchain import Toolchain

# As the std that rustup ships: optimised, with line tables for backtraces, and with the bitcode that a
# kernel needs to be linked with LTO.
_MANIFEST = """\
[package]
name = "sysroot"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[profile.release]
debug = "line-tables-only"

[workspace]
"""

_ARCHIVE = b"!<arch>\n"
_LARGEST = 2 << 30
_LIBRARY = re.compile(r"lib(\w+)-[0-9a-f]+\.rlib")


def sysroot_key(toolchain: Toolchain, sysroot: Sysroot) -> str:
    """The digest of everything that the sysroot depends on."""
    return action_key(
        "sysroot",
        {
            "recipe": recipe_number("sysroot"),
            "compiler": toolchain.identity,
            "target": sysroot.target.digest,
            "crates": " ".join(sysroot.crates),
            "features": " ".join(sysroot.features),
            "manifest": _MANIFEST,
            "flags": " ".join(_flags(sysroot)),
        },
    )


def provide_sysroot(context: BuildContext, sysroot: Sysroot) -> Entry:
    """The sysroot's files (name of the rlib -> path), from the store or built now."""
    return context.perform(
        sysroot_key(context.toolchain, sysroot),
        sysroot.label,
        lambda folder: _build(context, sysroot, folder),
        _expected(sysroot),
    )


def sysroot_folder(context: BuildContext, sysroot: Sysroot) -> Path:
    """The folder to give to `--sysroot`, with the sysroot laid out as rustc expects it."""
    entry = provide_sysroot(context, sysroot)
    libraries = f"lib/rustlib/{sysroot.target.name}/lib"
    return context.store.tree(entry, {name: f"{libraries}/{name}" for name in entry.files})


def sysroot_manifest(context: BuildContext, sysroot: Sysroot) -> str:
    """The text of a Sysroot node: the digest of each rlib, by name.

    The bulk is in the store, or stays in the network cache until something is compiled with it.
    """
    contents = context.contents_of(
        sysroot_key(context.toolchain, sysroot),
        sysroot.label,
        lambda folder: _build(context, sysroot, folder),
        _expected(sysroot),
    )
    rlibs = {name: blob.sha256 for name, blob in sorted(contents.items())}
    return json.dumps({"target": sysroot.target.name, "rlibs": rlibs}, indent=2) + "\n"


def _build(context: BuildContext, sysroot: Sysroot, folder: Path) -> Mapping[str, Path]:
    (folder / "Cargo.toml").write_text(_MANIFEST)
    (folder / "lib.rs").write_text("#![no_std]\n")
    command = _command(context, sysroot, folder)
    ruled = step_rustflags(context.toolchain, "sysroot")
    flags = [*_flags(sysroot), *ruled, *sealed_flags(context.toolchain, folder, "/sysroot")]
    config = _crates(context, folder)
    variables = context.toolchain.library_environment()
    with console.step(sysroot.label) as step, context.jobs.job():
        finished = run_sealed(context, folder, command, flags, config, step=step, variables=variables)
    finished.or_fail(
        f"{', '.join(sysroot.crates)} cannot be compiled for {sysroot.target.name}",
        hint=likely_rule(context.toolchain, decode(finished.stderr)),
    )
    return _libraries(sysroot, finished.stdout)


def _crates(context: BuildContext, folder: Path) -> Mapping[str, Any]:
    """Where the library's own dependencies are: beside its source, else (rustup's stable) in the registry."""
    library = context.toolchain.library_source()  # says what to install, before cargo says less
    if (library / "vendor").is_dir():
        return directory_source(library / "vendor")
    home = context.toolchain.cargo_home()
    return copy_crates(context, crate_sources(home, home).of_registries(), library / "Cargo.toml", folder)


def _flags(sysroot: Sysroot) -> tuple[str, ...]:
    # ThinLTO among the parts of one crate takes a fifth of the time and gains next to nothing; a kernel
    # with LTO of its own does it for all crates, from the bitcode.
    return ("-Cembed-bitcode=yes", *(() if sysroot.small else ("-Clto=off",)), *sysroot.flags)


def _command(context: BuildContext, sysroot: Sysroot, folder: Path) -> list[str]:
    toolchain = context.toolchain
    return [
        "build",
        "--release",
        "--target",
        sysroot.target.argument(context.store),
        "--target-dir",
        str(folder / "target"),
        f"-Zbuild-std={','.join(sysroot.crates)}",
        f"-Zbuild-std-features={','.join(sysroot.features)}",
        *step_flags(toolchain, "sysroot", sysroot.target),
        "--message-format=json-render-diagnostics",
    ]


def _libraries(sysroot: Sysroot, messages: bytes) -> dict[str, Path]:
    """The libraries that cargo says it has made, by the names of their files; not our own empty one."""
    made = [each for each in artifacts(messages) if each["target"]["name"] != "sysroot"]
    missing = set(sysroot.crates) - {each["target"]["name"] for each in made}
    if missing:
        raise BuildError(f"cargo built no library for {', '.join(sorted(missing))}")
    paths = (Path(name) for each in made for name in each["filenames"] if name.endswith(".rlib"))
    return {path.name: path for path in sorted(paths)}


def _expected(sysroot: Sysroot) -> Expected:
    """A library for each of the crates, and of what they need; nothing else."""

    def has_names(names: Collection[str]) -> bool:
        crates = [_crate_of(Path(name)) for name in names if "/" not in name]
        return len(crates) == len(names) and None not in crates and set(sysroot.crates) <= {*crates}

    return Expected(has_names, _ARCHIVE, _LARGEST)


def _crate_of(path: Path) -> str | None:
    match = _LIBRARY.fullmatch(path.name)
    return match[1] if match else None
