"""Changes that cargo by itself overlooks, with the real compiler: what counts is what is in the kernel."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from child_processes import started
from demo_tree import CHECKOUT, Tree, environment

pytestmark = pytest.mark.rust

MakeTree = Callable[..., Tree]

SCONSTRUCT = """\
DefaultEnvironment(tools=[])
env = Environment(tools=["rustkernel"])
kernel = env.RustKernel("kernel", RUST_TARGET="x86_64-blog_os.json"{more})
Default(kernel)
"""
MAIN = """\
#![no_std]
#![no_main]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
#[used]
static DATA: [u8; 8] = MARK;
#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    unsafe { core::ptr::read_volatile(&DATA) };
    loop {}
}
"""
READS_FILE = MAIN.replace("MARK", '*include_bytes!("../mark.txt")')
READS_VARIABLE = MAIN.replace(
    "MARK",
    """{
    let text = env!("MARK").as_bytes();
    let mut mark = [0; 8];
    let mut at = 0;
    while at < 8 { mark[at] = text[at]; at += 1; }
    mark
}""",
)
MANIFEST = '[package]\nname = "marked"\nversion = "0.1.0"\nedition = "2024"\n'
LOCK = 'version = 4\n\n[[package]]\nname = "marked"\nversion = "0.1.0"\n'
BUILD = """\
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=MARK={}", READ);
}
"""


def script(mark: str) -> str:
    """A linker script that puts `mark` into the kernel."""
    octets = " ".join(f"BYTE({ord(letter)})" for letter in mark)
    return f"ENTRY(_start)\nSECTIONS {{ . = 0x200000; .mark : {{ {octets} }} }}\n"


def project(make: MakeTree, files: dict[str, str], more: str = "", **environ: str) -> Tree:
    """A project whose kernel is in `kernel/`; `more` are settings of RustKernel."""
    basis = {
        "SConstruct": SCONSTRUCT.format(more=more),
        "x86_64-blog_os.json": (CHECKOUT / "x86_64-blog_os.json").read_text(),
        "kernel/Cargo.toml": MANIFEST,
        "kernel/Cargo.lock": LOCK,
        "kernel/src/main.rs": MAIN.replace("MARK", "[0; 8]"),
    }
    return make({**basis, **files}, **environ)


def marks(tree: Tree) -> set[str]:
    """The marks in the built kernel."""
    kernel = tree.root / "build/x86_64-blog_os/debug/marked"
    return set(re.findall("MARK-[0-9]{3}", kernel.read_bytes().decode("latin-1")))


def put(path: Path, text: str) -> None:
    """Write a file that passes for one of last year's."""
    path.write_text(text)
    os.utime(path, (time.time() - 3e7,) * 2)


@dataclass(frozen=True)
class Case:
    """A project whose kernel holds MARK-001, and the file that gets MARK-002 instead, with an old stamp."""

    files: dict[str, str]
    changed: str = "kernel/mark.txt"
    text: Callable[[str], str] = str
    more: str = ""


