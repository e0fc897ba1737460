"""Lock files of the loader, with what a compiler cannot build exchanged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, cast

import pytest
from lock_files import GIT, locked

from bootimage.base.errors import BuildError
from bootimage.cargo.lock_file import parse_lock_file
from bootimage.loader.pinned_crates import applied_holds, check_family, hold_back, holds_key
from bootimage.toolchain.compiler_rules import CompilerRules, Version, compiler_rules
from bootimage.toolchain.rule_files import read_rules
from bootimage.toolchain.toolchain import Toolchain

NOBODY = {"HOME": "/nowhere", "RUSTKERNEL_STORE": "off"}


class Compiler(NamedTuple):
    """All of a toolchain that a hold looks at."""

    release: str
    commit_date: str

    @property
    def rules(self) -> CompilerRules:
        version = Version(self.release, self.commit_date)
        return compiler_rules(version, version, NOBODY)


OLD = Compiler("1.97.0-nightly", "2026-07-05")
NEW = Compiler("1.98.0-nightly", "2026-07-06")


def held(text: str, compiler: Compiler = OLD, loader: str = "0.11.17") -> str:
    return hold_back(text, cast(Toolchain, compiler), loader)


def lock(*packages: str) -> str:
    return "\n".join(["version = 4\n", *packages])


def versions(text: str) -> dict[str, list[str]]:
    """The versions of each crate of a lock file."""
    found: dict[str, list[str]] = {}
    for package in parse_lock_file(text, Path("Cargo.lock")).packages:
        found.setdefault(package.name, []).append(package.version)
    return found


@pytest.mark.parametrize(
    ("compiler", "applies"),
    [
        (OLD, True),
        (NEW, False),
        (Compiler("1.98.1", "2026-09-01"), True),
        (Compiler("1.99.0", "2026-10-01"), False),
        (Compiler("1.99.0-beta.1", "2026-08-20"), False),
    ],
)
def test_which_compilers_need_a_hold(compiler: Compiler, applies: bool) -> None:
    found = applied_holds(cast(Toolchain, compiler), "0.11.17")
    assert [f"{hold.crate} {hold.version}" for hold in found] == (["x86_64 0.15.4"] if applies else [])


@pytest.mark.parametrize(
    ("loader", "applies"),
    [
        ("0.9.35", False),
        ("0.11.0-beta.8", True),
        ("0.11.0", True),
        ("0.11.2", False),
    ],
)
def test_which_loaders_need_a_hold(loader: str, applies: bool) -> None:
    found = applied_holds(cast(Toolchain, OLD), loader)
    assert ("x86_64 0.14.13" in [f"{hold.crate} {hold.version}" for hold in found]) == applies


def test_an_old_compiler_keeps_the_old_crate() -> None:
    old = Compiler("1.84.0", "2025-01-07")
    assert "0.14" not in [hold.series for hold in applied_holds(cast(Toolchain, old), "0.11.0")]


@pytest.mark.parametrize("version", ["0.15.5", "0.15.10"])
def test_a_newer_version_is_exchanged(version: str) -> None:
    text = lock(
        locked("program", "0.11.17", "x86_64", source=None), locked("x86_64", version, checksum="ab" * 32)
    )
    (hold,) = [each for each in read_rules(NOBODY).rows["pinned-crate"] if each["series"] == "0.15"]
    expected = text.replace(f'"{version}"', f'"{hold["version"]}"').replace("ab" * 32, hold["checksum"])
    assert held(text) == expected
    assert held(text, NEW) == text


@pytest.mark.parametrize("version", ["0.15.4", "0.15.2", "0.14.13", "0.16.0"])
def test_other_versions_stay(version: str) -> None:
    text = lock(locked("program", "0.11.17", "x86_64", source=None), locked("x86_64", version))
    assert held(text) == text


def test_dependents_follow_where_there_are_two_versions() -> None:
    text = lock(
        locked("other", "1.0.0", "x86_64 0.14.13"),
        locked("program", "0.11.17", "other", "x86_64 0.15.5", source=None),
        locked("x86_64", "0.14.13"),
        locked("x86_64", "0.15.5"),
    )
    after = held(text)
    assert ' "x86_64 0.15.4",' in after
    assert ' "x86_64 0.14.13",' in after
    assert versions(after)["x86_64"] == ["0.14.13", "0.15.4"]


OLD_LOCK = lock(
    locked("bit_field", "0.10.2"),
    locked("bitflags", "1.3.2"),
    locked("program", "0.11.8", "uart", "x86_64", source=None),
    locked("rustversion", "1.0.13"),
    locked("uart", "0.2.18", "bitflags", "x86_64"),
    locked("volatile", "0.4.6"),
    locked("x86_64", "0.14.10", "bit_field", "bitflags", "rustversion", "volatile"),
)


def test_what_a_version_brings_is_locked_too() -> None:
    after = held(OLD_LOCK, loader="0.11.0")
    assert versions(after)["bitflags"] == ["1.3.2", "2.3.3"]
    packages = {each.name: each for each in parse_lock_file(after, Path("Cargo.lock")).packages}
    assert packages["uart"].dependencies == ("bitflags 1.3.2", "x86_64")
    assert packages["x86_64"].dependencies == ("bit_field", "bitflags 2.3.3", "rustversion", "volatile")
    assert held(after, loader="0.11.0") == after


def test_what_is_there_already_is_taken() -> None:
    text = OLD_LOCK.replace(
        locked("program", "0.11.8", "uart", "x86_64", source=None),
        locked("bitflags", "2.11.1")
        + "\n"
        + locked("program", "0.11.8", "bitflags 2.11.1", "uart", "x86_64", source=None),
    ).replace(' "bitflags",', ' "bitflags 1.3.2",')
    assert versions(held(text, loader="0.11.0"))["bitflags"] == ["1.3.2", "2.11.1"]


def test_what_nobody_needs_any_more_goes() -> None:
    alone = OLD_LOCK.replace(locked("uart", "0.2.18", "bitflags", "x86_64") + "\n", "").replace(
        ' "uart",\n', ""
    )
    after = held(alone, loader="0.11.0")
    assert versions(after)["bitflags"] == ["2.3.3"]
    assert ' "bitflags",' in after


def test_every_row_says_why_and_is_whole() -> None:
    for hold in read_rules(NOBODY).rows["pinned-crate"]:
        assert hold["why"]
        assert hold["version"].startswith(f"{hold['series']}.")
        assert re.fullmatch("[0-9a-f]{64}", hold["checksum"])
        for brought in hold.get("brings", ()):
            assert re.fullmatch("[0-9a-f]{64}", brought["checksum"])
            assert f"{brought['name']} {brought['version']}" in hold["dependencies"]


def test_what_a_hold_brings_is_in_the_key() -> None:
    key = holds_key(cast(Toolchain, OLD), "0.11.0")
    assert "0.15.4" in key and "0.14.13" in key and "2.3.3" in key
    assert holds_key(cast(Toolchain, NEW), "0.11.17") == ""


@pytest.mark.parametrize(
    ("crates", "stranger"),
    [
        ({"bootloader_api": "0.11.17", "bootloader-x86_64-common": "0.11.17", "x86_64": "0.15.4"}, None),
        (
            {"bootloader_api": "0.11.17", "bootloader-x86_64-common": "0.11.16"},
            "bootloader-x86_64-common 0.11.16",
        ),
        ({"bootloader-boot-config": "0.11.10"}, "bootloader-boot-config 0.11.10"),
        ({"bootloader_api": "0.11.17-beta"}, "bootloader_api 0.11.17-beta"),
        ({"bootloader-x86_64-bios-common": "0.12.0"}, "bootloader-x86_64-bios-common 0.12.0"),
        ({"bootloader_apiary": "3.0.0"}, None),
    ],
)
def test_the_family_is_of_one_version(crates: dict[str, str], stranger: str | None) -> None:
    text = lock(*(locked(name, version) for name, version in sorted(crates.items())))
    if stranger is None:
        check_family(text, "0.11.17", Path("Cargo.lock"))
        return
    with pytest.raises(BuildError, match=f"names {re.escape(stranger)}\n") as caught:
        check_family(text, "0.11.17", Path("Cargo.lock"))
    assert "--precise 0.11.17" in (caught.value.hint or "")


def test_a_git_source_is_left_alone() -> None:
    text = lock(locked("program", "0.11.17", "x86_64", source=None), locked("x86_64", "0.15.5", source=GIT))
    assert held(text) == text
