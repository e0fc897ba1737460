//! What the kernel and its tests share: a test runner, and the way to tell QEMU how it went.

#![no_std]
#![cfg_attr(test, no_main)]
#![feature(custom_test_frameworks)]
#![test_runner(crate::run_tests)]
#![reexport_test_harness_main = "test_main"]

pub mod qemu;

use core::any::type_name;
use core::fmt::Write;
use core::panic::PanicInfo;
use qemu::{ExitCode, Serial, exit};

/// Something that can be run as a test, and has a name.
pub trait Test {
    fn run(&self);
}

impl<T: Fn()> Test for T {
    fn run(&self) {
        _ = write!(Serial, "{} ... ", type_name::<T>());
        self();
        _ = writeln!(Serial, "ok");
    }
}

/// Run every test and end QEMU with success.
pub fn run_tests(tests: &[&dyn Test]) {
    _ = writeln!(Serial, "running {} tests", tests.len());
    tests.iter().for_each(|test| test.run());
    exit(ExitCode::Success)
}

/// What a panic means in a test: it has failed.
pub fn fail(info: &PanicInfo) -> ! {
    _ = writeln!(Serial, "FAILED\n{info}");
    exit(ExitCode::Failure)
}

/// The sum of the digits of a decimal number.
pub fn digit_sum(number: u32) -> u32 {
    if number < 10 {
        number
    } else {
        number % 10 + digit_sum(number / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    bootloader::entry_point!(start);

    fn start(_boot_info: &'static bootloader::BootInfo) -> ! {
        test_main();
        loop {}
    }

    #[panic_handler]
    fn panic(info: &PanicInfo) -> ! {
        fail(info)
    }

    #[test_case]
    fn sums_digits() {
        assert_eq!(digit_sum(1999), 28);
    }

    #[test_case]
    fn zero_has_one_digit() {
        assert_eq!(digit_sum(0), 0);
    }
}
