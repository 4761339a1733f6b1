//! A request from slot to answer, with at most one second try.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::CgiHead;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::chunks::Chunks;
use crate::config::Options;
use crate::connection::Connection;
use crate::error::{Error, Failure};
use crate::exchange::Exchange;
use crate::flight::InFlight;
use crate::pool::{Lease, Pool};
use crate::request::{Body, Request};
use crate::response::{Aside, Kind, Response, ResponseBody, Timings};

/// A buffered answer is waited for up to this many bytes, so that it can go out with its
/// length and in one piece, and a cut one becomes a 502 instead of a cut 200.
const INLINE: usize = 64 * 1024;

/// How long after its head an answer may take to be waited for. nginx would hold such an
/// answer until a buffer is full; a page that computes while it is sent should not.
///
/// Not shorter: the timer of a connection is armed once in that time, and wakes the thread for
/// nothing once in that time. At 20 ms that was every third wake-up with Laravel's pages.
const GRACE: Duration = Duration::from_millis(500);

impl Pool {
    /// Sends `request` and waits for the head of the answer.
    ///
    /// A slot is taken first; then a kept connection is used, if the method allows a second
    /// try, or a fresh one opened. A request of which FPM heard nothing, or whose method is
    /// idempotent, is tried once more on a fresh connection if FPM hangs up without a word.
    ///
    /// Dropping the future gives everything up: the place in the queue, or the request.
    ///
    /// # Errors
    /// [`Failure`] says whose fault it is, what to tell the client and what to log.
    pub async fn send(&self, request: Request<'_>) -> Result<Response, Failure> {
        let asked = Instant::now();
        let leased = self.checkout(request.lane).await;
        let started = Instant::now();
        let timings = Timings {
            queue: started - asked,
            ..Timings::default()
        };
        let lease = match leased {
            Ok(lease) => lease,
            Err(error) => {
                return Err(Failure {
                    error,
                    sent: false,
                    stderr: Vec::new(),
                    timings,
                });
            }
        };
        let attempt = Attempt {
            request,
            started,
            timings,
            sent: false,
            stderr: Vec::new(),
        };
        attempt.run(lease).await
    }
}

/// Tries of one request at most. The second meets a worker that was lost, or a connection that
/// FPM had given up. The third is for a restart of FPM, where the first may be lost with its
/// worker and the second in the backlog of the socket that is closed last.
const TRIES: u32 = 3;

/// The tries of one request.
struct Attempt<'a> {
    request: Request<'a>,
    started: Instant,
    timings: Timings,
    /// Whether FPM can have seen any of the request.
    sent: bool,
    stderr: Vec<Bytes>,
}

/// A try that failed; with the slot if another may be made.
struct Failed {
    error: Error,
    again: Option<Lease>,
}

impl Attempt<'_> {
    /// Tries until there is a head, or no further try is allowed.
    async fn run(mut self, mut lease: Lease) -> Result<Response, Failure> {
        let mut kept = if self.request.idempotent {
            lease.take_connection()
        } else {
            None
        };
        let mut body = std::mem::take(&mut self.request.body);
        let mut tries = 1;
        loop {
            let same = body.again();
            let failed = match self.once(lease, kept.take(), body, tries).await {
                Ok((flight, head)) => {
                    self.timings.header = Some(self.started.elapsed());
                    return respond(flight, head, self.timings).await;
                }
                Err(failed) => failed,
            };
            (lease, body) = match (failed.again, same) {
                (Some(lease), Some(body)) => (lease, body),
                _ => return Err(self.failure(failed.error)),
            };
            self.timings.retried = true;
            tries += 1;
        }
    }

    /// One try, on `kept` or on a connection of its own.
    async fn once(
        &mut self,
        mut lease: Lease,
        kept: Option<Box<Connection>>,
        body: Body,
        tries: u32,
    ) -> Result<(InFlight, CgiHead), Failed> {
        let connection = match kept {
            Some(connection) => connection,
            None => self
                .connect(&mut lease)
                .await
                .map_err(|error| Failed { error, again: None })?,
        };
        let options = self.request.options;
        let keep = options.keep_conn && lease.may_keep(!body.is_empty());
        let now = Instant::now();
        let exchange = Exchange::start(connection, self.request.params, body, keep, options, now);
        self.timings.reused = exchange.is_reused();
        let answer = Answer::new(exchange, self.request.head_only);
        let mut flight = InFlight::new(answer, lease, self.started);
        match poll_fn(|cx| flight.poll_head(cx)).await {
            Ok(head) => Ok((flight, head)),
            Err(error) => Err(self.judge(&mut flight, error, tries)),
        }
    }

    async fn connect(&mut self, lease: &mut Lease) -> Result<Box<Connection>, Error> {
        let started = Instant::now();
        let connected = lease.connect(self.request.options.connect_timeout).await;
        self.timings.connect = Some(started.elapsed());
        connected
    }

    /// Ends a try that failed, and decides whether there may be another.
    fn judge(&mut self, flight: &mut InFlight, error: Error, tries: u32) -> Failed {
        let mut safe = false;
        if let Some(Answer { exchange, .. }) = flight.answer() {
            let sent = exchange.was_sent();
            let was_reset = matches!(error, Error::Receive { .. } | Error::Send(_));
            safe = exchange.is_unanswered(&error)
                && (!sent || self.request.idempotent)
                && (tries == 1 || (tries < TRIES && was_reset));
            self.sent |= sent;
            self.stderr.extend(exchange.stderr.take());
        }
        Failed {
            error,
            again: flight.fail().filter(|_| safe),
        }
    }

    fn failure(self, error: Error) -> Failure {
        let mut timings = self.timings;
        timings.response = Some(self.started.elapsed());
        Failure {
            error,
            sent: self.sent,
            stderr: self.stderr,
            timings,
        }
    }
}

