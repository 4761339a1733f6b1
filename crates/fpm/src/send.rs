//! A request from slot to answer, with a second try where the first hurt nobody, and a third where FPM was started anew.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use portunus_fastcgi::CgiHead;
use tokio::time::{Instant, Sleep};

use crate::answer::Answer;
use crate::chunks::Chunks;
use crate::config::Options;
use crate::connection::Connection;
use crate::error::{Error, Failure};
use crate::exchange::Exchange;
use crate::flight::{InFlight, Told};
use crate::pool::{Lease, Pool, Waiting};
use crate::request::{Body, Request};
use crate::response::{Aside, Kind, Response, ResponseBody, Timings, Traffic};
use crate::slots::Reply;

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
    /// Sends `request`; the head of the answer comes out.
    ///
    /// A slot is taken first; then a kept connection is used, if the method allows a second try or
    /// the worker says that it waits, or a fresh one opened. A request of which FPM heard nothing, or whose method is
    /// idempotent, is tried once more on a fresh connection if FPM hangs up without a word.
    ///
    /// Dropping the future gives everything up: the place in the queue, or the request.
    ///
    /// # Errors
    /// [`Failure`] says whose fault it is, what to tell the client and what to log.
    pub fn send<'a>(&'a self, request: Request<'a>) -> Sending<'a> {
        Sending {
            pool: self,
            request,
            same: None,
            tries: 0,
            sent: false,
            hasty: false,
            asked: None,
            started: None,
            timings: Timings::default(),
            traffic: Traffic::default(),
            stderr: Vec::new(),
            flight: None,
            state: State::Asking,
        }
    }
}

/// Tries of one request at most. The second meets a worker that was lost, or a connection that
/// FPM had given up. The third is for a restart of FPM, where the first may be lost with its
/// worker and the second in the backlog of the socket that is closed last. Where FPM has not been
/// seen to go, the second was run and has brought its worker down, and there is no third.
const TRIES: u32 = 3;

/// How long FPM may take to hang up on the connection for a third try: in a restart workers end one after the other,
/// and FPM takes connections until the last has.
const PAUSE: Duration = Duration::from_millis(250);

/// So many connections may be left by workers that end before one is tried that stays.
const LEFT_AT_MOST: u32 = 16;

/// A request on its way; see [`Pool::send`]. Not to be polled after its end.
///
/// One state machine, not a tower of `async` functions: what a step leaves to the next stays where
/// it is, and a poll touches little memory.
#[must_use]
#[derive(Debug)]
pub struct Sending<'a> {
    pool: &'a Pool,
    request: Request<'a>,
    /// The body once more, for another try.
    same: Option<Body>,
    tries: u32,
    /// Whether FPM can have seen any of the request.
    sent: bool,
    /// Somebody else is asked where this FPM cannot be reached.
    hasty: bool,
    asked: Option<Instant>,
    /// When there was a slot.
    started: Option<Instant>,
    timings: Timings,
    traffic: Traffic,
    stderr: Vec<Bytes>,
    /// The try that is on its way.
    flight: Option<InFlight>,
    state: State<'a>,
}

enum State<'a> {
    /// Nothing was done yet.
    Asking,
    /// In line.
    Waiting(Waiting<'a>),
    /// The worker behind a kept connection is asked whether it waits for a request.
    Questioning(Box<Question>),
    /// A connection is being opened.
    Connecting(Connecting),
    /// The request is out, or on its way.
    Head,
    /// The head has come, and the body may come with it.
    Gathering(CgiHead, Gathering),
    /// There is an answer, or a failure.
    Over,
}

impl fmt::Debug for State<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asking => "Asking",
            Self::Waiting(_) => "Waiting",
            Self::Questioning(_) => "Questioning",
            Self::Connecting(_) => "Connecting",
            Self::Head => "Head",
            Self::Gathering(..) => "Gathering",
            Self::Over => "Over",
        })
    }
}

/// Boxed, since most requests find a connection.
type Connecting = Pin<Box<dyn Future<Output = (Lease, Result<Box<Connection>, Error>)> + Send>>;