_FLAGS = '[target.x86_64-blog_os]\nrustflags = ["-Clink-arg=-T{}"]\n'
_MACRO = """\
#[proc_macro]
pub fn mark(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../kernel/mark.txt");
    format!("*b\\"{}\\"", std::fs::read_to_string(path).unwrap()).parse().unwrap()
}
"""
CASES = {
    "a file that the crate includes": Case({"kernel/src/main.rs": READS_FILE}),
    "a file that the build script reads": Case(
        {
            "kernel/src/main.rs": READS_VARIABLE,
            "kernel/build.rs": BUILD.replace("READ", 'std::fs::read_to_string("mark.txt").unwrap()'),
        }
    ),
    "the linker script of the configuration": Case(
        {"kernel/.cargo/config.toml": _FLAGS.format("mark.ld")}, "kernel/mark.ld", script
    ),
    "a linker script above the package": Case(
        {
            "Cargo.toml": '[workspace]\nmembers = ["kernel"]\nresolver = "3"\n',
            "Cargo.lock": LOCK,
            ".cargo/config.toml": _FLAGS.format("mark.ld"),
        },
        "mark.ld",
        script,
    ),
    "the linker script of RUSTFLAGS": Case(
        {}, "kernel/mark.ld", script, ', RUSTFLAGS=["-C", "link-args=-T mark.ld"]'
    ),
    "the linker script that the build script names": Case(
        {
            "kernel/build.rs": BUILD.replace("rustc-env=MARK={}", "rustc-link-arg=-T{}/mark.ld").replace(
                "READ", 'std::env::var("CARGO_MANIFEST_DIR").unwrap()'
            )
        },
        "kernel/mark.ld",
        script,
    ),
    "a file that a macro reads": Case(
        {
            "kernel/src/main.rs": MAIN.replace("MARK", "macros::mark!()"),
            "kernel/Cargo.toml": f'{MANIFEST}[dependencies]\nmacros = {{ path = "../macros" }}\n',
            "kernel/Cargo.lock": LOCK.replace('"marked"', '"macros"', 1)
            + '\n[[package]]\nname = "marked"\nversion = "0.1.0"\ndependencies = [\n "macros",\n]\n',
            "macros/Cargo.toml": MANIFEST.replace("marked", "macros") + "[lib]\nproc-macro = true\n",
            "macros/src/lib.rs": _MACRO,
        }
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_cargo_overlooks(tree: MakeTree, name: str) -> None:
    case = CASES[name]
    made = project(tree, {**case.files, case.changed: case.text("MARK-001")}, case.more)
    made.scons()
    assert marks(made) == {"MARK-001"}
    for mark in ("MARK-002", "MARK-003"):
        put(made.root / case.changed, case.text(mark))
        made.scons()
        assert marks(made) == {mark}
    assert made.rebuilt() == set()


def test_a_link_that_leads_elsewhere(tree: MakeTree) -> None:
    made = project(tree, {"kernel/src/main.rs": READS_FILE})
    link = made.root / "kernel/mark.txt"
    for number in (1, 2):
        put(made.root / f"kernel/{number}.txt", f"MARK-00{number}")
    link.symlink_to("1.txt")
    made.scons()
    link.unlink()
    link.symlink_to("2.txt")
    made.scons()
    assert marks(made) == {"MARK-002"}


def test_a_variable_that_the_build_script_reads_without_a_word(tree: MakeTree) -> None:
    build = BUILD.replace("READ", 'std::env::var("GIVEN").unwrap()')
    files = {"kernel/src/main.rs": READS_VARIABLE, "kernel/build.rs": build}
    made = project(tree, files, ', CARGO_ENV={"GIVEN": "MARK-001"}')
    made.scons()
    made.edit("SConstruct", "MARK-001", "MARK-002")
    made.scons()
    assert marks(made) == {"MARK-002"}


def test_a_build_that_failed_in_between(tree: MakeTree) -> None:
    made = project(tree, {"kernel/src/main.rs": READS_FILE, "kernel/mark.txt": "MARK-001"})
    made.scons()
    put(made.root / "kernel/mark.txt", "MARK-002")
    made.edit("kernel/src/main.rs", "loop {}\n}", "loop {} mistake\n}")
    made.scons(fails=True)
    put(made.root / "kernel/mark.txt", "MARK-001")
    made.edit("kernel/src/main.rs", " mistake", "")
    made.scons()
    assert marks(made) == {"MARK-001"}


def test_a_module_beside_another_of_the_same_name(tree: MakeTree) -> None:
    main = MAIN.replace("MARK", "foo::MARK") + "mod foo;\n"
    files = {"kernel/src/main.rs": main, "kernel/src/foo/mod.rs": 'pub const MARK: [u8; 8] = *b"MARK-001";\n'}
    made = project(tree, files)
    made.scons()
    shutil.copy(made.root / "kernel/src/foo/mod.rs", made.root / "kernel/src/foo.rs")
    assert "E0761" in made.scons(fails=True) or "E0584" in made.scons(fails=True)


@pytest.mark.parametrize("how", ["included", "by a linker script", "said by the build script"])
def test_a_file_outside_the_tree_must_be_declared(tree: MakeTree, tmp_path: Path, how: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text(script("MARK-001"))
    say = {"by a linker script": "rustc-link-arg=-T", "said by the build script": "rerun-if-changed="}
    build = f'fn main() {{ println!("cargo::{say.get(how, "warning=")}{outside}"); }}\n'
    main = MAIN.replace("MARK", f'{{ include_str!("{outside}"); [0; 8] }}') if how == "included" else MAIN
    files = {"kernel/src/main.rs": main.replace("MARK", "[0; 8]"), "kernel/build.rs": build}
    made = project(tree, files)
    told = made.scons(fails=True)
    assert f'RUST_INPUTS=["{outside}"]' in told
    made.edit("SConstruct", '.json"', f'.json", RUST_INPUTS=["{outside}"]')
    made.scons()
    outside.write_text(script("MARK-002"))
    assert "marked" in str(made.rebuilt()) or how == "said by the build script"


def test_a_variable_of_the_shell_is_refused(tree: MakeTree) -> None:
    made = project(tree, {"kernel/src/main.rs": READS_VARIABLE.replace('"MARK"', '"CARGO_NET_MARK"')})
    told = Tree(made.root, {"CARGO_NET_MARK": "MARK-001"}).scons(fails=True)
    assert "the crate reads the variable CARGO_NET_MARK" in told
    made.edit("SConstruct", '.json"', '.json", CARGO_ENV={"CARGO_NET_MARK": "MARK-002"}')
    made.scons()
    assert marks(made) == {"MARK-002"}


def test_an_edit_during_the_build_that_is_taken_back(tree: MakeTree, tmp_path: Path) -> None:
    wait = f"""\
fn main() {{
    while !std::path::Path::new("{tmp_path}/go").exists() {{
        std::fs::write("{tmp_path}/waits", "").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    }}
}}
"""
    files = {"kernel/src/main.rs": READS_FILE, "kernel/build.rs": wait, "kernel/mark.txt": "MARK-001"}
    made = project(tree, files)
    made.edit("SConstruct", "DefaultEnv", f'CacheDir("{tmp_path}/cache")\nDefaultEnv')
    with started([sys.executable, "-m", "SCons", "-Q"], cwd=made.root, env=environment()) as running:
        until = time.monotonic() + 300
        while not (tmp_path / "waits").exists() and time.monotonic() < until:
            time.sleep(0.05)
        (made.root / "kernel/mark.txt").write_text("MARK-002")
        (tmp_path / "go").touch()
        assert running.wait(timeout=300) == 0
    assert marks(made) == {"MARK-002"}
    (made.root / "kernel/mark.txt").write_text("MARK-001")
    made.scons()
    assert marks(made) == {"MARK-001"}
    made.scons("-c")
    made.scons()
    assert marks(made) == {"MARK-001"}


def test_a_kernel_that_holds_a_folder_is_not_in_the_cache_dir(tree: MakeTree, tmp_path: Path) -> None:
    text = 'env!("CARGO_MANIFEST_DIR")'
    main = MAIN.replace("static DATA: [u8; 8] = MARK", f"static DATA: &str = {text}")
    made = project(tree, {"kernel/src/main.rs": main})
    made.edit("SConstruct", "DefaultEnv", f'CacheDir("{tmp_path}/cache")\nDefaultEnv')
    assert "Not kept in CacheDir: marked holds the path" in made.scons()
    other = Tree(tmp_path / "other clone")
    shutil.copytree(
        made.root, other.root, symlinks=True, ignore=shutil.ignore_patterns("build", ".sconsign*")
    )
    other.scons()
    held = (other.root / "build/x86_64-blog_os/debug/marked").read_bytes()
    assert str(other.root).encode() in held and str(made.root).encode() not in held


def test_what_another_binary_reads_is_no_matter(tree: MakeTree) -> None:
    plain = MAIN.replace("MARK", "[0; 8]")
    files = {
        "kernel/src/bin/one.rs": plain.replace("[0; 8]", '*include_bytes!("../../../shared/mark.txt")'),
        "kernel/src/bin/two.rs": plain,
        "shared/mark.txt": "MARK-001",
        "SConstruct": SCONSTRUCT.format(more=', RUST_BINS=["one"], RUST_INPUTS=["shared"]')
        + 'other = env.RustKernel("kernel", RUST_TARGET="x86_64-blog_os.json", RUST_BINS=["two"])\n'
        + "Default(other)\n",
    }
    made = project(tree, files)
    (made.root / "kernel/src/main.rs").unlink()
    made.scons()
    (made.root / "kernel/src/bin/one.rs").unlink()
    made.edit("SConstruct", "Default(kernel)", "")
    made.edit("SConstruct", 'RUST_BINS=["one"], RUST_INPUTS=["shared"]', 'RUST_BINS=["three"]')
    (made.root / "kernel/src/bin/three.rs").write_text(plain)
    made.scons()
