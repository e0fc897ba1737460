"""Which files of a package's folder a build may read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cargo_tree import tree

from bootimage.base.errors import BuildError
from bootimage.cargo.package_files import identity, package_files

READ = ["Cargo.toml", "build.rs", "linker.ld", "x86_64-k.json", "README.md", ".env", "a b/é.txt"]
READ += ["src/main.rs", "src/target/mod.rs", "src/Cargo.lock", ".cargo/k.json", "build/x.rs"]
NOT_READ = ["Cargo.lock", "target/debug/k", "SConstruct", "SConscript", ".sconsign.dblite", ".git/HEAD"]
NOT_READ += [".gitignore", "src/main.rs~", "src/.main.rs.swp", "src/#main.rs#", "src/.#main.rs", ".DS_Store"]
NOT_READ += [".venv/bin/x", "site_scons/tool.py", "site_scons/__pycache__/tool.pyc", "other/Cargo.toml"]
NOT_READ += ["other/src/lib.rs", "out/CACHEDIR.TAG", "out/debug/k", "made/x86_64/debug/k"]


def below(folder: Path, found: list[str]) -> list[str]:
    return sorted(str(Path(path).relative_to(folder)) for path in found)


def test_what_is_read(tmp_path: Path) -> None:
    tree(tmp_path, dict.fromkeys([*READ, *NOT_READ], ""))
    made = identity(tmp_path / "made")
    assert made
    files, folders = package_files(str(tmp_path), [made])
    assert below(tmp_path, files) == sorted(READ)
    assert below(tmp_path, folders) == [".", ".cargo", "a b", "build", "src", "src/target"]


def test_other_packages_on_request(tmp_path: Path) -> None:
    tree(tmp_path, dict.fromkeys(NOT_READ, ""))
    files, _ = package_files(str(tmp_path / "other"), other_packages=True)
    assert below(tmp_path, files) == ["other/Cargo.toml", "other/src/lib.rs"]
    files, _ = package_files(str(tmp_path), other_packages=True)
    assert "other/src/lib.rs" in below(tmp_path, files)


def test_links_are_followed_once(tmp_path: Path) -> None:
    tree(tmp_path, {"k/src/main.rs": "", "shared/s.rs": "", "shared/deep/d.rs": ""})
    for name, goal in [
        ("k/src/shared", "../../shared"),
        ("k/src/one.rs", "../../shared/s.rs"),
        ("shared/back", "."),
        ("shared/up", "../k"),
        ("k/again", "src"),
        ("k/lost.rs", "nowhere"),
        ("k/circle.rs", "circle.rs"),
    ]:
        (tmp_path / name).symlink_to(goal)
    files, _ = package_files(str(tmp_path / "k"))
    found = below(tmp_path, files)
    assert {os.path.realpath(path) for path in files} == {
        str(tmp_path / name) for name in ("k/src/main.rs", "shared/s.rs", "shared/deep/d.rs")
    }
    assert len(found) == 4  # s.rs is there twice: by its folder, and by a link of its own


def test_what_is_no_file(tmp_path: Path) -> None:
    tree(tmp_path, {"src/main.rs": ""})
    os.mkfifo(tmp_path / "src/pipe")
    assert below(tmp_path, package_files(str(tmp_path))[0]) == ["src/main.rs"]


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"none: error: cannot be read: No such file"):
        package_files(str(tmp_path / "none"))


@pytest.mark.parametrize("goal", ["..", "../..", "../../..", "/", "/proc", "/dev", "/usr/share", "/etc", "."])
def test_a_link_that_leads_away_is_not_followed(tmp_path: Path, goal: str) -> None:
    tree(tmp_path, {"home/ws/k/src/main.rs": "", "home/ws/beside/b.rs": "", "home/other/o.rs": ""})
    (tmp_path / "home/ws/k/link").symlink_to(goal)
    (tmp_path / "home/ws/beside/link").symlink_to(tmp_path / "home")
    (tmp_path / "home/ws/k/beside").symlink_to("../beside")
    files, folders = package_files(str(tmp_path / "home/ws/k"))
    assert below(tmp_path / "home/ws/k", files) == ["beside/b.rs", "src/main.rs"]
    assert below(tmp_path / "home/ws/k", folders) == [".", "beside", "src"]


def test_a_folder_behind_a_link_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {"k/src/main.rs": "", "beside/b.rs": "", "beside/closed/c.rs": ""})
    (tmp_path / "k/beside").symlink_to("../beside")
    scandir = os.scandir

    def refusing(path: str) -> object:  # the tests may run as root, to whom nothing is closed
        if path.endswith("/closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert below(tmp_path / "k", package_files(str(tmp_path / "k"))[0]) == ["beside/b.rs", "src/main.rs"]
    with pytest.raises(BuildError, match="Permission denied"):
        package_files(str(tmp_path / "beside"))


def test_files_of_the_kernel_and_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, {f"src/{number}.rs": "" for number in range(20)})
    (tmp_path / "memory").symlink_to("/proc/self/status")
    assert len(package_files(str(tmp_path))[0]) == 20
    monkeypatch.setattr("bootimage.cargo.package_files._MOST_FILES", 10)
    (tmp_path / "src/more").mkdir()
    with pytest.raises(BuildError, match="more than 10 files are below this folder"):
        package_files(str(tmp_path))
