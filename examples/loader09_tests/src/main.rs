//! A kernel that adds up the digits of a number and says so on the serial line.

#![no_std]
#![no_main]
#![feature(custom_test_frameworks)]
#![test_runner(loader09_tests::run_tests)]
#![reexport_test_harness_main = "test_main"]

use bootloader::{BootInfo, entry_point};
use core::fmt::Write;
use core::panic::PanicInfo;
use loader09_tests::{digit_sum, qemu::Serial};

entry_point!(start);

fn start(_boot_info: &'static BootInfo) -> ! {
    #[cfg(test)]
    test_main();

    _ = writeln!(
        Serial,
        "The digits of {YEAR} add up to {}.",
        digit_sum(YEAR)
    );
    loop {}
}

const YEAR: u32 = 2026;

#[cfg(not(test))]
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    _ = writeln!(Serial, "{info}");
    loop {}
}

#[cfg(test)]
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    loader09_tests::fail(info)
}

#[test_case]
fn the_year_adds_up() {
    assert_eq!(digit_sum(YEAR), 10);
}
