//! What of an answer is on its way to the socket: the head, then pieces of the body.

use std::cell::Cell;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use tokio::time::Instant;

use super::pace::{self, Allowance};
use super::sendfile::{FilePart, is_marker};
use crate::connection::{Connection, Exchange, Wait};

/// Most slices of one write; a chunk of a body takes three.
const SLICES: usize = 16;

/// Up to so many bytes of a body are written as one with their head.
const JOINED: usize = 2048;

/// A client that has taken so much reads what it gets: the kernel may then hold more of a file for it than of what is
/// copied. With the small limit each wake-up sent little; without it 10 MB took a third less CPU time.
const FLOWING: u64 = 512 << 10;

/// Bytes that wait to be written, in order.
#[derive(Debug, Default)]
pub(crate) struct Out {
    /// The usual answer without a length takes four: a chunk takes three, and the end of all one.
    pieces: SmallVec<[Piece; 4]>,
    /// Bytes in `pieces`.
    held: usize,
    /// Bytes of the head that are not written yet.
    head_left: usize,
    /// Nothing may be written before this, by the rate limit.
    paused_until: Cell<Option<Instant>>,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    Mark(Mark),
    File(FilePart),
}

/// A few bytes of framing.
#[derive(Clone, Copy, Debug)]
struct Mark {
    bytes: [u8; Mark::ROOM],
    start: u8,
}

impl Mark {
    /// Sixteen hex digits, CRLF.
    const ROOM: usize = 18;

    /// The line before a chunk.
    fn of_chunk(size: usize) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; Self::ROOM];
        let mut at = Self::ROOM;
        let mut put = |byte: u8| {
            at -= 1;
            bytes[at] = byte;
        };
        put(b'\n');
        put(b'\r');
        let mut left = size;
        loop {
            put(HEX[left & 15]);
            left >>= 4;
            if left == 0 {
                break;
            }
        }
        let start = u8::try_from(at).unwrap_or(0);
        Self { bytes, start }
    }

    fn left(&self) -> &[u8] {
        self.bytes
            .get(usize::from(self.start)..)
            .unwrap_or_default()
    }
}

impl Piece {
    /// The bytes, where they are in memory.
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Mark(mark) => Some(mark.left()),
            Self::File(_) => None,
        }
    }
}

impl Out {
    /// Bytes that wait, those of files among them.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Whether so many pieces wait that they should be written before more come.
    pub(crate) fn is_full(&self) -> bool {
        self.pieces.len() + 3 > SLICES
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// A piece of the body. `false` for a marker that stands for nothing.
    pub(crate) fn push(&mut self, bytes: Bytes, exchange: &Exchange) -> bool {
        if is_marker(&bytes) {
            self.held += bytes.len();
            let part = exchange.files.borrow_mut().take(bytes.len() as u64);
            return part
                .map(|part| self.pieces.push(Piece::File(part)))
                .is_some();
        }
        self.push_own(bytes);
        true
    }

    /// Bytes of our own: framing that is longer than a mark.
    pub(crate) fn push_own(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.held += bytes.len();
            self.pieces.push(Piece::Bytes(bytes));
        }
    }

    /// A piece of the body as a chunk; as [`Self::push`]. RFC 9112 §7.1.
    pub(crate) fn push_chunk(&mut self, bytes: Bytes, exchange: &Exchange) -> bool {
        let mark = Mark::of_chunk(bytes.len());
        self.held += mark.left().len();
        self.pieces.push(Piece::Mark(mark));
        let known = self.push(bytes, exchange);
        self.push_own(Bytes::from_static(b"\r\n"));
        known
    }

    /// Writes a fresh head, and what waits behind it, as far as the socket takes it at once; what is
    /// left of the head is copied. `head` is scratch memory that is empty afterwards.
    pub(crate) fn poll_with_head(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        head: &mut Vec<u8>,
    ) -> Poll<io::Result<()>> {
        self.head_left = head.len();
        self.join(head);
        let polled = self.poll_some(cx, exchange, head);
        let gone = match &polled {
            Poll::Ready(Ok(gone)) => *gone,
            _ => 0,
        };
        if let Some(rest) = head.get(gone..).filter(|rest| !rest.is_empty()) {
            self.held += rest.len();
            self.pieces
                .insert(0, Piece::Bytes(Bytes::copy_from_slice(rest)));
        }
        head.clear();
        ready!(polled)?;
        self.poll(cx, exchange)
    }

    /// Moves what waits behind the head, where that is little: copying it costs less than the kernel's walk over
    /// pieces.
    fn join(&mut self, head: &mut Vec<u8>) {
        let is_in_memory = |piece: &Piece| piece.bytes().is_some();
        if self.held > JOINED || !self.pieces.iter().all(is_in_memory) {
            return;
        }
        for piece in self.pieces.drain(..) {
            head.extend_from_slice(piece.bytes().unwrap_or_default());
        }
        self.held = 0;
    }

