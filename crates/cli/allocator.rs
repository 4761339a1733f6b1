//! mimalloc, by its shortest way.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its interface; each block argues for itself"
)]

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{mi_malloc, mi_realloc, mi_zalloc};
use mimalloc::MiMalloc;

/// [`MiMalloc`], but for blocks that any block is aligned well enough for: asking for an alignment costs about 60
/// instructions more, and 800 for blocks above 1 KB, several of which a request needs.
pub(crate) struct Allocator;

/// mimalloc: `MI_MAX_ALIGN_SIZE`, what blocks of that size and above are aligned to.
const NATURAL: usize = 16;

/// Whether any block of that size will do. Smaller ones are aligned to no more than their size.
fn is_natural(layout: Layout) -> bool {
    layout.align() <= NATURAL && layout.align() <= layout.size()
}

// SAFETY: Every method keeps the promises of `GlobalAlloc` because the one of `MiMalloc` does, and `mi_malloc`,
// `mi_zalloc` and `mi_realloc` do the same for the layouts that `is_natural` lets pass: mimalloc aligns blocks of
// `NATURAL` bytes and more to `NATURAL`, and smaller ones to their size rounded down to a power of two, which is what
// such a layout asks for at most. All of them take and give blocks of the same heap, so that any may free or resize
// what another has made.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match is_natural(layout) {
            // SAFETY: `mi_malloc` takes any size; null is what a failure is told by.
            true => unsafe { mi_malloc(layout.size()) }.cast(),
            // SAFETY: the caller's promise is passed on.
            false => unsafe { MiMalloc.alloc(layout) },
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        match is_natural(layout) {
            // SAFETY: as in `alloc`.
            true => unsafe { mi_zalloc(layout.size()) }.cast(),
            // SAFETY: the caller's promise is passed on.
            false => unsafe { MiMalloc.alloc_zeroed(layout) },
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        match layout.align() <= NATURAL.min(size) {
            // SAFETY: `block` is mimalloc's, by the caller's promise; the new block is aligned as any of that size.
            true => unsafe { mi_realloc(block.cast(), size) }.cast(),
            // SAFETY: the caller's promise is passed on.
            false => unsafe { MiMalloc.realloc(block, layout, size) },
        }
    }
}
