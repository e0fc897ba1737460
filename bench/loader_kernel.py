"""A minimal kernel for one version of the loader 0.11, which ends QEMU with success as soon as it runs."""

from __future__ import annotations

import os
from pathlib import Path

from bootimage.base.run_program import run
from bootimage.context import BuildContext
from bootimage.image.image_files import Images
from bootimage.image.kernel_images import write_images
from bootimage.kernel.crate_build import CrateBuild, build_crate
from bootimage.kernel_test.run_tests import GuestTest, run_guest_test
from bootimage.loader.loader_release import Release
from bootimage.machine.qemu import Machine, find_qemu
from bootimage.machine.uefi_firmware import find_firmware
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.read_target import read_specification

_LIMIT_S = 240.0
_SPECIFICATION = Path(__file__).resolve().parent.parent / "x86_64-blog_os.json"

_MANIFEST = """\
[package]
name = "minimal"
version = "0.0.0"
edition = "2021"

[dependencies]
bootloader_api = "={version}"

[workspace]
"""
_MAIN = """\
#![no_std]
#![no_main]

bootloader_api::entry_point!(kernel_main);

fn kernel_main(boot_info: &'static mut bootloader_api::BootInfo) -> ! {
    // What the loader has filled in must be readable, and make sense.
    let verdict: u32 = if boot_info.memory_regions.len() > 0 { 0x10 } else { 0x11 };
    unsafe { core::arch::asm!("out dx, eax", in("dx") 0xf4u16, in("eax") verdict) };
    loop {}
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
"""


def build_kernel(context: BuildContext, version: str, folder: Path) -> Images:
    """The images of the kernel for loader `version`, made in the new folder `folder`."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(_MANIFEST.format(version=version))
    (folder / "src" / "main.rs").write_text(_MAIN)
    lock = [str(context.toolchain.cargo), "generate-lockfile"]
    run(lock, env=context.environment(), cwd=folder, quiet=True).or_fail(
        f"there is no bootloader_api {version}", file=folder / "Cargo.toml"
    )
    target = read_specification(context.toolchain, _SPECIFICATION)
    build = CrateBuild(folder / "Cargo.toml", target, folder / "target", folder, Sysroot(target))
    return write_images(context, build_crate(context, build)["minimal"], Release(version), folder)


def run_kernel(images: Images) -> dict[str, str]:
    """Boot the images; for each firmware on which the kernel did not report success, why."""
    assert images.uefi is not None
    machines = {
        "bios": Machine(find_qemu(os.environ), images.bios, display="none"),
        "uefi": Machine(find_qemu(os.environ), images.uefi, find_firmware(os.environ), display="none"),
    }
    results = {
        firmware: run_guest_test(GuestTest(firmware, machine, limit=_LIMIT_S))
        for firmware, machine in machines.items()
    }
    return {
        firmware: " ".join([result.detail, *result.serial_tail[-1:]])
        for firmware, result in results.items()
        if not result.passed
    }
