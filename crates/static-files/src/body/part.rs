//! A part of a file that nobody writes to any more, as a body: a stored answer behind its head.

use std::fs::File;
use std::sync::Arc;

use super::{FileBody, Multipart, MultipartBody, StaticBody};
use crate::conditional::ByteRange;

/// Where the bytes are.
#[derive(Clone, Debug)]
pub struct FilePart {
    pub(super) file: Arc<File>,
    pub(super) start: u64,
    pub(super) len: u64,
}

impl FilePart {
    /// `len` bytes from `start` on. The file must hold them, and nobody may change them.
    #[must_use]
    pub fn new(file: Arc<File>, start: u64, len: u64) -> Self {
        Self { file, start, len }
    }

    /// All of it.
    #[must_use]
    pub fn whole(&self) -> StaticBody {
        self.range(ByteRange {
            start: 0,
            end: self.len,
        })
    }

    /// One range of it.
    #[must_use]
    pub fn range(&self, range: ByteRange) -> StaticBody {
        if range.is_empty() {
            return StaticBody::Empty;
        }
        StaticBody::File(Box::new(FileBody::of_part(self, range)))
    }

    /// Several ranges of it.
    #[must_use]
    pub fn multipart(&self, multipart: Multipart) -> StaticBody {
        StaticBody::Multipart(Box::new(MultipartBody::of_part(self, multipart)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;
    use std::pin::Pin;

    use http_body::Body as _;

    use super::*;

    async fn read(mut body: StaticBody) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            all.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        all
    }

    #[tokio::test]
    async fn ranges_count_from_its_beginning() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"head0123456789tail").unwrap();
        let part = FilePart::new(Arc::new(file), 4, 10);
        assert_eq!(read(part.whole()).await, b"0123456789");
        let range = |start, end| ByteRange { start, end };
        assert_eq!(read(part.range(range(3, 6))).await, b"345");
        let multipart = Multipart::new(&[range(0, 2), range(8, 10)], 10, None);
        let length = multipart.length();
        let text = read(part.multipart(multipart)).await;
        assert_eq!(text.len() as u64, length);
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("\r\n\r\n01\r\n--") && text.contains("\r\n\r\n89\r\n--"),
            "{text}"
        );
    }
}
