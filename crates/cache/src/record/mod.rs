//! A stored answer: its head, its validity, and how both stand in a file.
//!
//! ```text
//!  offset  bytes
//!       0      8  "portunus"
//!       8      4  version of the format
//!      12      4  offset of the body
//!      16      8  check sum of what does not change: 64 … offset of the body
//!      24     40  what a revalidation changes: valid, updating, error, date, and their check sum
//!      64     48  last modified, length of the body, variant, status, lengths of what follows
//!     112      …  etag, vary, "\nKEY: " key "\n", head
//!       …      …  body
//! ```
//!
//! Numbers are little-endian. The line `KEY: …` is nginx's, since operators look for files with it.
//! A file whose check sums or length do not fit is not an entry.

mod decode;
mod encode;

use std::sync::OnceLock;

use bytes::Bytes;

pub(crate) use self::decode::{Start, decode};
pub(crate) use self::encode::{encode, encode_times};

const MAGIC: &[u8; 8] = b"portunus";
const VERSION: u32 = 1;
/// Where the part begins that a revalidation changes.
pub(crate) const TIMES: u64 = 24;
/// Where the part begins that never changes.
const FIXED: usize = 64;
/// Where the parts of variable length begin.
const VARIABLE: usize = 112;
const KEY_LINE: &[u8] = b"\nKEY: ";
/// A file with a longer head is none of ours.
const LONGEST_HEAD: u32 = 1 << 20;

/// The head of an answer as the upstream gave it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The reason phrase; empty where none was given. No line ends in it.
    pub reason: Bytes,
    /// Names as they were spelled, and values; no line ends in them.
    pub fields: Vec<(Bytes, Bytes)>,
}

impl Head {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields
            .iter()
            .map(|(name, value)| (&name[..], &value[..]))
    }
}

/// How long an answer is good, and what tells whether it has changed. Times in seconds since the
/// epoch.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Meta {
    /// Fresh up to this second.
    pub valid: i64,
    /// So many seconds longer while it is being renewed.
    pub updating: u64,
    /// So many seconds longer if it cannot be renewed.
    pub error: u64,
    /// When it came, or was last confirmed.
    pub date: i64,
    /// `Last-Modified`, of answers that can be revalidated.
    pub last_modified: Option<i64>,
    /// `ETag`, of answers that can be revalidated.
    pub etag: Bytes,
    /// `Vary`.
    pub vary: Bytes,
}

/// One entry.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) key: Bytes,
    pub(crate) meta: Meta,
    pub(crate) variant: [u8; 16],
    pub(crate) head: std::sync::Arc<Head>,
    pub(crate) body_len: u64,
    /// The body, if it is held in memory.
    pub(crate) memory: Option<Bytes>,
    /// Its file; unset while it has yet to be written.
    pub(crate) file: OnceLock<Filed>,
}

/// What tells the file of an entry from another one, and where the body is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) identity: Identity,
    pub(crate) body_start: u64,
    /// Bytes on the disk.
    pub(crate) occupied: u64,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Filed {
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the types of these fields differ from one architecture to the next"
    )]
    pub(crate) fn of(stat: &rustix::fs::Stat, body_start: u64) -> Self {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        // A file system may not have found a place for the bytes yet.
        let blocks = u64::try_from(stat.st_blocks)
            .unwrap_or(0)
            .saturating_mul(512);
        Self {
            identity: Identity {
                device: stat.st_dev as u64,
                inode: stat.st_ino as u64,
                size,
                modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            },
            body_start,
            occupied: blocks.max(size.next_multiple_of(4096)),
        }
    }
}

impl Record {
    /// The validity.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Length of the body.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.body_len
    }

    /// Memory that it costs.
    pub(crate) fn weight(&self) -> usize {
        self.memory.as_ref().map_or(0, Bytes::len)
    }

    /// The same, without the body in memory.
    pub(crate) fn without_memory(&self) -> Self {
        Self {
            memory: None,
            ..self.clone()
        }
    }
}

/// The first eight bytes of an MD5: this guards against accidents, not against attackers.
fn check_sum(bytes: &[u8]) -> [u8; 8] {
    use md5::Digest as _;
    let digest = md5::Md5::digest(bytes);
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest[..8]);
    sum
}

#[cfg(test)]
mod tests;
