"""Find where cargo keeps the source of a package."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootimage.cargo.crate_sources import NO_SOURCES, CrateSources, fetch
from bootimage.context import BuildContext
from bootimage.errors import BuildError
from bootimage.loader.choose import NEWEST
from bootimage.process import Finished, decode
from bootimage.spelling import closest

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
        listed = manifests(json.loads(finished.stdout), packages)
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
    metadata = json.loads(decode(metadata_text))
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
