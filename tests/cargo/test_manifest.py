"""Manifests read by cargo's rules; cargo itself is the oracle."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cargo_tree import PACKAGE, named, tree

from bootimage.base.errors import BuildError
from bootimage.base.toml_file import parse_toml
from bootimage.cargo.dependencies import patches
from bootimage.cargo.manifest import Package, locate_manifest, read_package

# Each with the folder to read. Sources are empty: cargo metadata does not compile.
TREES: dict[str, tuple[str, dict[str, str]]] = {
    "main": (".", {"Cargo.toml": PACKAGE, "src/main.rs": ""}),
    "library and build script": (".", {"Cargo.toml": PACKAGE, "src/lib.rs": "", "build.rs": ""}),
    "no build script": (
        ".",
        {"Cargo.toml": PACKAGE + "build = false\n", "src/lib.rs": "", "build.rs": ""},
    ),
    "own build script": (
        ".",
        {"Cargo.toml": PACKAGE + 'build = "b/make.rs"\n', "src/lib.rs": "", "b/make.rs": ""},
    ),
    "everything found": (
        ".",
        {
            "Cargo.toml": PACKAGE,
            "src/main.rs": "",
            "src/lib.rs": "",
            "src/bin/b.rs": "",
            "src/bin/a/main.rs": "",
            "src/bin/c/other.rs": "",
            "src/bin/.hidden.rs": "",
            "src/bin/notes.txt": "",
            "tests/t.rs": "",
            "tests/dir/main.rs": "",
            "tests/common/mod.rs": "",
            "examples/e.rs": "",
            "benches/x.rs": "",
        },
    ),
    "listed and found": (
        ".",
        {
            "Cargo.toml": PACKAGE
            + '[features]\nf = []\n[lib]\nname = "kern"\npath = "l.rs"\ntest = false\n'
            + '[[bin]]\nname = "a"\nrequired-features = ["f"]\ntest = false\n'
            + '[[bin]]\nname = "z"\npath = "src/bin/renamed.rs"\n'
            + '[[test]]\nname = "t"\nharness = false\n[[test]]\nname = "far"\npath = "x/far.rs"\n',
            "l.rs": "",
            "src/main.rs": "",
            "src/bin/a.rs": "",
            "src/bin/b.rs": "",
            "src/bin/renamed.rs": "",
            "tests/t.rs": "",
            "tests/u.rs": "",
            "x/far.rs": "",
        },
    ),
    "nothing found by itself": (
        ".",
        {
            "Cargo.toml": PACKAGE
            + "autolib = false\nautobins = false\nautotests = false\n"
            + '[[bin]]\nname = "my-kernel"\n[[bin]]\nname = "a"\n',
            "src/main.rs": "",
            "src/lib.rs": "",
            "src/bin/a/main.rs": "",
            "src/bin/b.rs": "",
            "tests/t.rs": "",
        },
    ),
    "edition 2015": (
        ".",
        {
            "Cargo.toml": '[package]\nname = "old"\nversion = "0.1.0"\n[[bin]]\nname = "a"\n',
            "src/main.rs": "",
            "src/bin/a.rs": "",
            "tests/t.rs": "",
        },
    ),
    "the oldest spelling": (
        ".",
        {
            "Cargo.toml": '[project]\nname = "old"\nversion = "0.1.0"\n'
            + '[dev_dependencies]\nd = { path = "d" }\n',
            "src/main.rs": "",
            "d/Cargo.toml": '[package]\nname = "d"\nversion = "0.1.0"\n',
            "d/src/lib.rs": "",
        },
    ),
    "no version": (".", {"Cargo.toml": '[package]\nname = "v"\nedition = "2024"\n', "src/main.rs": ""}),
    "member": (
        "crates/k",
        {
            "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\nresolver = "2"\n'
            + '[workspace.package]\nversion = "4.5.6"\nedition = "2024"\n'
            + '[workspace.dependencies]\nnick = { path = "shared", package = "shared" }\n',
            "crates/k/Cargo.toml": '[package]\nname = "k"\n'
            + "version.workspace = true\nedition.workspace = true\n"
            + "[dependencies]\nnick = { workspace = true, optional = true }\n"
            + '[target."cfg(unix)".build-dependencies]\nnick = { workspace = true }\n'
            + '[dev-dependencies]\nnear = { path = "../near" }\n',
            "crates/k/src/main.rs": "",
            "crates/near/Cargo.toml": named("near"),
            "crates/near/src/lib.rs": "",
            "shared/Cargo.toml": named("shared"),
            "shared/src/lib.rs": "",
        },
    ),
    "excluded": (
        "kernels/k",
        {
            "Cargo.toml": '[workspace]\nexclude = ["kernels"]\n',
            "kernels/k/Cargo.toml": PACKAGE,
            "kernels/k/src/main.rs": "",
        },
    ),
    "excluded but a member": (
        "kernels/k",
        {
            "Cargo.toml": '[workspace]\nexclude = ["kernels"]\nmembers = ["kernels/k"]\n',
            "kernels/k/Cargo.toml": PACKAGE,
            "kernels/k/src/main.rs": "",
        },
    ),
    "excluded by the nearer of two": (
        "mid/k",
        {
            "Cargo.toml": '[workspace]\nmembers = ["mid/k"]\n',
            "mid/Cargo.toml": '[workspace]\nexclude = ["k"]\n',
            "mid/k/Cargo.toml": PACKAGE,
            "mid/k/src/main.rs": "",
        },
    ),
    "points at its root": (
        "k",
        {
            "root/Cargo.toml": '[workspace]\nmembers = ["../k"]\n',
            "k/Cargo.toml": PACKAGE + 'workspace = "../root"\n',
            "k/src/main.rs": "",
        },
    ),
    "root and package in one": (
        ".",
        {
            "Cargo.toml": PACKAGE + '[workspace]\n[dependencies]\nsub = { path = "sub" }\n',
            "src/main.rs": "",
            "sub/Cargo.toml": named("sub"),
            "sub/src/lib.rs": "",
        },
    ),
    "TOML 1.1": (
        ".",
        {
            "Cargo.toml": PACKAGE + '[dependencies]\ns = {\n  path = "s", # here\n}\n',
            "src/main.rs": "",
            "s/Cargo.toml": named("s"),
            "s/src/lib.rs": "",
        },
    ),
}


@pytest.mark.rust
@pytest.mark.parametrize("which", TREES)
def test_the_same_as_cargo(tmp_path: Path, which: str) -> None:
    inside, files = TREES[which]
    folder = tree(tmp_path / "ä ö", files) / inside
    package, metadata = read_package(folder), _cargo_metadata(folder)
    assert _described(package) == _from_cargo(metadata, package.manifest)


def _cargo_metadata(folder: Path) -> Any:
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return json.loads(done.stdout)


def _described(package: Package) -> dict[str, Any]:
    kinds = {"build-script": "custom-build"}
    return {
        "name": package.name,
        "version": package.version,
        "edition": package.edition,
        "root": str(package.workspace.folder),
        "crates": sorted(
            (kinds.get(it.kind, it.kind), it.name, str(it.path), it.required_features, it.test)
            for it in package.crates
        ),
        "path dependencies": sorted(
            (it.name, it.package, it.kind, str(it.platform), str(it.folder), it.optional)
            for it in package.dependencies
            if it.folder
        ),
    }


def _from_cargo(metadata: Any, manifest: Path) -> dict[str, Any]:
    package = next(it for it in metadata["packages"] if it["manifest_path"] == str(manifest))
    return {
        "name": package["name"],
        "version": package["version"],
        "edition": package["edition"],
        "root": metadata["workspace_root"],
        "crates": sorted(
            (it["kind"][0], it["name"], it["src_path"], tuple(it.get("required-features", ())), it["test"])
            for it in package["targets"]
        ),
        "path dependencies": sorted(
            (
                it["rename"] or it["name"],
                it["name"],
                it["kind"] or "normal",
                str(it["target"]),
                it["path"],
                it["optional"],
            )
            for it in package["dependencies"]
            if it.get("path")
        ),
    }


def test_harness_default_run_and_targets(tmp_path: Path) -> None:
    more = 'default-run = "my-kernel"\nforced-target = "a"\ndefault-target = "b"\n'
    more += (
        '[[test]]\nname = "t"\nharness = false\n[profile.fast]\ninherits = "release"\n[features]\nx = []\n'
    )
    package = read_package(tree(tmp_path, {"Cargo.toml": PACKAGE + more, "src/main.rs": ""}))
    assert [(test.name, test.harness) for test in package.tests] == [("t", False)]
    assert (package.default_run, package.default_targets, package.features) == ("my-kernel", ("a",), ("x",))
    assert package.workspace.profiles == ("bench", "dev", "fast", "release", "test")
    assert [binary.name for binary in package.binaries] == ["my-kernel"]
    assert (package.library, package.build_script) == (None, None)


def test_a_listed_crate_may_be_written_later(tmp_path: Path) -> None:
    listed = '[[bin]]\nname = "my-kernel"\n[[bin]]\nname = "b"\n'
    package = read_package(tree(tmp_path, {"Cargo.toml": PACKAGE + listed}))
    places = [binary.path.relative_to(tmp_path).as_posix() for binary in package.binaries]
    assert places == ["src/main.rs", "src/bin/b.rs"]


def test_patches(tmp_path: Path) -> None:
    text = '[patch.crates-io]\na = { path = "../a" }\nb = { git = "x" }\n'
    text += '[replace]\n"c:1.0.0" = { path = "c" }\n'
    file = parse_toml('paths = ["d", "/e"]\n' + text, Path("x"))
    found = {each.name: each.folder and str(each.folder) for each in patches(file, Path("/w"))}
    assert found == {"a": "/a", "b": None, "c": "/w/c", "d": "/w/d", "e": "/e"}


def test_the_search_for_a_workspace_stays_in_cargo_home(tmp_path: Path) -> None:
    tree(tmp_path, {"Cargo.toml": "[workspace]\n", "home/reg/k/Cargo.toml": PACKAGE})
    manifest = tmp_path / "home/reg/k/Cargo.toml"
    assert read_package(manifest, tmp_path / "home").workspace.manifest == manifest
    assert read_package(manifest).workspace.manifest == tmp_path / "Cargo.toml"


BAD: list[tuple[dict[str, str], str, str]] = [
    ({"k/Cargo.toml": "[package\n"}, "k/Cargo.toml:1:9", "this is not TOML"),
    ({"k/src/main.rs": ""}, "k", "this folder has no Cargo.toml"),
    ({"k/cargo.toml": PACKAGE}, "k/cargo.toml", "cargo reads the name Cargo.toml only"),
    ({"k/Cargo.toml": ""}, "k/Cargo.toml", "no `[package]`"),
    (
        {"k/Cargo.toml": '[workspace]\nmembers = ["a", "b"]\n'},
        "k/Cargo.toml",
        "its members: a, b",
    ),
    ({"k/Cargo.toml": "[package]\n"}, "k/Cargo.toml:1:2", "has no `name`"),
    ({"k/Cargo.toml": "[package]\nname = 3\n"}, "k/Cargo.toml:2:1", "must be a string, found the number 3"),
    ({"k/Cargo.toml": "package = 3\n"}, "k/Cargo.toml:1:1", "must be a table, found the number 3"),
    (
        {"k/Cargo.toml": '[package]\nname = "k"\nversion.workspace = true\n'},
        "k/Cargo.toml:3:1",
        "has no `workspace.package.version`",
    ),
    (
        {"k/Cargo.toml": '[package]\nname = "k"\n[dependencies]\na.workspace = true\n'},
        "k/Cargo.toml:4:1",
        "has no `workspace.dependencies.a`",
    ),
    (
        {"k/Cargo.toml": PACKAGE + 'workspace = "../w"\n', "w/Cargo.toml": PACKAGE + 'workspace = "../k"\n'},
        "k/Cargo.toml:5:1",
        "w/Cargo.toml has no `[workspace]`",
    ),
    ({"k/Cargo.toml": PACKAGE + 'workspace = "../w"\n'}, "k/Cargo.toml:5:1", "there is no workspace at"),
    ({"k/Cargo.toml": PACKAGE + 'workspace = ".."\n[workspace]\n'}, "k/Cargo.toml:5:1", "has either"),
    ({"k/Cargo.toml": PACKAGE + "[[bin]]\n"}, "k/Cargo.toml:5:3", "each `[[bin]]` needs a `name`"),
    ({"k/Cargo.toml": PACKAGE + "[bin]\n"}, "k/Cargo.toml:5:2", "`bin` must be an array, found a table"),
    ({"k/Cargo.toml": PACKAGE + "[lib]\npath = 1\n"}, "k/Cargo.toml:6:1", "`lib.path` must be a string"),
    ({"k/Cargo.toml": PACKAGE + "build = 1\n"}, "k/Cargo.toml:5:1", "must be a path or false"),
    (
        {"k/Cargo.toml": PACKAGE + "[dependencies]\na = 1\n"},
        "k/Cargo.toml:6:1",
        "`dependencies.a` must be a table",
    ),
    ({"k/Cargo.toml": PACKAGE + '[target]\n"cfg(unix)" = 1\n'}, "k/Cargo.toml:6:1", "must be a table"),
    ({"Cargo.toml": "[workspace", "k/Cargo.toml": PACKAGE}, "Cargo.toml:1:11", "this is not TOML"),
]


@pytest.mark.parametrize(("files", "place", "message"), BAD)
def test_bad_input(tmp_path: Path, files: dict[str, str], place: str, message: str) -> None:
    tree(tmp_path, files)
    with pytest.raises(BuildError, match=re.escape(message)) as raised:
        package = read_package(tmp_path / "k")
        _ = package.crates, package.dependencies
    assert str(raised.value).startswith(f"{tmp_path}/{place}: error: ")


def test_no_manifest_at_all(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"none/Cargo\.toml: error: there is no such manifest"):
        locate_manifest(tmp_path / "none/Cargo.toml")
