//! The stream that hyper sees: whole heads made by the gate on one side, the socket on the other.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use hyper::rt::ReadBufCursor;
use tokio::time::Instant;

use crate::connection::{Connection, Exchange, Outcome, Wait};

/// What the driver, hyper's stream and the body of an answer share; one per connection.
#[derive(Debug)]
pub(crate) struct Link<B> {
    /// Head bytes for hyper, and how many of them it has taken.
    pub(crate) feed: RefCell<Vec<u8>>,
    pub(crate) fed: Cell<usize>,
    /// The exchange at hand; HTTP/1 has one at a time.
    pub(crate) exchange: RefCell<Option<Rc<Exchange>>>,
    /// Where the answer stands.
    pub(crate) answer: Cell<Answer>,
    /// The body of the answer, kept until its last byte is written.
    finished: RefCell<Option<B>>,
}

/// Where an HTTP/1 answer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The service is at work, or there is no request.
    #[default]
    None,
    /// hyper has the head and will write it next.
    Head,
    /// The head has been written; the body is on its way.
    Body,
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
            answer: Cell::default(),
            finished: RefCell::default(),
        })
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
        let connection = &self.connection;
        ready!(connection.poll_interim(cx))?;
        match connection.transport.poll_write_vectored(cx, slices) {
            Poll::Ready(Ok(length)) => {
                connection.write_deadline.set(None);
                connection.count_out(length);
                if let Some(exchange) = &*self.link.exchange.borrow() {
                    exchange.count_sent(length);
                }
                Poll::Ready(Ok(length))
            }
            Poll::Ready(Err(error)) => {
                connection.note_peer_closed();
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                self.wait_to_send();
                Poll::Pending
            }
        }
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

impl<B> HyperIo<B> {
    /// `send_timeout` runs while the client takes nothing.
    fn wait_to_send(&self) {
        if self.connection.write_deadline.get().is_some() {
            return;
        }
        let timeout = match &*self.link.exchange.borrow() {
            Some(exchange) => exchange.limits().send_timeout,
            None => return,
        };
        let deadline = Instant::now() + timeout;
        self.connection
            .write_deadline
            .set(Some((deadline, Wait::Send)));
    }
}
