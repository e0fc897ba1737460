//! A kernel on loader 0.9: it prints a greeting into the VGA text buffer, and stops.

#![no_std] // no operating system, hence no standard library
#![no_main] // the loader calls `_start`

use core::panic::PanicInfo;

static HELLO: &[u8] = b"Hello World!";

#[unsafe(no_mangle)] // the linker looks for this name
pub extern "C" fn _start() -> ! {
    let vga_buffer = 0xb8000 as *mut u8;

    for (i, &byte) in HELLO.iter().enumerate() {
        // SAFETY: the loader has mapped the text buffer, and nobody else writes to it.
        unsafe {
            *vga_buffer.offset(i as isize * 2) = byte;
            *vga_buffer.offset(i as isize * 2 + 1) = 0xb;
        }
    }

    loop {}
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    loop {}
}
