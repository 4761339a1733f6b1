//! The driver of an HTTP/1 connection: waits for heads, lets the gate judge them, has the service
//! answer each whole one, writes the answer, keeps the time, and closes the way nginx does.
//!
//! ```text
//!            bytes                  whole head             all written, kept
//!  Waiting ─────────▶ reading head ────────────▶ Serving ───────────────────▶ Discarding ─▶ Waiting
//!     │ idle, drain        │ time-out               │ closed by either side        │ too long
//!     ▼                    ▼                        ▼                              ▼
//!   closed              closed                  Lingering ───────────────────────▶ closed
//! ```
//!
//! From `Serving` an answer with status 101 leads to `Tunnelling`, whose end is that of the connection.
//!
//! Nothing of an answer is kept between two requests, so an idle connection is small.

mod answer_head;
mod call;
mod heads;
mod hold;
mod sending;
mod timer;
mod tunnel;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use self::answer_head::own_reason;
use self::call::Call;
use self::heads::Reading;
use self::hold::Hold;
use self::sending::Sending;
pub(crate) use self::timer::Timer;
pub(crate) use self::tunnel::Tunnel;
use crate::connection::{Connection, Cut, Exchange, Outcome, Wait};
use crate::counters::Activity;
use crate::handler::ConnectionHandler;
use crate::io::{begin_to_wait, poll_http1, settle_continue};
use crate::settings::{LingeringClose, Settings};

/// Drives one connection until it is closed.
pub(crate) struct Http1<H: ConnectionHandler> {
    handler: Rc<H>,
    connection: Rc<Connection>,
    call: Call<H>,
    /// The request at hand; one at a time.
    exchange: Option<Rc<Exchange>>,
    /// The settings it came in under.
    settings: Option<Arc<Settings>>,
    /// Its answer, once the service has given one.
    sending: Option<Sending<H>>,
    reading: Reading,
    kept: Option<Kept>,
    hold: Hold,
    /// The moment at which the head had come, until the request has to wait for something: so far that is now.
    now: Option<Instant>,
    /// The request has come just now, others may have come with it, and what they look at may be the same.
    fresh: bool,
    /// The PROXY protocol header has not come yet.
    proxy_header_due: bool,
    phase: Phase,
    timer: Timer,
    tunnel: Option<Box<Tunnel>>,
}

/// How long a connection may be idle; said by the location of the last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// When the last answer had been written.
    since: Instant,
    timeout: Duration,
    /// The same while the server is shutting down, or has too many.
    at_least: Duration,
}

impl Kept {
    /// Until when it may be idle; `draining` if it is to go.
    ///
    /// Source: nginx, `ngx_http_set_keepalive`, `ngx_http_keepalive_handler`.
    fn until(self, draining: bool) -> Instant {
        let timeout = match draining {
            true => self.timeout.min(self.at_least),
            false => self.timeout,
        };
        self.since + timeout
    }

    /// Until when it stays although it is idle, where there is such a time.
    fn protected_until(self) -> Option<Instant> {
        (!self.at_least.is_zero()).then(|| self.until(true))
    }
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// For a request, or for the rest of its head.
    Waiting,
    /// The service is at work, or its answer goes out.
    Serving,
    /// The answer is out; the rest of the request body is thrown away.
    Discarding { until: Instant },
    /// The answer was `101`, and what follows is not HTTP.
    Tunnelling,
    /// We have said goodbye and read on for a while.
    Lingering { until: Instant },
}

/// What a step came to.
enum Next {
    /// Go on with the phase that is set now.
    Again,
    /// Nothing to do until woken.
    Sleep,
    /// The connection is over.
    Close,
}

/// How a driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Closed,
    /// The client speaks HTTP/2; its first bytes are still pending.
    Http2,
    /// The connection is idle, and another worker is to go on with it.
    Moves(Kept),
}

