//! The body of an answer: one enum, so that the hot path allocates no box.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use portunus_server::Exchange;
use portunus_spool::Reader;
use portunus_static_files::{Entry, FilePart, StaticBody};
use portunus_telemetry::Severity;

use crate::config::Location;
use crate::content::proxy::{ProxyBody, ProxyBodyError};
use crate::context::Context;
use crate::filtered::Filtered;
use crate::joined::Joined;
use crate::respond::trailers;
use crate::ssi::Ssi;
use crate::window::Window;

/// Why a body ended early. The client sees an aborted transfer, never a short answer that looks
/// whole.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// A file could not be read to the end that was announced.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// PHP-FPM broke off.
    #[error("{0}")]
    FastCgi(#[from] portunus_fpm::Error),
    /// A filter could not go on.
    #[error("{0}")]
    Filter(std::io::Error),
    /// A server behind us broke off.
    #[error("{0}")]
    Proxy(#[from] ProxyBodyError),
    /// What was read ahead could not be kept.
    #[error("{0}")]
    Spool(#[from] portunus_spool::Error),
    /// The client is gone, and a server behind us need not go on.
    #[error("client prematurely closed connection, so upstream connection is closed too")]
    ClientLeft,
    /// `return 444`, or an answer that must not be sent.
    #[error("connection closed without an answer")]
    Closed,
}

/// Where the bytes come from.
#[derive(Debug, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    Bytes(Bytes),
    /// A file that has not been cut to ranges yet.
    Entry(Rc<Entry>),
    File(Box<StaticBody>),
    /// A stored answer that has not been cut to ranges yet.
    Stored(Box<FilePart>),
    /// An answer that is being stored.
    Tee(Box<Reader<BodyError>>),
    /// A part of one of these.
    Window(Box<Window>),
    FastCgi(Box<portunus_fpm::ResponseBody>),
    /// One of these, changed on its way.
    Filtered(Box<Filtered>),
    /// Several in a row.
    Joined(Box<Joined>),
    Proxy(Box<ProxyBody>),
    /// Commands in it are carried out.
    Ssi(Box<Ssi>),
    /// Breaks the connection.
    Broken,
}

impl Body {
    pub(crate) fn bytes(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::Empty
        } else {
            Self::Bytes(bytes)
        }
    }

    /// Where a whole file is in memory and open, and the connection can have the kernel send it, so it is: for files that
    /// are kept open this costs less than copying them.
    pub(crate) fn by_sendfile(self, exchange: &Exchange) -> Self {
        if let Self::Entry(entry) = &self
            && exchange.can_send_file()
            && let Some(part) = entry.to_send()
            && let Some(marker) = (exchange.send_file(part.file, part.offset, part.len)).next()
        {
            return Self::Bytes(marker);
        }
        self
    }

    /// Whether it costs nothing to leave it unread.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(
            self,
            Self::Empty | Self::Bytes(_) | Self::Entry(_) | Self::File(_) | Self::Stored(_)
        )
    }

    /// Whether a pause says that what came before it is to be sent on: a file only waits for the disk, and a page
    /// for what it includes.
    pub(crate) fn flushes(&self) -> bool {
        !matches!(self, Self::File(_) | Self::Ssi(_))
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(bytes)))
            }
            Self::Entry(entry) => {
                let body = StaticBody::whole(entry);
                *self = Self::File(Box::new(body));
                self.poll_data(cx)
            }
            Self::Stored(part) => {
                *self = Self::File(Box::new(part.whole()));
                self.poll_data(cx)
            }
            Self::Tee(reader) => reader.poll_next(cx),
            Self::Window(window) => window.poll_data(cx),
            Self::File(file) => match ready!(Pin::new(&mut **file).poll_frame(cx)) {
                Some(Ok(frame)) => Poll::Ready(frame.into_data().ok().map(Ok)),
                Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
                None => Poll::Ready(None),
            },
            Self::FastCgi(body) => body
                .poll_data(cx)
                .map(|data| data.map(|data| data.map_err(Into::into))),
            Self::Filtered(body) => body.poll_data(cx),
            Self::Joined(parts) => parts.poll_data(cx),
            Self::Ssi(body) => body.poll_data(cx),
            Self::Proxy(body) => body
                .poll_data(cx)
                .map(|data| data.map(|data| data.map_err(Into::into))),
            Self::Broken => Poll::Ready(Some(Err(BodyError::Closed))),
        }
    }
}

