//! The request on its way out.
//!
//! Everything small leaves in one write: begin, parameters, body and the end of the
//! body. FPM reads it in one go, and a peer that reads but once finds it all.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use portunus_fastcgi::{BeginRequest, RecordType, encode_pairs, stream};
use portunus_spool::SpooledReader;

use crate::connection::Connection;
use crate::error::Error;
use crate::request::{Body, BodyStream};

/// Body bytes framed at a time.
const BATCH: usize = 64 * 1024;

/// What is left to write. The bytes themselves are in [`Connection::output`].
#[derive(Debug)]
pub(crate) struct Outgoing {
    request_id: u16,
    source: Source,
    written: usize,
    /// Bytes the kernel took, over all.
    sent: u64,
}

#[derive(Debug)]
enum Source {
    Bytes(Bytes),
    Spooled(SpooledReader),
    Stream(Box<dyn BodyStream>),
    Ended,
}

/// Why [`Outgoing::poll_send`] is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// All was written.
    Done,
    /// FPM has to read first.
    Blocked,
    /// More of the body has to come first.
    Starved,
}

impl Outgoing {
    /// Frames the head of a request, and of its body what is at hand, into `connection`.
    pub(crate) fn start(
        connection: &mut Connection,
        request_id: u16,
        keep_conn: bool,
        params: &[u8],
        body: Body,
    ) -> Self {
        let out = &mut connection.output;
        out.clear();
        out.reserve(params.len() + 64);
        BeginRequest::responder(keep_conn).encode(request_id, out);
        encode_pairs(request_id, params, out);
        let source = match body {
            Body::Empty => Source::Bytes(Bytes::new()),
            Body::Bytes(bytes) => Source::Bytes(bytes),
            Body::Spooled(spooled) => match spooled.in_memory() {
                Some(bytes) => Source::Bytes(bytes.clone()),
                None => Source::Spooled(spooled.reader()),
            },
            Body::Stream(stream) => Source::Stream(stream),
        };
        Self {
            request_id,
            source,
            written: 0,
            sent: 0,
        }
    }

    /// Bytes of the request that the kernel took so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether nothing is left to write.
    pub(crate) fn is_done(&self, connection: &Connection) -> bool {
        matches!(self.source, Source::Ended) && connection.output.is_empty()
    }

    /// Writes as much as can be written now. `progress` is set if the kernel took any of it.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        progress: &mut bool,
    ) -> Result<Sending, Error> {
        loop {
            let starved = self.fill(cx, &mut connection.output)?;
            if connection.output.is_empty() {
                return Ok(if starved {
                    Sending::Starved
                } else {
                    Sending::Done
                });
            }
            match self.poll_write(cx, connection) {
                Poll::Ready(Ok(())) => *progress = true,
                Poll::Ready(Err(error)) => return Err(Error::Send(error)),
                Poll::Pending => return Ok(Sending::Blocked),
            }
        }
    }

    /// Frames what the body has at hand behind what is still to be written, up to a batch.
    /// Whether it has nothing at hand, but will have.
    fn fill(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Result<bool, Error> {
        while out.len() < BATCH {
            let piece = match &mut self.source {
                Source::Ended => return Ok(false),
                Source::Bytes(bytes) => bytes.split_to(bytes.len().min(BATCH)),
                Source::Spooled(reader) => match reader.poll_next(cx) {
                    Poll::Pending => return Ok(true),
                    Poll::Ready(None) => Bytes::new(),
                    Poll::Ready(Some(piece)) => piece.map_err(spool_error)?,
                },
                Source::Stream(stream) => match stream.poll_next(cx) {
                    Poll::Pending => return Ok(true),
                    Poll::Ready(None) => Bytes::new(),
                    Poll::Ready(Some(Ok(piece))) if piece.is_empty() => continue,
                    Poll::Ready(Some(piece)) => piece.map_err(Error::ClientBody)?,
                },
            };
            if piece.is_empty() {
                stream::encode_end(RecordType::Stdin, self.request_id, out);
                self.source = Source::Ended;
            } else {
                stream::encode(RecordType::Stdin, self.request_id, &piece, out);
            }
        }
        Ok(false)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<io::Result<()>> {
        let output = std::mem::take(&mut connection.output);
        let rest = output.get(self.written..).unwrap_or_default();
        let wrote = connection.poll_write(cx, rest);
        connection.output = output;
        let count = ready!(wrote)?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.sent += count as u64;
        self.written += count;
        if self.written == connection.output.len() {
            self.written = 0;
            connection.output.clear();
        }
        Poll::Ready(Ok(()))
    }
}

fn spool_error(source: io::Error) -> Error {
    Error::Spool(portunus_spool::Error::File {
        directory: "temporary file".into(),
        source,
    })
}
