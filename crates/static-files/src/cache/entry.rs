//! One file as answers are made from it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::IoSliceMut;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use rustix::fs::{Advice, fadvise, fstat};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::coarse_millis;
use super::content::Content;
use crate::body::Segment;
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
    /// The last bytes of a file that is being written to and not in memory.
    pub(super) tail: Box<[u8]>,
    /// When the page cache last had the file, in milliseconds of the coarse clock; 0 for never.
    warm: Cell<u64>,
    /// What the caller has made of this file, and where that holds.
    kept: RefCell<Kept>,
}

/// See [`Entry::keep`].
#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    /// Somebody has asked already.
    Asked,
    Made(NonZeroU64, Rc<dyn Any>),
}

/// For so long what was in the page cache is taken to be there still, in milliseconds. Each answer touches its pages
/// anew, so they are the last to go.
const WARM: u64 = 1_000;

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
            tail: Box::default(),
            warm: Cell::new(0),
            kept: RefCell::default(),
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
            tail: self.tail.clone(),
            warm: Cell::new(0),
            kept: RefCell::default(),
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

    /// The open file, if it is not in memory, or so large that `sendfile` costs less than copying it.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    /// The whole of a file that is both in memory and open, for `sendfile`; none if the open file is not in this state at
    /// this moment, or would have to come from a disk. Then it is sent from memory.
    #[must_use]
    pub fn to_send(&self) -> Option<Segment> {
        self.content.body.as_ref()?;
        let file = self.file.as_ref().filter(|_| self.settled)?;
        let stat = fstat(file).ok()?;
        if Validator::from_stat(&stat) != *self.validator() || !self.is_warm(file) {
            return None;
        }
        Some(Segment {
            file: Arc::clone(file),
            offset: 0,
            len: self.size(),
        })
    }

    /// Whether both ends of the file are in the page cache: it is read ahead as a whole, and goes as a whole. Where the
    /// file system cannot say, the file is taken to be there: it has been read before.
    fn is_warm(&self, file: &File) -> bool {
        let now = coarse_millis();
        if now.saturating_sub(self.warm.get()) < WARM && self.warm.get() > 0 {
            return true;
        }
        let mut byte = [0];
        let mut has = |at| {
            let nowait = ReadWriteFlags::NOWAIT;
            let read = preadv2(file, &mut [IoSliceMut::new(&mut byte)], at, nowait);
            matches!(read, Ok(1) | Err(Errno::OPNOTSUPP | Errno::NOSYS))
        };
        let warm = has(0) && has(self.size().saturating_sub(1));
        if !warm {
            // Best effort: the answers until it is there come from memory.
            let _ = fadvise(file, 0, None, Advice::WillNeed);
        }
        self.warm.set(if warm { now } else { 0 });
        warm
    }

    /// What [`keep`](Self::keep) has kept for this place.
    #[must_use]
    pub fn kept<T: Any>(&self, place: NonZeroU64) -> Option<Rc<T>> {
        match &*self.kept.borrow() {
            Kept::Made(at, made) if *at == place => Rc::clone(made).downcast().ok(),
            _ => None,
        }
    }

    /// Keeps what the caller has made of this state of the file, for as long as the entry lives and nothing is kept for
    /// another place. Not for files that are asked for once: the first `make` is not called.
    pub fn keep<T: Any>(&self, place: NonZeroU64, make: impl FnOnce() -> T) {
        let mut kept = self.kept.borrow_mut();
        *kept = match &*kept {
            Kept::Nothing => Kept::Asked,
            Kept::Asked | Kept::Made(..) => Kept::Made(place, Rc::new(make())),
        };
    }

    pub(crate) fn content(&self) -> &Arc<Content> {
        &self.content
    }

    pub(crate) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Whether what is kept open, and not in memory, has the content that it had.
    pub(super) fn is_unwritten(&self) -> bool {
        let (None, Some(file)) = (&self.content.body, &self.file) else {
            return true;
        };
        let then = self.validator();
        fstat(file).is_ok_and(|stat| {
            let now = Validator::from_stat(&stat);
            // The change time moves when another file takes its name, too.
            now.modified == then.modified && now.size == then.size
        })
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
    // A time before 1970 has a sign in front: nginx formats it by `%xT`.
    let sign = if modified < 0 { "-" } else { "" };
    ascii(format!("\"{sign}{:x}-{size:x}\"", modified.unsigned_abs()))
}

fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits, letters and punctuation")
}
