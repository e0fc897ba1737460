"""cargo's and rustc's records of what they read, and what of it was not declared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cargo_tree import named, tree

from bootimage.base.errors import BuildError
from bootimage.cargo.dep_info import parse_dep_info, read_dep_info, undeclared, undeclared_error


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/t/k: /s/a.rs /s/b.rs\n", {"/s/a.rs", "/s/b.rs"}),
        ("/t/k: \n", set()),
        ("/t\\ x/k: /s\\ x/a\\ b.rs\n", {"/s x/a b.rs"}),
        ("a.rs:\nb.rs:\n", set()),
        ("/t/k.d: a.rs\n\n/t/k: a.rs b.rs\n\na.rs:\nb.rs:\n", {"a.rs", "b.rs"}),
        ("k: a$$b.txt x#y \\#z a\\b c\\\\ d\n", {"a$$b.txt", "x#y", "\\#z", "a\\b", "c\\ d"}),
        ("", set()),
    ],
)
def test_paths(text: str, paths: set[str]) -> None:
    assert parse_dep_info(text).paths == paths


def test_variables() -> None:
    text = "k: a.rs\n\n# env-dep:A=a b\\nc\\\\d\n# env-dep:UNSET\n# env-dep:EMPTY=\n# checksum:x\n"
    assert parse_dep_info(text).variables == {"A": "a b\nc\\d", "UNSET": None, "EMPTY": ""}


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"none\.d: error: cannot be read"):
        read_dep_info(tmp_path / "none.d")


@pytest.mark.rust
def test_as_rustc_writes_it(tmp_path: Path) -> None:
    odd = "a$b#c\\ d:é' \"$$.txt"
    source = f'const A: &str = include_str!(r###"{odd}"###); const B: Option<&str> = option_env!("V");\n'
    source += 'const C: Option<&str> = option_env!("UNSET"); fn main() { println!("{A}{B:?}{C:?}") }'
    files = {"k/Cargo.toml": named("k"), "k/src/main.rs": source, f"k/src/{odd}": ""}
    folder = tree(tmp_path / "a b", files) / "k"
    environ = {**os.environ, "V": "x\ny\\z", "CARGO_HOME": str(tmp_path / "home")}
    subprocess.run(["cargo", "build", "--offline"], cwd=folder, env=environ, capture_output=True, check=True)
    (record,) = folder.glob("target/debug/deps/k-*.d")
    ours = read_dep_info(record)
    assert ours.paths == {"src/main.rs", f"src/{odd}"}
    assert ours.variables == {"V": "x\ny\\z", "UNSET": None}
    assert read_dep_info(folder / "target/debug/k.d").paths == {
        str(folder / "src/main.rs"),
        str(folder / "src" / odd),
    }


def record(folder: Path, *paths: str) -> list[Path]:
    names = " ".join(path.replace(" ", "\\ ") for path in paths)
    return [tree(folder, {"out/k.d": f"out/k: {names}\n"}) / "out/k.d"]


def found(top: Path, records: list[Path], declared: list[str]) -> list[str]:
    ignored = [top / "tree/target", top / "registry"]
    paths = undeclared(records, [top / name for name in declared], ignored=ignored)
    return [str(path.relative_to(top)) for path in paths]


TREE = ["tree/a.rs", "tree/b c.rs", "tree/made/x.rs", "tree/made/deep/y.rs", "tree/made/.hidden/z"]
TREE += ["tree/made/inner/Cargo.toml", "tree/target/out.rs", "registry/src/lib.rs", "beside/c.rs"]


@pytest.mark.parametrize(
    ("read", "declared", "missing"),
    [
        (["tree/a.rs"], ["tree/a.rs"], []),
        (["tree/a.rs", "tree/b c.rs"], ["tree/a.rs"], ["tree/b c.rs"]),
        (["tree/made/../a.rs"], [], ["tree/a.rs"]),
        (["registry/src/lib.rs", "tree/target/out.rs"], [], []),
        (["tree/not/there.rs"], [], []),
        (["tree/made"], [], ["tree/made/deep/y.rs", "tree/made/inner/Cargo.toml", "tree/made/x.rs"]),
        (["tree/made"], ["tree/made/deep/y.rs", "tree/made/inner"], ["tree/made/x.rs"]),
        (["tree/made"], ["tree/made"], []),
        (["tree/link/x.rs"], ["tree/made/x.rs"], []),
        (["tree/made/x.rs"], ["tree/link/x.rs"], []),
        (["tree/away/lib.rs"], [], []),
        (["beside/c.rs"], [], ["beside/c.rs"]),
    ],
)
def test_undeclared(tmp_path: Path, read: list[str], declared: list[str], missing: list[str]) -> None:
    tree(tmp_path, dict.fromkeys(TREE, ""))
    (tmp_path / "tree/link").symlink_to("made")
    (tmp_path / "tree/away").symlink_to(tmp_path / "registry/src")
    records = record(tmp_path, *(str(tmp_path / path) for path in read))
    assert found(tmp_path, records, declared) == missing


def test_relative_paths_further_files_and_those_of_the_system(tmp_path: Path) -> None:
    tree(tmp_path, dict.fromkeys(TREE, ""))
    records = record(tmp_path, "b c.rs", "../registry/src/lib.rs", "/etc/passwd")
    further = [tmp_path / "tree/a.rs"]
    paths = undeclared(records, [], further=further, base=tmp_path / "tree")
    assert paths == (tmp_path / "registry/src/lib.rs", tmp_path / "tree/a.rs", tmp_path / "tree/b c.rs")


@pytest.mark.parametrize(
    ("read", "missing"), [("/", ["/"]), ("..", [".."]), ("/usr", []), ("/proc", []), (".", ["a.rs"])]
)
def test_a_folder_above_is_named_and_not_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str, missing: list[str]
) -> None:
    tree(tmp_path, {"ws/a.rs": "", "other/b.rs": ""})
    looked: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: [looked.append(path), scandir(path)][1])
    found = undeclared(record(tmp_path / "ws", read), [], ignored=[tmp_path / "ws/out"], base=tmp_path / "ws")
    assert found == tuple(Path(os.path.normpath(tmp_path / "ws" / path)) for path in missing)
    assert len(looked) <= 2


def test_the_error_names_files_and_variable() -> None:
    text = str(undeclared_error(Path("k/Cargo.toml"), (Path("/w/a.txt"), Path("/w/b.txt"))))
    assert text.startswith("k/Cargo.toml: error: ")
    assert "/w/a.txt, /w/b.txt" in text
    assert 'RUST_INPUTS=["/w/a.txt", "/w/b.txt"]' in text
    assert "and 90 more" in str(undeclared_error(Path("k"), tuple(Path(f"{n}") for n in range(100))))