impl<H: ConnectionHandler> Http1<H> {
    /// Drives a connection from its beginning, or from where it is `kept` after a request.
    pub(crate) fn new(handler: Rc<H>, connection: Rc<Connection>, kept: Option<Kept>) -> Self {
        (connection.kept_until).set(kept.and_then(Kept::protected_until));
        Self {
            call: Call::new(),
            exchange: None,
            settings: None,
            sending: None,
            reading: Reading::default(),
            kept,
            hold: Hold::Off,
            now: None,
            fresh: false,
            proxy_header_due: connection.owes_proxy_header(),
            phase: Phase::Waiting,
            timer: Timer::default(),
            tunnel: None,
            handler,
            connection,
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            if self.connection.stopped.get() {
                self.abort(Cut::Stopped);
                return Poll::Ready(Ended::Closed);
            }
            let next = match self.phase {
                Phase::Waiting => match self.poll_head(cx) {
                    Poll::Ready(Some(ended)) => return Poll::Ready(ended),
                    Poll::Ready(None) => Next::Again,
                    Poll::Pending => Next::Sleep,
                },
                Phase::Serving if std::mem::take(&mut self.fresh) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Phase::Serving => self.poll_serving(cx),
                Phase::Tunnelling => self.poll_tunnel(cx),
                Phase::Discarding { until } => self.poll_discard(cx, until),
                Phase::Lingering { until } => self.poll_linger(cx, until),
            };
            match next {
                Next::Again => {}
                Next::Close => return Poll::Ready(Ended::Closed),
                Next::Sleep => {
                    let Poll::Ready(wait) = self.timer.poll(&self.connection, cx) else {
                        return Poll::Pending;
                    };
                    if self.timed_out(wait) {
                        return Poll::Ready(Ended::Closed);
                    }
                }
            }
        }
    }

    /// Has the service answer, and the answer written.
    fn poll_serving(&mut self, cx: &mut Context<'_>) -> Next {
        let (Some(exchange), Some(settings)) = (&self.exchange, &self.settings) else {
            return Next::Close;
        };
        if self.sending.is_none()
            && let Poll::Ready(response) = self.call.poll(cx, &self.handler, exchange)
        {
            // nginx: the page of an error goes out without.
            settle_continue(exchange, cx, response.status().as_u16() < 300);
            self.sending = Some(Sending::new(exchange, response));
        }
        let polled = match &mut self.sending {
            Some(sending) => sending.poll(cx, &self.handler, exchange, settings, &mut self.now),
            None => Poll::Pending,
        };
        match polled {
            Poll::Pending => {
                self.now = None;
                if self.peer_is_lost(cx) && self.sending.is_some() {
                    // The next write would fail; until then, at a low rate, nobody would know.
                    self.abort(Cut::ClientClosed);
                    return Next::Close;
                }
                Next::Sleep
            }
            Poll::Ready(Ok(())) => {
                self.answered();
                Next::Again
            }
            Poll::Ready(Err(cut)) => {
                self.abort(cut);
                Next::Close
            }
        }
    }

    /// All of the answer has been written.
    fn answered(&mut self) {
        let Some(exchange) = &self.exchange else {
            return;
        };
        if let Some(tunnel) = exchange.tunnel.take() {
            // What goes through it belongs to the answer, whose body waits for the end.
            self.tunnel = Some(tunnel);
            self.phase = Phase::Tunnelling;
            self.connection.transport.unquieten();
            self.connection.read_deadline.set(None);
            self.connection.write_deadline.set(None);
            return;
        }
        exchange.finish(Outcome::Sent);
        // The body may write its log line now.
        self.sending = None;
        if let Some(refusal) = exchange.refusal() {
            self.handler.refused(exchange, refusal);
        }
        self.connection.read_deadline.set(None);
        self.connection.write_deadline.set(None);
        let done = exchange.framing.borrow().is_done();
        if exchange.keep_alive() && done {
            self.wait_for_next();
            return;
        }
        self.now = None;
        self.connection.transport.unquieten();
        let until = Instant::now() + exchange.limit(|limits| limits.lingering_time);
        self.phase = if exchange.keep_alive() {
            Phase::Discarding { until }
        } else {
            Phase::Lingering { until }
        };
    }

