//! Parts of files that the kernel copies to the socket itself.
//!
//! A frame of a body holds [`Bytes`]; there is none for "this part of that file". So a body sends
//! *markers*: [`Bytes`] of the right length that point into one reserved region of memory. The
//! HTTP/1 writer ([`super::Out`]) knows them by their address and queues the file in their place,
//! to be sent with `sendfile(2)`.
//!
//! Why this is sound: the region is an ordinary leaked allocation of zeroes that is never written
//! and never freed, so a marker is a valid `&'static [u8]`, and whoever looks at one sees zeroes.
//! No unsafe code is involved. Its pages are never touched, so it costs address space only.
//!
//! Why it is safe to use: a body sends its markers in the order in which it asked for them, and each
//! exchange has its own queue of files. A body that sends a marker it did not ask for gets its
//! connection cut ([`FileQueue::take`]).

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// Size of the region, and so of the longest marker.
const REGION: usize = 16 << 20;

static MEMORY: OnceLock<&'static [u8]> = OnceLock::new();

fn region() -> &'static [u8] {
    // Zeroed memory of this size comes from the kernel as it is, page by page on the first touch.
    MEMORY.get_or_init(|| Box::leak(vec![0; REGION].into_boxed_slice()))
}

/// Whether a slice that is to be written is a marker.
pub(crate) fn is_marker(slice: &[u8]) -> bool {
    let Some(region) = MEMORY.get() else {
        return false;
    };
    let start = region.as_ptr().addr();
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
    parts: VecDeque<FilePart>,
}

/// A part of a file that is still to be sent.
#[derive(Debug)]
pub(crate) struct FilePart {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) left: u64,
}

impl FileQueue {
    pub(crate) fn push(&mut self, file: Arc<File>, offset: u64, length: u64) -> FileMarkers {
        if length > 0 {
            self.parts.push_back(FilePart {
                file,
                offset,
                left: length,
            });
        }
        FileMarkers { left: length }
    }

    /// What a marker of this length stands for; `None` if nobody has asked for it.
    pub(crate) fn take(&mut self, length: u64) -> Option<FilePart> {
        let part = self.parts.front_mut()?;
        if length < part.left {
            let taken = FilePart {
                file: Arc::clone(&part.file),
                offset: part.offset,
                left: length,
            };
            part.offset += length;
            part.left -= length;
            return Some(taken);
        }
        self.parts.pop_front()
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
        let lengths: Vec<u64> = markers.iter().map(|marker| marker.len() as u64).collect();
        assert_eq!(lengths.iter().sum::<u64>(), length);
        assert!(
            markers
                .iter()
                .all(|marker| is_marker(marker) && is_marker(&marker[3..]))
        );
        assert!(!is_marker(&[0; 5]) && !is_marker(&markers[0][..0]));
        let mut expected = 7;
        for marker in lengths {
            let part = queue.take(marker).expect("a part for each marker");
            assert_eq!((part.offset, part.left), (expected, marker));
            expected += marker;
        }
        assert!(queue.take(1).is_none());
    }
}
