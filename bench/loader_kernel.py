"""A minimal kernel for one version of the loader, which ends QEMU with success as soon as it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bench.loader_table import Cell
from bootimage.base.errors import BuildError
from bootimage.base.run_program import run
from bootimage.cargo.manifest import read_package
from bootimage.context import BuildContext
from bootimage.image.image_files import Images
from bootimage.image.kernel_images import KernelImages, provide_images
from bootimage.kernel.crate_build import CrateBuild, build_crate
from bootimage.kernel_test.run_tests import GuestTest, run_guest_test
from bootimage.loader.compile_0_11 import provide_program
from bootimage.loader.loader_0_11 import PROGRAMS
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
{crate} = "={version}"

[workspace]
"""
# What the loader has filled in must be readable, and make sense. `@` is what differs between the families.
_MAIN = """\
#![no_std]
#![no_main]

@crate@::entry_point!(kernel_main);

fn kernel_main(boot_info: @boot_info@) -> ! {
    let verdict: u32 = if boot_info.@regions@ > 0 { 0x10 } else { 0x11 };
    unsafe { core::arch::asm!("out dx, eax", in("dx") 0xf4u16, in("eax") verdict) };
    loop {}
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo) -> ! {
    loop {}
}
"""


_FAMILIES: Mapping[str, Mapping[str, str]] = {
    "0.9": {
        "crate": "bootloader",
        "boot_info": "&'static bootloader::BootInfo",
        "regions": "memory_map.iter().count()",
    },
    "0.11": {
        "crate": "bootloader_api",
        "boot_info": "&'static mut bootloader_api::BootInfo",
        "regions": "memory_regions.len()",
    },
}


def build_kernel(context: BuildContext, version: str, folder: Path) -> Images:
    """The images of the kernel for loader `version`, made in the new folder `folder`."""
    family = _FAMILIES[version.rpartition(".")[0]]
    main = _MAIN
    for name, text in family.items():
        main = main.replace(f"@{name}@", text)
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(_MANIFEST.format(crate=family["crate"], version=version))
    (folder / "src" / "main.rs").write_text(main)
    lock = [str(context.toolchain.cargo), "generate-lockfile"]
    run(lock, env=context.environment(), cwd=folder, quiet=True).or_fail(
        f"there is no {family['crate']} {version}", file=folder / "Cargo.toml"
    )
    target = read_specification(context.toolchain, _SPECIFICATION)
    build = CrateBuild(folder / "Cargo.toml", target, folder / "target", folder, Sysroot(target))
    kernel = build_crate(context, build)["minimal"]
    package = read_package(folder / "Cargo.toml", context.toolchain.cargo_home())
    return provide_images(context, KernelImages(package, kernel, folder, target=target))


def run_kernel(images: Images) -> dict[str, str]:
    """Boot the images; for each firmware on which the kernel did not report success, why."""
    machines = {"bios": Machine(find_qemu(os.environ), images.bios, display="none")}
    if images.uefi is not None:
        firmware = find_firmware(os.environ)
        machines["uefi"] = Machine(find_qemu(os.environ), images.uefi, firmware, display="none")
    results = {
        firmware: run_guest_test(GuestTest(firmware, machine, limit=_LIMIT_S))
        for firmware, machine in machines.items()
    }
    return {
        firmware: " ".join([result.detail, *result.serial_tail[-1:]])
        for firmware, result in results.items()
        if not result.passed
    }


def try_loader(context: BuildContext, version: str, scratch: Path, boots: bool = True) -> Cell:
    """Build a loader, and let it boot a kernel in the new folder `scratch`."""
    if version.startswith("0.11.") and (why := _failed_program(context, version)):
        return Cell(builds=False, reason=why)
    if not boots:
        return Cell(builds=True)
    try:
        images = build_kernel(context, version, scratch)
        failures = run_kernel(images)
    except BuildError as error:
        return Cell(builds=version.startswith("0.11."), reason=f"kernel: {error.message}")
    return Cell(
        builds=True,
        bios="bios" not in failures,
        uefi="uefi" not in failures if images.uefi else None,
        reason="; ".join(f"{firmware}: {why}" for firmware, why in failures.items()),
    )


def _failed_program(context: BuildContext, version: str) -> str:
    """Build the programs of a loader 0.11; why the first that fails does not build, empty for none."""
    for program in reversed(PROGRAMS):  # the ones with most code first: they fail first
        try:
            provide_program(context, Release(version), program)
        except BuildError as error:
            why = error.message.partition(f" does not build with rustc {context.toolchain.release}: ")[2]
            return f"{program.name}: {why or error.message}"
    return ""