impl Future for Sending<'_> {
    type Output = Result<Box<Response>, Box<Failure>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let stepped = match &mut this.state {
                State::Asking => this.ask(cx),
                State::Waiting(waiting) => {
                    let granted = ready!(waiting.poll(cx));
                    this.granted(granted, cx)
                }
                State::Questioning(question) => {
                    let reply = ready!(question.poll(cx));
                    this.replied(reply)
                }
                State::Connecting(connecting) => {
                    let (lease, connected) = ready!(connecting.as_mut().poll(cx));
                    this.connected(lease, connected)
                }
                State::Head => {
                    let Some(flight) = &mut this.flight else {
                        return Poll::Pending;
                    };
                    let head = ready!(flight.poll_head(cx));
                    this.answered(head)
                }
                State::Gathering(_, gathering) => {
                    let Some(flight) = &mut this.flight else {
                        return Poll::Pending;
                    };
                    let gathered = ready!(gathering.poll(flight, this.request.limit_rate, cx));
                    this.end(gathered)
                }
                State::Over => return Poll::Pending,
            };
            match stepped {
                Ok(None) => {}
                Ok(Some(response)) => return Poll::Ready(Ok(response)),
                Err(error) => return Poll::Ready(Err(Box::new(this.failure(error)))),
            }
        }
    }
}

/// A worker that is asked whether it waits, see [`Connection::ask_for_attention`].
struct Question {
    /// Dropped before the slot is given back: only then is its worker free.
    connection: Box<Connection>,
    lease: Lease,
    asked: Instant,
    /// When the answer is late. Not the connection's own timer, which would wake somebody for nothing afterwards.
    late: Pin<Box<Sleep>>,
}

impl Question {
    fn new(lease: Lease, connection: Box<Connection>, patience: Duration) -> Self {
        Self {
            connection,
            lease,
            asked: Instant::now(),
            late: Box::pin(tokio::time::sleep(patience)),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        match self.connection.poll_attention(cx) {
            Poll::Ready(true) => Poll::Ready(Reply::Waits),
            Poll::Ready(false) => Poll::Ready(Reply::Gone),
            Poll::Pending => self.late.as_mut().poll(cx).map(|()| Reply::Late),
        }
    }
}

/// What a step came to: nothing to tell yet, an answer, or the end of all tries.
type Step = Result<Option<Box<Response>>, Error>;

impl<'a> Sending<'a> {
    /// Does not wait for an FPM that refuses connections to come back: another is there to be asked.
    pub fn hasty(mut self) -> Self {
        self.hasty = true;
        self
    }

    /// Gives everything up, as dropping it does; not to be polled any more. What PHP has said on stderr is there, and
    /// what it says before it is told.
    #[cold]
    pub fn give_up(&mut self) -> Arc<Aside> {
        let aside = Arc::new(Aside::default());
        let earlier = std::mem::take(&mut self.stderr);
        aside.with(|late| (earlier.into_iter()).for_each(|piece| late.stderr.push(piece)));
        self.state = State::Over;
        match self.flight.take() {
            Some(flight) => drop(Told::new(flight, &aside)),
            None => aside.end(),
        }
        aside
    }

    /// Takes a slot, or a place in line.
    fn ask(&mut self, cx: &mut Context<'_>) -> Step {
        let now = Instant::now();
        self.asked = Some(now);
        match self.pool.ask(
            self.request.lane,
            self.request.options.queue,
            now,
            cx.waker(),
        )? {
            Ok(lease) => self.take(lease, now, cx),
            Err(waiting) => self.state = State::Waiting(waiting),
        }
        Ok(None)
    }

    /// The wait in line is over.
    fn granted(&mut self, granted: Option<Lease>, cx: &mut Context<'_>) -> Step {
        let now = (granted.as_ref()).map_or_else(Instant::now, |lease| lease.since);
        self.timings.queue = self.asked.map_or(Duration::ZERO, |asked| now - asked);
        let Some(mut lease) = granted else {
            return Err(Error::QueueTimeout {
                retry_after: self.pool.expected_wait(),
            });
        };
        lease.waited = self.timings.queue;
        self.take(lease, now, cx);
        Ok(None)
    }

    /// The first try, on the connection that came with the slot if there is one.
    ///
    /// FPM may hang up on a kept connection while a request is on its way, after its worker's last request
    /// (`pm.max_requests`) above all. What must not be sent twice waits until the worker has shown that it is there: a
    /// round trip, and a fourth of what a connection costs.
    fn take(&mut self, mut lease: Lease, now: Instant, cx: &mut Context<'_>) {
        self.started = Some(now);
        self.same = self.request.body.again();
        let kept = lease.take_connection();
        let Some(mut connection) = kept.filter(|_| self.request.options.keep_conn) else {
            return self.connect(lease, None);
        };
        if self.request.idempotent || connection.is_attentive() {
            return self.begin(lease, connection, now);
        }
        match lease.answers_questions() {
            Some(patience) if connection.ask_for_attention(cx) => {
                let question = Question::new(lease, connection, patience);
                self.state = State::Questioning(Box::new(question));
            }
            _ => {
                drop(connection);
                self.connect(lease, None);
            }
        }
    }

