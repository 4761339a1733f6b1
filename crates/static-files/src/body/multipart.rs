//! `multipart/byteranges` as nginx writes it (`ngx_http_range_multipart_header`; RFC 9110 §14.6).

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};

use super::{FileBody, FilePart, slice};
use crate::cache::Entry;
use crate::conditional::ByteRange;

/// The frame of an answer in several ranges: what stands between them, and how long it all is.
#[derive(Clone, Debug)]
pub struct Multipart {
    boundary: String,
    parts: Vec<(Bytes, ByteRange)>,
    tail: Bytes,
    length: u64,
}

impl Multipart {
    /// Lays out `ranges` of a body of `length` bytes. `content_type` with its charset, as it would be sent for the whole.
    #[must_use]
    pub fn new(ranges: &[ByteRange], length: u64, content_type: Option<&[u8]>) -> Self {
        Self::with_boundary(next_boundary(), ranges, length, content_type)
    }

    fn with_boundary(
        boundary: String,
        ranges: &[ByteRange],
        length: u64,
        content_type: Option<&[u8]>,
    ) -> Self {
        let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
        if let Some(content_type) = content_type {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(content_type);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"Content-Range: ");
        let part = |range: &ByteRange| {
            let mut head = head.clone();
            head.extend_from_slice(range.content_range(length).as_bytes());
            head.extend_from_slice(b"\r\n\r\n");
            (Bytes::from(head), *range)
        };
        let parts: Vec<_> = ranges.iter().map(part).collect();
        let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        let framed = parts
            .iter()
            .map(|(head, range)| head.len() as u64 + range.len());
        let length = framed.sum::<u64>() + tail.len() as u64;
        Self {
            boundary,
            parts,
            tail,
            length,
        }
    }

    /// `Content-Type: multipart/byteranges; boundary=…`.
    #[must_use]
    pub fn content_type(&self) -> HeaderValue {
        HeaderValue::try_from(format!("multipart/byteranges; boundary={}", self.boundary))
            .expect("digits and letters")
    }

    /// `Content-Length` of the answer.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

/// Twenty digits, as nginx's; a different one each time.
fn next_boundary() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    let _ = NEXT.compare_exchange(0, seed | 1, Ordering::Relaxed, Ordering::Relaxed);
    format!(
        "{:020}",
        NEXT.fetch_add(seed % 1_000 + 1, Ordering::Relaxed)
    )
}

#[derive(Debug)]
enum Source {
    Memory(Bytes),
    File(FileBody),
}

/// Several ranges of one body, framed.
#[derive(Debug)]
pub struct MultipartBody {
    source: Source,
    parts: vec::IntoIter<(Bytes, ByteRange)>,
    /// A range whose head has been sent.
    current: Option<ByteRange>,
    tail: Option<Bytes>,
    left: u64,
}

impl MultipartBody {
    /// Ranges of a file.
    #[must_use]
    pub fn of_file(entry: &Entry, multipart: Multipart) -> Self {
        let nothing = ByteRange { start: 0, end: 0 };
        let source = match entry.in_memory() {
            Some(bytes) => Source::Memory(bytes.clone()),
            None => FileBody::new(entry, nothing)
                .map_or_else(|| Source::Memory(Bytes::new()), Source::File),
        };
        Self::new(source, multipart)
    }

    /// Ranges of a part of a file.
    pub(super) fn of_part(part: &FilePart, multipart: Multipart) -> Self {
        let nothing = ByteRange { start: 0, end: 0 };
        Self::new(Source::File(FileBody::of_part(part, nothing)), multipart)
    }

    /// Ranges of bytes at hand.
    #[must_use]
    pub fn of_bytes(bytes: Bytes, multipart: Multipart) -> Self {
        Self::new(Source::Memory(bytes), multipart)
    }

    /// As [`FileBody::one_chunk_at_a_time`].
    #[must_use]
    pub fn one_chunk_at_a_time(mut self) -> Self {
        if let Source::File(file) = self.source {
            self.source = Source::File(file.one_chunk_at_a_time());
        }
        self
    }

    fn new(source: Source, multipart: Multipart) -> Self {
        Self {
            source,
            parts: multipart.parts.into_iter(),
            current: None,
            tail: Some(multipart.tail),
            left: multipart.length,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(range) = self.current {
            match &mut self.source {
                Source::Memory(bytes) => {
                    self.current = None;
                    return Poll::Ready(Some(Ok(slice(bytes, range))));
                }
                Source::File(file) => match ready!(Pin::new(file).poll_frame(cx)) {
                    Some(Ok(frame)) => return Poll::Ready(frame.into_data().ok().map(Ok)),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => self.current = None,
                },
            }
        }
        let Some((head, range)) = self.parts.next() else {
            return Poll::Ready(self.tail.take().map(Ok));
        };
        self.current = Some(range);
        if let Source::File(file) = &mut self.source {
            file.restart(range);
        }
        Poll::Ready(Some(Ok(head)))
    }
}

impl Body for MultipartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let next = ready!(this.poll_next(cx));
        if let Some(Ok(data)) = &next {
            this.left = this.left.saturating_sub(data.len() as u64);
        }
        Poll::Ready(next.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.tail.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn parts_are_framed_as_nginx_frames_them() {
        let ranges = [
            ByteRange { start: 0, end: 2 },
            ByteRange { start: 8, end: 10 },
        ];
        let boundary = "00000000000000000007".to_owned();
        let multipart = Multipart::with_boundary(boundary, &ranges, 10, Some(b"text/plain"));
        let length = multipart.length();
        assert_eq!(
            multipart.content_type(),
            "multipart/byteranges; boundary=00000000000000000007"
        );
        let body = MultipartBody::of_bytes(Bytes::from_static(b"0123456789"), multipart);
        let sent = body.collect().await.expect("bytes at hand").to_bytes();
        let expected = "\r\n--00000000000000000007\r\nContent-Type: text/plain\r\n\
            Content-Range: bytes 0-1/10\r\n\r\n01\
            \r\n--00000000000000000007\r\nContent-Type: text/plain\r\n\
            Content-Range: bytes 8-9/10\r\n\r\n89\
            \r\n--00000000000000000007--\r\n";
        assert_eq!(sent, expected);
        assert_eq!(sent.len() as u64, length);
    }

    #[test]
    fn boundaries_differ() {
        assert_ne!(next_boundary(), next_boundary());
        assert_eq!(next_boundary().len(), 20);
    }
}
