"""What a package's build may read, declared before the build; cargo's own record is the oracle."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage.base.errors import BuildError
from bootimage.cargo.declared_inputs import Inputs, declared_inputs
from bootimage.cargo.dep_info import undeclared
from bootimage.kernel_test.junit import write_junit

WORKSPACE = """
[workspace]
members = ["k", "far/*"]
resolver = "2"
[workspace.dependencies]
inherited = { path = "far/inherited" }
[patch.crates-io]
patched = { path = "patched" }
unused = { path = "unused" }
"""
KERNEL = """
[dependencies]
near = { path = "near" }
inherited = { workspace = true, features = [] }
patched = "1"
[build-dependencies]
build_dep = { path = "../build_dep" }
[dev-dependencies]
dev_dep = { path = "../dev_dep" }
[target.'cfg(target_os = "none")'.dependencies]
bare = { path = "../bare", optional = true }
"""
LOCK = """
version = 4

[[package]]
name = "k"
version = "0.1.0"
dependencies = ["patched"]

[[package]]
name = "patched"
version = "1.0.0"
"""
DEV = '[dependencies]\nk = { path = "../k" }\n'
PACKAGES = {
    "k": KERNEL,
    "k/near": '[dependencies]\ndeep = { path = "../../deep" }\n[dev-dependencies]\nno = { path = "../no" }\n',
    "k/stranger": "",
    "deep": "",
    "far/inherited": "",
    "far/member": "",
    "build_dep": "",
    "dev_dep": DEV,
    "bare": "",
    "patched": "",
    "unused": "",
}
FILES = {
    "Cargo.toml": WORKSPACE,
    "Cargo.lock": LOCK,
    "rust-toolchain.toml": "",
    ".cargo/config.toml": 'include = ["more.toml"]\n',
    ".cargo/more.toml": "",
    "k/.cargo/config": "",
    "k/linker.ld": "",
    "k/build.rs": "",
    "k/target/debug/k": "",
    "home/config.toml": "",
    **{f"{folder}/Cargo.toml": named(Path(folder).name) + more for folder, more in PACKAGES.items()},
    **{f"{folder}/src/lib.rs": "" for folder in PACKAGES},
}
SEEN = ["k", "k/near", "deep", "far/inherited", "build_dep", "dev_dep", "bare", "patched"]
DECLARED = [
    *("Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml", ".cargo/more.toml"),
    *("k/.cargo/config", "k/linker.ld", "k/build.rs", "home/config.toml"),
    *(f"{folder}/{name}" for folder in SEEN for name in ("Cargo.toml", "src/lib.rs")),
]


def inputs(top: Path, package: str = "k", skip: tuple[Path, ...] = ()) -> Inputs:
    return declared_inputs(top / package, skip=skip, environ={"CARGO_HOME": str(top / "home")})


def below(top: Path, paths: tuple[Path, ...]) -> list[str]:
    return [str(path.relative_to(top)) for path in paths if path.is_relative_to(top)]


def test_everything_that_is_declared(tmp_path: Path) -> None:
    found = inputs(tree(tmp_path, FILES))
    assert below(tmp_path, found.files) == sorted(DECLARED)
    assert below(tmp_path, found.packages) == sorted(SEEN)
    assert set(below(tmp_path, found.manifests)) == {"Cargo.toml", *(f"{name}/Cargo.toml" for name in SEEN)}
    assert found.lock == tmp_path / "Cargo.lock"
    configs = [".cargo/config.toml", ".cargo/more.toml", "home/config.toml", "k/.cargo/config"]
    assert below(tmp_path, found.configs) == configs
    assert found.toolchain == tmp_path / "rust-toolchain.toml"
    assert {"k", "k/src", "k/near/src"} < set(below(tmp_path, found.directories))


def test_without_a_lock_file_every_patch_counts(tmp_path: Path) -> None:
    found = inputs(tree(tmp_path, {name: text for name, text in FILES.items() if name != "Cargo.lock"}))
    assert "unused/src/lib.rs" in below(tmp_path, found.files)
    assert found.lock is None


def test_replacements_of_the_configuration(tmp_path: Path) -> None:
    config = 'paths = ["over"]\n[patch.crates-io]\nx = { path = "x" }\n'
    tree(tmp_path, {".cargo/config.toml": config, "k/Cargo.toml": named("k"), "k/src/main.rs": ""})
    tree(tmp_path, {f"{name}/Cargo.toml": named(name) for name in ("over", "x")})
    assert below(tmp_path, inputs(tmp_path).packages) == ["k", "over", "x"]


def test_new_removed_and_skipped(tmp_path: Path) -> None:
    tree(tmp_path, {"k/Cargo.toml": named("k"), "k/src/main.rs": "", "k/out/x": "", "k/old.rs": ""})
    assert inputs(tmp_path, skip=(tmp_path / "k/out", tmp_path / "k/none")).files == (
        tmp_path / "k/Cargo.toml",
        tmp_path / "k/old.rs",
        tmp_path / "k/src/main.rs",
    )
    (tmp_path / "k/old.rs").rename(tmp_path / "k/new.rs")
    assert tmp_path / "k/new.rs" in inputs(tmp_path).files
    assert tmp_path / "k/old.rs" not in inputs(tmp_path).files


def test_results_of_tests_are_no_input(tmp_path: Path) -> None:
    """Or each run of a kernel's tests would have the kernel built again."""
    before = inputs(tree(tmp_path, FILES)).files
    write_junit([], "test-kernel", tmp_path / "k/results/junit.xml")
    assert inputs(tmp_path).files == before
    (tmp_path / "k/page.xml").write_text("<page/>")
    assert set(inputs(tmp_path).files) - set(before) == {tmp_path / "k/page.xml"}


