//! What an upgraded connection becomes: bytes both ways, until either side ends or nothing happens
//! for too long.
//!
//! Source: nginx, `ngx_http_upstream_process_upgraded`.

use std::fmt;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::connection::{Connection, Exchange};

/// Room for one read.
const READ: usize = 16 * 1024;

/// The other end of a tunnel.
pub(crate) trait Far: AsyncRead + AsyncWrite {}

impl<S: AsyncRead + AsyncWrite> Far for S {}

/// Two connections that are handed to each other.
pub(crate) struct Tunnel {
    far: Pin<Box<dyn Far>>,
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// On the way to the far end.
    out: BytesMut,
    /// On the way to the client.
    back: BytesMut,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

impl Tunnel {
    pub(crate) fn new(far: impl AsyncRead + AsyncWrite + 'static, timeout: Duration) -> Self {
        Self {
            far: Box::pin(far),
            timeout,
            timer: None,
            out: BytesMut::new(),
            back: BytesMut::new(),
        }
    }

    /// Ready when it is over.
    pub(crate) fn poll(&mut self, exchange: &Exchange, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let out = self.poll_out(exchange.connection(), cx);
            let back = self.poll_back(exchange, cx);
            match (out, back) {
                (Poll::Ready(false), _) | (_, Poll::Ready(false)) => return Poll::Ready(()),
                (Poll::Pending, Poll::Pending) => break,
                // Something has moved.
                _ => self.timer = None,
            }
        }
        let until = Instant::now() + self.timeout;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        timer.as_mut().poll(cx)
    }

    /// Moves bytes from the client; `false` at the end.
    fn poll_out(&mut self, connection: &Connection, cx: &mut Context<'_>) -> Poll<bool> {
        if self.out.is_empty() {
            // Encryption may hold back what was written to it.
            if ready!(self.far.as_mut().poll_flush(cx)).is_err() {
                return Poll::Ready(false);
            }
            let mut pending = connection.pending.borrow_mut();
            if pending.is_empty() {
                match ready!(connection.transport.poll_read_buf(cx, &mut self.out)) {
                    Ok(length) if length > 0 => connection.count_in(length),
                    _ => return Poll::Ready(false),
                }
            } else {
                self.out = pending.split();
            }
        }
        match ready!(self.far.as_mut().poll_write(cx, &self.out)) {
            Ok(length) if length > 0 => self.out.advance(length),
            _ => return Poll::Ready(false),
        }
        Poll::Ready(true)
    }

    /// Moves bytes to the client; `false` at the end.
    fn poll_back(&mut self, exchange: &Exchange, cx: &mut Context<'_>) -> Poll<bool> {
        let connection = exchange.connection();
        if self.back.is_empty() {
            if ready!(connection.transport.poll_flush(cx)).is_err() {
                return Poll::Ready(false);
            }
            let mut chunk = [0_u8; READ];
            let mut buffer = ReadBuf::new(&mut chunk);
            let read = ready!(self.far.as_mut().poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(false);
            }
            self.back.extend_from_slice(buffer.filled());
        }
        let slices = [IoSlice::new(&self.back)];
        match ready!(connection.transport.poll_write_vectored(cx, &slices)) {
            Ok(length) if length > 0 => {
                connection.count_out(length);
                exchange.count_sent(length);
                self.back.advance(length);
            }
            _ => return Poll::Ready(false),
        }
        Poll::Ready(true)
    }
}
