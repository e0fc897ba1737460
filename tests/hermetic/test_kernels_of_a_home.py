"""Kernels of a user whose cargo home has settings: one `core`, which fits; no secret in build scripts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from example_kernel import Kernel, copy_example, make_context

from bootimage.cargo.config import read_cargo_config
from bootimage.context import BuildContext

pytestmark = pytest.mark.rust

CHECKOUT = Path(__file__).resolve().parents[2]
HOME = """\
[build]
target = "x86_64-mine.json"
build-dir = "/nowhere"

[unstable]
build-std = ["core", "compiler_builtins"]
build-std-features = ["compiler-builtins-mem"]

[profile.dev]
opt-level = 1
"""
BUILD_SCRIPT = """\
fn main() {
    let seen: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
    std::fs::write(format!("{}/seen", std::env::var("OUT_DIR").unwrap()), seen.join("\\n")).unwrap();
}
"""
SECRETS = {
    "CARGO_REGISTRY_TOKEN": "canary",
    "CARGO_REGISTRIES_MINE_TOKEN": "canary",
    "CARGO_HTTP_PROXY": "http://user:canary@127.0.0.1:9",
    "all_proxy": "user:canary@127.0.0.1:9",
    "SCCACHE_REDIS": "canary",
    "RUSTKERNEL_CACHE_TOKEN": "canary",
}


def kernel_of(home: Path, folder: Path, **environ: str) -> Kernel:
    """The example vga_text of a user with this cargo home, whose downloads are this machine's."""
    own = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    home.mkdir(exist_ok=True)
    for name in ("registry", "git"):
        (own / name).mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(own / name)
    context: BuildContext = make_context(CHECKOUT / "tests/.work/store", CARGO_HOME=str(home), **environ)
    return copy_example(context, folder)


def test_build_std_in_the_home_is_left_out(tmp_path: Path) -> None:
    home = tmp_path / "home"
    kernel = kernel_of(home, tmp_path / "vga_text")
    (home / "config.toml").write_text(HOME)
    kernel.elf()
    made = [path.name for path in (kernel.folder / "target").rglob("lib*.rlib")]
    assert made and not [name for name in made if name.startswith("libcore-")]
    # What else is there counts.
    found = read_cargo_config(kernel.folder, home).found_anyway()
    assert found == {"profile": {"dev": {"opt-level": 1}}}


def test_a_home_without_it_stays_the_users(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text('[unstable]\ngc = true\n[build]\ntarget = "x"\n')
    assert read_cargo_config(tmp_path, home).found_anyway() is None


def test_a_build_script_sees_no_secret(tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path / "home", tmp_path / "vga_text", **SECRETS)
    (kernel.folder / "build.rs").write_text(BUILD_SCRIPT)
    kernel.elf()
    [seen] = (kernel.folder / "target").rglob("out/seen")
    assert "CARGO_HOME=" in seen.read_text() and "canary" not in seen.read_text()


def test_core_has_the_kernels_panic_strategy(tmp_path: Path) -> None:
    kernel = kernel_of(tmp_path / "home", tmp_path / "vga_text")
    flags = ("-Zunstable-options", "-Cpanic=immediate-abort")
    aborting = replace(kernel, build=replace(kernel.build, rustflags=flags))
    assert aborting.elf().is_file()
