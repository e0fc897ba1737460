"""Loaders that come from a checkout of their repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from cargo_tree import named, tree
from lock_files import GIT, REGISTRY, locked

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import read_package
from bootimage.loader.choose_loader import Loader, choose_loader
from bootimage.loader.loader_release import Release, identity, own_files, release_of

STAGE = "bootloader-x86_64-bios-stage-2"


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A kernel that takes `bootloader_api` from a checkout beside it, with one program in that."""
    stage = named(STAGE) + '[dependencies]\ncommon = { path = "../../common" }\n'
    checkout = tree(
        tmp_path / "checkout",
        {
            "Cargo.toml": '[workspace]\nmembers = ["api", "bios/*", "common"]\n',
            "Cargo.lock": "version = 4\n",
            "i386-code16-stage-2.json": "{}",
            "api/Cargo.toml": named("bootloader_api").replace("0.1.0", "0.11.17"),
            "api/src/lib.rs": "",
            "bios/stage-2/Cargo.toml": stage,
            "bios/stage-2/src/main.rs": "",
            "bios/other/Cargo.toml": named("other"),
            "bios/other/src/main.rs": "",
            "common/Cargo.toml": named("common"),
            "common/src/lib.rs": "",
        },
    )
    kernel = tree(
        tmp_path / "kernel",
        {
            "Cargo.toml": named("kernel")
            + f'[dependencies]\nbootloader_api = {{ path = "{checkout}/api" }}\n',
            "src/main.rs": "",
            "Cargo.lock": "version = 4\n\n"
            + locked("bootloader_api", "0.11.17", source=None)
            + "\n"
            + locked("kernel", "0.1.0", "bootloader_api", source=None),
        },
    )
    package = read_package(kernel)
    return release_of(choose_loader(package), package.manifest)


@pytest.mark.parametrize(
    ("loader", "elsewhere"),
    [
        (Loader("0.11", "bootloader_api", "0.11.17", REGISTRY, "c0ffee"), False),
        (Loader("0.11", "bootloader_api", "0.11.17"), False),  # BOOTLOADER_VERSION
        (Loader("0.11", "bootloader_api", "0.11.17", GIT), True),
        (Loader("0.11", "bootloader_api", "0.11.17", manifest=Path("/c/api/Cargo.toml")), True),
    ],
)
def test_where_a_loader_comes_from(loader: Loader, elsewhere: bool) -> None:
    found = release_of(loader, Path("/k/Cargo.toml"))
    assert found.version == "0.11.17"
    assert (found.loader == loader, found.name != "0.11.17") == (elsewhere, elsewhere)


def test_a_commit_needs_no_files() -> None:
    found = release_of(Loader("0.11", "bootloader_api", "0.11.17", GIT), Path("/k/Cargo.toml"))
    assert identity(found, STAGE) == f"0.11.17 {GIT}"
    assert own_files(found, STAGE) == ()


def test_the_files_of_a_program(release: Release, tmp_path: Path) -> None:
    names = {path.relative_to(tmp_path / "checkout").as_posix() for path in own_files(release, STAGE)}
    assert names == {
        "Cargo.toml",
        "Cargo.lock",
        "i386-code16-stage-2.json",
        "bios/stage-2/Cargo.toml",
        "bios/stage-2/src/main.rs",
        "common/Cargo.toml",
        "common/src/lib.rs",
    }


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("bios/stage-2/src/main.rs", True),
        ("common/src/lib.rs", True),
        ("i386-code16-stage-2.json", True),
        ("Cargo.lock", True),
        ("bios/other/src/main.rs", False),
        ("api/src/lib.rs", False),
    ],
)
def test_what_a_program_depends_on(release: Release, tmp_path: Path, file: str, changes: bool) -> None:
    before = identity(release, STAGE)
    path = tmp_path / "checkout" / file
    path.write_text(path.read_text() + "\n")
    assert (identity(release, STAGE) != before) == changes


def test_the_same_sources_elsewhere_are_the_same(release: Release, tmp_path: Path) -> None:
    before = identity(release, STAGE)
    (tmp_path / "checkout").rename(tmp_path / "moved")
    manifest = tmp_path / "kernel/Cargo.toml"
    manifest.write_text(manifest.read_text().replace("checkout", "moved"))
    package = read_package(manifest)
    moved = release_of(choose_loader(package), manifest)
    assert identity(moved, STAGE) == before
    assert moved.name != release.name


def test_a_checkout_without_the_programs(release: Release) -> None:
    with pytest.raises(BuildError, match="`bootloader-x86_64-uefi` is not in it") as caught:
        own_files(release, "bootloader-x86_64-uefi")
    assert "whole repository" in (caught.value.hint or "")