/// Decides how the body is to be had, once the head is known.
async fn respond(
    mut flight: InFlight,
    head: CgiHead,
    mut timings: Timings,
) -> Result<Response, Failure> {
    let aside = Aside::default();
    let Some(answer) = flight.answer() else {
        unreachable!("a head has come")
    };
    let options = Arc::clone(answer.exchange.options());
    if !is_buffered(&options, &head) {
        let stderr = answer.exchange.stderr.take();
        let body = ResponseBody::new(Kind::Streamed(Some(Box::new(flight)), Arc::new(aside)));
        return Ok(Response {
            head,
            body,
            stderr,
            timings,
        });
    }
    let mut chunks = Chunks::default();
    let gathered = gather(&mut flight, &mut chunks, &aside).await;
    let stderr = flight
        .answer()
        .map(|answer| answer.exchange.stderr.take())
        .unwrap_or_default();
    let mut late = aside.with(|late| late.stderr.take());
    late.extend(stderr);
    let stderr = late;
    let body = match gathered {
        Gathered::Failed(error) => {
            timings.response = timings.header;
            return Err(Failure {
                error,
                sent: true,
                stderr,
                timings,
            });
        }
        Gathered::All => {
            (timings.response, chunks.overrun) = aside.with(|late| (late.response, late.overrun));
            Kind::Complete(chunks)
        }
        Gathered::Some => {
            let (mut writer, reader) = portunus_spool::fifo(options.spool.clone());
            let mut left = Vec::new();
            while let Some(piece) = chunks.pop() {
                // Behind a piece that found no room all others have to wait, however small.
                let refused = if left.is_empty() {
                    writer.try_push(piece).err()
                } else {
                    Some(piece)
                };
                left.extend(refused);
            }
            let aside = Arc::new(aside);
            let drained = Arc::clone(&aside);
            tokio::spawn(async move {
                for piece in left {
                    if let Err(error) = writer.push(piece).await {
                        return writer.finish(Err(error.into()));
                    }
                }
                flight.drain(writer, drained).await;
            });
            Kind::Spooled { reader, aside }
        }
    };
    Ok(Response {
        head,
        body: ResponseBody::new(body),
        stderr,
        timings,
    })
}

enum Gathered {
    All,
    Some,
    Failed(Error),
}

/// Waits for the rest of the answer as long as it is small and comes soon.
async fn gather(flight: &mut InFlight, chunks: &mut Chunks, aside: &Aside) -> Gathered {
    let mut patience = None;
    poll_fn(|cx| {
        loop {
            match flight.poll_data(cx, aside) {
                Poll::Ready(Some(Ok(bytes))) => chunks.push(bytes),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Gathered::Failed(error)),
                Poll::Ready(None) => return Poll::Ready(Gathered::All),
                Poll::Pending => break,
            }
            if chunks.len() >= INLINE {
                return Poll::Ready(Gathered::Some);
            }
        }
        let until = *patience.get_or_insert_with(|| Instant::now() + GRACE);
        let Some(answer) = flight.answer() else {
            return Poll::Ready(Gathered::All);
        };
        answer
            .exchange
            .poll_deadline(cx, until)
            .map(|()| Gathered::Some)
    })
    .await
}

/// nginx: `ngx_http_upstream_process_buffering`.
fn is_buffered(options: &Options, head: &CgiHead) -> bool {
    let said = head
        .fields
        .get("x-accel-buffering")
        .filter(|_| options.accel_buffering);
    match said.map(http::HeaderValue::as_bytes) {
        Some(value) if value.eq_ignore_ascii_case(b"no") => false,
        Some(value) if value.eq_ignore_ascii_case(b"yes") => true,
        _ => options.buffering,
    }
}
