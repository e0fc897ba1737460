//! The minimal kernel: it paints the screen and stops.

#![no_std] // no operating system, hence no standard library
#![no_main] // the loader calls `_start`, which `entry_point!` defines

use bootloader::{BootInfo, entry_point};
use core::panic::PanicInfo;

/// Every byte of the screen, or the first one of the pattern.
const SHADE: u8 = 0x90;

/// How far neighbouring bytes of the pattern are apart: a prime number, for variety.
#[cfg(feature = "pattern")]
const STEP: u8 = 71;

entry_point!(kernel_main);

fn kernel_main(boot_info: &'static mut BootInfo) -> ! {
    // A machine without a screen is no error: there are other ways to talk to it.
    if let Some(framebuffer) = boot_info.framebuffer.as_mut() {
        paint(framebuffer.buffer_mut());
    }
    loop {}
}

#[cfg(not(feature = "pattern"))]
fn paint(buffer: &mut [u8]) {
    buffer.fill(SHADE);
}

#[cfg(feature = "pattern")]
fn paint(buffer: &mut [u8]) {
    let mut value = SHADE;
    for byte in buffer {
        *byte = value;
        value = value.wrapping_add(STEP);
    }
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    loop {}
}
