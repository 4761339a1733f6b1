//! Waiting for a head and reading it.

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::Method;
use tokio::time::Instant;

use super::{Ended, Http1, Phase};
use crate::connection::{Connection, Exchange, Head, Wait};
use crate::counters::Activity;
use crate::gate::body::Chunked;
use crate::gate::proxy_protocol::{self, ProxyHeader};
use crate::gate::{Refusal, Scan, Severity, Step, Watch};
use crate::handler::ConnectionHandler;
use crate::io::RequestBody;
use crate::settings::Settings;
use crate::sys::counted;
use crate::worker::GRACE;

/// The preface of HTTP/2 up to where it can be told from HTTP/1. RFC 9113 §3.4.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The head that is being read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    scan: Option<Scan>,
    /// When its first byte arrived.
    began: Option<Instant>,
    /// All of it came with its first byte, as far as was looked.
    at_once: bool,
    /// It was there already when the one before it had been answered.
    pipelined: bool,
}

/// What some bytes turned out to be.
enum Look {
    /// Not enough of anything.
    More,
    /// A head of this length; its request is being served.
    Head(usize),
    /// Something of this length that comes before a head.
    Skip(usize),
    /// The end of this driver; the bytes are still there.
    Over(Ended),
}

impl Reading {
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    /// When the head began to come, and when it had come, if that is now.
    fn times(&self) -> (Instant, Instant) {
        let began = self.began.unwrap_or_else(Instant::now);
        match self.at_once {
            true => (began, began),
            false => (began, Instant::now()),
        }
    }
}

