//! The kernel's conversation, whose other side is in the SConstruct.

#![no_std]
#![no_main]

use bootloader_api::{BootInfo, entry_point};
use core::panic::PanicInfo;
use loader011_tests::qemu::{ExitCode, exit};

entry_point!(start);

fn start(_boot_info: &'static mut BootInfo) -> ! {
    loader011_tests::converse();
    exit(ExitCode::Success)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    loader011_tests::fail(info)
}