    /// Hands bytes to and fro.
    fn poll_tunnel(&mut self, cx: &mut Context<'_>) -> Next {
        let (Some(tunnel), Some(exchange)) = (&mut self.tunnel, &self.exchange) else {
            return Next::Close;
        };
        if tunnel.poll(exchange, cx).is_pending() {
            return Next::Sleep;
        }
        exchange.finish(Outcome::Sent);
        // The far end is over before the log line is written.
        self.tunnel = None;
        self.sending = None;
        Next::Close
    }

    /// The connection is kept: back to the start.
    fn wait_for_next(&mut self) {
        self.phase = Phase::Waiting;
        let since = self.now.take().unwrap_or_else(Instant::now);
        let before = self.kept.map(|kept| kept.since);
        let exchange = self.exchange.take();
        self.hold = exchange
            .as_ref()
            .map_or(Hold::Off, |exchange| Hold::after(exchange, before));
        self.kept = exchange.map(|exchange| {
            exchange.limit(|limits| Kept {
                since,
                timeout: limits.keepalive_timeout,
                at_least: limits.keepalive_min_timeout,
            })
        });
        (self.connection.kept_until).set(self.kept.and_then(Kept::protected_until));
        self.settings = None;
        self.reading.reset();
        self.connection.set_activity(Activity::Waiting);
    }

    /// While the service is at work, the client may go away, or send its next request. Whether the
    /// connection has been reset: a client that has closed its side only may still read.
    fn peer_is_lost(&self, cx: &mut Context<'_>) -> bool {
        let connection = &self.connection;
        let body_is_read =
            (self.exchange.as_ref()).is_none_or(|exchange| exchange.framing.borrow().is_done());
        if !body_is_read || connection.is_peer_closed() || !connection.pending.borrow().is_empty() {
            return false;
        }
        let mut scratch = connection.worker.scratch.borrow_mut();
        match connection.transport.poll_read(cx, &mut scratch) {
            Poll::Pending => {}
            Poll::Ready(Ok(0)) => connection.note_peer_closed(),
            Poll::Ready(Err(_)) => {
                connection.note_peer_closed();
                return true;
            }
            Poll::Ready(Ok(length)) => {
                connection.count_in(length);
                connection
                    .pending
                    .borrow_mut()
                    .extend_from_slice(&scratch[..length]);
            }
        }
        false
    }

