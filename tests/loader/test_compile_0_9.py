"""Loader 0.9 for real: the image is the one that the crate's own recipe makes, and it boots."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from example_kernel import Kernel, make_context

from bootimage.base.errors import BuildError
from bootimage.cargo.crate_sources import copy_crates
from bootimage.cargo.manifest import read_package
from bootimage.cargo.messages import executables
from bootimage.cargo.metadata_tables import BootloaderSettings
from bootimage.cargo.sealed_build import copy_source, run_sealed
from bootimage.image.flat_image import provide_flat_image
from bootimage.loader import compile_0_9
from bootimage.loader.choose_loader import Loader
from bootimage.loader.compile_0_9 import Recipe
from bootimage.loader.loader_0_9 import FlatLoader, loader_key, provide_loader
from bootimage.loader.loader_source import source_of
from bootimage.machine.launch import Mode, running
from bootimage.machine.qemu import Machine, find_qemu
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.target import Target
from bootimage.toolchain.toolchain import Toolchain

TEXT_BUFFER = 0xB8000

# A kernel that reports where things are: to the text buffer, eight bytes each.
REPORTER = """\
#![no_std]
#![no_main]

#[unsafe(no_mangle)]
pub extern "C" fn _start(info: &'static bootloader::BootInfo) -> ! {
    let here = 0u8;
    let told = [info as *const _ as u64, &raw const here as u64, info.physical_memory_offset, 0xaa55];
    for (index, &number) in told.iter().enumerate().rev() {
        unsafe { (0xb8000 as *mut u64).add(index).write_volatile(number) };
    }
    loop {}
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
"""
SETTINGS = """
[package.metadata.bootloader]
boot-info-address = "0x300000000000"
kernel-stack-address = "0x200000000000"
kernel-stack-size = 16
physical-memory-offset = "0x100000000000"
"""


def image_of(kernel: Kernel) -> Path:
    """The kernel's disk image, built now."""
    out = kernel.folder / "image.bin"
    provide_flat_image(kernel.context, kernel.loader(), kernel.elf(), out)
    return out


async def _text_buffer(image: Path, start: bytes, length: int) -> bytes:
    machine = Machine(find_qemu(os.environ), image, no_reboot=True)
    async with running(machine, Mode()) as (guest, launched), asyncio.timeout(60):
        await guest.start()
        seen = b""
        while not seen.startswith(start):
            await asyncio.sleep(0.1)
            assert launched.monitor is not None
            command = f"xp /{length}xb {TEXT_BUFFER:#x}"
            told = await launched.monitor.execute("human-monitor-command", command_line=command)
            seen = bytes(int(word, 16) for line in told.splitlines() for word in line.split()[1:])
        return seen


def text_buffer(image: Path, start: bytes, length: int) -> bytes:
    """Boot `image` and return the text buffer's first bytes as soon as they begin with `start`."""
    return asyncio.run(_text_buffer(image, start, length))


@pytest.mark.rust
@pytest.mark.boot
def test_the_example_greets(kernel: Kernel) -> None:
    image = image_of(kernel)
    assert image.stat().st_size % 512 == 0
    expected = b"".join(bytes([letter, 0xB]) for letter in b"Hello World!")
    # The loader has cleared the screen before: a blank follows.
    assert text_buffer(image, b"H\x0b", 26)[:24] == expected


@pytest.mark.rust
@pytest.mark.boot
def test_a_target_that_the_compiler_has_built_in(kernel: Kernel) -> None:
    """It is position-independent, which this loader cannot do; the error's own advice makes it boot."""
    target = Target("x86_64-unknown-none")
    build = replace(kernel.build, target=target, sysroot=Sysroot(target))
    with pytest.raises(BuildError) as caught:
        image_of(replace(kernel, build=build))
    flag = "-Crelocation-model=static"
    assert f'RUSTFLAGS=["{flag}"]' in str(caught.value)
    built = replace(build, rustflags=(flag,), sysroot=Sysroot(target, flags=(flag,)))
    assert text_buffer(image_of(replace(kernel, build=built)), b"H\x0b", 24).startswith(
        b"H\x0be\x0bl\x0bl\x0bo\x0b"
    )


@pytest.mark.rust
def test_the_image_is_that_of_the_crates_own_recipe(kernel: Kernel) -> None:
    """The same compiler flags and sysroot, but kernel embedded and linked by the loader's own build."""
    elf, flat = kernel.elf(), kernel.loader()
    image = image_of(kernel).read_bytes()
    whole = _built_by_its_own_recipe(kernel, flat, elf)
    assert image.rstrip(b"\0") == whole.rstrip(b"\0")
    assert len(image) == -(-len(whole) // 512) * 512
    stripped = kernel.folder / "stripped"
    objcopy = kernel.context.toolchain.objcopy()
    subprocess.run([objcopy, "--strip-debug", elf, stripped], check=True)
    assert image.rstrip(b"\0").endswith(stripped.read_bytes().rstrip(b"\0"))


def _built_by_its_own_recipe(kernel: Kernel, flat: FlatLoader, elf: Path) -> bytes:
    """Build the loader with the kernel in it, as `cargo bootimage` does, but with our sysroot and flags."""
    context, folder = kernel.context, kernel.folder.parent / "whole"
    folder.mkdir()
    package = read_package(source_of(context, flat.kernel, flat.loader), context.toolchain.cargo_home())
    recipe = Recipe(package, flat.features, flat.settings, "the whole", flat.sources)
    target, _ = compile_0_9._without_linking(compile_0_9._specification(context, package))
    source = copy_source(package.folder, folder)
    compile_0_9._write_lock(context, package, source)
    crates = copy_crates(context, flat.sources, source / "Cargo.toml", folder)
    linking = "-Clink-args=--script=linker.ld --gc-sections"
    flags = [
        linking if flag == compile_0_9._ONE_OBJECT else flag
        for flag in compile_0_9._flags(context, recipe, target, folder)
    ]
    path = os.pathsep.join([str(_with_real_programs(folder)), context.toolchain.sealed_environment()["PATH"]])
    kernel_variables = {"KERNEL": str(elf), "KERNEL_MANIFEST": str(flat.kernel), "PATH": path}
    command = compile_0_9._command(context, recipe, target, folder)
    finished = run_sealed(context, folder, command, flags, crates, step=None, variables=kernel_variables)
    program = executables(finished.or_fail("the recipe does not work").stdout)["bootloader"]
    into = ["-I", "elf64-x86-64", "-O", "binary", "--binary-architecture=i386:x86-64"]
    subprocess.run([context.toolchain.objcopy(), *into, program, folder / "flat"], check=True)
    return (folder / "flat").read_bytes()


def _with_real_programs(folder: Path) -> Path:
    """For PATH: a folder where the loader's build script finds the LLVM programs of Debian's package llvm."""
    path = compile_0_9.write_stand_ins(folder / "llvm")
    for stand_in in (folder / "llvm/lib/rustlib/stand-ins/bin").iterdir():
        real = shutil.which(stand_in.name)
        assert real, f"{stand_in.name} is missing: apt-get install -y --no-install-recommends llvm"
        stand_in.unlink()
        stand_in.symlink_to(real)
    return path


@pytest.mark.rust
def test_another_kernel_needs_no_compiler_for_its_loader(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = image_of(kernel).read_bytes()
    monkeypatch.setattr(
        compile_0_9, "run_sealed", lambda *_, **__: pytest.fail("the loader is compiled again")
    )
    kernel.edit("src/main.rs", "Hello World!", "Good morning")
    second = image_of(kernel).read_bytes()
    assert b"Hello World!" in first and b"Good morning" in second


@pytest.mark.rust
@pytest.mark.boot
def test_features_and_settings_reach_the_loader(kernel: Kernel) -> None:
    kernel.edit("Cargo.toml", '"0.9.35"', '{ version = "0.9.35", features = ["map_physical_memory"] }')
    kernel.edit("Cargo.toml", "\n[dep", f"{SETTINGS}\n[dep")
    (kernel.folder / "src/main.rs").write_text(REPORTER)
    assert kernel.loader().features == ("default", "map_physical_memory")
    told = text_buffer(image_of(kernel), struct.pack("<Q", 0x3000_0000_0000), 32)
    _info, stack, memory, last = struct.unpack("<4Q", told)
    first = 0x2000_0000_0000 + 4096  # the page before is left out, to catch an overflow
    assert first < stack < first + 16 * 4096
    assert (memory, last) == (0x1000_0000_0000, 0xAA55)


@pytest.mark.rust
def test_an_offset_without_its_feature(kernel: Kernel) -> None:
    kernel.edit("Cargo.toml", "\n[dep", f"{SETTINGS}\n[dep")
    with pytest.raises(BuildError, match="needs the loader's feature `map_physical_memory`") as caught:
        kernel.loader()
    assert caught.value.line == 11


@pytest.mark.rust
@pytest.mark.parametrize("origin", ["path", "git"])
def test_a_loader_from_elsewhere(kernel: Kernel, tmp_path: Path, origin: str) -> None:
    """The same source gives the same bytes, wherever it lies."""
    published = provide_loader(kernel.context, kernel.loader())
    mine = _take_source(kernel, tmp_path / "mine")
    if origin == "path":
        _depend_on(kernel, 'path = "../mine"', None)
    else:
        commit = _commit(mine)
        _depend_on(kernel, f'git = "file://{mine}"', f"git+file://{mine}#{commit}")
    assert kernel.loader().loader.origin == origin
    assert provide_loader(kernel.context, kernel.loader()).blobs == published.blobs


@pytest.mark.rust
def test_what_a_loader_on_this_machine_depends_on(kernel: Kernel, tmp_path: Path) -> None:
    toolchain = kernel.context.toolchain
    mine = _take_source(kernel, tmp_path / "mine")
    _depend_on(kernel, 'path = "../mine"', None)
    key = loader_key(toolchain, kernel.loader())
    shutil.copytree(mine, tmp_path / "moved/mine")
    shutil.copytree(kernel.folder, tmp_path / "moved/vga_text")
    moved = replace(kernel, build=replace(kernel.build, manifest=tmp_path / "moved/vga_text/Cargo.toml"))
    assert loader_key(toolchain, moved.loader()) == key
    (mine / "src/stage_1.s").write_text("# nothing\n")
    assert loader_key(toolchain, kernel.loader()) != key


@pytest.mark.rust
def test_a_loader_too_old_for_the_compilers_of_today(kernel: Kernel, tmp_path: Path) -> None:
    mine = _take_source(kernel, tmp_path / "mine")
    _depend_on(kernel, 'path = "../mine"', None)
    for file in (mine / "Cargo.toml", mine / "Cargo.lock", kernel.folder / "Cargo.lock"):
        file.write_text(file.read_text().replace('"0.9.35"', '"0.9.30"'))
    main = mine / "src/main.rs"
    main.write_text(main.read_text().replace("#[panic_handler]", "#[panic_handler]\n#[no_mangle]"))
    with pytest.raises(BuildError, match=r"bootloader 0\.9\.30 does not build") as caught:
        provide_loader(kernel.context, kernel.loader())
    assert "cargo update -p bootloader --precise 0.9.31" in str(caught.value)


def _take_source(kernel: Kernel, folder: Path) -> Path:
    """A copy of the published loader's source in `folder`."""
    loader = kernel.loader()
    source = source_of(kernel.context, loader.kernel, loader.loader).parent
    return Path(shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".cargo*")))


def _depend_on(kernel: Kernel, place: str, source: str | None) -> None:
    kernel.edit("Cargo.toml", 'bootloader = "0.9.35"', f"bootloader = {{ {place} }}")
    lock = kernel.folder / "Cargo.lock"
    kept = [line for line in lock.read_text().splitlines() if not line.startswith(("source", "checksum"))]
    if source:
        kept.insert(kept.index('version = "0.9.35"') + 1, f'source = "{source}"')
    lock.write_text("\n".join([*kept, ""]))


def _commit(folder: Path) -> str:
    """Make a git repository of `folder` and return the commit."""
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "The loader"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


@pytest.mark.rust
def test_the_same_bytes_with_another_home(kernel: Kernel, tmp_path: Path) -> None:
    """What cargo downloads lies elsewhere, and so does everything that is built."""
    home = tmp_path / "another home"
    for part in ("cache", "index"):
        shutil.copytree(kernel.context.toolchain.cargo_home() / "registry" / part, home / "registry" / part)
    other = make_context(kernel.context.store.root, CARGO_HOME=str(home))
    made = []
    for number, context in enumerate((kernel.context, other)):
        folder = tmp_path / f"made {number}"
        folder.mkdir()
        flat = replace(kernel, context=context).loader()
        package = read_package(source_of(context, flat.kernel, flat.loader), context.toolchain.cargo_home())
        recipe = Recipe(package, flat.features, flat.settings, "a loader", flat.sources)
        made.append(compile_0_9.compile_relocatable(context, recipe, folder))
    assert package.folder.is_relative_to(home)
    for name in made[0]:
        assert made[0][name].read_bytes() == made[1][name].read_bytes()


def test_what_a_loader_depends_on() -> None:
    facts = {"identity": "a", "release": "1.97.0-nightly", "commit_date": "2026-05-19"}
    toolchain = cast(
        Toolchain, SimpleNamespace(**facts, objcopy_digest=lambda: "", rules=SimpleNamespace(pinned=()))
    )
    loader = Loader("0.9", "bootloader", "0.9.35", "registry", "c0ffee")
    flat = FlatLoader(loader, Path("/one/Cargo.toml"), ("default",), BootloaderSettings())
    key = loader_key(toolchain, flat)
    assert loader_key(toolchain, replace(flat, kernel=Path("/two/Cargo.toml"))) == key
    others = [
        replace(flat, loader=replace(loader, version="0.9.34")),
        replace(flat, loader=replace(loader, checksum="decade")),
        replace(flat, features=("default", "sse")),
        replace(flat, settings=BootloaderSettings(kernel_stack_size=1)),
    ]
    assert len({key, *(loader_key(toolchain, each) for each in others)}) == 5
