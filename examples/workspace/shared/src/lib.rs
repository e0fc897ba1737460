//! What both kernels need: a serial line to speak on, and a way to stop.

#![no_std]

use core::arch::asm;
use core::fmt::{self, Write};

/// The first serial port. QEMU's model of one needs no set-up.
pub struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the serial port accesses no memory.
            unsafe {
                asm!("out dx, al", in("dx") 0x3f8_u16, in("al") byte, options(nomem, nostack))
            }
        }
        Ok(())
    }
}

/// Say who is there.
pub fn greet(name: &str) {
    _ = writeln!(Serial, "The {name} kernel of the workspace is up.");
}

/// Do nothing more.
pub fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
