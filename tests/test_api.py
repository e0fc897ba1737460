"""Which kernel is meant where nothing but the folder tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage import api
from bootimage.api import locate_bootloader
from bootimage.base.errors import BuildError
from bootimage.cargo import find_manifest

LOADER = '[dependencies]\nboot-loader = { package = "bootloader_api", version = "0.11" }\n'
FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["kernel", "tool"]\n',
    "kernel/Cargo.toml": named("kernel") + LOADER,
    "kernel/src/main.rs": "",
    "tool/Cargo.toml": named("tool"),
    "tool/src/main.rs": "",
    "unreadable/Cargo.toml": "[package\n",
    "scripts/run.sh": "",
}


class Asked(Exception):
    """For which project a toolchain was wanted."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_context(project: Path) -> None:
        raise Asked(project.name)

    monkeypatch.setattr(api, "open_context", open_context)


@pytest.mark.parametrize(
    ("where", "dependency", "meant"),
    [
        (".", "boot-loader", "kernel"),
        (".", "boot_loader", "kernel"),
        ("scripts", "boot-loader", "kernel"),
        ("kernel/src", "boot-loader", "kernel"),
        ("kernel", "other", "kernel"),
        ("tool", "boot-loader", "tool"),
        (".", "other", "kernel"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_whose_loader_is_located(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, dependency: str, meant: str
) -> None:
    monkeypatch.chdir(tree(tmp_path, FILES) / where)
    with pytest.raises(Asked, match=f"^{meant}$"):
        locate_bootloader(dependency)


def test_no_package_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(find_manifest, "_candidates", lambda _start: iter(()))
    with pytest.raises(BuildError, match=r"no package is here.*\n  help: name it: locate_bootloader\("):
        locate_bootloader()


@pytest.mark.parametrize(("mode", "found"), [(0o755, True), (0o1777, False)])
def test_a_folder_of_everybodys_is_not_searched(tmp_path: Path, mode: int, found: bool) -> None:
    """What others have put beside the project, in the folder for temporary files, is not the user's."""
    shared = tmp_path / "shared"
    # Other tests' folders lie beside this one's, with packages of theirs.
    tree(shared, {"other/Cargo.toml": named("only-here"), "other/src/main.rs": "", "mine/only-here": ""})
    shared.chmod(mode)
    kernel = shared / "mine/only-here"
    if found:
        assert find_manifest.find_manifest(kernel) == shared / "other/Cargo.toml"
    else:
        with pytest.raises(BuildError, match=r"no Cargo\.toml near it"):
            find_manifest.find_manifest(kernel)


def test_a_manifest_with_a_bad_crate_is_passed_over(tmp_path: Path) -> None:
    bad = named("a") + '[[bin]]\nname = "../k"\n'
    tree(tmp_path, {"a/Cargo.toml": bad, "k/Cargo.toml": named("k"), "k/src/main.rs": "", "out/k": ""})
    assert find_manifest.find_manifest(tmp_path / "out/k") == tmp_path / "k/Cargo.toml"
