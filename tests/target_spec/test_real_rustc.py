"""Real compilers take what is brought up to date, and refuse what was printed in the text."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fake_compiler import GOOD, X86_64

from bootimage.base.errors import BuildError
from bootimage.target_spec.canonical_spec import canonical
from bootimage.target_spec.compiler_facts import Compiler, compiler_facts
from bootimage.target_spec.target_nearest import nearest
from bootimage.target_spec.target_upgrade import old_keys
from bootimage.toolchain.rule_files import read_rules

pytestmark = pytest.mark.rust

TEXTS_OWN = Path(__file__).parents[2] / "x86_64-blog_os.json"
OLD_LAYOUT = "e-m:e-i64:64-f80:128-n8:16:32:64-S128"
# Two versions of 0.11 cannot be in one manifest.
BOOTLOADERS = (("0.9.35", "0.10.13", "0.11.10"), ("0.11.15",), ("0.11.17",))
# A function, so that code is generated; an empty crate shows less.
CRATE = """
#![feature(no_core, lang_items)]
#![no_core]
#![crate_type = "lib"]
#[lang = "pointee_sized"] pub trait PointeeSized {}
#[lang = "meta_sized"] pub trait MetaSized: PointeeSized {}
#[lang = "sized"] pub trait Sized: MetaSized {}
#[lang = "copy"] pub trait Copy {}
impl Copy for f64 {}
#[no_mangle] pub extern "C" fn same(number: f64) -> f64 { number }
"""


def compilers() -> list[Path]:
    """rustup's nightly and stable, and Debian's: those of them that are installed."""
    found = [Path("/usr/bin/rustc")]
    for toolchain in ("nightly", "stable") if shutil.which("rustup") else ():
        which = subprocess.run(
            ["rustup", "which", "--toolchain", toolchain, "rustc"], capture_output=True, text=True
        )
        found.append(Path(which.stdout.strip() or "/missing"))
    return [each for each in found if each.exists()]


@pytest.fixture(scope="module", params=compilers(), ids=str)
def rustc(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture(scope="module")
def compiler(rustc: Path) -> Compiler:
    return compiler_facts(rustc, os.environ)


@pytest.fixture(scope="module")
def bootloaders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The target specifications of the published bootloader crates."""
    folder = tmp_path_factory.mktemp("bootloaders")
    environment = {**os.environ, "CARGO_HOME": str(folder / "home"), "RUSTUP_TOOLCHAIN": "stable"}
    for number, versions in enumerate(BOOTLOADERS):
        project = folder / str(number)
        (project / "src").mkdir(parents=True)
        (project / "src/lib.rs").touch()
        lines = [
            f'b{each} = {{ package = "bootloader", version = "={v}" }}' for each, v in enumerate(versions)
        ]
        manifest = '[package]\nname = "x"\nversion = "0.1.0"\n[dependencies]\n' + "\n".join(lines)
        (project / "Cargo.toml").write_text(manifest)
        subprocess.run(["cargo", "fetch", "--quiet"], cwd=project, env=environment, check=True)
    return sorted((folder / "home/registry/src").glob("*/bootloader-0.*/*86*.json"))


