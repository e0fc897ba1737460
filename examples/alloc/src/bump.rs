//! The simplest heap there is: what was handed out last ends where the next begins, and nothing comes back.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const SIZE: usize = 64 * 1024;

/// An allocator with `SIZE` bytes of its own.
pub struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: each byte of `memory` is handed out once at most, since `used` changes in one step.
unsafe impl Sync for Bump {}

impl Bump {
    pub const fn new() -> Self {
        Bump {
            memory: UnsafeCell::new([0; SIZE]),
            used: AtomicUsize::new(0),
        }
    }
}

// SAFETY: what is handed out lies in `memory`, is aligned, and overlaps nothing that was handed out before.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get() as usize;
        let fits = |used: usize| {
            let at = (start + used).next_multiple_of(layout.align()) - start;
            let end = at.checked_add(layout.size())?;
            (end <= SIZE).then_some((at, end))
        };
        let next = |used| fits(used).map(|(_, end)| end);
        match self.used.fetch_update(Relaxed, Relaxed, next) {
            Ok(used) => fits(used).map_or(null_mut(), |(at, _)| (start + at) as *mut u8),
            Err(_) => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {}
}
