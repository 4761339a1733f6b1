//! The stream that hyper sees: whole heads made by the gate on one side, the socket on the other.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::ReadBufCursor;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::head_out::HeadOut;
use super::pace::{self, Allowance};
use super::sendfile::is_marker;
use crate::connection::{Connection, Exchange, Outcome, Wait};
use crate::settings::Settings;

/// What the driver, hyper's stream and the body of an answer share; one per connection.
#[derive(Debug)]
pub(crate) struct Link<B> {
    /// Head bytes for hyper, and how many of them it has taken.
    pub(crate) feed: RefCell<Vec<u8>>,
    pub(crate) fed: Cell<usize>,
    /// The exchange at hand; HTTP/1 has one at a time.
    pub(crate) exchange: RefCell<Option<Rc<Exchange>>>,
    /// The settings it came in under.
    pub(crate) settings: RefCell<Option<Arc<Settings>>>,
    /// Where the answer stands.
    pub(crate) answer: Cell<Answer>,
    head: RefCell<HeadOut>,
    /// Nothing may be written before this, by the rate limit.
    pub(crate) paused_until: Cell<Option<Instant>>,
    /// The body of the answer, kept until its last byte is written.
    finished: RefCell<Option<B>>,
}

/// Where an HTTP/1 answer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The service is at work, or there is no request.
    #[default]
    None,
    /// hyper has the answer and is writing it.
    Under,
    /// hyper has the last byte of the body, or the body is gone.
    Ended,
    /// All has been written.
    Sent,
}

impl<B> Link<B> {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            feed: RefCell::default(),
            fed: Cell::new(0),
            exchange: RefCell::default(),
            settings: RefCell::default(),
            answer: Cell::default(),
            head: RefCell::default(),
            paused_until: Cell::new(None),
            finished: RefCell::default(),
        })
    }

    /// The service has answered: hyper writes the head next.
    pub(crate) fn answer_begins(&self) {
        self.answer.set(Answer::Under);
        self.head.borrow_mut().expect();
    }

    /// The body of the answer has been read to its end by hyper, or given up by it.
    pub(crate) fn keep_until_sent(&self, body: Option<B>) {
        *self.finished.borrow_mut() = body;
        self.answer.set(Answer::Ended);
    }

    pub(crate) fn current(&self) -> Option<Rc<Exchange>> {
        self.exchange.borrow().clone()
    }

    /// Ends the exchange at hand and lets go of the body, which may log now.
    pub(crate) fn settle(&self, outcome: Outcome) {
        if let Some(exchange) = &*self.exchange.borrow() {
            exchange.finish(outcome);
        }
        // Taken out first: dropping it runs foreign code.
        let body = self.finished.borrow_mut().take();
        drop(body);
    }
}

/// hyper's view of an HTTP/1 connection.
#[derive(Debug)]
pub(crate) struct HyperIo<B> {
    pub(crate) connection: Rc<Connection>,
    pub(crate) link: Rc<Link<B>>,
}

impl<B> hyper::rt::Read for HyperIo<B> {
    /// Gives hyper the head that the driver has put ready, and nothing else: bodies go another
    /// way, and it is the driver that waits for the socket.
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let link = &self.link;
        let feed = link.feed.borrow();
        let rest = feed.get(link.fed.get()..).unwrap_or_default();
        if rest.is_empty() {
            return Poll::Pending;
        }
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        link.fed.set(link.fed.get() + length);
        Poll::Ready(Ok(()))
    }
}

impl<B> hyper::rt::Write for HyperIo<B> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(exchange) = self.link.current() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let polled = self.write(cx, &exchange, slices);
        match &polled {
            Poll::Ready(Ok(_)) => self.connection.write_deadline.set(None),
            Poll::Ready(Err(_)) => self.connection.note_peer_closed(),
            Poll::Pending => self.wait_to_send(&exchange),
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.connection.transport.poll_flush(cx))?;
        if self.link.answer.get() == Answer::Ended {
            self.link.answer.set(Answer::Sent);
            self.link.settle(Outcome::Sent);
        }
        Poll::Ready(Ok(()))
    }

    /// The driver closes the socket, after lingering where that is due.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Slices of one write; most answers have two.