def compile_for(rustc: Path, specification: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Compile a function of floating point; also print the cfg, which reads the specification alone."""
    file, source = folder / "my_os.json", folder / "x.rs"
    file.write_text(specification)
    source.write_text(CRATE)
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    target = [str(rustc), "-Zunstable-options", "-Ainternal_features", "--target", str(file)]
    for rest in (["--print", "cfg"], ["--emit=obj", "-o", str(folder / "x.o"), str(source)]):
        finished = subprocess.run([*target, *rest], env=environment, capture_output=True, text=True)
        if finished.returncode != 0:
            break
    return finished


def assert_taken(rustc: Path, compiler: Compiler, file: Path, folder: Path) -> dict[str, Any]:
    spec = canonical(file, compiler)
    finished = compile_for(rustc, spec.json, folder)
    assert (finished.returncode, finished.stderr) == (0, "")
    again = canonical(folder / "my_os.json", compiler)
    assert (again.json, again.changes) == (spec.json, ())
    fields = json.loads(spec.json)
    assert isinstance(fields, dict)
    return fields


def written(folder: Path, fields: Any) -> Path:
    file = folder / "given.json"
    file.write_text(json.dumps(fields))
    return file


def test_the_texts_own(rustc: Path, compiler: Compiler, tmp_path: Path) -> None:
    before = compile_for(rustc, TEXTS_OWN.read_text(), tmp_path)
    assert "target-pointer-width: invalid type: string" in before.stderr
    fields = assert_taken(rustc, compiler, TEXTS_OWN, tmp_path)
    assert fields["data-layout"] == X86_64
    assert fields["rustc-abi"] == "softfloat"


def test_what_compiling_alone_shows_is_seen_here_first(
    rustc: Path, compiler: Compiler, tmp_path: Path
) -> None:
    """The old layout alone: rustc tells of it only when it compiles."""
    good = GOOD | {"panic-strategy": "abort"}
    finished = compile_for(rustc, json.dumps(good | {"data-layout": OLD_LAYOUT}), tmp_path)
    assert "differs from LLVM target's" in finished.stderr
    assert_taken(rustc, compiler, written(tmp_path, good | {"data-layout": OLD_LAYOUT}), tmp_path)


def test_the_texts_first_example(rustc: Path, compiler: Compiler, tmp_path: Path) -> None:
    fields = {
        "llvm-target": "x86_64-unknown-linux-gnu",
        "data-layout": OLD_LAYOUT,
        "arch": "x86_64",
        "target-endian": "little",
        "target-pointer-width": "64",
        "target-c-int-width": "32",
        "os": "linux",
        "executables": True,
        "linker-flavor": "gcc",
        "pre-link-args": ["-m64"],
        "morestack": False,
    }
    assert_taken(rustc, compiler, written(tmp_path, fields), tmp_path)


def test_every_bootloaders_own(
    rustc: Path, compiler: Compiler, bootloaders: list[Path], tmp_path: Path
) -> None:
    assert len(bootloaders) == 2 + 3 * 4
    for file in bootloaders:
        assert_taken(rustc, compiler, file, tmp_path)


@dataclass(frozen=True)
class Untried:
    """A compiler's facts without its trial, which takes 40 ms a target."""

    name: str
    schema: Any
    targets: Any
    rules: Any

    def complaints(self, name: str, specification: str) -> tuple[str, ...]:
        return ()


def test_built_in_targets_are_up_to_date_already(compiler: Compiler, tmp_path: Path) -> None:
    untried = Untried(compiler.name, compiler.schema, compiler.targets, compiler.rules)
    for fields in compiler.targets.values():
        spec = canonical(written(tmp_path, fields), untried)
        kept = {key: value for key, value in fields.items() if key != "metadata"}
        assert (json.loads(spec.json), spec.changes) == (kept, ())


def test_the_nearest_target_has_the_right_layout(compiler: Compiler) -> None:
    """For each x86 target there is: the nearest of all others, where one of its kind is left."""
    for fields in compiler.targets.values():
        if "msvc" in fields["llvm-target"]:  # unlike all others, and LLVM knows but one name for it
            continue
        others = {
            name: each
            for name, each in compiler.targets.items()
            if each["llvm-target"] != fields["llvm-target"]
        }
        near = nearest(fields["llvm-target"], others) if fields["arch"] in ("x86", "x86_64") else None
        if near is not None:
            assert fields["data-layout"] in near.layouts
            assert fields["arch"] == near.specification["arch"]


def test_old_keys_are_unknown_to_it_and_new_ones_known(compiler: Compiler) -> None:
    known = compiler.schema["properties"]
    assert {key for key in old_keys(read_rules({})) if key in known} <= {"allows-weak-linkage"}
    assert {old.name for old in old_keys(read_rules({})).values() if old.name} <= set(known)


def redox_of_2017() -> dict[str, Any]:
    return GOOD | {
        "data-layout": OLD_LAYOUT,
        "target-pointer-width": "64",
        "pre-link-args": ["-m64", "-nostdlib", "-static"],
        "features": "-mmx,-sse,-sse2,-sse3,-ssse3,-sse4.1,-sse4.2,-3dnow,-3dnowa,-avx,-avx2,+soft-float",
        "code-model": "kernel",
        "eliminate-frame-pointer": False,
        "no-compiler-rt": True,
        "has-elf-tls": True,
        "target-family": "redox",
        "env": "",
    }


def kernels() -> Iterator[dict[str, Any]]:
    """Specifications as kernels of several ages had them."""
    yield redox_of_2017()
    yield redox_of_2017() | {
        "llvm-target": "i686-unknown-none",
        "arch": "x86",
        "data-layout": "e-m:e-p:32:32-f64:32:64-f80:32-n8:16:32-S128",
        "target-pointer-width": "32",
        "pre-link-args": {"gcc": ["-m32"]},
    }
    yield GOOD | {"features": "+mmx,+sse,-3dnow,-soft-float", "stack-probes": False, "lld-flavor": "link"}
    yield GOOD | {"stack-probes": True, "is-builtin": True, "max-atomic-width": "64", "needs-plt": True}
    for spelling in ("x86-softfloat", "softfloat"):
        yield GOOD | {
            "llvm-target": "x86_64-linux-gnu",
            "features": "-mmx,+soft-float",
            "rustc-abi": spelling,
        }
    yield GOOD | {"default-hidden-visibility": True, "abi-blacklist": ["stdcall"], "code-model": "default"}


def test_kernels_of_all_ages(rustc: Path, compiler: Compiler, tmp_path: Path) -> None:
    for fields in kernels():
        assert_taken(rustc, compiler, written(tmp_path, fields), tmp_path)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cpu": "abacus"}, "'abacus' is not a recognized processor"),
        ({"features": "+flying"}, r"'\+flying' is not a recognized feature"),
        ({"features": "-x87"}, "target feature `x87` is required by the ABI"),
        ({"linker-flavor": "msvc"}, "`linker_flavor` must be `msvc` if and only if"),
        ({"pre-link-objects": {"fnord": []}}, "invalid CRT object kind"),
    ],
)
def test_what_only_the_compiler_knows(compiler: Compiler, fields: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=f"refuses this target: .*{told}") as caught:
        canonical(written(tmp_path, GOOD | fields), compiler)
    [key] = fields
    line = (tmp_path / "given.json").read_text()
    assert caught.value.column == line.index(": ", line.index(f'"{key}"')) + 3