    /// The worker has shown that it waits, or has not.
    fn replied(&mut self, reply: Reply) -> Step {
        let State::Questioning(question) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(None);
        };
        let Question {
            connection,
            lease,
            asked,
            ..
        } = *question;
        let now = Instant::now();
        lease.note_reply(reply, now - asked);
        match reply {
            Reply::Waits => self.begin(lease, connection, now),
            Reply::Late | Reply::Gone => {
                drop(connection);
                self.connect(lease, None);
            }
        }
        Ok(None)
    }

    /// Opens a connection; after a `lost` try only to an FPM that has been started anew.
    fn connect(&mut self, mut lease: Lease, lost: Option<Error>) {
        let timeout = self.request.options.connect_timeout;
        let hasty = self.hasty;
        self.state = State::Connecting(Box::pin(async move {
            let Some(lost) = lost else {
                let connected = lease.connect(timeout, hasty).await;
                return (lease, connected);
            };
            let mut is_going = false;
            for _ in 0..LEFT_AT_MOST {
                let mut connected = lease.connect(timeout, hasty).await;
                let stays = match &mut connected {
                    Ok(connection) if !connection.was_refused() => !is_left(connection).await,
                    _ => return (lease, connected),
                };
                if stays {
                    return (lease, if is_going { connected } else { Err(lost) });
                }
                is_going = true;
            }
            (lease, Err(lost))
        }));
    }

    fn connected(&mut self, lease: Lease, connected: Result<Box<Connection>, Error>) -> Step {
        let now = Instant::now();
        self.timings.connect = Some(self.since_start(now));
        self.begin(lease, connected?, now);
        Ok(None)
    }

    /// One try.
    fn begin(&mut self, lease: Lease, connection: Box<Connection>, now: Instant) {
        self.tries += 1;
        let request = &mut self.request;
        let body = std::mem::take(&mut request.body);
        let options = request.options;
        let keep =
            options.keep_conn && lease.may_keep(!options.keep_after_body && !body.is_empty());
        let exchange = Exchange::start(connection, request.params, body, keep, options, now);
        self.timings.reused = exchange.is_reused();
        let answer = Answer::new(exchange, request.head_only);
        let started = self.started.unwrap_or(now);
        self.flight = Some(InFlight::new(answer, lease, started));
        self.state = State::Head;
    }

    /// The head has come, or will not come by this try.
    fn answered(&mut self, head: Result<CgiHead, Error>) -> Step {
        let head = match head {
            Ok(head) => head,
            Err(error) => return self.try_again(error),
        };
        let Some(flight) = &mut self.flight else {
            return Ok(None);
        };
        self.timings.header = flight.elapsed();
        if self.request.is_replaced(head.status)
            && let Some(answer) = flight.answer()
        {
            answer.discard();
        }
        let streamed =
            (flight.answer()).is_some_and(|answer| !is_buffered(answer.exchange.options(), &head));
        self.state = State::Gathering(head, Gathering::default());
        if !streamed {
            return Ok(None);
        }
        self.end(Gathered::Streamed)
    }

    /// Begins another try if this one hurt nobody.
    fn try_again(&mut self, error: Error) -> Step {
        let flight = self.flight.take();
        let again = flight.and_then(|flight| self.judge(flight, &error));
        let (Some(lease), Some(body)) = (again, self.same.take()) else {
            return Err(error);
        };
        self.same = body.again();
        self.request.body = body;
        self.timings.retried = true;
        let is_third = self.tries > 1;
        self.connect(lease, is_third.then_some(error));
        Ok(None)
    }

    /// Ends a try that failed; the slot is kept if there may be another.
    fn judge(&mut self, mut flight: InFlight, error: &Error) -> Option<Lease> {
        let mut safe = false;
        if let Some(Answer { exchange, .. }) = flight.answer() {
            let sent = exchange.was_sent();
            let was_reset = matches!(error, Error::Receive { .. } | Error::Send(_));
            safe = exchange.is_unanswered(error)
                && (!sent || self.request.idempotent)
                && (self.tries == 1 || (self.tries < TRIES && was_reset));
            self.sent |= sent;
            self.stderr.extend(exchange.stderr.take());
            self.traffic = exchange.traffic();
        }
        flight.fail().filter(|_| safe)
    }

