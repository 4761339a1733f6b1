//! The body of a request: taken in completely before PHP is asked, or passed on as it comes.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use portunus_server::{BodyError, RequestBody as Incoming};
use portunus_spool::{Limits, Spool, Spooled};
use portunus_telemetry::Severity;
use tokio::sync::mpsc;

use crate::config::Level;
use crate::context::Context;
use crate::engine::{Plan, Step};

/// Where a request's body is.
#[derive(Debug, Default)]
pub(crate) enum RequestBody {
    /// Still with the client.
    Unread(Incoming),
    /// On its way, to be passed on once.
    Coming(Streaming),
    /// Here, whole; to be read as often as needed.
    Whole(Spooled),
    /// Given away, or never there.
    #[default]
    Gone,
}

/// Why a body could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyReadError {
    /// More than `client_max_body_size`: 413.
    #[error("client intended to send too large chunked body: {0} bytes")]
    TooLarge(u64),
    /// The client broke off or sent nonsense: 400.
    #[error("{0}")]
    Client(#[from] BodyError),
    /// Our own disk: 500.
    #[error("{0}")]
    Spool(#[from] portunus_spool::Error),
}

impl BodyReadError {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::TooLarge(_) => 413,
            Self::Client(_) => 400,
            Self::Spool(_) => 500,
        }
    }

    /// The status for what went wrong with a body while it was passed on.
    pub(crate) fn status_of(error: &io::Error) -> u16 {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        inner.map_or(400, Self::status)
    }

    /// What comes of the request: nothing where there is nobody left to answer.
    ///
    /// Source: nginx, `ngx_http_do_read_client_request_body`.
    pub(crate) fn step(&self, cx: &mut Context) -> Step {
        let severity = match self {
            Self::TooLarge(_) | Self::Client(BodyError::Invalid) => Severity::Error,
            Self::Client(_) => Severity::Info,
            Self::Spool(_) => Severity::Crit,
        };
        cx.log(severity, format_args!("{self}"));
        if matches!(self, Self::Client(BodyError::ClientClosed)) {
            cx.answer.status = self.status();
            return Step::Done(Plan::Close);
        }
        Step::Fail(self.status())
    }
}

impl RequestBody {
    /// A body that the client has yet to send; none where the head does not announce any. One that is
    /// announced to have no byte may still be wanted in a file.
    pub(crate) fn new(incoming: Incoming) -> Self {
        let announced = incoming.exchange().content_length().is_some();
        if incoming.is_end_stream() && !announced {
            Self::Gone
        } else {
            Self::Unread(incoming)
        }
    }

    /// A body that nobody will be given: whatever answers knows of an empty one.
    ///
    /// Source: nginx, `ngx_http_discard_request_body`. Differs: PHP, too, is told that it is empty.
    pub(crate) fn discarded() -> Self {
        Self::Whole(Spooled::from(Bytes::new()))
    }

    /// Length of a whole body.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Whole(body) => Some(body.len()),
            Self::Unread(_) | Self::Coming(_) | Self::Gone => None,
        }
    }

    /// The whole body, if it is in memory.
    pub(crate) fn in_memory(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Whole(body) => body.in_memory().filter(|bytes| !bytes.is_empty()),
            Self::Unread(_) | Self::Coming(_) | Self::Gone => None,
        }
    }

    /// Where the whole body lies, if its file has a name.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Whole(body) => body.path(),
            Self::Unread(_) | Self::Coming(_) | Self::Gone => None,
        }
    }

    /// Takes the body in, as the directives of a location say.
    pub(crate) async fn read(&mut self, level: &Level) -> Result<(), BodyReadError> {
        // What is here already stays: a mirror, or an upstream before this one, has asked for it.
        if !matches!(self, Self::Unread(_)) {
            return Ok(());
        }
        let Self::Unread(mut incoming) = std::mem::take(self) else {
            return Ok(());
        };
        if is_never_there(&incoming) {
            return go_on_without(&mut incoming).await;
        }
        let limit = left_to_check(&incoming, level.client_max_body_size);
        let limits = Limits {
            memory: level.client_body_buffer_size,
            file: u64::MAX,
            directory: Arc::clone(&level.body_directory),
        };
        let mut spool = match level.body_naming {
            Some(naming) => Spool::in_named_file(limits, naming),
            None => Spool::new(limits),
        };
        while let Some(data) = poll_fn(|cx| incoming.poll_data(cx)).await {
            let data = data?;
            let length = spool.len() + data.len() as u64;
            if limit != 0 && length > limit {
                *self = Self::Unread(incoming);
                return Err(BodyReadError::TooLarge(length));
            }
            spool.push(data).await?;
        }
        *self = Self::Whole(spool.finish().await?);
        Ok(())
    }

    /// The body to be passed on while it comes; none where it is all here, or there is none. What came
    /// together with the head is taken without a wait, and is often all there is.
    ///
    /// `limit` 0 is no limit; `memory` is `client_body_buffer_size`. Must be called on the thread of the
    /// connection.
    pub(crate) async fn stream(
        &mut self,
        limit: u64,
        memory: usize,
    ) -> Result<Option<Streaming>, BodyReadError> {
        if !matches!(self, Self::Unread(_)) {
            return Ok(None);
        }
        let Self::Unread(mut incoming) = std::mem::take(self) else {
            return Ok(None);
        };
        if is_never_there(&incoming) {
            go_on_without(&mut incoming).await?;
            return Ok(None);
        }
        let limit = left_to_check(&incoming, limit);
        let mut first = BytesMut::new();
        while first.len() < memory {
            match poll_fn(|cx| Poll::Ready(incoming.poll_at_hand(cx))).await {
                Poll::Pending => break,
                Poll::Ready(None) => {
                    *self = Self::Whole(Spooled::from(first.freeze()));
                    return Ok(None);
                }
                Poll::Ready(Some(data)) => first.extend_from_slice(&data?),
            }
            if limit != 0 && first.len() as u64 > limit {
                *self = Self::Unread(incoming);
                return Err(BodyReadError::TooLarge(first.len() as u64));
            }
        }
        Ok(Some(Streaming::new(first.freeze(), incoming, limit)))
    }
}

