//! An integration test: a kernel of its own that uses the library, and boots without its `main`.

#![no_std]
#![no_main]
#![feature(custom_test_frameworks)]
#![test_runner(loader09_tests::run_tests)]
#![reexport_test_harness_main = "test_main"]

use bootloader::{BootInfo, entry_point};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

entry_point!(start);

fn start(boot_info: &'static BootInfo) -> ! {
    let regions = boot_info.memory_map.iter();
    MEMORY.store(
        regions
            .map(|region| region.range.end_addr() - region.range.start_addr())
            .sum(),
        Relaxed,
    );
    test_main();
    loop {}
}

static MEMORY: AtomicU64 = AtomicU64::new(0);

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    loader09_tests::fail(info)
}

#[test_case]
fn the_loader_tells_of_memory() {
    assert!(MEMORY.load(Relaxed) > 1024 * 1024);
}