def test_a_cargo_home_in_the_package_is_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, {"k/Cargo.toml": named("k"), "k/home/registry/x.rs": "", "k/home/config.toml": ""})
    found = declared_inputs(tmp_path / "k", environ={"CARGO_HOME": str(tmp_path / "k/home")})
    assert below(tmp_path, found.files) == ["k/Cargo.toml", "k/home/config.toml"]


def needs(name: str, *others: str, more: str = "") -> dict[str, str]:
    lines = "".join(f'{other} = {{ path = "../{other}"{more} }}\n' for other in others)
    return {f"{name}/Cargo.toml": f"{named(name)}[dependencies]\n{lines}", f"{name}/src/lib.rs": ""}


BAD: list[tuple[dict[str, str], str, str]] = [
    (
        needs("k", "gone"),
        "k/Cargo.toml:6:1",
        "path dependency `gone` is not there: {top}/gone does not exist",
    ),
    ({**needs("k", "a"), "a/x": ""}, "k/Cargo.toml:6:1", "`a` is not there: {top}/a has no Cargo.toml"),
    ({**needs("k", "a"), **needs("a", "b")}, "a/Cargo.toml:6:1", "`b` is not there"),
    (
        {**needs("k", "a"), **needs("a", "b"), **needs("b", "a")},
        "b/Cargo.toml:6:1",
        "these packages need each other: a -> b -> a",
    ),
    (needs("k", "k"), "k/Cargo.toml:6:1", "these packages need each other: k -> k"),
    ({**needs("k", "a"), "a/Cargo.toml": "[workspace]"}, "a/Cargo.toml", "a workspace and no package"),
    ({**needs("k"), "Cargo.lock": "x", "Cargo.toml": "[workspace]"}, "Cargo.lock:1:2", "this is not TOML"),
    ({**needs("k"), ".cargo/config.toml": "x"}, ".cargo/config.toml:1:2", "this is not TOML"),
    (
        {
            "Cargo.toml": WORKSPACE,
            "k/Cargo.toml": named("k") + "[dependencies]\ninherited.workspace = true\n",
        },
        "Cargo.toml:6:1",
        "`inherited` is not there: {top}/far/inherited does not exist",
    ),
]


@pytest.mark.parametrize(("files", "place", "message"), BAD)
def test_bad_input(tmp_path: Path, files: dict[str, str], place: str, message: str) -> None:
    with pytest.raises(BuildError) as raised:
        inputs(tree(tmp_path, files))
    assert str(raised.value).startswith(f"{tmp_path}/{place}: error: ")
    assert message.format(top=tmp_path) in str(raised.value)


def test_optional_dependencies_may_lead_back(tmp_path: Path) -> None:
    tree(tmp_path, {**needs("k", "a"), **needs("a", "k", more=", optional = true")})
    assert below(tmp_path, inputs(tmp_path).packages) == ["a", "k"]


