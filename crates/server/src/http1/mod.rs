//! The driver of an HTTP/1 connection: waits for heads, lets the gate judge them, runs hyper over
//! each whole one, keeps the time, and closes the way nginx does.
//!
//! ```text
//!            bytes                  whole head             all written, kept
//!  Waiting ─────────▶ reading head ────────────▶ Serving ───────────────────▶ Discarding ─▶ Waiting
//!     │ idle, drain        │ time-out               │ closed by either side        │ too long
//!     ▼                    ▼                        ▼                              ▼
//!   closed              closed                  Lingering ───────────────────────▶ closed
//! ```

mod heads;
mod timer;
mod tunnel;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use tokio::time::Instant;

use self::heads::Reading;
pub(crate) use self::timer::Timer;
pub(crate) use self::tunnel::Tunnel;
use crate::answer::Bridge;
use crate::connection::{Connection, Cut, Outcome, Wait};
use crate::counters::Activity;
use crate::gate::Severity;
use crate::handler::ConnectionHandler;
use crate::io::{Answer, HyperIo, Link, poll_http1};
use crate::settings::LingeringClose;

/// More fields than this need a parser with a larger table, which costs a little more.
const COMMON_FIELDS: usize = 100;

type Hyper<H> = http1::Connection<HyperIo<<H as ConnectionHandler>::Body>, Bridge<H>>;

/// Drives one connection until it is closed.
pub(crate) struct Http1<H: ConnectionHandler> {
    handler: Rc<H>,
    connection: Rc<Connection>,
    link: Rc<Link<H::Body>>,
    service: Option<Rc<RefCell<H::Service>>>,
    /// hyper, while there is something for it to do; an idle connection does without, to be small.
    hyper: Option<Pin<Box<Hyper<H>>>>,
    hyper_fields: usize,
    reading: Reading,
    /// When the last answer had been written.
    idle_since: Option<Instant>,
    /// The PROXY protocol header has not come yet.
    proxy_header_due: bool,
    phase: Phase,
    timer: Timer,
    tunnel: Option<Tunnel>,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// For a request, or for the rest of its head.
    Waiting,
    /// hyper has a request.
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
}

