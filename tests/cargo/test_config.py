"""cargo's configuration: found and merged as cargo does, and handed over so that nothing changes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from cargo_tree import PACKAGE, tree
from hypothesis import given
from hypothesis import strategies as st

from bootimage.base.errors import BuildError
from bootimage.cargo.cfg import cfg_set
from bootimage.cargo.config import CargoConfig, config_files, read_cargo_config
from bootimage.cargo.config_values import Variable, aliases, build_targets, env_table, rustflags_for

HOST = "x86_64-unknown-linux-gnu"
HOME = """
[build]
rustflags = ["--cfg", "home"]
jobs = 2
[target.'cfg(unix)']
rustflags = ["--cfg", "unix_home"]
runner = ["home", "runner"]
[unstable]
avoid-dev-deps = true
"""
FAR = """
[build]
rustflags = ["--cfg", "far"]
[target.'cfg(unix)']
rustflags = ["--cfg", "unix_far"]
runner = ["far", "runner"]
[target.'cfg(all(target_os = "linux"))']
rustflags = ["--cfg", "linux_far"]
[env]
A = "far"
B = { value = "far", force = true }
"""
NEAR = """
include = ["more.toml", { path = "absent.toml", optional = true }]
[build]
rustflags = ["--cfg", "near"]
[target.'cfg(unix)']
rustflags = ["--cfg", "unix_near"]
runner = ["near"]
[env]
A = "near"
[unstable]
build-std = ["core"]
[profile.dev.package."*"]
opt-level = 2
"""
MORE = """
[build]
rustflags = ["--cfg", "more"]
[env]
A = "more"
C = "more"
"""


def project(tmp_path: Path, near: str = NEAR, far: str = FAR, home: str = HOME) -> Path:
    """A package two folders deep with configurations; returns its folder."""
    files = {"home/config.toml": home, "up/.cargo/config.toml": far, "up/k/.cargo/config.toml": near}
    files |= {"up/k/.cargo/more.toml": MORE, "up/k/Cargo.toml": PACKAGE, "up/k/src/main.rs": "fn main() {}"}
    return tree(tmp_path, files) / "up/k"


def read(folder: Path) -> CargoConfig:
    return read_cargo_config(folder, folder.parent.parent / "home")


def test_files_nearest_first(tmp_path: Path) -> None:
    config = read(project(tmp_path))
    found = [str(path.relative_to(tmp_path)) for path in config.files if path.is_relative_to(tmp_path)]
    assert found == [
        "up/k/.cargo/config.toml",
        "up/k/.cargo/more.toml",
        "up/.cargo/config.toml",
        "home/config.toml",
    ]


def test_the_older_name_counts_and_home_comes_once(tmp_path: Path) -> None:
    tree(tmp_path, {".cargo/config": "", ".cargo/config.toml": "", "k/x": ""})
    inside = [path for path in config_files(tmp_path / "k", tmp_path / ".cargo") if tmp_path in path.parents]
    assert inside == [tmp_path / ".cargo/config"]


@pytest.mark.rust
def test_merged_like_cargo(tmp_path: Path) -> None:
    # Without the runners: where two files have one, cargo's own result varies from run to run.
    near, far, home = (re.sub("runner = .*", "", text) for text in (NEAR, FAR, HOME))
    folder = project(tmp_path, near, far, home)
    printed = _cargo(folder, "-Zunstable-options", "config", "get", "--format", "json").stdout
    assert read(folder).merged == json.loads(printed)


def test_handed_over_is_what_cargo_does_not_find(tmp_path: Path) -> None:
    handed = read(project(tmp_path)).handed_over()
    assert handed == {
        "target": {
            "cfg(unix)": {"runner": ["near"]},
            'cfg(all(target_os = "linux"))': {},
        },
        "env": {"A": "near", "B": {"value": "far", "force": True}, "C": "more"},
        "profile": {"dev": {"package": {"*": {"opt-level": 2}}}},
    }
    assert tomllib.loads(tomli_w.dumps(handed)) == handed


def test_what_the_build_decides_is_not_handed_over(tmp_path: Path) -> None:
    near = """
    build = { target = "a", target-dir = "t", build-dir = "b", rustflags = "-x", incremental = false }
    unstable = { build-std = ["core"], build-std-features = ["m"], json-target-spec = true, gc = true }
    target.a.rustflags = []
    target.a.build-std.crates = ["alloc"]
    """.replace("incremental", 'build-std = "always", incremental')
    handed = read(project(tmp_path, near, far="")).handed_over()
    assert handed == {"build": {"incremental": False}, "unstable": {"gc": True}, "target": {"a": {}}}


RELATIVE = """
paths = ["over", "/abs/over"]
[build]
target = ["t/k.json", "x86_64-unknown-none"]
target-dir = "out"
build-dir = "{workspace-root}/b"
rustc = "tools/rustc"
rustc-wrapper = "sccache"
[target.a]
linker = "./ld"
runner = "run/it --fast"
[target.b]
linker = "ld"
runner = ["it", "a/b"]
[target.'cfg(unix)']
runner = ["../it", "a/b"]
[env]
A = { value = "../a", relative = true }
B = { value = "b", relative = false }
[source.v]
directory = "vendor"
registry = "https://example.com/x"
[patch.crates-io.p]
path = "p"
"""


def test_relative_paths(tmp_path: Path) -> None:
    k = project(tmp_path, RELATIVE, far="", home="")
    config = read(k)
    assert config.merged == {
        "paths": [f"{k}/over", "/abs/over"],
        "build": {
            "target": [f"{k}/t/k.json", "x86_64-unknown-none"],
            "target-dir": f"{k}/out",
            "build-dir": "{workspace-root}/b",
            "rustc": f"{k}/tools/rustc",
            "rustc-wrapper": "sccache",
        },
        "target": {
            "a": {"linker": f"{k}/./ld", "runner": [f"{k}/run/it", "--fast"]},
            "b": {"linker": "ld", "runner": ["it", "a/b"]},
            "cfg(unix)": {"runner": [f"{k}/../it", "a/b"]},
        },
        "env": {
            "A": {"value": f"{k}/../a", "relative": True},
            "B": {"value": "b", "relative": False},
        },
        "source": {"v": {"directory": f"{k}/vendor", "registry": "https://example.com/x"}},
        "patch": {"crates-io": {"p": {"path": f"{k}/p"}}},
    }
    assert build_targets(config) == (f"{k}/t/k.json", "x86_64-unknown-none")
    assert env_table(config) == {"A": Variable(f"{k}/../a"), "B": Variable("b")}


def test_settings(tmp_path: Path) -> None:
    near = '[build]\ntarget = "a"\n[alias]\nb = "build --release"\nr = ["run", "-p", "a b"]\n'
    config = read(project(tmp_path, near, far=FAR, home=""))
    assert build_targets(config) == ("a",)
    assert aliases(config) == {"b": ["build", "--release"], "r": ["run", "-p", "a b"]}
    assert env_table(config) == {"A": Variable("far"), "B": Variable("far", force=True)}
    assert build_targets(read(project(tmp_path / "bare", "", "", ""))) == ()


UNIX = cfg_set('unix\ntarget_os="linux"')
FLAGS: list[tuple[str, str, str, list[str]]] = [
    ("nothing", "", "", []),
    ("build alone, joined from afar", '[build]\nrustflags = ["b"]', '[build]\nrustflags = ["a"]', ["a", "b"]),
    ("one string", '[build]\nrustflags = " a  b "', "", ["a", "b"]),
    ("target wins over build", '[build]\nrustflags = ["b"]', '[target.k]\nrustflags = ["t"]', ["t"]),
    ("another target's do not count", "", "[target.j]\nrustflags = ['t']", []),
    (
        "triple, then conditions in the order of their keys",
        "[target.'cfg(unix)']\nrustflags = ['u']\n[target.k]\nrustflags = 't'",
        "[target.'cfg(all())']\nrustflags = ['all']\n[target.'cfg(windows)']\nrustflags = ['w']",
        ["t", "all", "u"],
    ),
    ("empty ones fall back", "[target.k]\nrustflags = []", "[build]\nrustflags = ['b']", ["b"]),
]


@pytest.mark.parametrize(("near", "far", "flags"), [row[1:] for row in FLAGS], ids=[row[0] for row in FLAGS])
def test_rustflags(tmp_path: Path, near: str, far: str, flags: list[str]) -> None:
    assert rustflags_for(read(project(tmp_path, near, far, "")), "k", UNIX) == flags


BAD: list[tuple[str, str, str]] = [
    ("[build", ":1:7", "this is not TOML"),
    ("a = 1.5", ":1:1", "cargo takes no such value for `a`: the number 1.5"),
    ("a = [1979-05-27]", ":1:6", "cargo takes no such value for `a[0]`: a date or time"),
    ("build = { rustflags = 'x' }", ":1:11", '`build.rustflags` is the string "x" here and an array in'),
    ("include = 'x.ini'", ":1:1", "needs a path that ends in .toml"),
    ("include = ['x.toml']", ":1:12", "x.toml is missing"),
    ("include = ['config.toml']", ":1:12", "config.toml includes itself"),
    ("include = [{ optional = true }]", ":1:12", "needs a path"),
    ("include = 3", ":1:1", "`include` must be a string, found the number 3"),
    ("include = [" + "'twice.toml', " * 65 + "]", ":1:1", "more than 64 files are included"),
    ("[target.k]\nrunner = 5", ":2:1", "`target.k.runner` must be a string, found the number 5"),
    ("[build]\ntarget-dir = true", ":2:1", "`build.target-dir` must be a string, found true"),
    ('[build]\ntarget-dir = "a\\u0000"', ":2:1", "`build.target-dir` contains a NUL character"),
]


@pytest.mark.parametrize(("near", "place", "message"), BAD)
def test_bad_files(tmp_path: Path, near: str, place: str, message: str) -> None:
    folder = project(tmp_path, near)
    (folder / ".cargo/twice.toml").touch()
    with pytest.raises(BuildError, match=re.escape(message)) as raised:
        _ = read(folder).merged
    assert str(raised.value).startswith(f"{folder}/.cargo/config.toml{place}: error: ")


def test_a_long_chain_of_includes(tmp_path: Path) -> None:
    folder = project(tmp_path, "include = ['c0.toml', 'c0.toml']")
    for number in range(1000):  # each of them twice: 2**1000 files
        name = f"c{number + 1}.toml"
        (folder / f".cargo/c{number}.toml").write_text(f"include = ['{name}', '{name}']")
    with pytest.raises(BuildError, match="more than 64 files are included"):
        read(folder)


BAD_SETTINGS: list[tuple[str, str, str]] = [
    ("build = 3", ":1:1", "`build` must be a table, found the number 3"),
    ("[build]\ntarget = [3]", ":2:1", "`build.target` must be a string or an array of strings"),
    ("[build]\nrustflags = 3", ":2:1", "`build.rustflags` must be a string or an array of strings"),
    ("target.k = 3", ":1:8", "`target.k` must be a table, found the number 3"),
    ("[env]\nA = { force = true }", ":2:1", "`env.A` must be a string or a table with `value`"),
]


@pytest.mark.parametrize(("near", "place", "message"), BAD_SETTINGS)
def test_bad_settings(tmp_path: Path, near: str, place: str, message: str) -> None:
    folder = project(tmp_path, near, "", "")
    with pytest.raises(BuildError, match=re.escape(message)) as raised:
        config = read(folder)
        _ = config.handed_over(), rustflags_for(config, "k", UNIX), env_table(config), build_targets(config)
    assert str(raised.value).startswith(f"{folder}/.cargo/config.toml{place}: error: ")


@pytest.mark.rust
def test_a_build_from_elsewhere_runs_the_same_compiler_commands(tmp_path: Path) -> None:
    near = NEAR.replace("[build]", '[build]\nrustc-wrapper = "tools/wrap"').replace(
        "[env]", '[env]\nHERE = { value = "src/x.txt", relative = true }'
    )
    near = re.sub(r"\[unstable\]\nbuild-std.*", "", near)
    source = 'fn main() { println!("{}{}{}", env!("A"), env!("HERE"), include_str!(env!("HERE"))) }'
    folder = tree(project(tmp_path / "a b", near), {"src/main.rs": source, "src/x.txt": "!"})
    wrap = tree(folder, {"tools/wrap": '#!/bin/sh\nexec "$@"\n'}) / "tools/wrap"
    wrap.chmod(0o755)
    config = read(folder)
    there = tree(tmp_path, {"elsewhere/handed.toml": tomli_w.dumps(config.handed_over())}) / "elsewhere"
    cfg = cfg_set(_run(folder, "rustc", "--print", "cfg").stdout)
    flags = {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(rustflags_for(config, HOST, cfg))}
    rest = ["--manifest-path", str(folder / "Cargo.toml"), "--config", "handed.toml"]
    inside = _commands(folder, {}, "--target-dir", str(tmp_path / "1"))
    outside = _commands(there, flags, *rest, "--target-dir", str(tmp_path / "2"), home=config.cargo_home)
    assert "--cfg unix_near" in inside
    assert _comparable(outside) == _comparable(inside)


def _commands(folder: Path, environ: dict[str, str], *arguments: str, home: Path | None = None) -> str:
    command = ["build", "-v", "--offline", "--target", HOST, *arguments]
    return _cargo(folder, *command, environ=environ, home=home).stderr


def _comparable(commands: str) -> list[str]:
    """The compiler's commands, without the hashes and folders that are free to differ."""
    lines = [line for line in commands.splitlines() if "Running" in line]
    return [re.sub(r"-[0-9a-f]{16}|=[0-9a-f]{16}|/[12]/", "#", line) for line in lines]


def _cargo(
    folder: Path, *arguments: str, environ: dict[str, str] | None = None, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    home = home or folder.parent.parent / "home"
    extra = {"CARGO_HOME": str(home), "RUSTC_BOOTSTRAP": "1", **(environ or {})}
    return _run(folder, "cargo", *arguments, environ=extra)


def _run(
    folder: Path, *command: str, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **(environ or {})}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_what_is_written_reads_the_same(values: dict[str, Any]) -> None:
    assert tomllib.loads(tomli_w.dumps(values)) == values