    /// Writes all that waits.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
    ) -> Poll<io::Result<()>> {
        while !self.pieces.is_empty() {
            ready!(self.poll_some(cx, exchange, &[]))?;
        }
        let connection = exchange.connection();
        let polled = connection.transport.poll_flush(cx);
        match &polled {
            Poll::Ready(_) => connection.write_deadline.set(None),
            // Encryption has taken it all.
            Poll::Pending => wait_to_send(exchange),
        }
        polled
    }

    /// Writes some of what waits, `first` before the rest: at most one file, or what comes before it. How much of
    /// `first` was written.
    fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        first: &[u8],
    ) -> Poll<io::Result<usize>> {
        let connection = exchange.connection();
        let polled = self.poll_write(cx, exchange, first);
        match &polled {
            Poll::Ready(Ok(_)) => connection.write_deadline.set(None),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => wait_to_send(exchange),
        }
        polled
    }

    /// How much of `first` was written.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        first: &[u8],
    ) -> Poll<io::Result<usize>> {
        let connection = exchange.connection();
        ready!(connection.poll_interim(cx))?;
        let most = match pace::allowance(exchange, &self.paused_until) {
            Allowance::Bytes(most) => most,
            Allowance::Turn => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Allowance::Wait(until) => {
                connection.write_deadline.set(Some((until, Wait::Pace)));
                return Poll::Pending;
            }
        };
        let (mut slices, mut room) = (SmallVec::<[&[u8]; SLICES]>::new(), most);
        let mut more = false;
        let in_memory = self.pieces.iter().map(Piece::bytes);
        for slice in std::iter::once(Some(first)).chain(in_memory) {
            let Some(slice) = slice else {
                more = true;
                break;
            };
            let taken = slice.len().min(room);
            if taken > 0 {
                slices.push(&slice[..taken]);
                room -= taken;
            }
            if room == 0 || slices.len() == SLICES {
                break;
            }
        }
        let sent = if slices.is_empty() {
            ready!(self.poll_file(cx, exchange, most))?
        } else {
            if !more || !is_flowing(connection) {
                connection.transport.bound_unsent(true);
            }
            ready!(connection.transport.poll_send(cx, &slices, more))?
        };
        drop(slices);
        let of_head = sent.min(self.head_left);
        self.head_left -= of_head;
        exchange.count_head_sent(of_head);
        let of_first = sent.min(first.len());
        self.advance(sent - of_first);
        connection.count_out(sent);
        exchange.count_sent(sent);
        pace::sent(exchange, &self.paused_until, sent);
        Poll::Ready(Ok(of_first))
    }

    fn poll_file(
        &self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(Piece::File(part)) = self.pieces.first() else {
            return Poll::Ready(Ok(0));
        };
        let most = usize::try_from(part.left).unwrap_or(most).min(most);
        let transport = &exchange.connection().transport;
        if is_flowing(exchange.connection()) {
            transport.bound_unsent(false);
        }
        let sent = ready!(transport.poll_sendfile(cx, &part.file, part.offset, most))?;
        if sent == 0 {
            let text = format!(
                "sendfile() reported that file was truncated at {}",
                part.offset
            );
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
        }
        Poll::Ready(Ok(sent))
    }

    /// So many bytes of the pieces are gone.
    fn advance(&mut self, mut left: usize) {
        while let Some(piece) = self.pieces.first_mut().filter(|_| left > 0) {
            let (gone, done) = match piece {
                Piece::Bytes(bytes) => {
                    let gone = left.min(bytes.len());
                    bytes.advance(gone);
                    (gone, bytes.is_empty())
                }
                Piece::Mark(mark) => {
                    let gone = left.min(mark.left().len());
                    mark.start += u8::try_from(gone).unwrap_or(0);
                    (gone, mark.left().is_empty())
                }
                Piece::File(part) => {
                    let gone = left.min(usize::try_from(part.left).unwrap_or(left));
                    part.offset += gone as u64;
                    part.left -= gone as u64;
                    (gone, part.left == 0)
                }
            };
            left -= gone;
            self.held -= gone;
            if done {
                self.pieces.remove(0);
            }
        }
    }
}

fn is_flowing(connection: &Connection) -> bool {
    connection.bytes_out() > FLOWING
}

/// `send_timeout` runs while the client takes nothing.
fn wait_to_send(exchange: &Exchange) {
    let deadline = &exchange.connection().write_deadline;
    if deadline.get().is_none() {
        begin_to_wait(exchange);
    }
}

/// What encryption has taken goes out little by little without a word: how much of it the client has taken, only the
/// kernel knows, and is asked again when the time is over.
#[cold]
pub(crate) fn begin_to_wait(exchange: &Exchange) {
    let connection = exchange.connection();
    let until = Instant::now() + exchange.limit(|limits| limits.send_timeout);
    connection.write_deadline.set(Some((until, Wait::Send)));
    if connection.transport.is_layered() {
        connection.note_taken();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_begin_with_their_size_in_hex() {
        let cases: &[(usize, &[u8])] = &[
            (0, b"0\r\n"),
            (0x1a2b, b"1a2b\r\n"),
            (usize::MAX, b"ffffffffffffffff\r\n"),
        ];
        for (size, expected) in cases {
            assert_eq!(Mark::of_chunk(*size).left(), *expected);
        }
    }
}
