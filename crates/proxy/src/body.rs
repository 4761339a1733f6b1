//! The body of an answer, as strict about its end as about its beginning.
//!
//! Source: nginx, `ngx_http_proxy_input_filter_init` and the filters of ngx_http_proxy_module.c.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use crate::chunked::{Decoder, Piece};
use crate::connection::Connection;
use crate::error::{Error, Phase};
use crate::head::{Field, Head};
use crate::keepalive::Keepalive;

/// The body of an answer. Dropped before its end, it closes the connection.
#[derive(Debug)]
pub struct ResponseBody {
    /// Gone when the end was reached.
    connection: Option<Connection>,
    framing: Framing,
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    keepalive: Option<Arc<Keepalive>>,
    received: u64,
    warning: Option<&'static str>,
    trailers: Vec<Field>,
}

#[derive(Debug)]
enum Framing {
    /// So many bytes more.
    Length(u64),
    Chunked(Decoder),
    /// The end of the connection is the end of the body.
    ToClose,
    /// 101: whatever comes, both ways.
    Tunnel,
}

impl ResponseBody {
    pub(crate) fn new(
        connection: Connection,
        head: &Head,
        head_only: bool,
        upgraded: bool,
        room_for_trailers: usize,
        timeout: Duration,
        keepalive: Option<Arc<Keepalive>>,
    ) -> Self {
        let framing = match (head.status, head.content_length) {
            (101, _) if upgraded => Framing::Tunnel,
            (204 | 304, _) => Framing::Length(0),
            _ if head_only => Framing::Length(0),
            _ if head.chunked => Framing::Chunked(Decoder::with_trailers(room_for_trailers)),
            (_, Some(length)) => Framing::Length(length),
            (_, None) => Framing::ToClose,
        };
        let mut body = Self {
            connection: Some(connection),
            framing,
            timeout,
            timer: None,
            keepalive,
            received: 0,
            warning: None,
            trailers: Vec::new(),
        };
        if matches!(body.framing, Framing::Length(0)) {
            body.end();
        }
        body
    }

    /// The next bytes; none after the end that the server promised.
    ///
    /// # Errors
    /// When it ends in another way.
    pub fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            match self.decode() {
                Ok(Some(bytes)) => {
                    self.received += bytes.len() as u64;
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(self.give_up(error)))),
            }
            if self.connection.is_none() {
                return Poll::Ready(None);
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) if matches!(self.framing, Framing::ToClose | Framing::Tunnel) => {
                    self.connection = None;
                    return Poll::Ready(None);
                }
                Ok(0) => {
                    let closed = Error::Closed(Phase::ReadingBody);
                    return Poll::Ready(Some(Err(self.give_up(closed))));
                }
                Ok(_) => self.timer = None,
                Err(error) => return Poll::Ready(Some(Err(self.give_up(error)))),
            }
        }
    }

    /// Everything, if all of it is here already.
    pub fn try_complete(&mut self) -> Option<Bytes> {
        let Some(connection) = &self.connection else {
            return Some(Bytes::new());
        };
        match self.framing {
            Framing::Length(length) if connection.input.len() as u64 >= length => self
                .decode()
                .ok()
                .flatten()
                .inspect(|bytes| self.received += bytes.len() as u64),
            _ => None,
        }
    }

    /// Body bytes so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Something that is wrong with the server, but not with the answer.
    pub fn take_warning(&mut self) -> Option<&'static str> {
        self.warning.take()
    }

    /// The fields behind a body that has ended, where they are wanted.
    pub fn take_trailers(&mut self) -> Vec<Field> {
        std::mem::take(&mut self.trailers)
    }

    pub(crate) fn is_tunnel(&self) -> bool {
        matches!(self.framing, Framing::Tunnel)
    }

    pub(crate) fn into_connection(self) -> Option<Connection> {
        self.connection
    }

    fn decode(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(connection) = &mut self.connection else {
            return Ok(None);
        };
        let input = &mut connection.input;
        match &mut self.framing {
            Framing::ToClose | Framing::Tunnel => {
                Ok((!input.is_empty()).then(|| input.split().freeze()))
            }
            Framing::Length(left) => {
                let length = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                *left -= length as u64;
                let bytes = input.split_to(length).freeze();
                if *left == 0 {
                    self.end();
                }
                Ok((!bytes.is_empty()).then_some(bytes))
            }
            Framing::Chunked(decoder) => match decoder.take(input) {
                Piece::Data(bytes) => Ok(Some(bytes)),
                Piece::Need => Ok(None),
                Piece::Invalid => Err(Error::body("upstream sent invalid chunked response")),
                Piece::TooBig => Err(Error::body("upstream sent too big trailers")),
                Piece::End => {
                    self.trailers = Head::trailers(&decoder.take_trailers())?;
                    self.end();
                    Ok(None)
                }
            },
        }
    }

    /// The server has kept its promise: the connection may serve again, unless something is left
    /// on it.
    fn end(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.input.is_empty() {
            self.warning = Some(match self.framing {
                Framing::Chunked(_) => "upstream sent data after final chunk",
                _ => "upstream sent more data than specified in \"Content-Length\" header",
            });
        } else if let Some(keepalive) = self.keepalive.take() {
            keepalive.put(connection);
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(Ok(0));
        };
        if let Poll::Ready(read) = connection.poll_fill(cx) {
            let (call, phase) = ("readv", Phase::ReadingBody);
            return Poll::Ready(read.map_err(|source| Error::Socket {
                call,
                phase,
                source,
            }));
        }
        let until = Instant::now() + self.timeout;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(Error::TimedOut(Phase::ReadingBody)))
    }

    fn give_up(&mut self, error: Error) -> Error {
        self.connection = None;
        error
    }
}
