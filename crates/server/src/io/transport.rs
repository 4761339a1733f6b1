//! The byte stream under a connection. All methods take `&self`, because the task that drives a
//! connection and the body of its request share it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::sendfile;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg};
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::connection::Detached;
use crate::sys::{Backlog, TcpInfo, backlog, set_receive_low_water, tcp_info};
use crate::tls::Stream;

/// Bytes of an answer that the kernel may hold without having sent them; listening sockets hand it on. Its own limit is
/// the size of the send buffer, megabytes that are copied for a client that may never read them: with 2,000 such
/// clients others waited for seconds.
pub(crate) const UNSENT: u32 = 256 << 10;

/// Bytes that may come without being announced, where nobody is in a hurry to read them.
const QUIET: i32 = 16 << 10;

/// A byte stream, shared within one thread.
pub(crate) struct Transport {
    inner: RefCell<Inner>,
    /// The limit of [`UNSENT`] is off.
    unbounded: Cell<bool>,
    /// The kernel does not say that something has come, see [`QUIET`].
    quiet: Cell<bool>,
}

enum Inner {
    Tcp(TcpStream),
    Unix(UnixStream),
    Other(Pin<Box<dyn Stream>>),
    /// Closed, though somebody may still hold the connection.
    Closed,
}

/// Runs `$body` with the stream inside, pinned and borrowed for the call; at the end of a closed one
/// there is nothing but `$closed`.
macro_rules! with_stream {
    ($transport:expr, $stream:ident => $body:expr, $closed:expr) => {
        match &mut *$transport.inner.borrow_mut() {
            Inner::Tcp(stream) => {
                let $stream = Pin::new(stream);
                $body
            }
            Inner::Unix(stream) => {
                let $stream = Pin::new(stream);
                $body
            }
            Inner::Other(stream) => {
                let $stream = stream.as_mut();
                $body
            }
            Inner::Closed => $closed,
        }
    };
}

