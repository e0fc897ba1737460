"""Lock files written from their packages: the very text that cargo writes."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from bootimage.cargo.lock_file import LockedPackage, lock_text, parse_lock_file

CHECKOUT = Path(__file__).resolve().parents[2]
WRITTEN_BY_CARGO = [*sorted(CHECKOUT.glob("examples/*/Cargo.lock")), CHECKOUT / "kernel" / "Cargo.lock"]
REGISTRY = "registry+https://registry.example/index"
OTHER = "registry+https://other.example/index"


@pytest.mark.parametrize("path", WRITTEN_BY_CARGO, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_writes_what_cargo_wrote(path: Path, seed: int | None) -> None:
    lock = parse_lock_file(path.read_text(), path)
    packages = list(lock.packages)
    if seed is not None:
        random.Random(seed).shuffle(packages)
        packages = [
            replace(
                each, dependencies=tuple(reversed([full(lock.resolve(name)) for name in each.dependencies]))
            )
            for each in packages
        ]
    assert lock_text(lock, packages) == path.read_text()


def full(package: LockedPackage) -> str:
    """How a dependency may be written at length."""
    return f"{package.name} {package.version}" + (f" ({package.source})" if package.source else "")


@pytest.mark.parametrize(
    ("twins", "expected"),
    [
        ([("1.2.0", REGISTRY)], "twin"),
        ([("1.2.0", REGISTRY), ("1.10.0", REGISTRY)], "twin 1.2.0"),
        ([("1.2.0", REGISTRY), ("1.2.0", OTHER)], f"twin 1.2.0 ({REGISTRY})"),
    ],
)
def test_names_are_as_short_as_can_be(twins: list[tuple[str, str]], expected: str) -> None:
    packages = [LockedPackage("twin", version, source, "c0ffee") for version, source in twins]
    root = LockedPackage("root", "0.1.0", dependencies=(f"twin 1.2.0 ({REGISTRY})",))
    text = write([*packages, root])
    written = {each["name"]: each for each in tomllib.loads(text)["package"]}
    assert written["root"]["dependencies"] == [expected]


def write(packages: list[LockedPackage], tail: str = "") -> str:
    """A lock file of format 4 with these packages."""
    empty = f'version = 4\n\n[[package]]\nname = "old"\nversion = "1.0.0"\n{tail}'
    return lock_text(parse_lock_file(empty, Path("Cargo.lock")), packages)


def test_packages_are_in_the_order_of_their_versions() -> None:
    text = write([LockedPackage("twin", version) for version in ("1.10.0", "1.2.0", "1.10.0-rc.1")])
    assert [each["version"] for each in tomllib.loads(text)["package"]] == ["1.2.0", "1.10.0-rc.1", "1.10.0"]


def test_what_stands_around_the_packages_stays() -> None:
    tail = '\n[[patch.unused]]\nname = "unused"\nversion = "1.0.0"\n'
    text = write([LockedPackage("new", "2.0.0")], tail)
    assert text == f'version = 4\n\n[[package]]\nname = "new"\nversion = "2.0.0"\n{tail}'
