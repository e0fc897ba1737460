"""The members of a workspace, with cargo as the oracle."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage.base.errors import BuildError
from bootimage.base.toml_file import read_toml
from bootimage.cargo.manifest import member_manifests
from bootimage.cargo.workspace import find_workspace

ROOT = '[workspace]\nmembers = ["kernels/*", "./tool"]\nexclude = ["kernels/no"]\nresolver = "2"\n'
NEEDS = """
[dependencies]
inside = { path = "../../inside" }
own = { path = "../../../outside/own" }
ours = { path = "../../../outside/ours" }
"""
FILES = {
    "w/Cargo.toml": ROOT,
    "w/kernels/a/Cargo.toml": named("a") + NEEDS,
    "w/kernels/b/Cargo.toml": named("b"),
    "w/kernels/no/Cargo.toml": named("no"),
    "w/kernels/.hidden/Cargo.toml": named("hidden"),
    "w/kernels/README.md": "",
    "w/inside/Cargo.toml": named("inside"),
    "w/stranger/Cargo.toml": named("stranger"),
    "w/tool/Cargo.toml": named("tool"),
    "outside/own/Cargo.toml": named("own"),
    "outside/ours/Cargo.toml": named("ours") + 'workspace = "../../w"\n',
}
ROOTS = [ROOT, named("root") + ROOT, named("alone") + '[dependencies]\ninside = { path = "inside" }\n']
SOURCES = {name.replace("Cargo.toml", "src/lib.rs"): "" for name in FILES if name.count("/") > 1}


@pytest.mark.rust
@pytest.mark.parametrize("root", ROOTS)
def test_the_same_as_cargo(tmp_path: Path, root: str) -> None:
    sources = {**SOURCES, "w/src/lib.rs": ""} if "[package]" in root else SOURCES
    top = tree(tmp_path, {**FILES, **sources, "w/Cargo.toml": root}) / "w"
    workspace = find_workspace(read_toml(top / "Cargo.toml"))
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"]
    metadata = json.loads(subprocess.run(command, cwd=top, capture_output=True, check=True).stdout)
    expected = sorted(package["manifest_path"] for package in metadata["packages"])
    assert [str(manifest) for manifest in member_manifests(workspace)] == expected


def test_a_member_that_is_not_there(tmp_path: Path) -> None:
    top = tree(tmp_path, {"Cargo.toml": '[workspace]\nmembers = ["gone"]\n'})
    with pytest.raises(BuildError, match=r"gone/Cargo\.toml: error: there is no such manifest"):
        member_manifests(find_workspace(read_toml(top / "Cargo.toml")))
