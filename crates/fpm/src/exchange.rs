//! One request and its answer on one connection, both directions at once.
//!
//! PHP may answer before it has read the body, or without reading it at all; so bytes are
//! read while bytes are written, or both ends would wait for each other.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use portunus_fastcgi::{Event, ResponseDecoder};
use tokio::time::Instant;

use crate::config::{Options, Reuse};
use crate::connection::Connection;
use crate::error::{Error, ErrorKind, Phase};
use crate::outgoing::{Outgoing, Sending};
use crate::request::Body;
use crate::response::Traffic;
use crate::stderr::Stderr;

/// A connection while it is used for a request. Dropped, it is closed.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) connection: Box<Connection>,
    out: Outgoing,
    decoder: ResponseDecoder,
    options: Arc<Options>,
    /// Reading the head, or what follows.
    pub(crate) phase: Phase,
    /// What PHP wrote to stderr and nobody has taken yet.
    pub(crate) stderr: Stderr,
    /// FPM does not take our bytes any more. It may have answered all the same.
    send_error: Option<Error>,
    /// Bytes came.
    heard: bool,
    /// What the kernel says behind what has yet to be decoded, an end or an error.
    end: Option<io::Result<usize>>,
    /// Something was read that the kernel may not have acknowledged yet.
    unacknowledged: bool,
    /// Bytes came that belong to this request.
    answered: bool,
    /// Bytes that came, over all.
    received: u64,
    /// How many of them were there when the head had ended.
    head_length: Option<u64>,
    last_read: Instant,
    last_write: Instant,
    /// Nobody has polled yet.
    fresh: bool,
    /// More of the body had to come first when it was last looked for.
    starved: bool,
    has_body: bool,
}

impl Exchange {
    /// Frames the request; nothing is written before the first poll.
    pub(crate) fn start(
        mut connection: Box<Connection>,
        params: &[u8],
        body: Body,
        keep_conn: bool,
        options: &Arc<Options>,
        now: Instant,
    ) -> Self {
        let request_id = connection.next_request();
        let has_body = !body.is_empty();
        let out = Outgoing::start(&mut connection, request_id, keep_conn, params, body);
        Self {
            connection,
            out,
            decoder: ResponseDecoder::new(request_id),
            options: Arc::clone(options),
            phase: Phase::ReadingHead,
            stderr: Stderr::default(),
            send_error: None,
            heard: false,
            end: None,
            unacknowledged: false,
            answered: false,
            received: 0,
            head_length: None,
            last_read: now,
            last_write: now,
            fresh: true,
            starved: false,
            has_body,
        }
    }

    /// Notes that the head is over; `rest` bytes of what was decoded last are behind it.
    pub(crate) fn head_ended(&mut self, rest: usize) {
        let behind = rest + self.connection.input.len();
        self.head_length = Some(self.received.saturating_sub(behind as u64));
        self.phase = Phase::ReadingBody;
        self.decoder.join_remainders();
    }