/// A body on its way to the client, with the request that it answers: its end is the request's.
#[derive(Debug)]
pub struct ResponseBody {
    body: Body,
    /// Bytes still to come, where known.
    remaining: Option<u64>,
    /// `add_trailer` has something to say at the end.
    trailers: bool,
    /// The connection can have the kernel send files.
    sendfile: bool,
    cx: Option<Box<Context>>,
}

impl ResponseBody {
    pub(crate) fn new(body: Body, length: Option<u64>) -> Self {
        let body = match body {
            // From here on it is read; a file in memory is a handle on its bytes.
            Body::Entry(entry) => match StaticBody::whole(&entry) {
                StaticBody::Empty => Body::Empty,
                StaticBody::Memory(bytes) => Body::Bytes(bytes),
                other => Body::File(Box::new(other)),
            },
            Body::Stored(part) => Body::File(Box::new(part.whole())),
            other => other,
        };
        Self {
            body,
            remaining: length,
            trailers: false,
            sendfile: false,
            cx: None,
        }
    }

    /// Breaks the connection instead of ending well.
    pub(crate) fn broken() -> Self {
        Self::new(Body::Broken, None)
    }

    /// Ends the body with trailers; it needs its request for that.
    pub(crate) fn with_trailers(mut self) -> Self {
        self.trailers = true;
        self
    }

    /// Keeps the request until the answer has been sent, where its end is to be told to somebody.
    pub(crate) fn of_request(self, cx: Box<Context>, location: &Location) -> Self {
        let told = self.trailers || self.may_break() || cx.limits.is_some();
        if told || !location.access_logs.is_empty() {
            self.with_context(cx)
        } else {
            self
        }
    }

    /// Keeps the request until the answer has been sent.
    pub(crate) fn with_context(mut self, cx: Box<Context>) -> Self {
        self.sendfile = cx.exchange.can_send_file();
        self.cx = Some(cx);
        self
    }

    /// Whether the end may differ from what the head promised, so that somebody must be told.
    pub(crate) fn may_break(&self) -> bool {
        matches!(
            self.body,
            Body::File(_)
                | Body::FastCgi(_)
                | Body::Filtered(_)
                | Body::Joined(_)
                | Body::Proxy(_)
                | Body::Ssi(_)
                | Body::Tee(_)
                | Body::Window(_)
        )
    }

    fn poll_data(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let (Body::File(body), Some(request)) = (&mut self.body, &self.cx)
            && self.sendfile
            && let StaticBody::File(file) = &mut **body
            && let Some(part) = file.next_segment()?
        {
            let mut markers = request.exchange.send_file(part.file, part.offset, part.len);
            return Poll::Ready(markers.next().map(Ok));
        }
        let polled = self.body.poll_data(cx);
        // Source: nginx, `ngx_http_upstream_check_broken_connection`.
        if polled.is_pending()
            && let Some(request) = &self.cx
            && request.ends_with_client
            && request
                .exchange
                .connection()
                .poll_peer_closed(cx)
                .is_ready()
        {
            return Poll::Ready(Some(Err(BodyError::ClientLeft)));
        }
        polled
    }

    fn log_failure(&self, error: &BodyError) {
        let Some(cx) = &self.cx else { return };
        match error {
            BodyError::File(error) => cx.log(Severity::Alert, format_args!("{error}")),
            BodyError::FastCgi(error) => cx.log(Severity::Error, format_args!("{error}")),
            BodyError::Filter(error) => cx.log(Severity::Error, format_args!("{error}")),
            BodyError::Spool(error) => cx.log(Severity::Error, format_args!("{error}")),
            BodyError::Proxy(error) => cx.log(Severity::Error, format_args!("{error}")),
            BodyError::ClientLeft => cx.log(Severity::Info, format_args!("{error}")),
            BodyError::Closed => {}
        }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match ready!(self.poll_data(cx)) {
            Some(Ok(data)) => {
                let length = data.len() as u64;
                self.remaining = self.remaining.map(|left| left.saturating_sub(length));
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            // `return 444`: nothing came before that, and not even the head may go out.
            Some(Err(BodyError::Closed)) => Poll::Ready(Some(Err(BodyError::Closed))),
            Some(Err(error)) => {
                self.log_failure(&error);
                Poll::Ready(Some(Err(error)))
            }
            None => {
                let wanted = std::mem::take(&mut self.trailers);
                let cx = self.cx.as_mut().filter(|_| wanted);
                let fields = cx.and_then(|cx| trailers(cx));
                Poll::Ready(fields.map(|fields| Ok(Frame::trailers(fields))))
            }
        }
    }

    // An empty body of unknown length goes out in chunks, as nginx sends it.
    fn is_end_stream(&self) -> bool {
        !self.trailers && self.remaining == Some(0) && matches!(self.body, Body::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