impl<H: ConnectionHandler> Http1<H> {
    /// Ready with `None` when a head is whole and its request is to be served, with how it ended when
    /// the connection is over.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ended>> {
        let connection = Rc::clone(&self.connection);
        if self.reading.began.is_none() && !connection.pending.borrow().is_empty() {
            self.reading.pipelined = connection.requests() > 0;
            if let Some(result) = self.take_pending() {
                return Poll::Ready(result);
            }
        }
        let transport = &connection.transport;
        let mut unannounced = transport.is_quiet() && !self.is_just_answered();
        loop {
            let mut scratch = connection.worker.scratch.borrow_mut();
            let polled = match std::mem::take(&mut unannounced) {
                true => transport.poll_read_now(cx, &mut scratch),
                false => transport.poll_read(cx, &mut scratch),
            };
            match polled {
                Poll::Ready(Ok(0) | Err(_)) => {
                    drop(scratch);
                    connection.note_peer_closed();
                    self.head_broke_off();
                    return Poll::Ready(Some(Ended::Closed));
                }
                Poll::Ready(Ok(length)) => {
                    connection.count_in(length);
                    let result = if connection.pending.borrow().is_empty() {
                        self.take_fresh(&scratch[..length])
                    } else {
                        connection
                            .pending
                            .borrow_mut()
                            .extend_from_slice(&scratch[..length]);
                        self.take_pending()
                    };
                    drop(scratch);
                    if let Some(result) = result {
                        return Poll::Ready(result);
                    }
                }
                Poll::Pending => {
                    drop(scratch);
                    if self.holds(cx) {
                        return Poll::Pending;
                    }
                    if transport.is_quiet() {
                        transport.unquieten();
                        unannounced = true;
                        continue;
                    }
                    if let Some(kept) = self.kept.filter(|_| self.is_to_move()) {
                        return Poll::Ready(Some(Ended::Moves(kept)));
                    }
                    return if self.wait_for_head() {
                        Poll::Pending
                    } else {
                        Poll::Ready(Some(Ended::Closed))
                    };
                }
            }
        }
    }

    /// Whether another worker is to go on with the connection, of whose next request nothing has come.
    fn is_to_move(&self) -> bool {
        let connection = &self.connection;
        self.reading.began.is_none()
            && connection.worker.meter.has_surplus()
            && connection.can_move()
    }

    /// Sets the deadline; `false` when an idle connection is not worth keeping.
    fn wait_for_head(&mut self) -> bool {
        let connection = &self.connection;
        let is_protected = connection.is_protected();
        if connection.shed.get() && self.reading.began.is_none() && !is_protected {
            return false;
        }
        if connection.read_deadline.get().is_some() && !connection.draining.get() {
            return true;
        }
        let fresh = connection.requests() == 0;
        let (deadline, wait) =
            if let (Some(began), Some(scan)) = (self.reading.began, &self.reading.scan) {
                (began + scan.settings().client_header_timeout, Wait::Head)
            } else if fresh {
                (
                    Instant::now() + self.handler.settings(connection).client_header_timeout,
                    Wait::Idle,
                )
            } else {
                let Some(kept) = self.kept else {
                    return false;
                };
                let draining = connection.draining.get();
                if draining && !is_protected {
                    return false;
                }
                (kept.until(draining), Wait::Idle)
            };
        let deadline = match connection.read_deadline.get() {
            Some((old, _)) => deadline.min(old),
            None => deadline,
        };
        let deadline = if fresh && connection.draining.get() {
            deadline.min(Instant::now() + GRACE)
        } else {
            deadline
        };
        connection.read_deadline.set(Some((deadline, wait)));
        true
    }

    /// Looks at bytes fresh from the wire, while none are pending; keeps what is not used.
    fn take_fresh(&mut self, mut bytes: &[u8]) -> Option<Option<Ended>> {
        let connection = Rc::clone(&self.connection);
        loop {
            let (used, result) = match self.look(bytes) {
                Look::More => (0, None),
                Look::Over(ended) => (0, Some(Some(ended))),
                Look::Head(length) => (length, Some(None)),
                Look::Skip(length) if length < bytes.len() => {
                    bytes = &bytes[length..];
                    continue;
                }
                Look::Skip(length) => (length, None),
            };
            if used < bytes.len() {
                let mut pending = connection.pending.borrow_mut();
                pending.extend_from_slice(&bytes[used..]);
            }
            return result;
        }
    }

    /// Looks at bytes that have been kept.
    fn take_pending(&mut self) -> Option<Option<Ended>> {
        let connection = Rc::clone(&self.connection);
        let mut pending = std::mem::take(&mut *connection.pending.borrow_mut());
        let result = loop {
            match self.look(&pending) {
                Look::More => break None,
                Look::Over(ended) => break Some(Some(ended)),
                Look::Head(length) => {
                    pending.advance(length);
                    break Some(None);
                }
                Look::Skip(length) => {
                    pending.advance(length);
                    if pending.is_empty() {
                        break None;
                    }
                }
            }
        };
        if !pending.is_empty() {
            *connection.pending.borrow_mut() = pending;
        }
        result
    }

    fn look(&mut self, bytes: &[u8]) -> Look {
        let connection = Rc::clone(&self.connection);
        if self.proxy_header_due {
            return self.look_for_proxy_header(bytes);
        }
        if connection.requests() == 0 && connection.listener().config.http2 {
            let length = bytes.len().min(HTTP2_PREFACE.len());
            if bytes[..length] == HTTP2_PREFACE[..length] {
                let whole = length == HTTP2_PREFACE.len();
                return if whole {
                    Look::Over(Ended::Http2)
                } else {
                    Look::More
                };
            }
        }
        self.reading.at_once = self.reading.began.is_none();
        if self.reading.at_once {
            self.reading.began = Some(Instant::now());
            connection.read_deadline.set(None);
            connection.set_activity(Activity::Reading);
        }
        let scan = &mut self.reading.scan;
        let scan = scan.get_or_insert_with(|| Scan::new(self.handler.settings(&connection)));
        let mut witness = Witness {
            handler: &*self.handler,
            connection: &connection,
        };
        match scan.advance(bytes, &mut witness) {
            Step::More => Look::More,
            Step::Whole(end) if scan.fields.chunked && Chunked::is_broken_by(&bytes[end..]) => {
                let refusal = Refusal::bad("client sent invalid chunked body");
                self.start(&bytes[..end], Some(refusal));
                Look::Head(bytes.len())
            }
            Step::Whole(end) => {
                self.start(&bytes[..end], None);
                Look::Head(end)
            }
            Step::Refuse(refusal) => {
                let refusal = refusal.found_while(doing(scan));
                self.start(bytes, Some(refusal));
                Look::Head(bytes.len())
            }
        }
    }

    fn look_for_proxy_header(&mut self, bytes: &[u8]) -> Look {
        match proxy_protocol::parse(bytes) {
            ProxyHeader::More => Look::More,
            ProxyHeader::Broken => {
                let message = format_args!("broken PROXY protocol header");
                self.handler.log(&self.connection, Severity::Error, message);
                Look::Over(Ended::Closed)
            }
            ProxyHeader::Whole(length, addresses) => {
                self.proxy_header_due = false;
                if let Some(addresses) = addresses {
                    self.connection.set_proxied(addresses);
                }
                Look::Skip(length)
            }
        }
    }

    /// A whole head, or a refused one, becomes an exchange.
    fn start(&mut self, bytes: &[u8], refusal: Option<Refusal>) {
        let connection = &self.connection;
        let (began, arrived) = self.reading.times();
        let Some(scan) = &mut self.reading.scan else {
            return;
        };
        connection.read_deadline.set(None);
        connection.set_activity(Activity::Writing);
        connection.worker.meter.look(began);
        let settings = Arc::clone(scan.settings());
        let head = Bytes::copy_from_slice(bytes);
        let make = || exchange_of(connection, (began, arrived), scan, head, refusal);
        let exchange = counted(make);
        if self.reading.pipelined {
            exchange.set_pipelined();
        }
        self.reading.scan = None;
        if !exchange.framing.borrow().is_done() {
            connection.transport.unquieten();
        }
        if exchange.refusal().is_none() {
            self.call.begin(RequestBody::http1(Rc::clone(&exchange)));
        }
        self.now = Some(exchange.arrived_at());
        self.exchange = Some(exchange);
        self.settings = Some(settings);
        self.phase = Phase::Serving;
        self.fresh = connection.looks.take();
        self.let_go();
    }

    /// The end of the input came in the middle of a head.
    fn head_broke_off(&mut self) {
        self.give_up(400, "client prematurely closed connection");
    }

    pub(super) fn head_timed_out(&mut self) {
        let settings = self.reading.scan.as_ref().map(Scan::settings);
        if settings.is_some_and(|settings| settings.limits.reset_timedout_connection) {
            self.connection.transport.reset_on_close();
        }
        self.give_up(408, "client timed out (110: Connection timed out)");
    }

    /// What has come of a head is all there will be; where something has, it is logged.
    ///
    /// Source: nginx, `ngx_http_close_request`.
    fn give_up(&mut self, code: u16, reason: &'static str) {
        let times = self.reading.times();
        let Some(scan) = &mut self.reading.scan else {
            return;
        };
        let refusal = Refusal::new(code, reason).found_while(doing(scan));
        let head = Bytes::copy_from_slice(&self.connection.pending.borrow());
        let exchange = exchange_of(&self.connection, times, scan, head, Some(refusal));
        if self.reading.pipelined {
            exchange.set_pipelined();
        }
        self.reading.scan = None;
        self.handler.broken_head(&Rc::new(exchange));
    }
}

