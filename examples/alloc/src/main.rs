//! A kernel that uses vectors and strings.

#![no_std]
#![no_main]

extern crate alloc;

mod bump;

use alloc::{format, string::String, vec::Vec};
use bootloader_api::{BootInfo, entry_point};
use core::arch::asm;
use core::panic::PanicInfo;

#[global_allocator]
static HEAP: bump::Bump = bump::Bump::new();

entry_point!(start);

fn start(_boot_info: &'static mut BootInfo) -> ! {
    let squares: Vec<u64> = (1..=10).map(|number| number * number).collect();
    let listed: Vec<String> = squares.iter().map(|square| format!("{square}")).collect();
    say(&format!(
        "{} add up to {}\n",
        listed.join(" + "),
        squares.iter().sum::<u64>()
    ));
    loop {
        core::hint::spin_loop();
    }
}

/// Write `text` to the first serial port.
fn say(text: &str) {
    for byte in text.bytes() {
        // SAFETY: the serial port accesses no memory.
        unsafe { asm!("out dx, al", in("dx") 0x3f8_u16, in("al") byte, options(nomem, nostack)) }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    say(info
        .message()
        .as_str()
        .unwrap_or("the kernel has panicked\n"));
    loop {
        core::hint::spin_loop();
    }
}