    /// Reads what is left of a request body that no service wanted.
    fn poll_discard(&mut self, cx: &mut Context<'_>, until: Instant) -> Next {
        let Some(exchange) = self.exchange.clone() else {
            return Next::Close;
        };
        loop {
            match poll_http1(&exchange, cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(_))) => return Next::Close,
                Poll::Ready(None) => {
                    self.connection.read_deadline.set(None);
                    self.wait_for_next();
                    return Next::Again;
                }
                Poll::Pending => {
                    self.linger_on(until, exchange.limit(|limits| limits.lingering_timeout));
                    return Next::Sleep;
                }
            }
        }
    }

    /// Closes our side and reads on for a while, so that the client gets to read the answer before
    /// a reset for what we did not read destroys it.
    ///
    /// Source: nginx, `ngx_http_set_lingering_close`.
    fn poll_linger(&mut self, cx: &mut Context<'_>, until: Instant) -> Next {
        let connection = Rc::clone(&self.connection);
        let Some(exchange) = self.exchange.clone() else {
            return Next::Close;
        };
        let limits = exchange.limits();
        let mut more_expected = limits.lingering_close == LingeringClose::Always
            || matches!(connection.read_deadline.get(), Some((_, Wait::Linger)))
            || !exchange.framing.borrow().is_done()
            || !connection.pending.borrow().is_empty()
            || exchange.refusal().is_some();
        let shut = connection.transport.poll_shutdown(cx);
        if limits.lingering_close == LingeringClose::Off
            || connection.is_peer_closed()
            || matches!(shut, Poll::Ready(Err(_)))
        {
            return Next::Close;
        }
        let mut scratch = connection.worker.scratch.borrow_mut();
        loop {
            // What is there counts, be it that nobody has been told: a close would reset the connection.
            match connection.transport.poll_read_now(cx, &mut scratch) {
                Poll::Ready(Ok(0) | Err(_)) => return Next::Close,
                Poll::Ready(Ok(length)) => {
                    connection.count_in(length);
                    connection.read_deadline.set(None);
                    more_expected = true;
                }
                Poll::Pending if !more_expected => return Next::Close,
                Poll::Pending => {
                    self.linger_on(until, limits.lingering_timeout);
                    return Next::Sleep;
                }
            }
        }
    }

    /// Waits for each further byte anew, but not for ever.
    fn linger_on(&self, until: Instant, timeout: Duration) {
        let deadline = &self.connection.read_deadline;
        if !matches!(deadline.get(), Some((_, Wait::Linger))) {
            deadline.set(Some((until.min(Instant::now() + timeout), Wait::Linger)));
        }
    }

    /// Something took too long. `true` when the connection is over.
    fn timed_out(&mut self, wait: Wait) -> bool {
        let cut = match wait {
            Wait::Pace => {
                self.connection.write_deadline.set(None);
                return false;
            }
            Wait::Held => {
                self.let_go();
                return false;
            }
            Wait::Idle => None,
            Wait::Linger => {
                self.reset_if_asked(|exchange| !exchange.framing.borrow().is_done());
                None
            }
            Wait::Head => {
                self.head_timed_out();
                None
            }
            Wait::Body => Some(Cut::BodyTimeout),
            Wait::Send if self.goes_on_taking() => return false,
            Wait::Send => Some(Cut::SendTimeout),
        };
        if let Some(cut) = cut {
            self.reset_if_asked(|_| true);
            self.abort(cut);
        }
        true
    }

    /// Whether a client to which nothing could be written is taking what it was sent before that; it has its time anew
    /// then.
    #[cold]
    fn goes_on_taking(&self) -> bool {
        let Some(exchange) = &self.exchange else {
            return false;
        };
        let is_taking = self.connection.has_taken_more();
        if is_taking {
            begin_to_wait(exchange);
        }
        is_taking
    }

    /// Has the connection of a late client end with a reset, if that is what the operator wants.
    ///
    /// Source: nginx, `ngx_http_free_request`.
    fn reset_if_asked(&self, is_late: impl FnOnce(&Exchange) -> bool) {
        let exchange = self.exchange.as_deref();
        if exchange.is_some_and(|exchange| exchange.is_to_be_reset() && is_late(exchange)) {
            self.connection.transport.reset_on_close();
        }
    }

    /// Gives up the exchange at hand: whoever watches it learns why before anything is dropped.
    fn abort(&mut self, cut: Cut) {
        if let Some(exchange) = &self.exchange {
            exchange.cut(cut);
        }
        self.call.stop();
        self.sending = None;
    }
}

impl<H: ConnectionHandler> Future for Http1<H> {
    type Output = Ended;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let this = self.get_mut();
        this.connection.driving.set(true);
        this.connection.burst.set(0);
        let polled = this.step(cx);
        this.connection.driving.set(false);
        polled
    }
}

impl<H: ConnectionHandler> Unpin for Http1<H> {}

impl<H: ConnectionHandler> Drop for Http1<H> {
    fn drop(&mut self) {
        self.abort(Cut::Stopped);
        self.connection.set_activity(Activity::Waiting);
    }
}
