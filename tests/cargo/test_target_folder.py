"""Both layouts of cargo's target folder (with the real cargo: whole/test_new_layout.py)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bootimage.cargo.target_folder import forget, is_test, originals, record_beside, records, script_output

OLDER = {
    "debug/my-kernel": "t/debug/deps/my_kernel-0123456789abcdef",
    "debug/libmy_kernel.rlib": "t/debug/deps/libmy_kernel-0123456789abcdef.rlib",
    "debug/examples/one": "t/debug/examples/one-0123456789abcdef",
    "debug/build/k-1f/build-script-build": "t/debug/build/k-1f/build_script_build-0123456789abcdef",
}
NEWER = {
    "debug/my-kernel": "t/debug/build/k/0123456789abcdef/out/my_kernel",
    "debug/libmy_kernel.rlib": "t/debug/build/k/0123456789abcdef/out/libmy_kernel-0123456789abcdef.rlib",
    "debug/examples/one": "t/debug/build/k/0123456789abcdef/out/one-0123456789abcdef",
}


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("place", [os.link, shutil.copy])
@pytest.mark.parametrize(("name", "rustc"), [*OLDER.items(), *NEWER.items()])
def test_what_rustc_wrote(
    tmp_path: Path, name: str, rustc: str, place: Callable[[Path, Path], object]
) -> None:
    """Among other builds of the same crate, and what is called nearly so; by a link, or by a copy of it."""
    made = write(tmp_path / rustc, "this one")
    write(made.with_name(made.name.replace("0123456789abcdef", "fedcba9876543210") + "0"), "another one")
    write(made.with_name(f"more_{made.name}"), "this one")
    write(tmp_path / "t/debug/build/other/aa/out/my_kernel_more", "this one")
    link = tmp_path / "t" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    place(made, link)
    assert originals(link) == [made]


def test_a_file_that_nobody_has_linked_is_its_own_original(tmp_path: Path) -> None:
    made = write(tmp_path / "t/debug/deps/os-0123456789abcdef")
    assert originals(made) == [made]
    assert originals(tmp_path / "missing") == [tmp_path / "missing"]


@pytest.mark.parametrize(
    ("file", "record"),
    [("my-kernel", "my-kernel.d"), ("libk-1f.rmeta", "k-1f.d"), ("libk-1f.so", "k-1f.d"), ("lib", "lib.d")],
)
def test_the_record_beside(file: str, record: str) -> None:
    assert record_beside(Path("/d") / file) == Path("/d") / record


def test_all_records(tmp_path: Path) -> None:
    """Of host and target, in both layouts; what a build script has written is nobody's record."""
    expected = {
        write(tmp_path / name)
        for name in (
            "debug/deps/a.d",
            "t/debug/deps/b.d",
            "debug/build/p/1f/out/c.d",
            "t/x/build/p/1f/out/d.d",
        )
    }
    write(tmp_path / "t/debug/build/script/1f/out/e.d")
    write(tmp_path / "t/debug/build/script/1f/run/stdout")
    write(tmp_path / "t/debug/k.d")
    assert {*records(tmp_path)} == expected


@pytest.mark.parametrize("name", ["build/k-1f/output", "build/k/1f/run/stdout"])
def test_what_a_build_script_printed(tmp_path: Path, name: str) -> None:
    printed = write(tmp_path / name)
    folder = printed.parent if printed.name == "output" else printed.parent.parent
    assert script_output(folder / "out") == printed


FINGERPRINTS = {
    "k": ("debug/.fingerprint/k-1f/x", "t/debug/.fingerprint/k-2f/x", "t/debug/build/k/3f/fingerprint/x"),
    "k-more": ("debug/.fingerprint/k-more-1f/x", "t/debug/build/k-more/3f/fingerprint/x"),
    "build": ("t/debug/.fingerprint/build-2f/x", "t/debug/build/build/3f/fingerprint/x"),
}


@pytest.mark.parametrize("package", FINGERPRINTS)
def test_one_package_is_forgotten_and_no_other(tmp_path: Path, package: str) -> None:
    files = {name: [write(tmp_path / each) for each in places] for name, places in FINGERPRINTS.items()}
    for folder in ("debug", "t/debug"):
        write(tmp_path / folder / ".cargo-lock")
    for path in tmp_path.rglob("fingerprint"):
        path.with_name("out").mkdir()
    forget(tmp_path, [package])
    kept = {name: [each.exists() for each in each_files] for name, each_files in files.items()}
    assert kept == {name: [name != package] * len(each) for name, each in files.items()}
    assert sorted(tmp_path.rglob(".cargo*lock")) == [
        tmp_path / "debug/.cargo-lock",
        tmp_path / "t/debug/.cargo-lock",
    ]


def test_nothing_to_forget(tmp_path: Path) -> None:
    forget(tmp_path / "missing", ["k"])
    kept = write(tmp_path / "t/debug/.cargo-lock")
    forget(tmp_path, [])
    assert kept.exists()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("target/x/debug/os", False),
        ("target/x/debug/deps/os-1", True),
        ("/tmp/rustdoctest4x/rust_out", True),
        ("target/x/debug/build/os/0f/out/os", True),
        ("target/x/debug/out/os", False),
        ("deps", False),
    ],
)
def test_which_executables_are_tests(path: str, expected: bool) -> None:
    assert is_test(Path(path)) == expected
