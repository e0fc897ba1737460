"""Which tests a package has, what they are called, and how they are run."""

from __future__ import annotations

from pathlib import Path

import pytest
from cargo_tree import PACKAGE, tree

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import Package, read_package
from bootimage.kernel_test.conversation import Expect, Pass, Send, Talk, talk
from bootimage.kernel_test.find_tests import RunSettings, find_tests, run_settings, select

HARNESS = '\n[[test]]\nname = "panics"\nharness = false\n'
SPECIAL = '\n[[test]]\nname = "special"\nrequired-features = ["extra"]\n'
FEATURES = '\n[features]\ndefault = ["more"]\nmore = ["extra"]\nextra = []\n'


def package(folder: Path, more: str = "", *files: str) -> Package:
    return read_package(tree(folder, {"Cargo.toml": PACKAGE + more, **dict.fromkeys(files, "")}))


def names(package: Package, **options: bool) -> list[str]:
    return [test.name for test in find_tests(package, **options)]


def test_every_kind_has_its_name(tmp_path: Path) -> None:
    files = ("src/lib.rs", "src/main.rs", "src/bin/other.rs", "tests/boots.rs", "tests/panics.rs")
    found = find_tests(package(tmp_path, HARNESS, *files, "examples/e.rs", "benches/b.rs", "build.rs"))
    assert {test.name: test.selector for test in found} == {
        "lib": ("--lib",),
        "bin-my-kernel": ("--bin", "my-kernel"),
        "bin-other": ("--bin", "other"),
        "boots": ("--test", "boots"),
        "panics": ("--test", "panics"),
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('[[bin]]\nname = "my-kernel"\ntest = false\n', ["lib"]),
        ("[lib]\ntest = false\n", ["bin-my-kernel"]),
        ('[[example]]\nname = "e"\ntest = true\n', ["lib", "bin-my-kernel", "example-e"]),
    ],
)
def test_only_what_cargo_test_builds(tmp_path: Path, more: str, expected: list[str]) -> None:
    assert names(package(tmp_path, more, "src/lib.rs", "src/main.rs", "examples/e.rs")) == expected


def test_an_integration_test_never_takes_anothers_name(tmp_path: Path) -> None:
    files = ("src/lib.rs", "src/main.rs", "tests/lib.rs", "tests/bin-my-kernel.rs")
    found = names(package(tmp_path, "", *files))
    assert found == ["lib", "bin-my-kernel", "test-bin-my-kernel", "test-lib"]


def test_features_decide(tmp_path: Path) -> None:
    special = package(tmp_path, SPECIAL + FEATURES, "tests/special.rs")
    assert names(special) == ["special"]
    assert names(special, default_features=False) == []
    for features in (["extra"], ["more"], ["unknown,more"]):
        assert len(find_tests(special, features, default_features=False)) == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("lib", ["lib"]),
        ("my_kernel", ["lib"]),
        ("b*", ["bin-my-kernel", "boots"]),
        ("boots", ["boots"]),
        ("x", []),
    ],
)
def test_selection(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    tests = find_tests(package(tmp_path, "", "src/lib.rs", "src/main.rs", "tests/boots.rs"))
    assert [test.name for test in select(tests, pattern)] == expected


def test_settings_are_the_manifests_and_the_users(tmp_path: Path) -> None:
    table = '[package.metadata.bootimage]\ntest-args = ["-m", "64M"]\ntest-timeout = 7\n'
    more = "test-success-exit-code = 17\ntest-no-reboot = false\n"
    assert run_settings(package(tmp_path / "a")) == RunSettings((), 300, 33)
    told = package(tmp_path / "b", table + more)
    assert run_settings(told) == RunSettings(("-m", "64M", "-action", "reboot=reset"), 7, 17)
    assert run_settings(told, limit=1.5).limit == 1.5
    with pytest.raises(BuildError, match="did you mean `test-timeout`"):
        run_settings(package(tmp_path / "c", "[package.metadata.bootimage]\ntest-time = 7\n"))


def test_conversations() -> None:
    steps = [Expect("ready"), Send("go")]
    assert talk(steps) == Talk((Expect("ready"), Send("go")), passes=False)
    assert talk([*steps, Pass()]) == Talk((Expect("ready"), Send("go")), passes=True)
    assert talk([]) == Talk()
    with pytest.raises(ValueError, match="nothing may come after"):
        talk([Pass(), *steps])


@pytest.mark.parametrize("steps", ["never", ["never"], [("Expect", "a")], [Pass], 5, None, Pass(), Send("x")])
def test_what_is_no_conversation(steps: object) -> None:
    with pytest.raises(ValueError, match=r"step 1 is|a list of steps is expected"):
        talk(steps)
