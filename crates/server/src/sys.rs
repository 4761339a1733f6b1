//! What has no safe wrapper: some socket options, waiting for a descriptor that is no stream, and counted values that are
//! made in place; and how the system's errors are shown.
#![allow(
    unsafe_code,
    reason = "setsockopt(2) and getsockopt(2) take raw pointers, AsyncFd and Rc a promise"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Wake an acceptor only when data are there; value in seconds.
pub(crate) const TCP_DEFER_ACCEPT: i32 = libc::TCP_DEFER_ACCEPT;
/// Length of the queue of connections that came with data in their SYN.
pub(crate) const TCP_FASTOPEN: i32 = libc::TCP_FASTOPEN;

/// A counted value that is made where it stays. [`Rc::new`] has it on the stack first and copies it, a kilobyte and more.
#[inline]
pub(crate) fn counted<T>(make: impl FnOnce() -> T) -> Rc<T> {
    let mut room = Rc::new_uninit();
    let Some(place) = Rc::get_mut(&mut room) else {
        // Nobody else can hold what was made a moment ago.
        return Rc::new(make());
    };
    place.write(make());
    // SAFETY: the value has been written in the line above, whole.
    unsafe { room.assume_init() }
}

/// Sets an integer option of level `IPPROTO_TCP`.
pub(crate) fn set_tcp_option(socket: &impl AsFd, option: i32, value: i32) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_TCP, option, value)
}

/// Has the kernel say that there is something to read only when so many bytes are there, or the end.
pub(crate) fn set_receive_low_water(socket: &impl AsFd, bytes: i32) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_RCVLOWAT, bytes)
}

fn set_option(socket: &impl AsFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or(4);
    // SAFETY: the descriptor is borrowed for the call and so open; `value` is a live i32 and
    // `length` its size; the kernel only reads from the pointer and keeps nothing of it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What the kernel knows of a TCP connection; of `tcp_info`, what nginx has variables for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    /// Smoothed round trip time, in microseconds.
    pub rtt: u32,
    /// How much it varies, in microseconds.
    pub rttvar: u32,
    /// Size of the sender's congestion window, in segments.
    pub snd_cwnd: u32,
    /// Room that the receiver has for the peer, in bytes.
    pub rcv_space: u32,
}

/// What the kernel still has of what was written to a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// Bytes that the client has acknowledged so far; always 0 where the kernel does not count them.
    pub(crate) acknowledged: u64,
    /// Whether there are more.
    pub(crate) waits: bool,
}

/// Asks for it.
pub(crate) fn backlog(socket: &impl AsFd) -> io::Result<Backlog> {
    let info = ask_tcp_info(socket)?;
    Ok(Backlog {
        acknowledged: info.tcpi_bytes_acked,
        waits: info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0,
    })
}

/// Asks for what nginx has variables for.
pub(crate) fn tcp_info(socket: &impl AsFd) -> io::Result<TcpInfo> {
    let info = ask_tcp_info(socket)?;
    Ok(TcpInfo {
        rtt: info.tcpi_rtt,
        rttvar: info.tcpi_rttvar,
        snd_cwnd: info.tcpi_snd_cwnd,
        rcv_space: info.tcpi_rcv_space,
    })
}

/// Asks for `TCP_INFO`; what an old kernel does not know of it is 0.
fn ask_tcp_info(socket: &impl AsFd) -> io::Result<libc::tcp_info> {
    // SAFETY: `tcp_info` is made of integers alone, for which zeros are valid.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::tcp_info>();
    let mut length = libc::socklen_t::try_from(size).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the descriptor is borrowed for the call and so open; `info` is live and writable for
    // `length` bytes, its size, and the kernel writes no more than `length` says and keeps nothing.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(info)
}

/// Waits for a descriptor to become readable, on the runtime at hand.
pub(crate) fn watch_readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the AsyncFd owns the OwnedFd, which keeps one descriptor open, and returns that same
    // one, until it is dropped.
    let watched = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    Ok(watched?)
}
