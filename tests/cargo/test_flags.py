"""What stands in for the folders of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootimage.cargo.flags import seen_from, stand_ins
from bootimage.cargo.rustc_wrapper import needs_names, wrapper


def test_folders_are_seen_from_the_workspace() -> None:
    found = seen_from(Path("/a/p/kernel"), [Path("/a/p"), Path("/a/p/shelf"), Path("/")])
    assert found == {Path("/a/p"): "..", Path("/a/p/shelf"): "../shelf", Path("/a/p/kernel"): "."}


def test_the_more_particular_folder_comes_last() -> None:
    """rustc takes the last that fits."""
    names = stand_ins(
        {
            Path("/h/cargo"): "/cargo",
            **{Path("/p/kernel/build"): "/build", Path("/p/kernel"): ".", Path("/p"): ".."},
        }
    )
    folders = list(names)
    assert (
        folders.index(Path("/p")) < folders.index(Path("/p/kernel")) < folders.index(Path("/p/kernel/build"))
    )
    assert names[Path("/h/cargo")] == "/cargo"


def test_a_folder_behind_a_link_has_one_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    names = stand_ins({tmp_path / "link": "."})
    assert names[tmp_path / "link"] == names[tmp_path / "real"] == "."


@pytest.mark.parametrize(
    ("packages", "needed"),
    [(["/p/kernel"], False), (["/p/kernel", "/p/kernel/sub"], False), (["/p/kernel", "/p/kernels"], True)],
)
def test_only_packages_outside_of_the_workspace_need_names(packages: list[str], needed: bool) -> None:
    assert needs_names(Path("/p/kernel"), map(Path, packages)) == needed


# Where the package lies, further words, what stands for its metadata.
COMMANDS = {
    "the kernel": ("/p/it's [a]/kernel", [], "name 1.0 . a"),
    "beside it": ("/p/it's [a]/shelf", ["--test"], "name 1.0 ../shelf a --test"),
    "deeper": ("/p/it's [a]/shelf/sub", ["--cfg", 'feature="x"'], 'name 1.0 ../shelf/sub a feature="x"'),
    "downloaded": ("/h/cargo/registry/src/i/name-1.0", [], "name 1.0 /cargo/registry/src/i/name-1.0 a"),
    "elsewhere": ("/opt/name", [], "name 1.0 /opt/name a"),
}


@pytest.mark.parametrize("place", COMMANDS)
@pytest.mark.parametrize("wrapped", [None, "/usr/bin/env"])
def test_the_wrapper_replaces_the_number_alone(tmp_path: Path, place: str, wrapped: str | None) -> None:
    folder, more, expected = COMMANDS[place]
    root = Path("/p/it's [a]/kernel")
    places = stand_ins({Path("/h/cargo"): "/cargo", **seen_from(root, [root.parent / "shelf"])})
    program = wrapper(tmp_path, places, wrapped)
    command = [
        "printf",
        "%s\n",
        "--crate-name",
        "a",
        *more,
        "-C",
        "metadata=1f",
        "-C",
        "extra-filename=-1f",
        "",
    ]
    said = subprocess.run(
        [program, *command],
        env={
            "PATH": "/usr/bin:/bin",
            "CARGO_MANIFEST_DIR": folder,
            "CARGO_PKG_NAME": "name",
            "CARGO_PKG_VERSION": "1.0",
        },
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    words = ["--crate-name", "a", *more, "-C", f"metadata={expected}", "-C", "extra-filename=-1f", ""]
    assert said == "".join(f"{word}\n" for word in words)


def test_a_wrapper_that_is_right_is_left_alone(tmp_path: Path) -> None:
    first = wrapper(tmp_path, {Path("/p"): "."}).stat()
    again = wrapper(tmp_path, {Path("/p"): "."}).stat()
    other = wrapper(tmp_path, {Path("/q"): "."}).stat()
    assert (
        (first.st_ino, first.st_mtime_ns)
        == (again.st_ino, again.st_mtime_ns)
        != (other.st_ino, other.st_mtime_ns)
    )


def test_another_wrapper_is_told_of_a_folder_with_libraries(tmp_path: Path) -> None:
    words = ["--target", "/s/t.json", "-C", "metadata=1f", "--sysroot=/store/4d", "-O"]
    said = subprocess.run(
        [wrapper(tmp_path, None, "/usr/bin/env"), "printf", "%s\n", *words],
        env={"PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    libraries = ["-L", "/store/4d/lib/rustlib/t/lib", "--remap-path-prefix=/store/4d=/sysroot"]
    assert said.splitlines() == [*words[:4], *libraries, "-O"]
