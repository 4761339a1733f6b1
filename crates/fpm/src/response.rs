//! What the pool gives back: a head, and a body in one of three ways.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::CgiHead;

use crate::chunks::Chunks;
use crate::error::Error;
use crate::flight::Told;
use crate::stderr::Stderr;

/// An answer whose head has come.
#[derive(Debug)]
pub struct Response {
    /// Status and fields as PHP gave them.
    pub head: CgiHead,
    /// The body, whole or on its way.
    pub body: ResponseBody,
    /// What PHP wrote to stderr so far; later output is with the body.
    pub stderr: Vec<Bytes>,
    /// Times up to the head.
    pub timings: Timings,
    /// Bytes up to now.
    pub traffic: Traffic,
}

/// Bytes that went over the connection for one request, framing included, as nginx counts them in
/// `$upstream_bytes_sent`, `$upstream_bytes_received` and `$upstream_response_length`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To FPM.
    pub sent: u64,
    /// From FPM.
    pub received: u64,
    /// Of those from FPM, the ones behind the head of the answer.
    pub behind_head: u64,
}

/// How long things took, for logs and `$upstream_*_time`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// Waiting for a slot.
    pub queue: Duration,
    /// Opening the connection; none if one was there already.
    pub connect: Option<Duration>,
    /// From the slot to the end of the head, connecting included.
    pub header: Option<Duration>,
    /// From the slot to `END_REQUEST`, if that has come.
    pub response: Option<Duration>,
    /// Whether the request went over a connection used before.
    pub reused: bool,
    /// Whether a first try had failed.
    pub retried: bool,
}

/// A body. Dropped before its end, PHP is told as soon as it can be, or goes on unheard
/// with [`ignore_client_abort`](crate::Options::ignore_client_abort).
#[derive(Debug)]
pub struct ResponseBody(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    /// All here; FPM is done.
    Complete(Chunks),
    /// Taken from FPM at its pace by a task, kept until asked for.
    Spooled {
        reader: portunus_spool::Reader<Error>,
        aside: Arc<Aside>,
    },
    /// Taken from FPM when asked for.
    Streamed(Option<Box<Told>>, Arc<Aside>),
}

/// What becomes known while the body is on its way; it may outlive the body.
#[derive(Debug, Default)]
pub struct Aside(Mutex<Late>);

#[derive(Debug, Default)]
pub(crate) struct Late {
    pub(crate) stderr: Stderr,
    pub(crate) response: Option<Duration>,
    pub(crate) traffic: Traffic,
    pub(crate) overrun: bool,
    /// Nothing else will become known.
    over: bool,
    heir: Option<Heir>,
}

/// Who is to hear what becomes known after the request.
struct Heir(Box<dyn FnOnce(&Aside) + Send>);

impl fmt::Debug for Heir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heir")
    }
}

impl Aside {
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Late) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What PHP wrote to stderr since the last call.
    #[must_use]
    pub fn take_stderr(&self) -> Vec<Bytes> {
        self.with(|late| late.stderr.take())
    }

    /// [`Timings::response`], once the end was seen.
    #[must_use]
    pub fn response_time(&self) -> Option<Duration> {
        self.with(|late| late.response)
    }

    /// Bytes so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.with(|late| late.traffic)
    }

    /// Whether PHP sent more than its `Content-Length`; see [`ResponseBody::is_overrun`].
    #[must_use]
    pub fn is_overrun(&self) -> bool {
        self.with(|late| late.overrun)
    }

    /// Whether nothing else will become known. PHP may go on after the client has all of its answer, or has gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.with(|late| late.over)
    }

    /// Has `heir` called once nothing else will become known, at once if that is so already. It is not called if the
    /// runtime ends before that. One heir replaces another.
    pub fn when_over(&self, heir: impl FnOnce(&Self) + Send + 'static) {
        let is_over = self.with(|late| {
            late.heir = Some(Heir(Box::new(heir)));
            late.over
        });
        if is_over {
            self.end();
        }
    }

    /// Nothing else will become known.
    pub(crate) fn end(&self) {
        let heir = self.with(|late| {
            late.over = true;
            late.heir.take()
        });
        if let Some(Heir(heir)) = heir {
            heir(self);
        }
    }
}

impl ResponseBody {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(kind)
    }

    /// The whole body, if it has come already: its length is then known, and FPM is free.
    /// Joined into one slice if need be; the body is empty afterwards.
    #[must_use]
    pub fn try_complete(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Kind::Complete(chunks) => Some(chunks.take_joined()),
            _ => None,
        }
    }

    /// Length, if it is known for certain because all of it is here.
    #[must_use]
    pub fn exact_len(&self) -> Option<u64> {
        match &self.0 {
            Kind::Complete(chunks) => Some(chunks.len() as u64),
            _ => None,
        }
    }

    /// Whether pieces come as PHP flushes them, so that each is to be sent on at once.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        matches!(self.0, Kind::Streamed(..))
    }

    /// The next piece; none after a clean end, and only then.
    ///
    /// # Errors
    /// The answer was cut: the client must not take what it got for all of it.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match &mut self.0 {
            Kind::Complete(chunks) => Poll::Ready(chunks.pop().map(Ok)),
            Kind::Spooled { reader, .. } => reader.poll_next(cx),
            Kind::Streamed(flight, _) => {
                let Some(live) = flight else {
                    return Poll::Ready(None);
                };
                let polled = live.poll_data(cx);
                if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
                    *flight = None;
                }
                polled
            }
        }
    }

    /// Whether PHP sent more than its `Content-Length`; nginx warns `upstream sent more data
    /// than specified in "Content-Length" header`. The rest was cut off.
    #[must_use]
    pub fn is_overrun(&self) -> bool {
        match &self.0 {
            Kind::Complete(chunks) => chunks.overrun,
            _ => self.aside().is_some_and(|aside| aside.is_overrun()),
        }
    }

    /// What becomes known of a body that is still on its way.
    #[must_use]
    pub fn aside(&self) -> Option<&Arc<Aside>> {
        match &self.0 {
            Kind::Complete(_) => None,
            Kind::Spooled { aside, .. } | Kind::Streamed(_, aside) => Some(aside),
        }
    }
}
