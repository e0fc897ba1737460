"""A build script that compiles programs with a cargo of its own, which the kernel then embeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from demo_tree import CHECKOUT, Tree
from nginx import Nginx

pytestmark = pytest.mark.rust

KERNEL = "build/x86_64-blog_os/debug/os"
BUILD_SCRIPT = """
use std::{env, process::Command};

fn main() {
    let own = env::var("CARGO_MANIFEST_DIR").unwrap();
    let target = PLACE;
    println!("cargo::rerun-if-changed=../userland/src");
    let mut cargo = Command::new(env::var("CARGO").unwrap());
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR"] {
        cargo.env_remove(name);
    }
    let program = cargo.current_dir(format!("{own}/../userland")).args(["build", "--target-dir", &target]);
    assert!(program.status().unwrap().success());
    println!("cargo::rustc-env=INIT={target}/debug/init");
}
"""
FILES = {
    "SConstruct": 'env = Environment(tools=["rustkernel"], RUST_TARGET="x86_64-blog_os.json")\n'
    'Default(env.RustKernel("os"))\n',
    "x86_64-blog_os.json": (CHECKOUT / "x86_64-blog_os.json").read_text(),
    "os/Cargo.toml": '[package]\nname = "os"\nversion = "0.1.0"\nedition = "2024"\n[workspace]\n',
    "os/Cargo.lock": 'version = 4\n[[package]]\nname = "os"\nversion = "0.1.0"\n',
    "os/src/main.rs": "#![no_std]\n#![no_main]\n"
    'static INIT: &[u8] = include_bytes!(env!("INIT"));\n'
    '#[unsafe(no_mangle)]\npub extern "C" fn _start() -> ! {\n'
    "    core::hint::black_box(INIT);\n    loop {}\n}\n"
    "#[panic_handler]\nfn panic(_: &core::panic::PanicInfo) -> ! {\n    loop {}\n}\n",
    "userland/Cargo.toml": '[package]\nname = "init"\nversion = "0.1.0"\nedition = "2024"\n'
    '[dependencies]\nwords = { path = "../words" }\n[workspace]\n'
    "[profile.dev]\ndebug = false\nstrip = true\n",  # so that no path of this machine is in it
    "userland/src/main.rs": 'fn main() {\n    println!("{}", words::WORDS);\n}\n',
    "words/Cargo.toml": '[package]\nname = "words"\nversion = "0.1.0"\nedition = "2024"\n',
    "words/src/lib.rs": 'pub const WORDS: &str = "the first words";\n',
}
PLACES = {
    "beside its sources": 'format!("{own}/../userland/target")',
    "in the script's folder": 'format!("{}/programs", env::var("OUT_DIR").unwrap())',
}


@pytest.mark.parametrize("place", PLACES)
def test_its_sources_are_inputs_and_its_products_are_not(tree: Callable[..., Tree], place: str) -> None:
    project = tree({**FILES, "os/build.rs": BUILD_SCRIPT.replace("PLACE", PLACES[place])})
    kernel = project.root / KERNEL

    def holds(words: str) -> bool:
        return words.encode() in kernel.read_bytes()

    project.scons()
    assert holds("the first words")
    assert project.rebuilt() == set(), "what was found is known as if from the beginning"
    project.edit("words/src/lib.rs", "the first words", "other words")
    assert "words/src/lib.rs' changed" in project.scons("--debug=explain")
    assert holds("other words") and project.rebuilt() == set()
    project.edit("userland/src/main.rs", "{}", "said: {}")
    assert project.rebuilt() == {KERNEL.removeprefix("build/")} and holds("said: ")
    (project.root / "userland/src/unused.rs").write_text("")
    assert project.rebuilt() == {KERNEL.removeprefix("build/")}, "a file that was added"
    assert project.rebuilt() == set()


def test_without_a_build_script_a_product_is_what_was_not_declared(tree: Callable[..., Tree]) -> None:
    """Nobody then says that it is made anew where its sources change."""
    product = "../../userland/target/debug/init"
    project = tree(
        {**FILES, "os/src/main.rs": FILES["os/src/main.rs"].replace('env!("INIT")', f'"{product}"')}
    )
    made = project.root / "userland/target/debug/init"
    made.parent.mkdir(parents=True)
    made.write_text("as if built")
    (project.root / "userland/target/.rustc_info.json").write_text("{}")
    (made.with_name("init.d")).write_text(f"{made}: {project.root}/userland/src/main.rs\n")
    assert "what is not declared as its input" in project.scons(fails=True)


def test_a_kernel_of_which_inputs_were_only_found_is_not_shared(
    tree: Callable[..., Tree], tmp_path: Path
) -> None:
    files = {**FILES, "os/build.rs": BUILD_SCRIPT.replace("PLACE", PLACES["beside its sources"])}
    files["SConstruct"] = f"{files['SConstruct']}CacheDir({str(tmp_path / 'cache')!r})\n"
    with Nginx(tmp_path / "nginx") as server:
        project = tree(files, RUSTKERNEL_CACHE=server.url, RUSTKERNEL_CACHE_MODE="write")

        def shared() -> set[str]:
            return {*server.files(), *(path.name for path in (tmp_path / "cache").rglob("*"))}

        project.scons("build/x86_64-blog_os/sysroot.json")
        before = shared()
        said = project.scons()
        assert "tree/userland/Cargo.lock, which is an input from now on" in said and shared() == before