/// Whether the head announces no body, though the client waits to be told that it may go on (`Expect`). It is then told
/// so, as by nginx, and nobody else hears of a body.
fn is_never_there(incoming: &Incoming) -> bool {
    incoming.size_hint().exact() == Some(0) && incoming.exchange().content_length().is_none()
}

#[cold]
async fn go_on_without(incoming: &mut Incoming) -> Result<(), BodyReadError> {
    poll_fn(|cx| incoming.poll_data(cx)).await.transpose()?;
    Ok(())
}

/// The limit that a body is held against while it is read: none if its length is known, which the search for a
/// location has looked at.
///
/// Source: nginx, `ngx_http_request_body_chunked_filter`.
fn left_to_check(incoming: &Incoming, limit: u64) -> u64 {
    match incoming.exchange().is_chunked() {
        true => limit,
        false => 0,
    }
}

/// A body that goes to a server while the client is still sending (`fastcgi_request_buffering off`,
/// `proxy_request_buffering off`).
///
/// The pool may take its side to any thread; a task on this one reads from the client, one piece
/// ahead.
#[derive(Debug)]
pub(crate) struct Streaming {
    first: Bytes,
    rest: mpsc::Receiver<io::Result<Bytes>>,
}

/// What was found of a body: a piece, a fault, or the end.
type Found = Option<Result<Bytes, BodyError>>;

/// A piece with what else is here already, so that a server gets small chunks and the end in one write; and what
/// was found behind it, if anything was.
async fn joined(incoming: &mut Incoming, data: Bytes) -> (Bytes, Option<Found>) {
    const ENOUGH: usize = 4 << 10;
    let mut data = data;
    while data.len() < ENOUGH {
        match poll_fn(|cx| Poll::Ready(incoming.poll_at_hand(cx))).await {
            Poll::Pending => break,
            Poll::Ready(Some(Ok(more))) => data = [data, more].concat().into(),
            Poll::Ready(found) => return (data, Some(found)),
        }
    }
    (data, None)
}

impl Streaming {
    /// Starts to read what comes behind `first`. Must be called on the thread of the connection.
    pub(crate) fn new(first: Bytes, mut incoming: Incoming, limit: u64) -> Self {
        let (sender, rest) = mpsc::channel(1);
        let mut length = first.len() as u64;
        tokio::task::spawn_local(async move {
            let mut ahead = None;
            loop {
                let data = match ahead.take() {
                    Some(found) => found,
                    // Once it is given up for being late, nothing more is heard of a body.
                    None => tokio::select! {
                        found = poll_fn(|cx| incoming.poll_data(cx)) => found,
                        () = sender.closed() => return,
                    },
                };
                let data = match data {
                    None => return,
                    Some(Ok(data)) => {
                        let (data, found) = joined(&mut incoming, data).await;
                        ahead = found;
                        Ok(data)
                    }
                    Some(Err(error)) => Err(error),
                };
                length += data.as_ref().map_or(0, Bytes::len) as u64;
                let data = match data {
                    Ok(_) if limit != 0 && length > limit => Err(BodyReadError::TooLarge(length)),
                    data => data.map_err(BodyReadError::Client),
                };
                let data = data.map_err(io::Error::other);
                let ended = data.is_err();
                if sender.send(data).await.is_err() || ended {
                    return;
                }
            }
        });
        Self { first, rest }
    }

    fn poll_piece(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        self.rest.poll_recv(cx)
    }
}

impl portunus_fpm::BodyStream for Streaming {
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.poll_piece(cx)
    }
}

impl portunus_proxy::BodySource for Streaming {
    fn poll_next(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.poll_piece(cx)
    }
}
