"""The examples, built, booted and judged."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from example_trees import Example, copy_example

pytestmark = [pytest.mark.rust, pytest.mark.boot]

DISKS = [
    ("workspace", "bootimage-bios-second.bin", "The second kernel of the workspace is up"),
    ("alloc", "bootimage-bios-alloc_kernel.bin", r"81 \+ 100 add up to 385"),
    ("higher_half", "bootimage-bios-higher_half.bin", "All is in the higher half"),
    ("bare_target", "bootimage-uefi-bare_target.bin", "Hello from anywhere!"),
]


@pytest.mark.parametrize(("name", "image", "pattern"), DISKS)
def test_boots(tmp_path: Path, name: str, image: str, pattern: str) -> None:
    example = copy_example(name, tmp_path)
    target = "x86_64-unknown-none" if name == "bare_target" else "x86_64-blog_os"
    example.scons(f"build/{target}/debug/{image}")
    result = example.boot(image, pattern)
    assert result.passed, result


def test_a_workspace_builds_again_what_depends_on_an_edit(tmp_path: Path) -> None:
    example = copy_example("workspace", tmp_path)
    goals = [f"build/x86_64-blog_os/debug/{name}" for name in ("first", "second")]
    example.scons(*goals)
    assert "is up to date" in example.scons(*goals)
    example.edit("first/src/main.rs", '"first"', '"1st"')
    said = example.scons(*goals)
    assert "Compiling first" in said and "Compiling second" not in said
    example.edit("shared/src/lib.rs", "is up", "is there")
    said = example.scons(*goals)
    assert "Compiling first" in said and "Compiling second" in said


def test_a_program_without_a_loader_builds_and_its_image_says_what_is_missing(tmp_path: Path) -> None:
    example = copy_example("start", tmp_path)
    example.scons()
    assert (example.results / "start").is_file()
    said = example.scons("image", fails=True)
    assert "no section .bootloader-config" in said and "help: add `bootloader" in said


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The example on loader 0.9, all of whose tests have passed once."""
    example = copy_example("loader09_tests", tmp_path_factory.mktemp("tested"))
    said = example.scons("test-kernel", "--junit=results.xml")
    assert "test-kernel: 4 passed, 0 failed" in said
    assert "lib (bios) | loader09_tests::tests::sums_digits ... ok" in said
    return example


def test_every_kind_of_test_passes_on_loader_0_9(tested: Example) -> None:
    [suite] = ElementTree.parse(tested.root / "results.xml").getroot()
    names = {case.get("name") for case in suite}
    assert names == {f"{name} (bios)" for name in ("lib", "bin-loader09_tests", "boots", "should_panic")}
    kept = (tested.results / "tests/loader09_tests/should_panic-bios.serial").read_text()
    assert kept == "it panicked, as it should\n"


def test_only_tests_with_a_changed_image_run_again(tested: Example) -> None:
    assert "Testing" not in tested.scons("test-kernel")
    assert tested.scons("test-kernel", "--rerun", "TEST=lib").count("Testing") == 1
    tested.edit("tests/boots.rs", "> 1024", ">= 1024")
    assert re.findall("Testing (.*)", tested.scons("test-kernel")) == ["boots (bios)"]


def test_a_failed_test_is_told_and_runs_until_it_passes(tested: Example) -> None:
    tested.edit("src/lib.rs", "digit_sum(1999), 28", "digit_sum(1999), 29")
    for _run in range(2):
        said = tested.scons("test-kernel", fails=True)
        assert "lib (bios): FAILED (failed" in said and "    |   left: 28" in said
        assert "test-kernel: 3 passed, 1 failed" in said
    tested.edit("src/lib.rs", "digit_sum(1999), 29", "digit_sum(1999), 28")
    assert "4 passed, 0 failed" in tested.scons("test-kernel")


def test_tests_on_loader_0_11_pass_on_both_firmwares(tmp_path: Path) -> None:
    example = copy_example("loader011_tests", tmp_path)
    said = example.scons("test-kernel")
    assert "test-kernel: 4 passed, 0 failed" in said
    assert "prompt (uefi) | > 42" in said
