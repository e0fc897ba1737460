//! A kernel that tells where it is: in the upper half of the address space, with all that it uses.

#![no_std]
#![no_main]

use bootloader_api::{BootInfo, BootloaderConfig, entry_point};
use core::arch::asm;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// The lowest address of the upper half.
const HALF: u64 = 0xffff_8000_0000_0000;

static CONFIG: BootloaderConfig = {
    let mut config = BootloaderConfig::new_default();
    config.mappings.dynamic_range_start = Some(HALF);
    config
};

entry_point!(start, config = &CONFIG);

fn start(boot_info: &'static mut BootInfo) -> ! {
    let on_stack = 0_u8;
    let code = start as *const () as u64;
    let stack = &raw const on_stack as u64;
    let info = &raw const *boot_info as u64;
    _ = writeln!(
        Serial,
        "code {code:#x}, stack {stack:#x}, boot information {info:#x}"
    );
    let all = [code, stack, info].iter().all(|&address| address >= HALF);
    _ = writeln!(
        Serial,
        "{}",
        if all {
            "All is in the higher half."
        } else {
            "Not all is there."
        }
    );
    stop()
}

/// The first serial port. QEMU's model of one needs no set-up.
struct Serial;

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

fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    _ = writeln!(Serial, "{info}");
    stop()
}
