//! A kernel that calculates on the serial line.

#![no_std]
#![no_main]

use bootloader_api::{BootInfo, entry_point};
use core::fmt::Write;
use core::panic::PanicInfo;
use loader011_tests::{converse, qemu::Serial};

entry_point!(start);

fn start(_boot_info: &'static mut BootInfo) -> ! {
    converse();
    _ = writeln!(Serial, "Good bye.");
    loop {}
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    _ = writeln!(Serial, "{info}");
    loop {}
}