impl Transport {
    fn new(inner: Inner) -> Self {
        Self {
            inner: RefCell::new(inner),
            unbounded: Cell::new(false),
            quiet: Cell::new(false),
        }
    }

    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Self::new(Inner::Tcp(stream))
    }

    pub(crate) fn unix(stream: UnixStream) -> Self {
        Self::new(Inner::Unix(stream))
    }

    pub(crate) fn other(stream: Pin<Box<dyn Stream>>) -> Self {
        Self::new(Inner::Other(stream))
    }

    /// Whether [`Self::detach`] works.
    pub(crate) fn can_detach(&self) -> bool {
        matches!(&*self.inner.borrow(), Inner::Tcp(_) | Inner::Unix(_))
    }

    /// Takes the stream off the reactor of this thread.
    ///
    /// # Errors
    /// When the reactor does not let go, or the stream is encrypted or closed. It is closed then.
    pub(crate) fn detach(&self) -> io::Result<Detached> {
        match self.inner.replace(Inner::Closed) {
            Inner::Tcp(stream) => {
                let stream = stream.into_std()?;
                Ok(Detached::Tcp(stream, self.unbounded.get()))
            }
            Inner::Unix(stream) => Ok(Detached::Unix(stream.into_std()?)),
            Inner::Other(_) | Inner::Closed => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Gives a stream to the reactor of the calling thread.
    ///
    /// # Errors
    /// When the reactor does not take it; it is closed then.
    pub(crate) fn attach(stream: Detached) -> io::Result<Self> {
        Ok(match stream {
            Detached::Tcp(stream, unbounded) => {
                let transport = Self::tcp(TcpStream::from_std(stream)?);
                transport.unbounded.set(unbounded);
                transport
            }
            Detached::Unix(stream) => Self::unix(UnixStream::from_std(stream)?),
        })
    }

    /// Closes the socket, whoever still holds the connection.
    pub(crate) fn close(&self) {
        *self.inner.borrow_mut() = Inner::Closed;
    }

    /// Reads into `buffer`; 0 at the end.
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buffer);
        with_stream!(self, stream => stream.poll_read(cx, &mut read), Poll::Ready(Ok(())))
            .map_ok(|()| read.filled().len())
    }

    /// Whether [`Self::quieten`] holds, and what has come may be there without having been announced.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.get()
    }

    /// Has the kernel keep to itself what comes, up to [`QUIET`] bytes; an end is still announced. `false` where it does
    /// not do that.
    pub(crate) fn quieten(&self) -> bool {
        if let (false, Inner::Tcp(stream)) = (self.quiet.get(), &*self.inner.borrow()) {
            self.quiet.set(set_receive_low_water(stream, QUIET).is_ok());
        }
        self.quiet.get()
    }

    /// Has the kernel announce what comes. What has come before that is to be asked for, with [`Self::poll_read_now`]:
    /// Linux before 4.18 does not announce it now.
    pub(crate) fn unquieten(&self) {
        if let (true, Inner::Tcp(stream)) = (self.quiet.get(), &*self.inner.borrow()) {
            // It has taken the option before.
            let _ = set_receive_low_water(stream, 1);
            self.quiet.set(false);
        }
    }

    /// Reads as [`Self::poll_read`] does, be it that nothing has been announced.
    pub(crate) fn poll_read_now(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Inner::Tcp(stream) = &*self.inner.borrow() {
            match recv(stream, &mut *buffer, RecvFlags::empty()) {
                Err(Errno::AGAIN) => {}
                read => return Poll::Ready(Ok(read?.1)),
            }
        }
        self.poll_read(cx, buffer)
    }

    /// Whether something is there, announced or not.
    #[cfg(test)]
    pub(crate) fn has_unread(&self) -> bool {
        match &*self.inner.borrow() {
            Inner::Tcp(stream) => {
                recv(stream, &mut [0_u8], RecvFlags::PEEK).is_ok_and(|read| read.1 > 0)
            }
            _ => false,
        }
    }

    /// Reads into the free room of `buffer`; 0 at the end.
    pub(crate) fn poll_read_buf(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        with_stream!(
            self,
            stream => {
                let mut stream = stream;
                pin!(stream.read_buf(buffer)).poll(cx)
            },
            Poll::Ready(Ok(0))
        )
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        with_stream!(self, stream => stream.poll_write_vectored(cx, slices), closed())
    }

    /// Writes these; with `more`, the kernel may wait for what follows at once.
    pub(crate) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        parts: &[&[u8]],
        more: bool,
    ) -> Poll<io::Result<usize>> {
        if let ([part], false) = (parts, more) {
            return with_stream!(self, stream => stream.poll_write(cx, part), closed());
        }
        let slices: SmallVec<[IoSlice<'_>; 8]> =
            parts.iter().map(|part| IoSlice::new(part)).collect();
        match &*self.inner.borrow() {
            Inner::Tcp(stream) if more => {
                let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
                return poll_writable(stream, cx, || {
                    let mut control = SendAncillaryBuffer::default();
                    Ok(sendmsg(stream, &slices, &mut control, flags)?)
                });
            }
            _ => {}
        }
        self.poll_write_vectored(cx, &slices)
    }

    /// Whether [`Self::poll_sendfile`] works.
    pub(crate) fn can_send_file(&self) -> bool {
        matches!(&*self.inner.borrow(), Inner::Tcp(_))
    }

    /// Whether the kernel holds at most [`UNSENT`] bytes of the answer. Off, the send buffer is the limit: for parts of
    /// files, which are not copied, and for clients that are known to read.
    pub(crate) fn bound_unsent(&self, bound: bool) {
        if self.unbounded.get() != bound {
            return;
        }
        if let Inner::Tcp(stream) = &*self.inner.borrow() {
            let most = if bound { UNSENT } else { u32::MAX };
            // Best effort: it decides how often we are woken, and how much memory a slow client costs.
            let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(most);
            self.unbounded.set(!bound);
        }
    }

    /// Has the kernel copy from `file` to the socket; 0 at the end of the file. This reads from the
    /// disk where the page cache has nothing, as nginx does without `aio`.
    pub(crate) fn poll_sendfile(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let inner = self.inner.borrow();
        let Inner::Tcp(stream) = &*inner else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        let sent = ready!(poll_writable(stream, cx, || {
            let mut offset = offset;
            Ok(sendfile(stream, file, Some(&mut offset), most)?)
        }))?;
        if sent < most {
            wait_for_room(stream);
        }
        Poll::Ready(Ok(sent))
    }

    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.inner.borrow_mut() {
            // None of these buffers anything.
            Inner::Tcp(_) | Inner::Unix(_) | Inner::Closed => Poll::Ready(Ok(())),
            Inner::Other(stream) => stream.as_mut().poll_flush(cx),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_stream!(self, stream => stream.poll_shutdown(cx), Poll::Ready(Ok(())))
    }

    /// The address of our end, asked of the system.
    pub(crate) fn local_address(&self) -> Option<SocketAddr> {
        match &*self.inner.borrow() {
            Inner::Tcp(stream) => stream.local_addr().ok(),
            _ => None,
        }
    }

    /// What the kernel knows of the connection; `None` where it is no TCP.
    pub(crate) fn tcp_info(&self) -> Option<TcpInfo> {
        match &*self.inner.borrow() {
            Inner::Tcp(stream) => tcp_info(stream).ok(),
            Inner::Other(stream) => tcp_info(&stream.socket()?).ok(),
            Inner::Unix(_) | Inner::Closed => None,
        }
    }

    /// What the kernel still has of what was written; `None` where it is no TCP.
    pub(crate) fn backlog(&self) -> Option<Backlog> {
        match &*self.inner.borrow() {
            Inner::Tcp(stream) => backlog(stream).ok(),
            Inner::Other(stream) => backlog(&stream.socket()?).ok(),
            Inner::Unix(_) | Inner::Closed => None,
        }
    }

    /// Whether something lies above the socket that may hold back what has been written.
    pub(crate) fn is_layered(&self) -> bool {
        matches!(&*self.inner.borrow(), Inner::Other(_))
    }

    /// Makes closing send a reset instead of waiting for what is not sent yet.
    pub(crate) fn reset_on_close(&self) {
        let inner = self.inner.borrow();
        let socket = match &*inner {
            Inner::Tcp(stream) => Some(stream.as_fd()),
            Inner::Other(stream) => stream.socket(),
            Inner::Unix(_) | Inner::Closed => None,
        };
        if let Some(socket) = socket {
            // Best effort: without it the kernel only keeps its buffers longer.
            let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
    }
}

fn closed<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

/// Clears the readiness to write of a socket that is full. Asking with the next piece instead would find room for a packet
/// or two of a client that reads meanwhile, and again, at the price of a call each; the event comes when a third of the
/// buffer is free. A socket that is not full (the file has ended, say) stays ready.
fn wait_for_room(stream: &TcpStream) {
    let _ = stream.try_io(Interest::WRITABLE, || {
        let mut this = [PollFd::new(stream, PollFlags::OUT)];
        // The kernel notes that somebody waits, as it does where a write finds no room.
        match poll(&mut this, Some(&Timespec::default()))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    });
}

/// Runs a system call that writes, when the socket has room.
fn poll_writable(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    mut call: impl FnMut() -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        match stream.try_io(Interest::WRITABLE, &mut call) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.inner.borrow() {
            Inner::Tcp(_) => "Tcp",
            Inner::Unix(_) => "Unix",
            Inner::Other(_) => "Other",
            Inner::Closed => "Closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::tls::Layered;

    /// Whoever has let a time-out pass gets a reset, with encryption as without.
    #[tokio::test]
    async fn a_reset_goes_through_what_lies_above_the_socket() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for layered in [false, true] {
            let mut client = std::net::TcpStream::connect(address).unwrap();
            let (accepted, _) = listener.accept().unwrap();
            accepted.set_nonblocking(true).unwrap();
            let stream = TcpStream::from_std(accepted).unwrap();
            let transport = match layered {
                true => Transport::other(Box::pin(Layered::new(stream, |s| Some(s.as_fd())))),
                false => Transport::tcp(stream),
            };
            transport.reset_on_close();
            transport.close();
            let read = client.read(&mut [0]);
            let error = read.map_err(|error| error.kind());
            assert_eq!(error, Err(io::ErrorKind::ConnectionReset), "{layered}");
        }
    }
}