    /// What went over the connection for this request so far.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            sent: self.out.sent(),
            received: self.received,
            behind_head: self
                .head_length
                .map_or(0, |head| self.received.saturating_sub(head)),
        }
    }

    pub(crate) fn options(&self) -> &Arc<Options> {
        &self.options
    }

    /// Whether FPM can have seen any of the request.
    pub(crate) fn was_sent(&self) -> bool {
        self.out.sent() > 0
    }

    /// Whether, after `error`, nothing of this request's answer was seen: FPM hung up without
    /// a word, or a kept connection still held something of an earlier request.
    pub(crate) fn is_unanswered(&self, error: &Error) -> bool {
        match error {
            Error::Protocol { .. } => self.is_reused() && !self.answered,
            _ => error.kind() == ErrorKind::Broken && !self.heard,
        }
    }

    /// Whether the connection had served another request before.
    pub(crate) fn is_reused(&self) -> bool {
        self.connection.is_reused()
    }

    pub(crate) fn has_body(&self) -> bool {
        self.has_body
    }

    /// The next event but for stderr, which is put aside. Never [`Event::Need`].
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        let sending = self.send(cx)?;
        loop {
            self.read_remainder(cx);
            if let Some(event) = self.decode()? {
                self.answered = true;
                return Poll::Ready(Ok(event));
            }
            match self.read(cx) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(self.broken(Error::Closed(self.phase))));
                }
                Poll::Ready(Ok(count)) => {
                    self.heard = true;
                    self.note_read(count);
                }
                Poll::Ready(Err(source)) => {
                    let error = Error::Receive {
                        phase: self.phase,
                        source,
                    };
                    return Poll::Ready(Err(self.broken(error)));
                }
                Poll::Pending => return self.poll_timeout(cx, sending).map(Err),
            }
        }
    }

    /// An event that is in the buffer already.
    ///
    /// # Errors
    /// When FPM breaks the protocol, or PHP says on stderr what it must not.
    pub(crate) fn decode(&mut self) -> Result<Option<Event>, Error> {
        loop {
            let event = self.decoder.decode(&mut self.connection.input);
            match event.map_err(|source| Error::Protocol {
                phase: self.phase,
                source,
            })? {
                Event::Need => return Ok(None),
                Event::Stderr(bytes) => self.note_stderr(bytes)?,
                event => return Ok(Some(event)),
            }
        }
    }

    /// Reads without looking at the answer, for nobody. Whether anything came; an end is an error, and so is a body
    /// of which more would have to come: there is no client left to send it, nor a time-out to watch over it.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let sending = self.send(cx)?;
        match self.read(cx) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(Error::Closed(self.phase))),
            Poll::Ready(Ok(count)) => {
                self.note_read(count);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(source)) => Poll::Ready(Err(Error::Receive {
                phase: self.phase,
                source,
            })),
            Poll::Pending if sending == Sending::Starved => {
                Poll::Ready(Err(Error::ClientBody(io::ErrorKind::UnexpectedEof.into())))
            }
            Poll::Pending => self.poll_timeout(cx, sending).map(Err),
        }
    }

    /// Bytes came.
    fn note_read(&mut self, count: usize) {
        self.received += count as u64;
        self.last_read = Instant::now();
        self.unacknowledged = true;
    }

    /// Reads what PHP wrote right behind a long piece before that is taken out of the buffer, where they are one. A
    /// read would follow all the same, since the answer has not ended.
    fn read_remainder(&mut self, cx: &mut Context<'_>) {
        if self.unacknowledged && self.decoder.awaits_remainder(&self.connection.input) {
            match self.read(cx) {
                Poll::Ready(Ok(count @ 1..)) => self.note_read(count),
                Poll::Ready(end) => self.end = Some(end),
                Poll::Pending => {}
            }
        }
    }

    /// Reads more of the answer. FPM's kernel may hold it back for what came last.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(end) = self.end.take() {
            return Poll::Ready(end);
        }
        match self.connection.poll_read(cx) {
            Poll::Pending if std::mem::take(&mut self.unacknowledged) => {
                self.connection.acknowledge_and_read(cx)
            }
            read => read,
        }
    }

    /// Ready when `deadline` has passed.
    pub(crate) fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        self.connection.poll_deadline(cx, deadline)
    }

    /// Reading goes on after a pause of ours, for which FPM is not to blame.
    pub(crate) fn resume(&mut self) {
        self.last_write = Instant::now();
    }

    /// When anything last came.
    pub(crate) fn last_read(&self) -> Instant {
        self.last_read
    }

    /// Whether the answer ended, nothing at all is left in either direction of what has been read, and the rules
    /// allow another request. Whether FPM has sent more, or hung up, is looked at before the next one.
    pub(crate) fn may_serve_again(&mut self, rules: &Reuse, now: Instant) -> bool {
        self.connection.note_end(self.received);
        // Takes the padding behind END_REQUEST; anything else there is an error.
        let settled = matches!(
            self.decoder.decode(&mut self.connection.input),
            Ok(Event::Need)
        );
        settled
            && self.decoder.is_drained()
            && self.send_error.is_none()
            && self.out.is_done(&self.connection)
            && self.connection.may_serve_again(rules, now)
    }

    fn note_stderr(&mut self, bytes: Bytes) -> Result<(), Error> {
        let caught = &self.options.catch_stderr;
        let forbidden = self.phase == Phase::ReadingHead && self.stderr.shows(&bytes, caught);
        self.answered = true;
        self.stderr.push(bytes);
        if forbidden {
            Err(Error::CaughtStderr)
        } else {
            Ok(())
        }
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Result<Sending, Error> {
        if self.send_error.is_some() || self.out.is_done(&self.connection) {
            return Ok(Sending::Done);
        }
        let mut progress = false;
        let sending = self.out.poll_send(cx, &mut self.connection, &mut progress);
        // What goes out carries the acknowledgement.
        self.unacknowledged &= !progress;
        // What goes out at once goes out when the exchange starts.
        let at_once = std::mem::take(&mut self.fresh);
        let starves = matches!(sending, Ok(Sending::Starved));
        let starved = std::mem::replace(&mut self.starved, starves);
        if (progress || starved) && !at_once {
            self.last_write = Instant::now();
        }
        match sending {
            Err(error @ Error::Send(_)) if error.is_hang_up() => {
                // FPM may have answered before it hung up; that answer counts.
                self.send_error = Some(error);
                Ok(Sending::Done)
            }
            other => other,
        }
    }

    /// The error to report when reading failed with `error`.
    fn broken(&mut self, error: Error) -> Error {
        match self.send_error.take() {
            Some(earlier) if !self.heard => earlier,
            _ => error,
        }
    }

    fn poll_timeout(&mut self, cx: &mut Context<'_>, sending: Sending) -> Poll<Error> {
        let (since, timeout, phase) = match sending {
            // A head has to be there in that time, however it comes: a peer that drips holds a slot. nginx does not
            // set the timer anew for each piece of a head either (`ngx_http_upstream_process_header`).
            Sending::Done if self.phase == Phase::ReadingHead => {
                (self.last_write, self.options.read_timeout, self.phase)
            }
            Sending::Done => {
                let since = self.last_read.max(self.last_write);
                (since, self.options.read_timeout, self.phase)
            }
            Sending::Blocked => (self.last_write, self.options.send_timeout, Phase::Sending),
            // The client's own time-out watches over this.
            Sending::Starved => return Poll::Pending,
        };
        self.connection
            .poll_deadline(cx, since + timeout)
            .map(|()| Error::Timeout(phase))
    }
}
