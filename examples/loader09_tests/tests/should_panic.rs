//! A test that passes when it panics, and fails when it does not.

#![no_std]
#![no_main]

use bootloader::{BootInfo, entry_point};
use core::fmt::Write;
use core::panic::PanicInfo;
use loader09_tests::qemu::{ExitCode, Serial, exit};

entry_point!(start);

fn start(_boot_info: &'static BootInfo) -> ! {
    assert_eq!(loader09_tests::digit_sum(11), 3);
    _ = writeln!(Serial, "it did not panic");
    exit(ExitCode::Failure)
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    _ = writeln!(Serial, "it panicked, as it should");
    exit(ExitCode::Success)
}
