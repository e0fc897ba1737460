from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.cargo_cli.shell_environment import read_shell

HERE = Path("/project")


@pytest.mark.parametrize(
    ("environ", "flags"),
    [
        ({}, None),
        ({"RUSTFLAGS": " -Ca  -Cb "}, ("-Ca", "-Cb")),
        ({"RUSTFLAGS": ""}, ()),
        ({"RUSTFLAGS": "-Ca", "CARGO_ENCODED_RUSTFLAGS": "-C\x1fa b"}, ("-C", "a b")),
        ({"CARGO_ENCODED_RUSTFLAGS": ""}, ()),
    ],
)
def test_flags_in_place_of_the_configuration(environ: dict[str, str], flags: tuple[str, ...] | None) -> None:
    assert read_shell(environ, HERE).rustflags == flags


@pytest.mark.parametrize(
    ("environ", "flags"),
    [
        ({"CARGO_BUILD_RUSTFLAGS": "-Ca"}, ("-Ca",)),
        ({"CARGO_BUILD_RUSTFLAGS": "-Ca", "CARGO_TARGET_X86_64_BLOG_OS_RUSTFLAGS": "-Cb"}, ("-Cb",)),
        ({"CARGO_TARGET_OTHER_RUSTFLAGS": "-Cb"}, ()),
    ],
)
def test_flags_beside_the_configuration(environ: dict[str, str], flags: tuple[str, ...]) -> None:
    assert read_shell(environ, HERE).added_flags("x86_64-blog_os") == flags


def test_target_and_folder() -> None:
    shell = read_shell({"CARGO_BUILD_TARGET": "os.json", "CARGO_TARGET_DIR": "out"}, HERE)
    assert (shell.target, shell.target_dir) == ("/project/os.json", HERE / "out")
    assert read_shell({"CARGO_BUILD_TARGET": ""}, HERE).target is None


def test_what_would_bring_back_build_std_is_kept_from_cargo() -> None:
    environ = {"CARGO_UNSTABLE_BUILD_STD": "core", "RUSTFLAGS": "-Ca", "GIT": "1", "PATH": "/theirs"}
    assert read_shell(environ, HERE).environment(["PATH"]) == {"GIT": "1"}
