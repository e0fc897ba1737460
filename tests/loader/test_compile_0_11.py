"""The programs of the loader 0.11: what they depend on, and the targets they are compiled for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bootimage.base.errors import BuildError
from bootimage.context import BuildContext
from bootimage.loader import compile_0_11
from bootimage.loader.compile_0_11 import program_target, provide_program
from bootimage.loader.loader_0_11 import BY_NAME, PROGRAMS, program_key
from bootimage.loader.loader_release import Release

# i686-stage-3.json as published in 0.11.0 to 0.11.5.
STAGE_3 = {
    "arch": "x86",
    "cpu": "i386",
    "data-layout": "e-m:e-i32:32-f80:128-n8:16:32-S128-p:32:32",
    "dynamic-linking": False,
    "executables": True,
    "linker-flavor": "ld.lld",
    "linker": "rust-lld",
    "llvm-target": "i386-unknown-none",
    "max-atomic-width": 64,
    "position-independent-executables": False,
    "disable-redzone": True,
    "target-c-int-width": "32",
    "target-pointer-width": "32",
    "target-endian": "little",
    "panic-strategy": "abort",
    "os": "none",
    "vendor": "unknown",
    "relocation-model": "static",
    "features": "+soft-float,-sse,-mmx",
}
pytestmark = pytest.mark.rust


def test_a_key_is_of_one_program_in_one_version_with_one_compiler(context: BuildContext) -> None:
    other = replace(context.toolchain, identity="rustc 1.0.0")
    keys = {
        program_key(toolchain, Release(version), program)
        for toolchain in (context.toolchain, other)
        for version in ("0.11.16", "0.11.17")
        for program in PROGRAMS
    }
    assert len(keys) == 2 * 2 * len(PROGRAMS)


def test_a_wrong_data_layout_is_mended(context: BuildContext, tmp_path: Path) -> None:
    path = tmp_path / "i686-stage-3.json"
    path.write_text(json.dumps(STAGE_3))
    target = program_target(context, BY_NAME["stage-3"], tmp_path)
    mended = json.loads(target.specification or "")
    assert (target.name, mended["target-pointer-width"]) == ("i686-stage-3", 32)
    assert "f80:32" in mended["data-layout"]
    assert json.loads(path.read_text()) == STAGE_3


def test_another_wrong_data_layout_is_an_error(context: BuildContext, tmp_path: Path) -> None:
    wrong = {**STAGE_3, "data-layout": str(STAGE_3["data-layout"]).replace("f80:128", "f80:64")}
    (tmp_path / "i686-stage-3.json").write_text(json.dumps(wrong))
    with pytest.raises(BuildError, match="f80:64"):
        program_target(context, BY_NAME["stage-3"], tmp_path)


def test_programs_with_one_target_name_share_its_sysroot(context: BuildContext, tmp_path: Path) -> None:
    code16 = {
        **STAGE_3,
        "llvm-target": "i386-unknown-none-code16",
        "data-layout": "e-m:e-p:32:32-p270:32:32-p271:32:32-p272:64:64-f64:32:64-f80:32-n8:16:32-S128",
    }
    for name in ("boot-sector", "stage-2"):
        (tmp_path / (BY_NAME[name].specification or "")).write_text(json.dumps(code16))
    first, second = (program_target(context, BY_NAME[name], tmp_path) for name in ("boot-sector", "stage-2"))
    assert first == second


def test_the_uefi_program_has_a_built_in_target(context: BuildContext, tmp_path: Path) -> None:
    target = program_target(context, BY_NAME["uefi"], tmp_path)
    assert (target.name, target.specification) == ("x86_64-unknown-uefi", None)


@pytest.mark.parametrize("version", ["0.11.0", "0.11.10"])
def test_an_old_stage_2_builds_and_fits(context: BuildContext, version: str) -> None:
    entry = provide_program(context, Release(version), BY_NAME["stage-2"])
    # The linker script gives it the whole room up to the 480.5 KiB that the loader reads.
    assert entry.files["stage-2.bin"].stat().st_size == 492_031


def test_a_program_that_does_not_build(context: BuildContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_0_11, "_smaller", lambda _version, _program: [])
    with pytest.raises(BuildError, match=r"bootloader 0\.11\.9 \(stage-2\) does not build with") as caught:
        provide_program(context, Release("0.11.9"), BY_NAME["stage-2"])
    assert "linking with `rust-lld` failed" in caught.value.message
    assert "cargo update -p bootloader_api --precise 0.11.1" in (caught.value.hint or "")
