"""What cargo itself says of a kernel's dependency: which features it has, where its source lies.

cargo runs in the kernel's own folder, so that it knows registries, replaced sources and proxies from the
user's configuration.

Find where cargo keeps the source of a package.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bootimage.base.errors import BuildError, closest
from bootimage.base.json_text import parse_object
from bootimage.base.run_program import Finished, decode, run
from bootimage.cargo.crate_sources import NO_SOURCES, CrateSources, fetch
from bootimage.cargo.fetch_crates import shared_words
from bootimage.cargo.flags import step_flags
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild
from bootimage.loader.choose_loader import NEWEST, Loader


def active_features(context: BuildContext, build: CrateBuild, loader: Loader) -> tuple[str, ...]:
    """The features that the loader's package has in this build of the kernel, sorted.

    The loader must be built with the same: they decide what it hands over, and how that is laid out.
    `cargo tree` is asked, since `cargo metadata` knows no choice of packages and features.
    """
    command = [
        *("tree", "--edges", "normal", "--prefix", "none", "--depth", "0", "--format", "{f}"),
        *("--invert", f"{loader.package}@{loader.version}"),
        *("--target", build.target.argument(context.store)),
        *shared_words(step_flags(context.toolchain, "kernel", build.target)),
        *(["--features", ",".join(build.features)] if build.features else []),
        *([] if build.default_features else ["--no-default-features"]),
    ]
    finished = _offline_first(context, build.manifest, command)
    if b"did not match any packages" in finished.stderr:
        raise BuildError(
            f"this build of the kernel does not use {loader.package} {loader.version}, which is to load it",
            file=build.manifest,
            hint="it is optional, or for another target: choose the features of the kernel that need it",
        )
    finished.or_fail(
        f"cargo cannot tell which features of {loader.package} the kernel uses", file=build.manifest
    )
    listed = decode(finished.stdout).partition("\n")[0].split(",")
    return tuple(sorted(feature for feature in listed if feature))


def source_of(context: BuildContext, kernel: Path, loader: Loader) -> Path:
    """The manifest of the loader's package, downloaded where need be, as the kernel's manifest means it."""
    if loader.manifest is not None:
        return loader.manifest
    finished = _offline_first(context, kernel, ["metadata", "--format-version=1"]).or_fail(
        f"cargo cannot get the source of {loader.package} {loader.version}",
        file=kernel,
        hint="check the connection to the network",
    )
    wanted = (loader.package, loader.version, loader.source)
    for each in parse_object(finished.stdout)["packages"]:
        if (each["name"], each["version"], each["source"]) == wanted:
            return Path(each["manifest_path"])
    raise BuildError(f"cargo does not know {loader.package} {loader.version} as a dependency", file=kernel)


def _offline_first(context: BuildContext, manifest: Path, command: Sequence[str]) -> Finished:
    """Run cargo's `command` for `manifest`; the network is used only where something is missing."""
    words = [str(context.toolchain.cargo), *command, "--locked", "--manifest-path", str(manifest)]

    def attempt(*flags: str) -> Finished:
        return run(
            [*words, *flags], env=context.toolchain.fetch_environment(), cwd=manifest.parent, quiet=True
        )

    finished = attempt("--offline")
    return finished if finished.returncode == 0 else attempt()


_MANIFEST = """\
[package]
name = "locate"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"

[dependencies]
{dependencies}

[workspace]
"""


def locate_published(
    context: BuildContext, packages: Mapping[str, str], sources: CrateSources = NO_SOURCES
) -> dict[str, Path]:
    """The manifest of each package (name -> exact version), where `sources` have it.

    cargo leaves a package that has only binaries out of its metadata unless it is asked for as an
    artifact (`-Zbindeps`), so each is asked for as one. What is missing is downloaded.
    """
    wanted = (*sorted(packages.items()), ("directory", str(sources.directory)))
    with _lock:
        found = _located.get(wanted)
        if found is None:
            found = _located[wanted] = _locate(context, packages, sources)
    return found


_lock = threading.Lock()
_located: dict[tuple[tuple[str, str], ...], dict[str, Path]] = {}


def _locate(context: BuildContext, packages: Mapping[str, str], sources: CrateSources) -> dict[str, Path]:
    with context.store.work("locate") as folder:
        (folder / "lib.rs").touch()
        (folder / "Cargo.toml").write_text(_MANIFEST.format(dependencies=_dependencies(packages)))
        finished = _metadata(context, sources, folder).or_fail(
            f"cargo cannot find the source of {', '.join(f'{n} {v}' for n, v in packages.items())}",
            hint="check the version in the kernel's Cargo.lock and the connection to the cargo registry",
        )
        listed = manifests(parse_object(finished.stdout), packages)
        # What cargo names is behind the links of a home that goes with the folder.
        return {name: manifest.resolve() for name, manifest in listed.items()}


def _metadata(context: BuildContext, sources: CrateSources, folder: Path) -> Finished:
    command = ["metadata", "--format-version=1", "-Zbindeps", "--manifest-path", str(folder / "Cargo.toml")]
    return fetch(context, sources, folder, command, RUSTC_BOOTSTRAP="1")


def _dependencies(packages: Mapping[str, str]) -> str:
    row = '{name} = {{ version = "={version}", default-features = false{artifact} }}'
    return "\n".join(
        row.format(name=name, version=version, artifact=', artifact = "bin"' if "-x86_64-" in name else "")
        for name, version in packages.items()
    )


def manifests(metadata: Mapping[str, Any], packages: Mapping[str, str]) -> dict[str, Path]:
    """The manifest of each package in the output of `cargo metadata`."""
    listed = {(each["name"], each["version"]): Path(each["manifest_path"]) for each in metadata["packages"]}
    missing = [f"{name} {version}" for name, version in packages.items() if (name, version) not in listed]
    if missing:
        raise BuildError(f"cargo metadata does not list {', '.join(missing)}")
    return {name: listed[name, version] for name, version in packages.items()}


def dependency_manifest(metadata_text: bytes, dependency: str) -> Path:
    """The manifest of the root package's dependency that is called `dependency` in its manifest."""
    try:
        return _dependency_manifest(parse_object(decode(metadata_text)), dependency)
    except (AttributeError, LookupError, StopIteration, TypeError, ValueError) as error:
        message = f"`cargo metadata` says what is not understood: {type(error).__name__}: {error}"
        raise BuildError(message[:500], hint="is the cargo that was run a current one?") from error


def _dependency_manifest(metadata: Mapping[str, Any], dependency: str) -> Path:
    resolve = metadata["resolve"]
    root = next((node for node in resolve["nodes"] if node["id"] == resolve["root"]), None)
    if root is None:
        raise BuildError("this is a workspace without a root package", hint="name the kernel's own manifest")
    for each in root["deps"]:
        if each["name"] == dependency.replace("-", "_"):
            return next(Path(p["manifest_path"]) for p in metadata["packages"] if p["id"] == each["pkg"])
    raise BuildError(
        f"the package has no dependency called `{dependency}`",
        file=next((p["manifest_path"] for p in metadata["packages"] if p["id"] == root["id"]), None),
        hint=_dependency_hint(dependency, [each["name"] for each in root["deps"]]),
    )


def _dependency_hint(asked: str, known: list[str]) -> str:
    near = closest(asked, known)
    if near:
        return f"did you mean `{near}`?"
    if closest(asked, ["bootloader", "bootloader_api"]):
        return f"add to [dependencies]: {NEWEST}"
    return f"it has: {', '.join(sorted(known))}" if known else "it has none at all"
