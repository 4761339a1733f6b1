//! Letting `sendfile` pass through an HTTP library that knows only bytes.
//!
//! [`FileBody::allow_sendfile`](crate::FileBody::allow_sendfile) makes a body yield *markers*: [`Bytes`] of the right
//! length that lie in an address range reserved for the purpose and never hold anything but zeros. The library frames
//! and queues them as it does all bytes, without looking at them. The connection's writer, [`write`], knows them by
//! their address and sends the file's bytes in their place.
//!
//! So a body may yield markers only if its bytes go to [`write`] as they are: plain HTTP/1.1, vectored writes, no
//! coding, no TLS. The library's own copies, if it made any, would be zeros.
//!
//! # Figures
//!
//! CPU time of the sender, loopback, one core, from `benches/static_files.rs`:
//!
//! | size | from memory | read and write | open and `sendfile` |
//! |---|---|---|---|
//! | 16 KB | 2.5 µs | 11 µs | 5.9 µs |
//! | 64 KB | 5.9 µs | 20 µs | 10 µs |
//! | 100 KB | 10 µs | 32 µs | 16 µs |
//! | 256 KB | 24 µs | 48 µs | 28 µs |
//! | 1 MB | 149 µs | 211 µs | 161 µs |
//! | 10 MB | 1.17 ms | 2.25 ms | 0.96 ms |
//!
//! So memory wins while it lasts, hence [`Config::in_memory`](crate::Config::in_memory); then `sendfile` does, and
//! reading comes last (it is for TLS, HTTP/2 and files that are changing).
//!
//! # What sendfile cannot promise
//!
//! Pages queued in the socket are the page cache's own: a file rewritten in place while it is sent may reach the client
//! mixed. Hence only files that were left alone for [`Config::settle`](crate::Config::settle) are sent so, and the file
//! is looked at again before each window. nginx has the same limits, without those checks.

mod region;

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

use self::region::{Region, WINDOW};

/// The bytes of a file that a marker stands for.
#[derive(Clone, Debug)]
pub struct SendfileSegment {
    /// The file. Its own position is not used.
    pub file: Arc<File>,
    /// First byte to send.
    pub offset: u64,
    /// How many bytes.
    pub len: u64,
}

/// The most bytes that one marker stands for.
pub(crate) const LARGEST_MARKER: u64 = WINDOW as u64;

/// A marker for `segment`, of at most [`LARGEST_MARKER`] bytes. `None` if there are too many under way, or no range of
/// addresses could be had: then the file is read.
pub(crate) fn marker(segment: &SendfileSegment) -> Option<Bytes> {
    Region::shared()?.mark(segment)
}

/// What `slice` stands for, if it is (a part of) a marker.
#[must_use]
pub fn resolve(slice: &[u8]) -> Option<SendfileSegment> {
    Region::existing()?.resolve(slice)
}

/// Whether `slice` is (a part of) a marker. Costs two comparisons.
#[must_use]
pub fn is_marker(slice: &[u8]) -> bool {
    Region::existing().is_some_and(|region| region.contains(slice))
}

/// Writes `slices` to a non-blocking socket, each marker's file in its place; how many bytes went out.
///
/// What stands before a marker goes out with `MSG_MORE`, so that a head and the beginning of its file share a packet.
///
/// # Errors
/// As `sendmsg` and `sendfile`; `UnexpectedEof` if a file has become too short for its marker. Then the connection can
/// only be closed.
pub fn write(socket: impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let socket = socket.as_fd();
    let marker = slices
        .iter()
        .position(|slice| is_marker(slice))
        .unwrap_or(slices.len());
    let (plain, rest) = slices.split_at(marker);
    let Some(segment) = rest.first().and_then(|slice| resolve(slice)) else {
        return send(socket, plain, SendFlags::empty());
    };
    let length: usize = plain.iter().map(|slice| slice.len()).sum();
    if length > 0 {
        let sent = send(socket, plain, SendFlags::MORE)?;
        if sent < length {
            return Ok(sent);
        }
    }
    match send_file(socket, &segment) {
        Ok(sent) => Ok(length + sent),
        // The error, if it lasts, comes again with the next call.
        Err(_) if length > 0 => Ok(length),
        Err(error) => Err(error),
    }
}

fn send(socket: impl AsFd, slices: &[IoSlice<'_>], flags: SendFlags) -> io::Result<usize> {
    let flags = flags | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    // The kernel takes 1,024 slices at once.
    let slices = slices.get(..slices.len().min(1_024)).unwrap_or_default();
    Ok(sendmsg(
        socket,
        slices,
        &mut SendAncillaryBuffer::default(),
        flags,
    )?)
}

fn send_file(socket: impl AsFd, segment: &SendfileSegment) -> io::Result<usize> {
    let mut offset = segment.offset;
    let len = usize::try_from(segment.len).unwrap_or(usize::MAX);
    loop {
        match rustix::fs::sendfile(&socket, &segment.file, Some(&mut offset), len) {
            Ok(0) => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file has shrunk while it was sent",
                ));
            }
            Ok(sent) => return Ok(sent),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests;
