//! The reserved addresses: one mapping of zeros, in windows, each standing for a piece of a file.

#![allow(
    unsafe_code,
    reason = "a range of addresses is reserved, and byte slices are made of it"
)]

use std::ptr;
use std::slice;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::SendfileSegment;

/// Bytes a window may stand for.
pub(super) const WINDOW: usize = 512 << 10;
/// Windows, that is bodies sent at the same time; 8 GiB of addresses, no memory.
const WINDOWS: usize = 16_384;

pub(super) struct Region {
    base: usize,
    windows: Mutex<Windows>,
}

struct Windows {
    /// What each window stands for; grows with use.
    segments: Vec<Option<SendfileSegment>>,
    free: Vec<usize>,
}

static SHARED: OnceLock<Option<Region>> = OnceLock::new();

impl Region {
    /// The process's region, reserved at the first call. `None` if the system refuses.
    pub(super) fn shared() -> Option<&'static Self> {
        SHARED.get_or_init(Self::reserve).as_ref()
    }

    /// The region, if anything was ever marked.
    pub(super) fn existing() -> Option<&'static Self> {
        SHARED.get()?.as_ref()
    }

    fn reserve() -> Option<Self> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new anonymous mapping, placed by the kernel, overlaps nothing. It is never unmapped, and being
        // readable only, its pages are the kernel's page of zeros: they never change.
        let base =
            unsafe { mmap_anonymous(ptr::null_mut(), WINDOW * WINDOWS, ProtFlags::READ, flags) };
        let windows = Windows {
            segments: Vec::new(),
            free: Vec::new(),
        };
        Some(Self {
            base: base.ok()?.expose_provenance(),
            windows: Mutex::new(windows),
        })
    }

    pub(super) fn contains(&self, slice: &[u8]) -> bool {
        slice.as_ptr().addr().wrapping_sub(self.base) < WINDOW * WINDOWS
    }

    pub(super) fn mark(&'static self, segment: &SendfileSegment) -> Option<Bytes> {
        let len = usize::try_from(segment.len)
            .ok()
            .filter(|&len| len <= WINDOW)?;
        let mut windows = self.windows();
        let at = match windows.free.pop() {
            Some(at) => at,
            None if windows.segments.len() < WINDOWS => {
                windows.segments.push(None);
                windows.segments.len() - 1
            }
            None => return None,
        };
        *windows.segments.get_mut(at)? = Some(segment.clone());
        Some(Bytes::from_owner(Marker {
            region: self,
            at,
            len,
        }))
    }

    pub(super) fn resolve(&self, slice: &[u8]) -> Option<SendfileSegment> {
        if !self.contains(slice) {
            return None;
        }
        let from_base = slice.as_ptr().addr() - self.base;
        let within = (from_base % WINDOW) as u64;
        let segment = self.windows().segments.get(from_base / WINDOW)?.clone()?;
        Some(SendfileSegment {
            offset: segment.offset + within,
            len: slice.len() as u64,
            file: segment.file,
        })
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A window in use.
struct Marker {
    region: &'static Region,
    at: usize,
    len: usize,
}

impl AsRef<[u8]> for Marker {
    fn as_ref(&self) -> &[u8] {
        let start = ptr::with_exposed_provenance(self.region.base + self.at * WINDOW);
        // SAFETY: `at` is below WINDOWS and `len` at most WINDOW (`mark` sees to both), so the slice lies within the
        // mapping, which is readable, initialised with zeros, never written and never unmapped (`reserve`).
        unsafe { slice::from_raw_parts(start, self.len) }
    }
}

impl Drop for Marker {
    fn drop(&mut self) {
        let mut windows = self.region.windows();
        if let Some(segment) = windows.segments.get_mut(self.at) {
            *segment = None;
            windows.free.push(self.at);
        }
    }
}
