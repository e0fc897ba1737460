"""Which packages lose their fingerprints before cargo runs (with a real one: whole/test_contents.py)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bootimage.kernel.crate_build import CrateBuild
from bootimage.kernel.freshness import compared_by_contents
from bootimage.target_spec.target import Target


class Cargo:
    """A folder of cargo's with the fingerprints of the packages `k` and `k-more`, and their sources."""

    def __init__(self, root: Path, fingerprint: str) -> None:
        self.root = root
        self.fingerprint = f"target/x86_64-unknown-none/debug/{fingerprint}"
        self.build = CrateBuild(
            manifest=root / "k/Cargo.toml",
            target=Target("x86_64-unknown-none"),
            target_dir=root / "target",
            workspace_root=root,
            packages=(root / "k", root / "k-more"),
        )
        for name in ("k", "k-more"):
            (root / name / "src").mkdir(parents=True)
            (root / name / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.1.0"\n')
            (root / name / "src/main.rs").write_text("fn main() {}\n")
        (root / "record.d").write_text("k: k/src/main.rs\n")
        (root / "script.ld").touch()

    def run(self, *, fails: bool = False, environment: Mapping[str, str] | None = None) -> set[str]:
        """Let cargo build all; return the packages that it would have had to compile again."""
        build = replace(self.build, environment=environment or {})
        declared = [*self.root.glob("k*/src/*"), self.root / "script.ld"]
        try:
            with compared_by_contents(build, "build", declared) as note_records:
                kept = {name: self.root / self.fingerprint.format(name) for name in ("k", "k-more")}
                missing = {name for name, folder in kept.items() if not folder.exists()}
                for name in missing:
                    kept[name].mkdir(parents=True)
                    kept[name].with_name("out").mkdir(exist_ok=True)
                note_records([self.root / "record.d"])
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        return missing

    def put(self, name: str, text: str, *, age: float = 0) -> None:
        """Write a file that was changed `age` seconds ago, or a moment from now."""
        path = self.root / name
        path.write_text(text)
        stamp = path.stat().st_mtime + 1 - age
        os.utime(path, (stamp, stamp))


OLDER, NEWER = ".fingerprint/{}-0123456789abcdef", "build/{}/0123456789abcdef/fingerprint"


@pytest.fixture(params=[OLDER, NEWER])
def cargo(tmp_path: Path, request: pytest.FixtureRequest) -> Cargo:
    made = Cargo(tmp_path, request.param)
    assert made.run() == {"k", "k-more"}
    assert made.run() == set()
    return made


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c.put("k/src/main.rs", "new"), set()),  # cargo sees it
        (lambda c: c.put("k/src/main.rs", "new", age=900), {"k"}),
        (lambda c: c.put("k/src/main.rs", "fn main() {}\n", age=900), set()),  # touched
        (lambda c: c.put("k/src/other.rs", "new"), {"k"}),
        (lambda c: c.put("k-more/src/main.rs", "new"), {"k-more"}),  # in no record
        (lambda c: (c.root / "k-more/src/main.rs").unlink(), {"k-more"}),
        (lambda c: (c.root / "k/src/main.rs").unlink(), set()),  # cargo misses it
        (lambda c: c.put("script.ld", "new"), {"k", "k-more"}),
    ],
)
def test_what_cargo_would_overlook(
    cargo: Cargo, change: Callable[[Cargo], object], expected: set[str]
) -> None:
    change(cargo)
    assert cargo.run() == expected
    assert cargo.run() == set()


def test_a_variable(cargo: Cargo) -> None:
    assert cargo.run(environment={"A": "1"}) == {"k", "k-more"}
    assert cargo.run(environment={"A": "1"}) == set()
    assert cargo.run() == {"k", "k-more"}


@pytest.mark.parametrize("environment", [{}, {"A": "1"}])
def test_after_a_build_that_failed_nothing_is_sure(cargo: Cargo, environment: dict[str, str]) -> None:
    if not environment:
        cargo.put("k/src/main.rs", "new", age=900)
    cargo.run(fails=True, environment=environment)
    cargo.put("k/src/main.rs", "fn main() {}\n", age=800)
    assert "k" in cargo.run()


def test_a_damaged_table_is_none(cargo: Cargo) -> None:
    for table in (cargo.root / "target/inputs").iterdir():
        table.write_text("{")
    assert cargo.run() == {"k", "k-more"}


def test_fingerprints_at_a_place_unknown(tmp_path: Path) -> None:
    """What cargo keeps elsewhere goes with all of its folder."""
    cargo = Cargo(tmp_path, "elsewhere/{}")
    cargo.run()
    folder = cargo.root / "target/x86_64-unknown-none/debug"
    (folder / ".cargo-lock").touch()
    cargo.put("k/src/other.rs", "new")
    assert cargo.run() == {"k", "k-more"}


def test_a_cargo_that_has_changed_to_the_newer_layout(tmp_path: Path) -> None:
    cargo = Cargo(tmp_path, OLDER)
    cargo.run()
    cargo.fingerprint = cargo.fingerprint.replace(OLDER, NEWER)
    assert cargo.run() == {"k", "k-more"}
    cargo.put("k/src/other.rs", "new")
    assert cargo.run() == {"k"}