    /// All of a small answer has come, or it is clear that it will not be small, or soon.
    fn end(&mut self, gathered: Gathered) -> Step {
        let state = std::mem::replace(&mut self.state, State::Over);
        let (State::Gathering(head, Gathering { chunks, .. }), Some(mut flight)) =
            (state, self.flight.take())
        else {
            return Ok(None);
        };
        let stderr = flight.take_stderr();
        self.traffic = flight.traffic();
        let body = match gathered {
            Gathered::Failed(error) => {
                self.stderr = stderr;
                self.sent = true;
                return Err(error);
            }
            Gathered::All => {
                self.timings.response = flight.response;
                Kind::Complete(chunks)
            }
            Gathered::Some => spool(flight, chunks, &self.request),
            Gathered::Streamed => {
                let aside = Arc::default();
                Kind::Streamed(Some(Box::new(Told::new(flight, &aside))), aside)
            }
        };
        // Made in the box, not copied into it.
        Ok(Some(Box::write(
            Box::new_uninit(),
            Response {
                head,
                body: ResponseBody::new(body),
                stderr,
                timings: self.timings,
                traffic: self.traffic,
            },
        )))
    }

    #[cold]
    fn failure(&mut self, error: Error) -> Failure {
        self.state = State::Over;
        self.flight = None;
        let mut timings = self.timings;
        timings.response = match timings.header {
            Some(header) => Some(header),
            None => self.started.map(|started| started.elapsed()),
        };
        let coming = match std::mem::take(&mut self.request.body) {
            Body::Stream(body) => Some(body),
            _ => None,
        };
        Failure {
            error,
            coming,
            sent: self.sent,
            stderr: std::mem::take(&mut self.stderr),
            timings,
            traffic: self.traffic,
        }
    }

    fn since_start(&self, now: Instant) -> Duration {
        self.started.map_or(Duration::ZERO, |started| now - started)
    }
}

/// Whether FPM hangs up on a connection over which nothing was sent: it ends.
async fn is_left(connection: &mut Connection) -> bool {
    let closed = poll_fn(|cx| connection.poll_stale(cx));
    tokio::time::timeout(PAUSE, closed).await.is_ok()
}

/// Has a task take the rest of the answer from FPM, at FPM's pace.
fn spool(flight: InFlight, mut chunks: Chunks, request: &Request<'_>) -> Kind {
    let (writer, reader) = portunus_spool::fifo(request.options.spool.clone());
    let mut writer = writer.at_rate(request.limit_rate);
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
    let aside = Arc::new(Aside::default());
    let mut told = Told::new(flight, &aside);
    tokio::spawn(async move {
        for piece in left {
            if let Err(error) = told.flight.keep(&mut writer, piece).await {
                return writer.finish(Err(error));
            }
        }
        told.drain(writer).await;
    });
    Kind::Spooled { reader, aside }
}

enum Gathered {
    All,
    Some,
    /// None of it: whoever reads the body asks for it.
    Streamed,
    Failed(Error),
}

/// What has come of a body while it is not clear yet how it is to be had.
#[derive(Debug, Default)]
struct Gathering {
    chunks: Chunks,
    /// How long to wait for the rest.
    patience: Option<Instant>,
}

impl Gathering {
    /// Waits for the rest of the answer as long as it is small and comes soon: less than what a `rate`
    /// lets through at once.
    fn poll(&mut self, flight: &mut InFlight, rate: u64, cx: &mut Context<'_>) -> Poll<Gathered> {
        let most = match usize::try_from(rate) {
            Ok(0) | Err(_) => INLINE,
            Ok(rate) => INLINE.min(rate),
        };
        loop {
            match flight.poll_data(cx) {
                Poll::Ready(Some(Ok(bytes))) => self.chunks.push(bytes),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Gathered::Failed(error)),
                Poll::Ready(None) => {
                    self.chunks.overrun = flight.overrun;
                    return Poll::Ready(Gathered::All);
                }
                Poll::Pending => break,
            }
            if self.chunks.len() >= most {
                return Poll::Ready(Gathered::Some);
            }
        }
        let until = *self.patience.get_or_insert_with(|| Instant::now() + GRACE);
        let Some(answer) = flight.answer() else {
            return Poll::Ready(Gathered::All);
        };
        let waited = answer.exchange.poll_deadline(cx, until);
        waited.map(|()| Gathered::Some)
    }
}

/// nginx: `ngx_http_upstream_process_buffering`.
fn is_buffered(options: &Options, head: &CgiHead) -> bool {
    static ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    let heard = head.accel && options.accel_buffering;
    let said = heard.then(|| head.fields.get(&ACCEL_BUFFERING)).flatten();
    match said.map(http::HeaderValue::as_bytes) {
        Some(value) if value.eq_ignore_ascii_case(b"no") => false,
        Some(value) if value.eq_ignore_ascii_case(b"yes") => true,
        _ => options.buffering,
    }
}
