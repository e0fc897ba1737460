//! The demo's test: the loader hands over a screen that holds what is painted on it.
//!
//! It ends QEMU through the device `isa-debug-exit`, by which `scons test-kernel` learns how it went.

#![no_std]
#![no_main]

use bootloader::{BootInfo, entry_point};
use core::arch::asm;
use core::panic::PanicInfo;

const SUCCESS: u8 = 0x10;
const FAILURE: u8 = 0x11;

entry_point!(test_main);

fn test_main(boot_info: &'static mut BootInfo) -> ! {
    let framebuffer = boot_info.framebuffer.as_mut().expect("no screen");
    let info = framebuffer.info();
    assert!(info.width >= 640 && info.height >= 400);
    assert!(info.byte_len >= info.stride * info.height * info.bytes_per_pixel);

    let buffer = framebuffer.buffer_mut();
    buffer.fill(0x90);
    assert!(buffer.iter().all(|&byte| byte == 0x90));
    exit(SUCCESS)
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    exit(FAILURE)
}

fn exit(code: u8) -> ! {
    // SAFETY: the port belongs to the device that ends QEMU.
    unsafe { asm!("out 0xf4, al", in("al") code, options(nomem, nostack)) }
    loop {}
}