type Slices<'s> = SmallVec<[&'s [u8]; 8]>;

impl<B> HyperIo<B> {
    /// Writes some of what hyper has: at most one file, or what comes before it.
    fn write(
        &self,
        cx: &mut Context<'_>,
        exchange: &Rc<Exchange>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let connection = &self.connection;
        ready!(connection.poll_interim(cx))?;
        let most = match pace::allowance(exchange, &self.link.paused_until) {
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
        let most = ready!(self.write_trailers(cx, exchange, slices, most))?;
        let mut head = self.link.head.borrow_mut();
        let first: &[u8] = slices.first().map_or(&[], |slice| slice);
        head.prepare(first, exchange, &self.link.settings);
        let swallowed = head.swallowed();
        let after = first
            .get(swallowed + head.left().len()..)
            .unwrap_or_default();
        let rest = slices.iter().skip(1).map(|slice| &**slice);
        let all = [head.left(), after].into_iter().chain(rest);
        let (mut out, mut room, mut file) = (Slices::new(), most, None);
        for slice in all.filter(|slice| !slice.is_empty()) {
            if is_marker(slice) {
                file = Some(slice.len());
                break;
            }
            out.push(&slice[..slice.len().min(room)]);
            room -= slice.len().min(room);
            if room == 0 {
                break;
            }
        }
        let sent = match (file, out.is_empty()) {
            (Some(length), true) => ready!(self.send_file(cx, exchange, length.min(most)))?,
            (None, true) => 0,
            (file, false) => ready!(connection.transport.poll_send(cx, &out, file.is_some()))?,
        };
        drop(out);
        let of_head = head.advance(sent);
        connection.count_out(sent);
        exchange.count_sent(sent);
        exchange.count_head_sent(of_head);
        pace::sent(exchange, &self.link.paused_until, sent);
        Poll::Ready(Ok(swallowed + sent))
    }

    /// Trailers go between the last chunk and the empty line behind it: hyper's last two bytes wait for them. Returns
    /// how much of what hyper has may be written now.
    fn write_trailers(
        &self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        slices: &[IoSlice<'_>],
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let mut trailers = exchange.trailers.borrow_mut();
        if trailers.is_empty() || self.link.answer.get() != Answer::Ended {
            return Poll::Ready(Ok(most));
        }
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if total > 2 {
            return Poll::Ready(Ok(most.min(total - 2)));
        }
        while !trailers.is_empty() {
            let sent = ready!(self.connection.transport.poll_send(cx, &[&trailers], true))?;
            trailers.drain(..sent);
            self.connection.count_out(sent);
            exchange.count_sent(sent);
        }
        Poll::Ready(Ok(most))
    }

    fn send_file(
        &self,
        cx: &mut Context<'_>,
        exchange: &Exchange,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let Some((file, offset, left)) = exchange.files.borrow().front() else {
            return Poll::Ready(Err(io::Error::other("a marker without a file")));
        };
        let most = usize::try_from(left).unwrap_or(most).min(most);
        let sent = ready!(
            self.connection
                .transport
                .poll_sendfile(cx, &file, offset, most)
        )?;
        if sent == 0 {
            let text = format!("sendfile() reported that file was truncated at {offset}");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, text)));
        }
        exchange.files.borrow_mut().advance(sent as u64);
        Poll::Ready(Ok(sent))
    }

    /// `send_timeout` runs while the client takes nothing.
    fn wait_to_send(&self, exchange: &Exchange) {
        if self.connection.write_deadline.get().is_none() {
            let deadline = Instant::now() + exchange.limit(|limits| limits.send_timeout);
            self.connection
                .write_deadline
                .set(Some((deadline, Wait::Send)));
        }
    }
}
