//! One file as answers are made from it.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use super::content::Content;
use crate::http_time;
use crate::validator::Validator;

/// One state of a file, with everything an answer needs ready made.
#[derive(Debug)]
pub struct Entry {
    pub(super) etag: HeaderValue,
    pub(super) last_modified: HeaderValue,
    pub(super) content_length: HeaderValue,
    pub(super) content: Arc<Content>,
    pub(super) file: Option<Arc<File>>,
    pub(super) settled: bool,
}

impl Entry {
    pub(super) fn new(content: Arc<Content>, file: Option<Arc<File>>, settled: bool) -> Self {
        let Validator { size, modified, .. } = content.validator;
        Self {
            etag: entity_tag(modified.seconds, size),
            last_modified: ascii(http_time::format(modified.seconds)),
            content_length: HeaderValue::from(size),
            content,
            file,
            settled,
        }
    }

    /// The same state of the file, open.
    pub(super) fn with_file(&self, file: Arc<File>) -> Self {
        self.with(Some(file))
    }

    /// The same state of the file, to be kept without a descriptor.
    pub(super) fn without_file(&self) -> Self {
        self.with(None)
    }

    fn with(&self, file: Option<Arc<File>>) -> Self {
        Self {
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            content_length: self.content_length.clone(),
            content: Arc::clone(&self.content),
            file,
            settled: self.settled,
        }
    }

    /// `ETag` as nginx makes it: modification time and size, in hex (`ngx_http_set_etag`).
    #[must_use]
    pub fn etag(&self) -> &HeaderValue {
        &self.etag
    }

    /// `Last-Modified`.
    #[must_use]
    pub fn last_modified(&self) -> &HeaderValue {
        &self.last_modified
    }

    /// `Content-Length` of the whole file.
    #[must_use]
    pub fn content_length(&self) -> &HeaderValue {
        &self.content_length
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.content.validator.size
    }

    /// Modification time, seconds since 1970.
    #[must_use]
    pub fn modified(&self) -> i64 {
        self.content.validator.modified.seconds
    }

    /// What tells this state of the file from others.
    #[must_use]
    pub fn validator(&self) -> &Validator {
        &self.content.validator
    }

    /// The whole file, if it is in memory.
    #[must_use]
    pub fn in_memory(&self) -> Option<&Bytes> {
        self.content.body.as_ref()
    }

    /// The open file, if it is not in memory.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    pub(crate) fn content(&self) -> &Arc<Content> {
        &self.content
    }

    /// There is something to send from: the bytes or the open file.
    pub(super) fn is_ready(&self) -> bool {
        self.content.body.is_some() || self.file.is_some()
    }

    /// The file has been left alone long enough for its content to be kept.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled
    }
}

/// `"MTIME-SIZE"` in hex, quoted.
#[must_use]
pub fn entity_tag(modified: i64, size: u64) -> HeaderValue {
    ascii(format!("\"{modified:x}-{size:x}\""))
}

fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits, letters and punctuation")
}
