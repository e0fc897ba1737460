//! A pocket calculator for the serial line, with unit tests, and what all tests share.

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

/// The answer to a line such as `add 19 23`; None for anything else.
pub fn answer(line: &str) -> Option<i64> {
    let mut words = line.split_whitespace();
    let verb = words.next()?;
    let numbers = words.map(|word| word.parse::<i64>().ok());
    match verb {
        "add" => numbers.sum(),
        "multiply" => numbers.product(),
        _ => None,
    }
}

/// Answer lines until one is `quit`.
pub fn converse() {
    let mut buffer = [0; 80];
    loop {
        _ = write!(Serial, "> ");
        match Serial.read_line(&mut buffer) {
            "quit" => break,
            line => match answer(line) {
                Some(number) => _ = writeln!(Serial, "{number}"),
                None => _ = writeln!(Serial, "{line}: add or multiply numbers, or quit"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    bootloader_api::entry_point!(start);

    fn start(_boot_info: &'static mut bootloader_api::BootInfo) -> ! {
        test_main();
        loop {}
    }

    #[panic_handler]
    fn panic(info: &PanicInfo) -> ! {
        fail(info)
    }

    #[test_case]
    fn adds_and_multiplies() {
        assert_eq!(answer("add 1 2 3"), Some(6));
        assert_eq!(answer("multiply 2 -3"), Some(-6));
    }

    #[test_case]
    fn refuses_what_is_no_number() {
        assert_eq!(answer("add 1 two"), None);
        assert_eq!(answer(""), None);
    }
}
