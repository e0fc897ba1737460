"""The digest of all that a kernel depends on: the same in every clone, another for whatever matters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bootimage.kernel.crate_build import CrateBuild
from bootimage.kernel.kernel_key import kernel_key, reason_to_keep
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.target import Target
from bootimage.toolchain.toolchain import Toolchain

IDENTITY = "rustc 1.97.0\nrelease: 1.97.0-nightly\nhost: x86_64-unknown-linux-gnu"


@dataclass
class Store:
    root: Path


@dataclass
class Context:
    toolchain: Toolchain
    store: Store


@dataclass
class Clone:
    """A clone of a project: two packages side by side, and the user's own cargo home."""

    root: Path
    context: Any
    build: CrateBuild

    @staticmethod
    def at(root: Path) -> Clone:
        for name in ("kernel/src/main.rs", "kernel/Cargo.toml", "shelf/src/lib.rs", "cargo/config.toml"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(f"# {name}\n")
        target = Target("t", '{"arch": "x86_64"}')
        build = CrateBuild(
            manifest=root / "kernel/Cargo.toml",
            target=target,
            target_dir=root / "build/cargo",
            workspace_root=root / "kernel",
            sysroot=Sysroot(target),
            bins=("k",),
            top=root,
            packages=(root / "kernel", root / "shelf"),
        )
        compiler = Path("/opt/bin/rustc")
        environ = {"CARGO_HOME": str(root / "cargo"), "HOME": str(root)}
        toolchain = Toolchain(compiler, compiler, Path("/opt"), IDENTITY, "", environ=environ)
        return Clone(root, Context(toolchain, Store(root / "store")), build)

    def key(self) -> str:
        inputs = [path for path in self.root.rglob("*") if path.is_file()]
        return kernel_key(self.context, self.build, inputs)

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def rebuild(self, **changes: Any) -> None:
        self.build = replace(self.build, **changes)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone.at(tmp_path / "one")


def test_two_clones_have_one_key(clone: Clone, tmp_path: Path) -> None:
    assert Clone.at(tmp_path / "some where/else").key() == clone.key()


def _compiler(clone: Clone) -> None:
    clone.context.toolchain = replace(clone.context.toolchain, identity=IDENTITY + " (another)")


def test_a_file_in_an_argument_counts_from_the_workspace(clone: Clone, tmp_path: Path) -> None:
    other = Clone.at(tmp_path / "two")
    for each in (clone, other):
        each.rebuild(cargoflags=("--config", str(each.root / "fast.toml")))
    assert other.key() == clone.key()


CHANGES: dict[str, Callable[[Clone], object]] = {
    "a source": lambda clone: clone.write("kernel/src/main.rs", "// other\n"),
    "a source of a path dependency": lambda clone: clone.write("shelf/src/lib.rs", "// other\n"),
    "a new file": lambda clone: clone.write("kernel/src/new.rs", ""),
    "a renamed file": lambda clone: (clone.root / "shelf/src/lib.rs").rename(clone.root / "shelf/lib.rs"),
    "the compiler": _compiler,
    "the target": lambda clone: clone.rebuild(target=Target("t", "{}")),
    "the sysroot's crates": lambda clone: clone.rebuild(
        sysroot=Sysroot(clone.build.target, ("core", "alloc", "compiler_builtins"))
    ),
    "no sysroot": lambda clone: clone.rebuild(sysroot=None),
    "the profile": lambda clone: clone.rebuild(profile="release"),
    "the binaries": lambda clone: clone.rebuild(bins=("k", "l")),
    "a feature": lambda clone: clone.rebuild(features=("f",)),
    "no default features": lambda clone: clone.rebuild(default_features=False),
    "a flag": lambda clone: clone.rebuild(rustflags=("-Copt-level=1",)),
    "an argument": lambda clone: clone.rebuild(cargoflags=("--verbose",)),
    "a variable": lambda clone: clone.rebuild(environment={"A": "1"}),
    "the user's own flags": lambda clone: clone.write("cargo/config.toml", "[build]\nrustflags = ['-g']\n"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_matters_changes_the_key(clone: Clone, what: str) -> None:
    before = clone.key()
    CHANGES[what](clone)
    assert clone.key() != before


def test_how_the_user_likes_cargo_does_not_matter(clone: Clone) -> None:
    before = clone.key()
    clone.write("cargo/config.toml", "[term]\nquiet = true\n[net]\noffline = true\n")
    assert clone.key() == before


def test_a_kernel_that_holds_a_folder_stays(clone: Clone) -> None:
    kernel = clone.root / "k"
    kernel.write_bytes(b"\x7fELF code")
    assert reason_to_keep(clone.context, clone.build, [kernel]) is None
    kernel.write_bytes(b"\x7fELF " + str(clone.root / "shelf").encode() + b" code")
    assert reason_to_keep(clone.context, clone.build, [kernel]) == f"k holds the path {clone.root}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("k: /usr/include/stdio.h", "the system's file /usr/include/stdio.h was read"),
        ("# env-dep:HOME=/root", None),  # an error of the build
        ("# env-dep:CARGO_PKG_NAME=k", None),
        ("# env-dep:DECLARED=1", None),
    ],
)
@pytest.mark.parametrize(
    "place", ["t/debug/deps", "debug/deps", "t/release/build/k/01f/out", "debug/build/k/1f/out"]
)
def test_a_kernel_that_read_a_file_of_the_system_stays(
    clone: Clone, line: str, reason: str | None, place: str
) -> None:
    """Whichever layout cargo's folder has, and whether the kernel has read it or what builds the kernel."""
    clone.rebuild(environment={"DECLARED": "1"})
    record = clone.build.target_dir / place / "k-1f.d"
    record.parent.mkdir(parents=True)
    record.write_text(f"k: src/main.rs\n\n{line}\n")
    assert reason_to_keep(clone.context, clone.build, []) == reason
