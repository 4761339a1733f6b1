//! The byte stream under a connection. All methods take `&self`, because the task that drives a
//! connection and the body of its request share it.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Any byte stream: TLS, and pipes in tests.
pub(crate) trait Stream: AsyncRead + AsyncWrite {}

impl<S: AsyncRead + AsyncWrite> Stream for S {}

/// A byte stream, shared within one thread.
pub(crate) enum Transport {
    Tcp(RefCell<TcpStream>),
    Unix(RefCell<UnixStream>),
    Other(RefCell<Pin<Box<dyn Stream>>>),
}

/// Runs `$body` with the stream inside, pinned and borrowed for the call.
macro_rules! with_stream {
    ($transport:expr, $stream:ident => $body:expr) => {
        match $transport {
            Transport::Tcp(cell) => {
                let mut guard = cell.borrow_mut();
                let $stream = Pin::new(&mut *guard);
                $body
            }
            Transport::Unix(cell) => {
                let mut guard = cell.borrow_mut();
                let $stream = Pin::new(&mut *guard);
                $body
            }
            Transport::Other(cell) => {
                let mut guard = cell.borrow_mut();
                let $stream = guard.as_mut();
                $body
            }
        }
    };
}

impl Transport {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self::Tcp(RefCell::new(stream))
    }

    pub(crate) fn unix(stream: UnixStream) -> Self {
        Self::Unix(RefCell::new(stream))
    }

    /// Reads into `buffer`; 0 at the end.
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        with_stream!(self, stream => stream.poll_read(cx, &mut read))
            .map_ok(|()| read.filled().len())
    }

    /// Reads into the free room of `buffer`; 0 at the end.
    pub(crate) fn poll_read_buf(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => {
            let mut stream = stream;
            pin!(stream.read_buf(buffer)).poll(cx)
        })
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            // Neither buffers anything.
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Other(cell) => cell.borrow_mut().as_mut().poll_flush(cx),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => stream.poll_shutdown(cx))
    }

    /// The address of our end, asked of the system.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(cell) => cell.borrow().local_addr().ok(),
            Self::Unix(_) | Self::Other(_) => None,
        }
    }

    /// Makes closing send a reset instead of waiting for what is not sent yet.
    pub(crate) fn reset_on_close(&self) {
        if let Self::Tcp(cell) = self {
            // Best effort: without it the kernel only keeps its buffers longer.
            let _ = socket2::SockRef::from(&*cell.borrow()).set_linger(Some(Duration::ZERO));
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(_) => "Unix",
            Self::Other(_) => "Other",
        })
    }
}
