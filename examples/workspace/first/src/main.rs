//! The first of the workspace's two kernels.

#![no_std]
#![no_main]

use bootloader_api::{BootInfo, entry_point};
use core::panic::PanicInfo;

entry_point!(start);

fn start(_boot_info: &'static mut BootInfo) -> ! {
    shared::greet("first");
    shared::stop()
}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {
    shared::stop()
}
