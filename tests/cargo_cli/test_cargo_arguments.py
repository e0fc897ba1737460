from __future__ import annotations

from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import read_package
from bootimage.cargo_cli.cargo_arguments import CargoArguments, parse_cargo_arguments

HERE = Path("/project")


def parsed(*words: str) -> CargoArguments:
    return parse_cargo_arguments(words, HERE)


@pytest.mark.parametrize(
    "words",
    [
        ["--release"],
        ["--bin", "kernel", "-p", "os", "-j4", "--offline", "-v"],
        ["--profile", "tiny", "--all-features", "--no-default-features"],
        ["--config", "net.offline=true", "-Zunstable-options"],
    ],
)
def test_reaches_cargo_as_it_is(words: list[str]) -> None:
    assert parsed(*words).rest == tuple(words)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--target", "x86_64-unknown-none"], "targets", ("x86_64-unknown-none",)),
        (["--target=os.json"], "targets", ("/project/os.json",)),
        (["--target", "/elsewhere/os.json"], "targets", ("/elsewhere/os.json",)),
        (["--target-dir=out"], "target_dir", HERE / "out"),
        (["--manifest-path", "os/Cargo.toml"], "manifest", HERE / "os/Cargo.toml"),
        (["-Zbuild-std=core,alloc"], "std_crates", ("core", "alloc")),
        (["-Z", "build-std-features=compiler-builtins-mem"], "std_features", ("compiler-builtins-mem",)),
        (["-Zjson-target-spec"], "rest", ()),
    ],
)
def test_takes_out_what_we_decide(words: list[str], field: str, value: object) -> None:
    assert getattr(parsed(*words), field) == value
    assert parsed(*words).rest == ()


def test_paths_are_those_of_the_folder_it_was_typed_in(tmp_path: Path) -> None:
    (tmp_path / "more.toml").touch()
    found = parse_cargo_arguments(["--artifact-dir=out", "--config", "more.toml", "--config=a.b=1"], tmp_path)
    expected = (str(tmp_path / "out"), "--config", str(tmp_path / "more.toml"), "--config", "a.b=1")
    assert found.rest == ("--artifact-dir", *expected)


def test_features_reach_cargo_and_the_loader(tmp_path: Path) -> None:
    more = "[features]\nserial = []\nsse = []\n"
    os = read_package(tree(tmp_path, {"Cargo.toml": named("os") + more, "src/main.rs": ""}))
    found = parsed("-Fserial", "--features=os/sse,other,dep/x")
    assert found.rest == ("--features", "serial", "--features", "os/sse,other,dep/x")
    assert found.features_of(os) == ("dep/x", "serial", "sse")
    assert parsed("--all-features").features_of(os) == ("serial", "sse")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--message-format=json"], "--message-format cannot be given"),
        (["--target"], "--target needs a value"),
        (["--target-dir", "a", "--target-dir=b"], "--target-dir is given 2 times"),
    ],
)
def test_refuses(words: list[str], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        parsed(*words)


def test_arguments_of_the_build_command_come_first() -> None:
    both = parsed("--release", "--target=b").after(parsed("--target=a", "--lib"), std_crates=("alloc",))
    assert (both.targets, both.rest, both.std_crates) == (("b",), ("--lib", "--release"), ("alloc",))
