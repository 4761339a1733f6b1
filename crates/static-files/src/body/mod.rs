//! Bodies made of files: whole, a range, several ranges.

mod chunk;
mod file;
mod multipart;
mod part;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

pub(crate) use self::file::SAMPLE;
pub use self::file::{FileBody, Segment};
pub use self::multipart::{Multipart, MultipartBody};
pub use self::part::FilePart;

use crate::cache::Entry;
use crate::conditional::ByteRange;

/// The body of an answer that a file gives.
#[derive(Debug, Default)]
pub enum StaticBody {
    /// Nothing: `HEAD`, 304, an empty file.
    #[default]
    Empty,
    /// Bytes at hand.
    Memory(Bytes),
    /// A file read as it is sent. In a box: most answers are not, and move in one piece.
    File(Box<FileBody>),
    /// `multipart/byteranges`.
    Multipart(Box<MultipartBody>),
}

impl StaticBody {
    /// All of a file.
    #[must_use]
    pub fn whole(entry: &Entry) -> Self {
        Self::range(
            entry,
            ByteRange {
                start: 0,
                end: entry.size(),
            },
        )
    }

    /// One range of a file.
    #[must_use]
    pub fn range(entry: &Entry, range: ByteRange) -> Self {
        if range.is_empty() {
            return Self::Empty;
        }
        if let Some(bytes) = entry.in_memory() {
            return Self::Memory(slice(bytes, range));
        }
        FileBody::new(entry, range).map_or(Self::Empty, |file| Self::File(Box::new(file)))
    }

    /// Makes a file's body hold no more than one chunk, see [`FileBody::one_chunk_at_a_time`].
    #[must_use]
    pub fn one_chunk_at_a_time(self) -> Self {
        match self {
            Self::File(file) => Self::File(Box::new(file.one_chunk_at_a_time())),
            Self::Multipart(parts) => Self::Multipart(Box::new(parts.one_chunk_at_a_time())),
            other => other,
        }
    }

    /// Several ranges of a file.
    #[must_use]
    pub fn multipart(entry: &Entry, multipart: Multipart) -> Self {
        Self::Multipart(Box::new(MultipartBody::of_file(entry, multipart)))
    }
}

impl From<Bytes> for StaticBody {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::Empty
        } else {
            Self::Memory(bytes)
        }
    }
}

impl Body for StaticBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match this {
            Self::Empty => Poll::Ready(None),
            Self::Memory(bytes) => {
                let bytes = std::mem::take(bytes);
                *this = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::File(file) => Pin::new(file).poll_frame(cx),
            Self::Multipart(parts) => Pin::new(&mut **parts).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Memory(bytes) => bytes.is_empty(),
            Self::File(file) => file.is_end_stream(),
            Self::Multipart(parts) => parts.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Memory(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::File(file) => file.size_hint(),
            Self::Multipart(parts) => parts.size_hint(),
        }
    }
}

/// A part of `bytes`, cut to what there is.
fn slice(bytes: &Bytes, range: ByteRange) -> Bytes {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (clamp(range.start), clamp(range.end));
    if (start, end) == (0, bytes.len()) {
        bytes.clone()
    } else {
        bytes.slice(start..end.max(start))
    }
}
