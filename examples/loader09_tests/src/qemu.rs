//! The two devices by which a test tells how it went: the serial port, and the one that ends QEMU.

use core::arch::asm;
use core::fmt::{self, Write};

/// What a test ends QEMU with; QEMU's exit code is twice that, plus one.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum ExitCode {
    Success = 0x10,
    Failure = 0x11,
}

/// End QEMU. Without its device `isa-debug-exit`, stop.
pub fn exit(code: ExitCode) -> ! {
    out_byte(0xf4, code as u8);
    loop {
        // SAFETY: waiting for an interrupt touches nothing.
        unsafe { asm!("hlt", options(nomem, nostack)) }
    }
}

/// The first serial port. QEMU's model of one needs no set-up.
pub struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| out_byte(0x3f8, byte));
        Ok(())
    }
}

fn out_byte(port: u16, value: u8) {
    // SAFETY: the ports used here belong to devices that access no memory of ours.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack)) }
}