/// The exchange of a head that has been read. `times` as [`Reading::times`] gives them.
#[inline]
fn exchange_of(
    connection: &Rc<Connection>,
    (began, arrived): (Instant, Instant),
    scan: &mut Scan,
    head: Bytes,
    refusal: Option<Refusal>,
) -> Exchange {
    let limits = scan.settings().limits;
    Exchange::new(
        Rc::clone(connection),
        connection.count_request(),
        began,
        arrived,
        describe(scan, head, refusal.is_some()),
        limits,
        refusal,
    )
}

/// Passes on what the gate meets on its way.
struct Witness<'w, H> {
    handler: &'w H,
    connection: &'w Connection,
}

impl<H: ConnectionHandler> Watch for Witness<'_, H> {
    fn ignored(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let message = format_args!("client sent invalid header line: \"{line}\"");
        self.handler.log(self.connection, Severity::Info, message);
    }

    fn host(&mut self, host: &[u8]) -> Option<Arc<Settings>> {
        self.handler.settings_of_host(self.connection, host)
    }
}

/// What is being read, in nginx's words.
const fn doing(scan: &Scan) -> &'static str {
    match scan.line {
        None => "reading client request line",
        Some(_) => "reading client request headers",
    }
}

/// What the exchange keeps of a head; it is taken out of `scan`.
#[inline]
fn describe(scan: &mut Scan, raw: Bytes, refused: bool) -> Head {
    let fields_start = scan.fields_start(&raw).min(raw.len());
    let known_line = scan.line.is_some();
    let mut line = scan.line.take().unwrap_or_default();
    if !known_line {
        // nginx logs what it has of a line that it could not read.
        let end = memchr::memchr2(b'\r', b'\n', &raw).unwrap_or(raw.len());
        line.whole = 0..end;
        line.version = 1000;
    }
    let method = raw.get(line.method.clone()).unwrap_or_default();
    let received = scan.accepted.saturating_sub(line.whole.start);
    // Of a head that was refused there are the fields before the one that is no good: the log shows them.
    let fields = &mut scan.fields;
    Head {
        // The gate lets no other bytes pass than those of a method.
        method: Method::from_bytes(method).unwrap_or_default(),
        line,
        received,
        // What stands behind the line at fault, or behind the head, may be another request's.
        field_lines: fields_start..scan.accepted,
        lines: std::mem::take(&mut fields.lines),
        names: fields.names,
        host: fields.host.take(),
        persistence: fields.persistence,
        // Nobody is told of a body that will not be read; that there was none may be said.
        content_length: fields
            .content_length
            .filter(|&length| !refused || length == 0),
        chunked: fields.chunked && !refused,
        expect_continue: fields.expect_continue && !refused,
        raw,
    }
}
