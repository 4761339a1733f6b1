//! Parts of files that the kernel copies to the socket itself.
//!
//! hyper has no body frame for "this part of that file". So a body sends *markers*: [`Bytes`] of
//! the right length that point into one reserved region of memory. They go through hyper untouched,
//! for it neither reads nor copies bodies; the IO layer knows them by their address and calls
//! `sendfile(2)` instead of writing them.
//!
//! Why this is sound: the region is an ordinary leaked allocation of zeroes that is never written
//! and never freed, so a marker is a valid `&'static [u8]`, and whoever looks at one sees zeroes.
//! No unsafe code is involved. Its pages are never touched, so it costs address space only.
//!
//! Why it is safe to use: markers leave the connection in the order in which they were asked for,
//! because hyper keeps the order of a body, and each exchange has its own queue of files. A body
//! that sends a marker it did not ask for gets its connection cut ([`FileQueue::front`]).

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// Size of the region, and so of the longest marker.
const REGION: usize = 16 << 20;

fn region() -> &'static [u8] {
    static MEMORY: OnceLock<&'static [u8]> = OnceLock::new();
    // Zeroed memory of this size comes from the kernel as it is, page by page on the first touch.
    MEMORY.get_or_init(|| Box::leak(vec![0; REGION].into_boxed_slice()))
}

/// Whether a slice that is to be written is a marker.
pub(crate) fn is_marker(slice: &[u8]) -> bool {
    let start = region().as_ptr().addr();
    (start..start + REGION).contains(&slice.as_ptr().addr()) && !slice.is_empty()
}

/// The markers of one part of a file, to be sent as frames of a body one after the other.
#[derive(Debug)]
pub struct FileMarkers {
    left: u64,
}

impl FileMarkers {
    /// Bytes that the markers to come stand for.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.left
    }
}

impl Iterator for FileMarkers {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        let length = usize::try_from(self.left).unwrap_or(REGION).min(REGION);
        self.left -= length as u64;
        Some(Bytes::from_static(&region()[..length]))
    }
}

/// Parts of files that markers on their way stand for, in order.
#[derive(Debug, Default)]
pub(crate) struct FileQueue {
    parts: VecDeque<Part>,
}

#[derive(Debug)]
struct Part {
    file: Arc<File>,
    offset: u64,
    left: u64,
}

impl FileQueue {
    pub(crate) fn push(&mut self, file: Arc<File>, offset: u64, length: u64) -> FileMarkers {
        if length > 0 {
            self.parts.push_back(Part {
                file,
                offset,
                left: length,
            });
        }
        FileMarkers { left: length }
    }

    /// The file that the next marker stands for, where to go on in it, and how far.
    pub(crate) fn front(&self) -> Option<(Arc<File>, u64, u64)> {
        let part = self.parts.front()?;
        Some((Arc::clone(&part.file), part.offset, part.left))
    }

    /// So many bytes have been sent.
    pub(crate) fn advance(&mut self, bytes: u64) {
        if let Some(part) = self.parts.front_mut() {
            part.offset += bytes;
            part.left = part.left.saturating_sub(bytes);
            if part.left == 0 {
                self.parts.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_known_by_address_and_add_up() {
        let mut queue = FileQueue::default();
        let file = Arc::new(tempfile::tempfile().unwrap());
        let length = REGION as u64 * 2 + 5;
        let markers: Vec<Bytes> = queue.push(file, 7, length).collect();
        assert_eq!(
            markers
                .iter()
                .map(|marker| marker.len() as u64)
                .sum::<u64>(),
            length
        );
        assert!(
            markers
                .iter()
                .all(|marker| is_marker(marker) && is_marker(&marker[3..]))
        );
        assert!(!is_marker(&[0; 5]) && !is_marker(&markers[0][..0]));
        queue.advance(5);
        assert_eq!(
            queue.front().map(|(_, offset, left)| (offset, left)),
            Some((12, length - 5))
        );
        queue.advance(length - 5);
        assert!(queue.front().is_none());
    }
}
