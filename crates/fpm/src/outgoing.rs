//! The request on its way out.
//!
//! Everything small leaves in one write: begin, parameters, body and the end of the
//! body. FPM reads it in one go, and a peer that reads but once finds it all.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use portunus_fastcgi::{BeginRequest, Header, RecordType, encode_pairs, stream};
use portunus_spool::SpooledReader;

use crate::connection::Connection;
use crate::error::Error;
use crate::request::{Body, BodyStream};

/// Body bytes framed at a time.
const BATCH: usize = 64 * 1024;

/// A shorter piece of a body is copied behind what goes before it, which costs less than a slice of its own.
const COPIED: usize = 8 * 1024;

/// Most slices of one write.
const SLICES: usize = 16;

/// What is left to write: what is small, in [`Connection::output`], then `rest`.
#[derive(Debug)]
pub(crate) struct Outgoing {
    request_id: u16,
    source: Source,
    /// How much of `output` is written.
    written: usize,
    /// Headers of records and large pieces of the body, which are not copied.
    rest: VecDeque<Bytes>,
    /// Bytes in `rest`.
    in_rest: usize,
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
            Body::Spooled(spooled) => Source::Spooled(spooled.reader()),
            Body::Stream(stream) => Source::Stream(stream),
        };
        Self {
            request_id,
            source,
            written: 0,
            rest: VecDeque::new(),
            in_rest: 0,
            sent: 0,
        }
    }

    /// Bytes of the request that the kernel took so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether nothing is left to write.
    pub(crate) fn is_done(&self, connection: &Connection) -> bool {
        matches!(self.source, Source::Ended) && self.is_written(connection)
    }

    /// Whether nothing waits to be written just now.
    fn is_written(&self, connection: &Connection) -> bool {
        connection.output.is_empty() && self.rest.is_empty()
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
            if self.is_written(connection) {
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
        while out.len() + self.in_rest < BATCH {
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
            let is_end = piece.is_empty();
            self.frame(piece, out);
            if is_end {
                self.source = Source::Ended;
            }
        }
        Ok(false)
    }

    /// A piece of the body, or with none the end of it, as records behind what waits already.
    fn frame(&mut self, mut piece: Bytes, out: &mut Vec<u8>) {
        let kind = RecordType::Stdin;
        // What a client sends byte by byte is gathered here.
        let is_coming = matches!(self.source, Source::Stream(_));
        if is_coming || (piece.len() < COPIED && self.rest.is_empty()) {
            match piece.is_empty() {
                true => stream::encode_end(kind, self.request_id, out),
                false => stream::encode(kind, self.request_id, &piece, out),
            }
            return;
        }
        // Records of about the same size: of 64 KiB, eight bytes would be a record of their own.
        let records = piece.len().div_ceil(stream::CHUNK).max(1);
        let most = piece.len().div_ceil(records);
        for _ in 0..records {
            let content = piece.split_to(piece.len().min(most));
            let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
            let header = Header::new(kind, self.request_id, length).to_bytes();
            self.in_rest += header.len() + content.len();
            self.rest.push_back(Bytes::copy_from_slice(&header));
            if !content.is_empty() {
                self.rest.push_back(content);
            }
        }
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<io::Result<()>> {
        let output = std::mem::take(&mut connection.output);
        let first = output.get(self.written..).unwrap_or_default();
        let wrote = match self.rest.is_empty() {
            true => connection.poll_write(cx, first),
            false => {
                let slices = std::iter::once(first).chain(self.rest.iter().map(|bytes| &bytes[..]));
                let mut all = [IoSlice::new(&[]); SLICES];
                let mut used = 0;
                for (place, slice) in all.iter_mut().zip(slices) {
                    *place = IoSlice::new(slice);
                    used += 1;
                }
                connection.poll_write_vectored(cx, &all[..used])
            }
        };
        connection.output = output;
        let count = ready!(wrote)?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.sent += count as u64;
        self.advance(count, &mut connection.output);
        Poll::Ready(Ok(()))
    }

    /// So many bytes are written.
    fn advance(&mut self, mut count: usize, output: &mut Vec<u8>) {
        let of_output = count.min(output.len() - self.written);
        count -= of_output;
        self.written += of_output;
        if self.written == output.len() {
            self.written = 0;
            output.clear();
        }
        self.in_rest -= count;
        while let Some(first) = self.rest.front_mut().filter(|_| count > 0) {
            let gone = count.min(first.len());
            first.advance(gone);
            count -= gone;
            if first.is_empty() {
                self.rest.pop_front();
            }
        }
    }
}

fn spool_error(source: io::Error) -> Error {
    Error::Spool(portunus_spool::Error::Read(source))
}
