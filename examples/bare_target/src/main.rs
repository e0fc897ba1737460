//! A position-independent kernel that follows a table of addresses, which the loader had to fill in.

#![no_std]
#![no_main]

use bootloader_api::{BootInfo, entry_point};
use core::arch::asm;
use core::panic::PanicInfo;

/// The words of the greeting: each entry is an address that is known only when the kernel is loaded.
static WORDS: [&str; 3] = ["Hello ", "from anywhere", "!\n"];

entry_point!(start);

fn start(_boot_info: &'static mut BootInfo) -> ! {
    core::hint::black_box(&WORDS).iter().copied().for_each(say);
    stop()
}

/// Write `text` to the first serial port.
fn say(text: &str) {
    for byte in text.bytes() {
        // SAFETY: the serial port accesses no memory.
        unsafe { asm!("out dx, al", in("dx") 0x3f8_u16, in("al") byte, options(nomem, nostack)) }
    }
}

fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    stop()
}
