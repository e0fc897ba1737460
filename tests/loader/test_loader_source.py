"""Where cargo keeps packages, from what it says and from cargo itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import read_package
from bootimage.context import BuildContext
from bootimage.loader.loader_source import dependency_manifest, locate_published, manifests


def listed(name: str, version: str) -> dict[str, str]:
    return {
        "name": name,
        "version": version,
        "id": f"{name}@{version}",
        "manifest_path": f"/r/{name}-{version}/Cargo.toml",
    }


def metadata(*dependencies: tuple[str, str], root: str | None = "kernel@0.1.0") -> dict[str, Any]:
    """What `cargo metadata` says of a kernel with these dependencies: name in the manifest, package id."""
    return {
        "packages": [
            listed("kernel", "0.1.0"),
            listed("bootloader_api", "0.11.17"),
            listed("my-crate", "1.0.0"),
        ],
        "resolve": {
            "root": root,
            "nodes": [{"id": "kernel@0.1.0", "deps": [{"name": n, "pkg": p} for n, p in dependencies]}],
        },
    }


def test_each_package_is_found_in_its_version() -> None:
    found = manifests(metadata(), {"bootloader_api": "0.11.17"})
    assert found == {"bootloader_api": Path("/r/bootloader_api-0.11.17/Cargo.toml")}


@pytest.mark.parametrize("wanted", [{"bootloader_api": "0.11.16"}, {"other": "0.11.17"}])
def test_what_is_not_listed_is_an_error(wanted: dict[str, str]) -> None:
    with pytest.raises(BuildError, match="does not list"):
        manifests(metadata(), wanted)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bootloader", "/r/bootloader_api-0.11.17/Cargo.toml"),
        ("my-crate", "/r/my-crate-1.0.0/Cargo.toml"),
        ("my_crate", "/r/my-crate-1.0.0/Cargo.toml"),
    ],
)
def test_a_dependency_by_its_name_in_the_manifest(asked: str, expected: str) -> None:
    told = metadata(("bootloader", "bootloader_api@0.11.17"), ("my_crate", "my-crate@1.0.0"))
    assert dependency_manifest(json.dumps(told).encode(), asked) == Path(expected)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (metadata(), "no dependency called `bootloader`"),
        (metadata(root=None), "workspace without a root package"),
    ],
)
def test_no_such_dependency(told: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        dependency_manifest(json.dumps(told).encode(), "bootloader")


@pytest.mark.parametrize(
    ("asked", "dependencies", "hint"),
    [
        ("bootloader", (), 'add to [dependencies]: bootloader = { package = "bootloader_api", '),
        ("bootloder", (), 'add to [dependencies]: bootloader = { package = "bootloader_api", '),
        ("bootloder", ("bootloader",), "did you mean `bootloader`?"),
        ("bootloader", ("bootloader_api",), "did you mean `bootloader_api`?"),
        ("serde", ("bootloader", "bitflags"), "it has: bitflags, bootloader"),
        ("serde", (), "it has none at all"),
    ],
)
def test_what_helps_where_a_dependency_is_missing(
    asked: str, dependencies: tuple[str, ...], hint: str
) -> None:
    told = metadata(*((name, "bootloader_api@0.11.17") for name in dependencies))
    with pytest.raises(BuildError) as caught:
        dependency_manifest(json.dumps(told).encode(), asked)
    assert (caught.value.hint or "").startswith(hint)
    assert caught.value.file == "/r/kernel-0.1.0/Cargo.toml"


@pytest.mark.rust
def test_a_package_of_binaries_alone_is_found_too(context: BuildContext) -> None:
    wanted = {"bootloader": "0.11.17", "bootloader-x86_64-bios-boot-sector": "0.11.17"}
    for name, manifest in locate_published(context, wanted).items():
        package = read_package(manifest, context.toolchain.cargo_home())
        assert (package.name, package.version) == (name, "0.11.17")


@pytest.mark.rust
def test_a_version_that_was_never_published(context: BuildContext) -> None:
    with pytest.raises(BuildError, match=r"cannot find the source of bootloader_api 0\.11\.1 "):
        locate_published(context, {"bootloader_api": "0.11.1"})