MAIN = """
mod m;
const A: &str = include_str!("../data/a b$$.txt");
const B: &[u8] = include_bytes!("../../near/src/raw#.bin");
const C: &str = include_str!(concat!(env!("OUT_DIR"), "/made.txt"));
fn main() { println!("{A}{B:?}{C}{}", near::N) }
"""
BUILD = """
fn main() {
    println!("cargo:rerun-if-changed=assets");
    println!("cargo:rerun-if-changed=linker.ld");
    println!("cargo:rerun-if-changed=not_there");
    build_dep::f();
    std::fs::write(format!("{}/made.txt", std::env::var("OUT_DIR").unwrap()), "x").unwrap();
}
"""
REAL = {
    "Cargo.toml": '[workspace]\nmembers = ["k"]\nresolver = "2"\n[workspace.dependencies]\n'
    + 'near = { path = "near" }\n[patch.crates-io]\nlog = { path = "log" }\n',
    "k/Cargo.toml": named("k")
    + '[dependencies]\nnear.workspace = true\nlog = "0.4"\n'
    + '[build-dependencies]\nbuild_dep = { path = "../b d" }\n',
    "k/build.rs": BUILD,
    "k/src/main.rs": MAIN,
    "k/src/m/mod.rs": '#[path = "odd name.rs"] mod odd;',
    "k/src/m/odd name.rs": "",
    "k/data/a b$$.txt": "a",
    "k/assets/x/y.png": "",
    "k/linker.ld": "",
    "near/Cargo.toml": named("near"),
    "near/src/lib.rs": "pub const N: u8 = 1;",
    "near/src/raw#.bin": "",
    "b d/Cargo.toml": named("build_dep"),
    "b d/src/lib.rs": "pub fn f() {}",
    "log/Cargo.toml": named("log").replace("0.1.0", "0.4.1"),
    "log/src/lib.rs": "",
    "outside.txt": "",
}


@pytest.mark.rust
def test_cargo_reads_nothing_else(tmp_path: Path) -> None:
    top = tree(tmp_path / "a tree", REAL)
    assert _read_undeclared(top, top / "k") == []


@pytest.mark.rust
def test_cargo_reads_nothing_else_behind_links(tmp_path: Path) -> None:
    tree(tmp_path / "a tree", REAL)
    (tmp_path / "link").symlink_to("a tree")
    assert _read_undeclared(tmp_path / "link", tmp_path / "link/k") == []


@pytest.mark.rust
def test_what_is_read_beyond_the_declaration_is_found(tmp_path: Path) -> None:
    more = 'const D: &str = include_str!("../../outside.txt");'
    asks = BUILD.replace("{", '{ println!("cargo:rerun-if-changed=../folder");', 1)
    files = {**REAL, "k/src/main.rs": MAIN + more, "k/build.rs": asks, "folder/sub/z": ""}
    top = tree(tmp_path, files)
    assert _read_undeclared(top, top / "k") == ["folder/sub/z", "outside.txt"]


def _read_undeclared(top: Path, package: Path) -> list[str]:
    declared = declared_inputs(package, environ=_environ(top)).files
    target = top / "k/target"
    command = ["cargo", "build", "--offline", "--manifest-path", str(package / "Cargo.toml")]
    command += ["--target-dir", str(target)]
    subprocess.run(command, cwd="/", env=_environ(top), capture_output=True, check=True)
    records = [*target.glob("debug/*.d"), *target.glob("debug/deps/*.d"), *target.glob("debug/build/*/*.d")]
    assert len(records) > 4
    found = undeclared(records, declared, ignored=[target, top / "home"], base=top)
    return [str(path.relative_to(top)) for path in found]


def _environ(top: Path) -> Mapping[str, str]:
    return {**os.environ, "CARGO_HOME": str(top / "home")}


def test_a_hundred_kernels_cost_little(tmp_path: Path) -> None:
    files = {"Cargo.toml": "[workspace]\n" + 'members = ["*"]\n', **needs("shared")}
    for number in range(100):
        files |= needs(f"k{number}", "shared")
    tree(tmp_path, files)
    time.sleep(0.15)  # younger files are read again each time
    inputs(tmp_path, "k0")
    start = time.process_time()
    for number in range(100):
        inputs(tmp_path, f"k{number}")
    assert time.process_time() - start < 1  # 0.2 s on two cores


def test_a_long_chain_of_path_dependencies(tmp_path: Path) -> None:
    for number in range(1500):
        more = f'[dependencies]\np{number + 1} = {{ path = "../p{number + 1}" }}\n' if number < 1499 else ""
        tree(tmp_path / f"p{number}", {"Cargo.toml": named(f"p{number}") + more, "src/lib.rs": ""})
    assert len(declared_inputs(tmp_path / "p0").packages) == 1500
