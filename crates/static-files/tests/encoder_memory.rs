//! What an encoder of an answer on its way may take of memory, at every level: counted, byte by byte.

#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use portunus_static_files::encode::{Encoder, EncoderOptions};
use portunus_static_files::encoding::Coding;

const MIB: usize = 1 << 20;

/// The system's allocator, which counts what the calling thread has.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

fn took(size: usize) {
    // Threads allocate while they end, too.
    let _ = HELD.try_with(|held| {
        held.set(held.get().saturating_add(size));
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
}

fn gave(size: usize) {
    let _ = HELD.try_with(|held| held.set(held.get().saturating_sub(size)));
}

// SAFETY: every call goes on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that is held at once while a body is encoded piece by piece, its output thrown away.
fn most_held(level: u32, length: usize, told: bool) -> usize {
    let piece = vec![b'<'; 8 << 10];
    let mut out = Vec::with_capacity(256 << 10);
    let before = HELD.get();
    MOST.set(before);
    let options = EncoderOptions {
        level,
        ..EncoderOptions::new(Coding::Brotli)
    };
    let told = told.then_some(length as u64);
    let mut encoder = Encoder::new(Coding::Brotli, options, told).expect("memory");
    for begin in (0..length).step_by(piece.len()) {
        let end = (begin + piece.len()).min(length);
        encoder
            .push(&piece[..end - begin], &mut out)
            .expect("memory");
        encoder.flush(&mut out).expect("memory");
        out.clear();
    }
    encoder.finish(&mut out).expect("memory");
    MOST.get() - before
}

#[test]
fn brotli_takes_no_more_than_four_mebibytes_at_any_level() {
    for level in 0..=11 {
        for (length, told) in [
            (1 << 10, true),
            (32 << 10, true),
            (40 << 10, true),
            (2 << 20, true),
            (2 << 20, false),
        ] {
            let most = most_held(level, length, told);
            println!(
                "level {level}, {length} bytes, told {told}: {} KiB",
                most >> 10
            );
            assert!(
                most <= 4 * MIB,
                "level {level}, {length} bytes, told {told}: {most}"
            );
            assert!(most > 1 << 10, "nothing was counted");
        }
    }
}
