//! The socket of a connection to FPM, on the reactor of one thread.
//!
//! The reactor watches for what comes, and for room to write only once there was none: what is sent fits nearly always.
//! tokio's own streams are watched for both, and then what has been read without being told of it wakes the thread all
//! the same, since there is room, too.
#![allow(
    unsafe_code,
    reason = "AsyncFd takes a promise, so does a buffer that the kernel has filled, and setsockopt(2) takes a pointer"
)]

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::task::coop;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Watched for what comes.
    socket: AsyncFd<Socket>,
    /// Watched for room to write, since there was none once: the same socket, by another descriptor.
    writable: Option<AsyncFd<Socket>>,
    is_tcp: bool,
}

impl Stream {
    /// Connects to `address`, from `bind` if that is given.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) async fn connect_tcp(
        address: SocketAddr,
        bind: Option<SocketAddr>,
        keepalive: bool,
    ) -> io::Result<Self> {
        let kind = Type::STREAM.nonblocking();
        let mut socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
        if let Some(local) = bind {
            socket.bind(&local.into())?;
        }
        // Requests leave in one write; what follows of a long body must not wait for an ACK.
        socket.set_tcp_nodelay(true)?;
        if address.ip().is_loopback() {
            do_not_pace(&socket);
        }
        if keepalive {
            socket.set_tcp_keepalive(&TcpKeepalive::new())?;
        }
        let in_progress =
            |error: &io::Error| error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error());
        match socket.connect(&address.into()) {
            Err(error) if in_progress(&error) => {}
            connected => connected?,
        }
        // Over the loopback interface the handshake is over when the call has returned, whatever it said.
        if socket.peer_addr().is_err() {
            let connecting = watch(socket, Interest::WRITABLE)?;
            let _ = connecting.writable().await?;
            socket = connecting.into_inner();
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        Self::new(socket, true)
    }

    /// Connects to the Unix socket at `path`.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn connect_unix(path: &Path) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        Self::new(socket, false)
    }

    fn new(socket: Socket, is_tcp: bool) -> io::Result<Self> {
        Ok(Self {
            socket: watch(socket, Interest::READABLE)?,
            writable: None,
            is_tcp,
        })
    }

    /// The same socket on the reactor of the calling thread.
    ///
    /// # Errors
    /// What the kernel says; the socket is closed then.
    pub(crate) fn move_here(self) -> io::Result<Self> {
        Self::new(self.socket.into_inner(), self.is_tcp)
    }

    /// Reads what is there into the room that `buffer` has. 0 is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        let space = buffer.capacity() - buffer.len();
        let read = |socket: &Socket| receive(socket, buffer);
        let is_all = |&count: &usize| (1..space).contains(&count);
        try_when(AsyncFd::poll_read_ready, &self.socket, cx, read, is_all)
    }

    /// Has the kernel acknowledge at once what came so far, and reads what that has set free: over a loopback interface it
    /// is there when `setsockopt` returns. To be called when [`poll_read`](Self::poll_read) has come to nothing.
    pub(crate) fn acknowledge_and_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<usize>> {
        // Where it cannot be said, answers are late, not wrong.
        if !self.is_tcp || !acknowledge(self.socket.get_ref()) {
            return Poll::Pending;
        }
        let turn = ready!(coop::poll_proceed(cx));
        match receive(self.socket.get_ref(), buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            read => {
                turn.made_progress();
                Poll::Ready(read)
            }
        }
    }

    /// Ready once a byte, the end or an error is there to be read; a byte is lost. Costs no system call if the reactor
    /// has told nothing.
    pub(crate) fn poll_anything(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let read = |socket: &Socket| socket.recv(&mut [MaybeUninit::uninit()]);
        let read = try_when(AsyncFd::poll_read_ready, &self.socket, cx, read, |_| false);
        read.map(drop)
    }

    /// Writes some of `bytes`.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, bytes.len(), |socket| socket.send(bytes))
    }

    /// Writes some of `slices`.
    pub(crate) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        self.poll_send(cx, length, |socket| socket.send_vectored(slices))
    }

    /// A request is over: nobody waits for room to write any more.
    pub(crate) fn settle(&mut self) {
        self.writable = None;
    }

    /// Sends at once while there has always been room, without asking the reactor, which would first have to hear of a
    /// fresh socket.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        length: usize,
        send: impl Fn(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.writable.is_none() {
            let turn = ready!(coop::poll_proceed(cx));
            match send(self.socket.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let again = self.socket.get_ref().try_clone()?;
                    self.writable = Some(watch(again, Interest::WRITABLE)?);
                }
                sent => {
                    turn.made_progress();
                    return Poll::Ready(sent);
                }
            }
        }
        let Some(writable) = &self.writable else {
            return Poll::Pending;
        };
        let is_all = |&sent: &usize| sent < length;
        try_when(AsyncFd::poll_write_ready, writable, cx, send, is_all)
    }
}

/// How one asks whether a socket is ready for something.
type Ready = for<'a> fn(
    &'a AsyncFd<Socket>,
    &mut Context<'_>,
) -> Poll<io::Result<AsyncFdReadyGuard<'a, Socket>>>;

/// Calls once the socket is ready for that, and again should it not be. What `is_all` recognizes has used up what there
/// was: the reactor tells anew of more (epoll(7), edge-triggered).
fn try_when(
    ready: Ready,
    socket: &AsyncFd<Socket>,
    cx: &mut Context<'_>,
    mut call: impl FnMut(&Socket) -> io::Result<usize>,
    is_all: impl Fn(&usize) -> bool,
) -> Poll<io::Result<usize>> {
    loop {
        let mut ready = ready!(ready(socket, cx))?;
        match call(socket.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            done => {
                if done.as_ref().is_ok_and(&is_all) {
                    ready.clear_ready();
                }
                return Poll::Ready(done);
            }
        }
    }
}

/// Receives into the room that `buffer` has.
fn receive(socket: &Socket, buffer: &mut BytesMut) -> io::Result<usize> {
    let count = socket.recv(buffer.spare_capacity_mut())?;
    // SAFETY: the kernel has written the first `count` bytes of the spare capacity.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// Acknowledges what came so far; tells whether that could be said.
///
/// 1 would have each later read acknowledge, too: a packet per answer that nobody waits for. An even number acknowledges
/// once and leaves the rest to the next request, which goes out a moment later (`__tcp_sock_set_quickack` in Linux).
fn acknowledge(socket: &Socket) -> bool {
    let once: libc::c_int = 2;
    let length = libc::socklen_t::try_from(size_of_val(&once)).unwrap_or(4);
    // SAFETY: the socket is open, and the kernel reads `length` bytes of a live integer and keeps nothing of it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_QUICKACK,
            (&raw const once).cast(),
            length,
        )
    };
    result == 0
}

/// Has the reactor of the calling thread tell of `interest`.
fn watch(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: the AsyncFd owns the socket, which keeps one descriptor open, and returns that same one, until it is
    // dropped.
    let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
    Ok(watched?)
}

/// BBR waits for a timer before each packet of 64 KB but the first, as long bodies have them. To FPM in the same container
/// there is no path to share; the server's listeners on loopback addresses do the same.
fn do_not_pace(socket: &Socket) {
    /// Whether the system's default is BBR.
    static PACES: OnceLock<bool> = OnceLock::new();
    let paces = || (socket.tcp_congestion()).is_ok_and(|name| name.starts_with(b"bbr"));
    if *PACES.get_or_init(paces) {
        // Every kernel has it, for everybody; without it a body costs more.
        let _ = socket.set_tcp_congestion(b"reno");
    }
}
