//! A freestanding program: it needs no operating system, and nothing starts it yet.

#![no_std] // no operating system, hence no standard library
#![no_main] // nobody calls `main`

use core::panic::PanicInfo;

#[unsafe(no_mangle)] // the linker looks for this name
pub extern "C" fn _start() -> ! {
    loop {}
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    loop {}
}
