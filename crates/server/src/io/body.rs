//! The body of a request, read off the wire when the service asks for it.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::connection::{Exchange, Outcome, Wait};
use crate::gate::body::{Framing, Taken};

/// Room made for one read of a body: little until the client has shown that it sends much.
const MIN_READ: u64 = 16 << 10;
const MAX_READ: u64 = 64 << 10;

/// A request as a service gets it: its body, and the way to its [`Exchange`], which knows the rest.
///
/// Reading goes at the pace of the service: what it does not ask for stays in the kernel, and the
/// client feels it. What is left unread when the answer has gone out is read and thrown away, within
/// `lingering_time`, so that the connection can be kept.
#[derive(Debug)]
pub struct RequestBody {
    exchange: Rc<Exchange>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Http1,
    Http2(Incoming),
}

/// Why a request body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client went away in the middle.
    #[error("client prematurely closed connection")]
    ClientClosed,
    /// The client broke the chunked coding.
    #[error("client sent invalid chunked body")]
    Invalid,
    /// The HTTP/2 stream ended with an error.
    #[error("{0}")]
    Stream(#[from] hyper::Error),
}

impl RequestBody {
    pub(crate) fn http1(exchange: Rc<Exchange>) -> Self {
        Self {
            exchange,
            source: Source::Http1,
        }
    }

    pub(crate) fn http2(exchange: Rc<Exchange>, body: Incoming) -> Self {
        Self {
            exchange,
            source: Source::Http2(body),
        }
    }

    /// The exchange that this is the request body of.
    #[must_use]
    pub fn exchange(&self) -> &Rc<Exchange> {
        &self.exchange
    }

    /// As [`Self::poll_data`], for who does not wait for it: the client's time does not run.
    pub fn poll_at_hand(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let polled = self.poll_data(cx);
        if polled.is_pending() {
            self.wait_no_more();
        }
        polled
    }

    /// Nobody waits for the client just now, who so cannot be late.
    fn wait_no_more(&self) {
        let exchange = &self.exchange;
        let mut progress = exchange.body.get();
        progress.end_wait();
        exchange.body.set(progress);
        match &self.source {
            // What is left of an exchange that is over must not touch that of the next.
            Source::Http1 if exchange.outcome() == Outcome::Open => {
                let deadline = &exchange.connection().read_deadline;
                if matches!(deadline.get(), Some((_, Wait::Body))) {
                    deadline.set(None);
                }
            }
            Source::Http1 => {}
            Source::Http2(_) => exchange.wait_for_body(None),
        }
    }

    /// The next bytes of the body; `None` at its end.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match &mut self.source {
            Source::Http1 => poll_http1(&self.exchange, cx),
            Source::Http2(body) => loop {
                let exchange = &self.exchange;
                let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx)? else {
                    if !exchange.waits_for_body() {
                        exchange.wait_for_body(Some(body_deadline(exchange)));
                    }
                    return Poll::Pending;
                };
                exchange.wait_for_body(None);
                match frame {
                    None => return Poll::Ready(None),
                    Some(frame) => {
                        if let Ok(data) = frame.into_data() {
                            let mut progress = exchange.body.get();
                            progress.read += data.len() as u64;
                            progress.end_wait();
                            exchange.body.set(progress);
                            exchange.count_received(data.len());
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                }
            },
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.wait_no_more();
    }
}

/// A client that waits for a 100 gets it now, if it is to be `sent`, or never: after the answer it
/// would be taken for that of the next request.
///
/// Source: nginx, `ngx_http_test_expect`.
pub(crate) fn settle_continue(exchange: &Exchange, cx: &mut Context<'_>, sent: bool) {
    let mut progress = exchange.body.get();
    if !progress.owes_continue {
        return;
    }
    progress.owes_continue = false;
    exchange.body.set(progress);
    if sent {
        exchange.connection().send_continue(cx);
        exchange.count_continue_sent();
    }
}

/// Also reads what nobody wants, for [`crate::http1`].
pub(crate) fn poll_http1(
    exchange: &Exchange,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BodyError>>> {
    settle_continue(exchange, cx, true);
    let connection = exchange.connection();
    let mut progress = exchange.body.get();
    loop {
        let mut framing = exchange.framing.borrow_mut();
        let mut pending = connection.pending.borrow_mut();
        let before = pending.len();
        let taken = framing.take(&mut pending);
        exchange.count_received(before - pending.len());
        match taken {
            Taken::Data(data) => {
                progress.read += data.len() as u64;
                progress.end_wait();
                exchange.body.set(progress);
                connection.read_deadline.set(None);
                return Poll::Ready(Some(Ok(data)));
            }
            Taken::End => return Poll::Ready(None),
            Taken::Broken => {
                exchange.disable_keep_alive();
                return Poll::Ready(Some(Err(BodyError::Invalid)));
            }
            Taken::More => {}
        }
        let most = if progress.read < MAX_READ {
            MIN_READ
        } else {
            MAX_READ
        };
        pending.reserve(
            usize::try_from(framing.expected().min(most))
                .unwrap_or(0)
                .max(1024),
        );
        match connection.transport.poll_read_buf(cx, &mut pending) {
            Poll::Ready(Ok(0) | Err(_)) => {
                *framing = Framing::Broken;
                connection.read_deadline.set(None);
                connection.note_peer_closed();
                exchange.disable_keep_alive();
                return Poll::Ready(Some(Err(BodyError::ClientClosed)));
            }
            Poll::Ready(Ok(length)) => connection.count_in(length),
            Poll::Pending => {
                set_deadline(exchange);
                return Poll::Pending;
            }
        }
    }
}

fn set_deadline(exchange: &Exchange) {
    let connection = exchange.connection();
    if connection.read_deadline.get().is_none() {
        let deadline = body_deadline(exchange);
        connection.read_deadline.set(Some((deadline, Wait::Body)));
        connection.arm();
    }
}

/// `client_body_timeout` runs while the service waits for the client; a body below the minimum
/// rate gets no more than what is left of its time, of which waits alone take.
fn body_deadline(exchange: &Exchange) -> Instant {
    let (limits, now) = (exchange.limits(), Instant::now());
    let mut progress = exchange.body.get();
    let timeout = limits.client_body_timeout;
    if limits.client_body_min_rate == 0 {
        return now + timeout;
    }
    progress.end_wait();
    progress.waits_since = Some(now);
    exchange.body.set(progress);
    let paid = Duration::from_secs(progress.read / u64::from(limits.client_body_min_rate));
    now + timeout.min((timeout + paid).saturating_sub(progress.waited))
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.get_mut()
            .poll_data(cx)
            .map(|data| data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            // Even a body of no byte may be waited for by a client that is owed a 100.
            Source::Http1 => {
                let owes = self.exchange.body.get().owes_continue;
                self.exchange.framing.borrow().is_done() && !owes
            }
            Source::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.source, &*self.exchange.framing.borrow()) {
            (Source::Http2(body), _) => body.size_hint(),
            (Source::Http1, Framing::Chunked(_) | Framing::Broken) => SizeHint::default(),
            (Source::Http1, framing) => SizeHint::with_exact(framing.expected()),
        }
    }
}
