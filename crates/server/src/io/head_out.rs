//! The head of an answer between hyper and the socket.

use std::cell::RefCell;
use std::sync::Arc;

use memchr::memmem;

use crate::connection::Exchange;
use crate::settings::Settings;
use crate::spelling::spell_head;

/// Does to a head what hyper cannot be asked for: field names as they are to be spelled, and
/// `HTTP/1.1` in the status line to HTTP/1.0 clients as nginx has it. Nothing changes its length, so
/// hyper's count of what it has written stays true. An HTTP/0.9 client gets no head at all.
#[derive(Debug, Default)]
pub(super) struct HeadOut {
    /// The next byte that hyper writes is the first of a head.
    expected: bool,
    /// The head as it goes out, and how much of it has gone.
    bytes: Vec<u8>,
    gone: usize,
    /// Bytes of hyper's that are not to go out.
    swallow: usize,
}

/// A buffer larger than this is not kept between answers.
const KEPT: usize = 1024;

impl HeadOut {
    pub(super) fn expect(&mut self) {
        self.expected = true;
    }

    /// Looks at what hyper wants written next.
    pub(super) fn prepare(
        &mut self,
        first: &[u8],
        exchange: &Exchange,
        settings: &RefCell<Option<Arc<Settings>>>,
    ) {
        if !self.expected || first.is_empty() {
            return;
        }
        self.expected = false;
        let Some(end) = memmem::find(first, b"\r\n\r\n") else {
            return;
        };
        let head = &first[..end + 4];
        if exchange.version() < 1000 {
            self.swallow = head.len();
            return;
        }
        self.bytes.extend_from_slice(head);
        if let Some(version) = self
            .bytes
            .get_mut(..8)
            .filter(|version| version == b"HTTP/1.0")
        {
            version.copy_from_slice(b"HTTP/1.1");
        }
        if let Some(settings) = &*settings.borrow() {
            spell_head(
                &mut self.bytes,
                &settings.spelling,
                &exchange.names.borrow(),
            );
        }
    }

    /// Bytes of hyper's at the front that are not to go out.
    pub(super) fn swallowed(&self) -> usize {
        self.swallow
    }

    /// What goes out in the place of as many bytes of hyper's.
    pub(super) fn left(&self) -> &[u8] {
        self.bytes.get(self.gone..).unwrap_or_default()
    }

    /// So many bytes have gone out, head and others; how many of them were of the head.
    pub(super) fn advance(&mut self, sent: usize) -> usize {
        self.swallow = 0;
        let of_head = sent.min(self.left().len());
        self.gone += of_head;
        if self.left().is_empty() {
            self.gone = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
        }
        of_head
    }
}
