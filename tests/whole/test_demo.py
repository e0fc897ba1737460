"""The demo, built by the real compiler and booted for real: what README promises."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from child_processes import started
from demo_tree import CHECKOUT, Tree, environment
from PIL import Image

from bootimage.machine.qemu import find_qemu
from bootimage.machine.uefi_firmware import find_firmware

pytestmark = [pytest.mark.rust, pytest.mark.boot]

SHADE, STEP = 0x90, 71
IMAGES = {
    "run-qemu": "bootimage-bios-blog_os",
    "run-qemu-uefi": "bootimage-uefi-blog_os",
}


def picture(tree: Tree, goal: str, folder: str = "x86_64-blog_os/debug") -> Image.Image:
    """The guest's screen after `scons GOAL`, from the file that the run names."""
    said = tree.scons(goal, timeout=120)
    path = tree.root / "build" / folder / f"{IMAGES[goal]}.png"
    assert f"Screen: {path}" in said
    return Image.open(path).convert("RGB")


def pattern(width: int, height: int, bytes_per_pixel: int) -> bytes:
    """The RGB bytes of a screen whose frame buffer holds the pattern, blue first."""
    period = bytes((SHADE + STEP * i) % 256 for i in range(256))
    size = width * height * bytes_per_pixel
    buffer = (period * (size // 256 + 1))[:size]
    rgb = bytearray(width * height * 3)
    for channel in range(3):
        rgb[2 - channel :: 3] = buffer[channel::bytes_per_pixel]
    return bytes(rgb)


@pytest.mark.parametrize("goal", IMAGES)
def test_paints_every_byte(built: Tree, goal: str) -> None:
    screen = picture(built, goal)
    assert screen.width >= 640
    assert screen.getcolors() == [(screen.width * screen.height, (SHADE, SHADE, SHADE))]


@pytest.mark.parametrize(("goal", "depth"), [("run-qemu", 3), ("run-qemu-uefi", 4)])
def test_paints_the_pattern(built: Tree, goal: str, depth: int) -> None:
    built.edit("SConstruct", '"kernel", ', '"kernel", RUST_FEATURES=["pattern"], ')
    screen = picture(built, goal)
    assert screen.tobytes() == pattern(screen.width, screen.height, depth)


def test_boots_an_optimized_kernel(built: Tree) -> None:
    said = built.scons("--release", "run-qemu", timeout=200)
    path = built.root / "build/x86_64-blog_os/release/bootimage-bios-blog_os.png"
    assert f"Screen: {path}" in said
    assert Image.open(path).convert("RGB").getcolors(1) is not None


def test_the_guest_cannot_change_its_image(built: Tree) -> None:
    images = sorted((built.root / "build/x86_64-blog_os/debug").glob("bootimage-*.bin"))
    before = [hashlib.sha256(path.read_bytes()).digest() for path in images]
    picture(built, "run-qemu-uefi")
    assert [hashlib.sha256(path.read_bytes()).digest() for path in images] == before


# The two commands of the text, with `build` for `target`; what follows ends the guest by itself.
TEXT_COMMANDS = {
    "bios": "-drive format=raw,file=build/x86_64-blog_os/debug/bootimage-bios-blog_os.bin",
    "uefi": "-drive format=raw,file=build/x86_64-blog_os/debug/bootimage-uefi-blog_os.bin "
    "-drive if=pflash,format=raw,file={code}, -drive if=pflash,format=raw,file={vars},",
}


@pytest.mark.parametrize("firmware", TEXT_COMMANDS)
def test_the_commands_of_the_text(built: Tree, firmware: str, tmp_path: Path) -> None:
    code, variables = tmp_path / "code.fd", tmp_path / "vars.fd"
    found = find_firmware(os.environ)
    code.write_bytes(found.code.read_bytes())
    variables.write_bytes(found.vars_template.read_bytes())
    words = TEXT_COMMANDS[firmware].format(code=code, vars=variables).replace(", ", " ").rstrip(",").split()
    serial = tmp_path / "serial"
    command = [find_qemu(os.environ), *words, "-display", "none", "-no-reboot", "-serial", f"file:{serial}"]
    with started(command, cwd=built.root) as guest:
        wait_for(serial, b"Jumping to kernel entry point", guest)


def test_the_readme_without_scons(built: Tree) -> None:
    """The code as it is printed, in the demo's top folder."""
    section = (CHECKOUT / "README.md").read_text().partition("\n## Without SCons\n")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    assert "create_bootimage(" in code and "locate_bootloader(" in code
    disk = built.root / "build/x86_64-blog_os/debug/bootimage-bios-blog_os.bin"
    disk.unlink()
    finished = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(locate_bootloader())"],
        cwd=built.root,
        env={**environment(), "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert finished.returncode == 0, finished.stderr
    assert disk.is_file()
    assert Path(finished.stdout.splitlines()[-1]).parent.name == "bootloader_api-0.11.17"


def wait_for(file: Path, text: bytes, guest: subprocess.Popen[bytes], seconds: float = 90) -> None:
    """Wait until `text` is in `file`, which the guest writes."""
    for _tenth in range(int(seconds * 10)):
        if file.exists() and text in file.read_bytes():
            return
        assert guest.poll() is None, "the guest ended"
        subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError(f"no {text!r} in {seconds} s: {file.read_bytes()[-500:]!r}")


def test_clean_takes_the_tests_and_what_editors_were_told_with_it(built: Tree) -> None:
    built.scons("test-kernel", "TEST=screen", "rust-analyzer")
    assert (built.root / "kernel/.cargo/config.toml").is_file()
    built.scons("-c")
    left = sorted(path for path in (built.root / "build").rglob("*") if path.is_file())
    assert left == []
    assert not (built.root / "kernel/.cargo/config.toml").exists()
