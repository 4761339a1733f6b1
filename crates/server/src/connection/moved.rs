//! A connection between two threads.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Connection, PeerAddr, ProxiedAddresses};
use crate::http1::Kept;
use crate::io::Transport;
use crate::listen::Standing;
use crate::worker::Worker;

/// All that is left of an idle connection when it changes its thread (see [`crate::spread`]).
#[derive(Debug)]
pub(crate) struct Moved {
    serial: u64,
    peer: PeerAddr,
    socket: Arc<Standing>,
    accepted: Instant,
    proxied: Option<ProxiedAddresses>,
    requests: u64,
    bytes_in: u64,
    bytes_out: u64,
    stream: Detached,
    /// How long it may still be idle.
    pub(crate) kept: Kept,
}

/// A stream that no reactor knows.
#[derive(Debug)]
pub(crate) enum Detached {
    /// With whether its limit of unsent bytes is off.
    Tcp(TcpStream, bool),
    Unix(UnixStream),
}

impl Connection {
    /// Whether it may change its thread, being idle between two requests as it is.
    pub(crate) fn can_move(&self) -> bool {
        self.socket.can_move()
            && self.transport.can_detach()
            && self.is_idle()
            && !self.stopped.get()
            && self.pending.borrow().is_empty()
            && self.interim.borrow().is_empty()
    }

    /// Takes it off this thread.
    ///
    /// # Errors
    /// When the reactor does not let go; the connection is closed then.
    pub(crate) fn detach(&self, kept: Kept) -> io::Result<Moved> {
        Ok(Moved {
            serial: self.serial,
            peer: self.peer,
            socket: Arc::clone(&self.socket),
            accepted: self.accepted.get(),
            proxied: self.proxied.get().cloned(),
            requests: self.requests.get(),
            bytes_in: self.bytes_in.get(),
            bytes_out: self.bytes_out.get(),
            stream: self.transport.detach()?,
            kept,
        })
    }
}

impl Moved {
    /// Takes it up on the calling thread.
    ///
    /// # Errors
    /// When the reactor of this thread does not take it; the connection is closed then.
    pub(crate) fn attach(self, worker: &Rc<Worker>) -> io::Result<Rc<Connection>> {
        let transport = Transport::attach(self.stream)?;
        let worker = Rc::clone(worker);
        let (serial, peer, socket) = (self.serial, self.peer, self.socket);
        let connection = Connection::new(serial, peer, socket, transport, None, worker);
        connection.accepted.set(self.accepted);
        connection.requests.set(self.requests);
        connection.bytes_in.set(self.bytes_in);
        connection.bytes_out.set(self.bytes_out);
        if let Some(proxied) = self.proxied {
            connection.set_proxied(proxied);
        }
        Ok(connection)
    }
}