impl<H: ConnectionHandler> Http1<H> {
    pub(crate) fn new(handler: Rc<H>, connection: Rc<Connection>) -> Self {
        Self {
            link: Link::new(),
            service: None,
            hyper: None,
            hyper_fields: COMMON_FIELDS,
            reading: Reading::default(),
            idle_since: None,
            proxy_header_due: connection.listener().config.proxy_protocol,
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
                Phase::Serving => self.poll_hyper(cx),
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

    /// Makes hyper ready for a head with this many fields.
    fn prepare_hyper(&mut self, fields: usize) {
        if self.hyper.is_some() && fields <= self.hyper_fields {
            return;
        }
        self.hyper = None;
        let mut builder = http1::Builder::new();
        builder.half_close(true);
        builder.header_read_timeout(None);
        self.hyper_fields = COMMON_FIELDS;
        if fields > COMMON_FIELDS {
            builder.max_headers(fields);
            self.hyper_fields = fields;
        }
        builder.max_buf_size((1 << 20).max(self.link.feed.borrow().len() + 8192));
        let service = self
            .service
            .get_or_insert_with(|| Rc::new(RefCell::new(self.handler.connect(&self.connection))));
        let bridge = Bridge {
            handler: Rc::clone(&self.handler),
            service: Rc::clone(service),
            link: Rc::clone(&self.link),
        };
        let io = HyperIo {
            connection: Rc::clone(&self.connection),
            link: Rc::clone(&self.link),
        };
        self.hyper = Some(Box::pin(builder.serve_connection(io, bridge)));
    }

    fn poll_hyper(&mut self, cx: &mut Context<'_>) -> Next {
        let Some(hyper) = &mut self.hyper else {
            return Next::Close;
        };
        let polled = hyper.as_mut().poll(cx);
        if self.link.answer.get() == Answer::Sent {
            self.answered();
            return Next::Again;
        }
        match polled {
            Poll::Pending => {
                self.watch_peer(cx);
                Next::Sleep
            }
            // hyper gave up: the answer's body failed, or the socket did.
            Poll::Ready(result) => {
                if let Err(error) = &result
                    && error.is_parse()
                {
                    let message = format_args!("hyper refused what the gate let through: {error}");
                    self.handler.log(&self.connection, Severity::Alert, message);
                }
                let lost = self.connection.is_peer_closed() || result.is_ok();
                self.abort(if lost {
                    Cut::ClientClosed
                } else {
                    Cut::AnswerFailed
                });
                Next::Close
            }
        }
    }

    /// All of the answer has been written.
    fn answered(&mut self) {
        self.link.answer.set(Answer::None);
        let exchange = self.link.exchange.borrow().clone();
        let Some(exchange) = exchange else {
            return;
        };
        if let Some(refusal) = exchange.refusal() {
            self.handler.refused(&exchange, refusal);
        }
        self.connection.read_deadline.set(None);
        self.connection.write_deadline.set(None);
        if let Some(tunnel) = exchange.tunnel.borrow_mut().take() {
            self.hyper = None;
            self.tunnel = Some(tunnel);
            self.phase = Phase::Tunnelling;
            return;
        }
        let done = exchange.framing.borrow().is_done();
        if exchange.keep_alive() && done {
            self.wait_for_next();
            return;
        }
        let until = Instant::now() + exchange.limit(|limits| limits.lingering_time);
        if exchange.keep_alive() {
            self.phase = Phase::Discarding { until };
        } else {
            self.hyper = None;
            self.phase = Phase::Lingering { until };
        }
    }

    /// Hands bytes to and fro.
    fn poll_tunnel(&mut self, cx: &mut Context<'_>) -> Next {
        let Some(tunnel) = &mut self.tunnel else {
            return Next::Close;
        };
        match tunnel.poll(&self.connection, cx) {
            Poll::Pending => Next::Sleep,
            Poll::Ready(()) => Next::Close,
        }
    }

    /// The connection is kept: back to the start.
    fn wait_for_next(&mut self) {
        self.phase = Phase::Waiting;
        self.idle_since = Some(Instant::now());
        self.reading.reset();
        self.connection.set_activity(Activity::Waiting);
    }

    /// Lets go of all that an idle connection can do without; hyper alone has two buffers of 8 KB.
    fn park(&mut self) {
        self.hyper = None;
        *self.link.feed.borrow_mut() = Vec::new();
        if let Some(exchange) = &*self.link.exchange.borrow()
            && Rc::strong_count(exchange) == 1
        {
            drop(exchange.reclaim());
        }
        self.connection.read_deadline.set(None);
    }

    /// While the service is at work, the client may go away, or send its next request.
    fn watch_peer(&self, cx: &mut Context<'_>) {
        let connection = &self.connection;
        let body_is_read = match &*self.link.exchange.borrow() {
            Some(exchange) => exchange.framing.borrow().is_done(),
            None => true,
        };
        if !body_is_read || connection.is_peer_closed() || !connection.pending.borrow().is_empty() {
            return;
        }
        let mut scratch = connection.worker.scratch.borrow_mut();
        match connection.transport.poll_read(cx, &mut scratch) {
            Poll::Pending => {}
            Poll::Ready(Ok(0) | Err(_)) => connection.note_peer_closed(),
            Poll::Ready(Ok(length)) => {
                connection.count_in(length);
                connection
                    .pending
                    .borrow_mut()
                    .extend_from_slice(&scratch[..length]);
            }
        }
    }

    /// Reads what is left of a request body that no service wanted.
    fn poll_discard(&mut self, cx: &mut Context<'_>, until: Instant) -> Next {
        let exchange = self.link.exchange.borrow().clone();
        let Some(exchange) = exchange else {
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
        let exchange = self.link.exchange.borrow().clone();
        let Some(exchange) = exchange else {
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
            match connection.transport.poll_read(cx, &mut scratch) {
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
            Wait::Park => {
                self.park();
                return false;
            }
            Wait::Idle | Wait::Linger => None,
            Wait::Head => {
                self.head_timed_out();
                None
            }
            Wait::Body => Some(Cut::BodyTimeout),
            Wait::Send => Some(Cut::SendTimeout),
        };
        if let Some(cut) = cut {
            let reset = match &*self.link.exchange.borrow() {
                Some(exchange) => exchange.limits().reset_timedout_connection,
                None => false,
            };
            if reset {
                self.connection.transport.reset_on_close();
            }
            self.abort(cut);
        }
        true
    }

    /// Gives up the exchange at hand: whoever watches it learns why before anything is dropped.
    fn abort(&mut self, cut: Cut) {
        if let Some(exchange) = &*self.link.exchange.borrow() {
            exchange.cut(cut);
        }
        self.hyper = None;
        self.link.settle(Outcome::Cut(cut));
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
