//! One client connection: what stays the same over its requests, and what its parts tell each
//! other.

mod exchange;
mod fields;
mod moved;
mod outcome;
mod peer;
mod ready;

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::time::Instant;

use crate::counters::{Activity, Counters};
use crate::io::Transport;
use crate::listen::{ListenAddress, Standing};
use crate::sys::TcpInfo;
use crate::tls::TlsSession;
use crate::worker::Worker;

pub use exchange::Exchange;
pub(crate) use exchange::Head;
pub(crate) use moved::{Detached, Moved};
pub use outcome::{Cut, Outcome};
pub use peer::{PeerAddr, ProxiedAddresses};
pub use ready::ReadyFields;

/// What a client is told that waits to be asked for its body. RFC 9110 §15.2.1.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A client connection. Lives on the thread of its worker.
pub struct Connection {
    serial: u64,
    peer: PeerAddr,
    local: OnceCell<Option<SocketAddr>>,
    socket: Arc<Standing>,
    accepted: Cell<Instant>,
    tls: Option<Rc<dyn TlsSession>>,
    proxied: OnceCell<ProxiedAddresses>,
    requests: Cell<u64>,
    bytes_in: Cell<u64>,
    bytes_out: Cell<u64>,
    activity: Cell<Activity>,
    pub(crate) http2: Cell<bool>,
    pub(crate) worker: Rc<Worker>,
    pub(crate) transport: Transport,
    /// Exchanges that somebody still holds.
    pub(crate) streams: Cell<usize>,
    /// Bytes that have arrived and that nothing has taken yet.
    pub(crate) pending: RefCell<BytesMut>,
    /// The end of the input was seen.
    peer_closed: Cell<bool>,
    /// Who waits to hear that.
    close_waiter: RefCell<Option<Waker>>,
    /// Bytes written since the driver last got its turn.
    pub(crate) burst: Cell<usize>,
    /// Interim answers that wait for room.
    interim: RefCell<BytesMut>,
    /// The request before this one has looked at a file; see [`Exchange::note_look`].
    pub(crate) looks: Cell<bool>,
    /// The request before this one has stood in line; see [`Exchange::note_line`].
    pub(crate) lined_up: Cell<bool>,
    /// The task that drives the connection is running just now.
    pub(crate) driving: Cell<bool>,
    /// Wakes the task that drives the connection.
    pub(crate) driver: RefCell<Option<Waker>>,
    /// The worker wants the connection gone as soon as that hurts nobody.
    pub(crate) draining: Cell<bool>,
    /// Idle or not, it is kept until then; see `keepalive_min_timeout`.
    pub(crate) kept_until: Cell<Option<Instant>>,
    /// It wants its place for another: an idle connection goes at once.
    pub(crate) shed: Cell<bool>,
    /// The worker wants it gone now.
    pub(crate) stopped: Cell<bool>,
    pub(crate) read_deadline: Cell<Option<(Instant, Wait)>>,
    pub(crate) write_deadline: Cell<Option<(Instant, Wait)>>,
    /// Bytes that the client had acknowledged when that was last looked at, where it is known.
    acknowledged: Cell<Option<u64>>,
    /// Pieces of answers of HTTP/2 that hyper has taken and not written yet.
    pub(crate) unsent: Cell<usize>,
}

/// What a connection is waiting for, so that its time-out can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The first byte of a request.
    Idle,
    /// The same, of which nobody is told.
    Held,
    /// The rest of a head.
    Head,
    /// More of a body.
    Body,
    /// Room for more of an answer.
    Send,
    /// The rate limit.
    Pace,
    /// The end of what an answered client still sends.
    Linger,
}

impl Connection {
    pub(crate) fn new(
        serial: u64,
        peer: PeerAddr,
        socket: Arc<Standing>,
        transport: Transport,
        tls: Option<Rc<dyn TlsSession>>,
        worker: Rc<Worker>,
    ) -> Rc<Self> {
        Rc::new(Self {
            serial,
            peer,
            local: OnceCell::new(),
            socket,
            accepted: Cell::new(Instant::now()),
            tls,
            proxied: OnceCell::new(),
            requests: Cell::new(0),
            bytes_in: Cell::new(0),
            bytes_out: Cell::new(0),
            activity: Cell::new(Activity::Waiting),
            http2: Cell::new(false),
            kept_until: Cell::new(None),
            shed: Cell::new(false),
            draining: Cell::new(worker.draining.get()),
            stopped: Cell::new(worker.is_stopped()),
            worker,
            transport,
            streams: Cell::new(0),
            pending: RefCell::default(),
            peer_closed: Cell::new(false),
            close_waiter: RefCell::default(),
            burst: Cell::new(0),
            interim: RefCell::default(),
            looks: Cell::new(false),
            lined_up: Cell::new(false),
            driving: Cell::new(false),
            driver: RefCell::default(),
            read_deadline: Cell::new(None),
            write_deadline: Cell::new(None),
            acknowledged: Cell::new(None),
            unsent: Cell::new(0),
        })
    }

    /// nginx's `$connection`: counted over the whole process.
    #[must_use]
    pub const fn serial(&self) -> u64 {
        self.serial
    }

    /// The other end, whatever a PROXY protocol header says.
    #[must_use]
    pub const fn peer(&self) -> &PeerAddr {
        &self.peer
    }

    /// The address the client connected to; `None` on a Unix-domain socket. Asked of the system
    /// once, and only when the socket listens on a wildcard address.
    #[must_use]
    pub fn local_inet(&self) -> Option<SocketAddr> {
        *self.local.get_or_init(|| match &self.socket.address {
            ListenAddress::Inet(address) if !address.ip().is_unspecified() => Some(*address),
            ListenAddress::Inet(address) => self.transport.local_address().or(Some(*address)),
            ListenAddress::Unix(_) => None,
        })
    }

    /// What the kernel knows of the connection at this moment; `None` on a Unix-domain socket, and once
    /// it is closed.
    #[must_use]
    pub fn tcp_info(&self) -> Option<TcpInfo> {
        self.transport.tcp_info()
    }

    /// Where the listening socket stands.
    #[must_use]
    pub fn listen_address(&self) -> &ListenAddress {
        &self.socket.address
    }

    /// Which `listen` of the configuration accepted it.
    #[must_use]
    pub fn tag(&self) -> usize {
        self.socket.config.tag
    }

    pub(crate) fn listener(&self) -> &Arc<Standing> {
        &self.socket
    }

    /// When it was accepted.
    #[must_use]
    pub fn accepted(&self) -> std::time::Instant {
        self.accepted.get().into_std()
    }

    /// What the PROXY protocol header said, if the socket asks for one and the client sent real
    /// addresses.
    #[must_use]
    pub fn proxied(&self) -> Option<&ProxiedAddresses> {
        self.proxied.get()
    }

    pub(crate) fn set_proxied(&self, addresses: ProxiedAddresses) {
        // A connection has one header; a second one is never read.
        let _ = self.proxied.set(addresses);
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub const fn tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What the handshake left, if the connection is encrypted.
    #[must_use]
    pub fn tls_session(&self) -> Option<&dyn TlsSession> {
        self.tls.as_deref()
    }

    /// Whether the socket is one for TLS, and the client speaks HTTP without it: nginx answers
    /// with 497.
    #[must_use]
    pub fn lacks_tls(&self) -> bool {
        self.tls.is_none() && self.socket.config.tls.0.is_some()
    }

    /// Whether a PROXY protocol header has to come before the first request; on a port for TLS it
    /// has been read before the handshake.
    pub(crate) fn owes_proxy_header(&self) -> bool {
        let config = &self.socket.config;
        config.proxy_protocol && config.tls.0.is_none() && self.requests() == 0
    }

    /// Whether it speaks HTTP/2.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        self.http2.get()
    }

    /// nginx's `$connection_requests`: requests so far, the one at hand included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Bytes received on the wire.
    #[must_use]
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.get()
    }

    /// Bytes sent on the wire.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.get()
    }

    /// Whether the client has closed its side. Known only while nothing it sent is waiting.
    #[must_use]
    pub fn is_peer_closed(&self) -> bool {
        self.peer_closed.get()
    }

    /// Ready once the client has closed its side; an nginx that does not ignore client aborts
    /// gives up on a FastCGI or proxied request then. One waiter at a time.
    pub fn poll_peer_closed(&self, cx: &Context<'_>) -> Poll<()> {
        if self.peer_closed.get() {
            return Poll::Ready(());
        }
        *self.close_waiter.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// As [`Self::poll_peer_closed`], to be awaited.
    pub async fn peer_closed(&self) {
        std::future::poll_fn(|cx| self.poll_peer_closed(cx)).await;
    }

    pub(crate) fn note_peer_closed(&self) {
        self.peer_closed.set(true);
        if let Some(waker) = self.close_waiter.take() {
            waker.wake();
        }
    }

    /// Waiting for a request, of which nothing has come; and nobody has asked it to go.
    pub(crate) fn is_idle(&self) -> bool {
        self.activity.get() == Activity::Waiting && !self.draining.get()
    }

    /// Idle, and may go for another.
    pub(crate) fn can_make_room(&self) -> bool {
        self.is_idle() && !self.is_protected()
    }

    /// Idle when it was asked to make room, and not gone yet.
    pub(crate) fn is_being_shed(&self) -> bool {
        self.activity.get() == Activity::Waiting && self.shed.get() && !self.is_protected()
    }

    /// Whether it is kept for now, whoever wants it gone.
    pub(crate) fn is_protected(&self) -> bool {
        (self.kept_until.get()).is_some_and(|until| Instant::now() < until)
    }

    pub(crate) fn count_request(&self) -> u64 {
        let number = self.requests.get() + 1;
        self.requests.set(number);
        Counters::bump(&self.worker.counters.requests);
        number
    }

    pub(crate) fn count_in(&self, bytes: usize) {
        self.bytes_in.set(self.bytes_in.get() + bytes as u64);
        self.worker.reads.set(self.worker.reads.get() + 1);
    }

    pub(crate) fn count_out(&self, bytes: usize) {
        self.bytes_out.set(self.bytes_out.get() + bytes as u64);
    }

    pub(crate) fn set_activity(&self, activity: Activity) {
        let before = self.activity.replace(activity);
        self.worker.counters.shift(before, activity);
    }

    /// Takes note of what the client has acknowledged, for [`Self::has_taken_more`].
    pub(crate) fn note_taken(&self) {
        let backlog = self.transport.backlog();
        self.acknowledged
            .set(backlog.map(|backlog| backlog.acknowledged));
    }

    /// Whether the client has taken anything since that was last noted, be it that we could not write; and notes it.
    #[cold]
    pub(crate) fn has_taken_more(&self) -> bool {
        let before = self.acknowledged.get();
        self.note_taken();
        before.is_some() && self.acknowledged.get() > before
    }

    /// A deadline has changed: the driver must look at it, unless it is running just now and will
    /// anyway.
    pub(crate) fn arm(&self) {
        if !self.driving.get() {
            self.wake_driver();
        }
    }

    pub(crate) fn wake_driver(&self) {
        if let Some(waker) = &*self.driver.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Tells the client to go on with its body.
    pub(crate) fn send_continue(&self, cx: &mut Context<'_>) {
        self.interim.borrow_mut().extend_from_slice(CONTINUE);
        // A full socket or an error shows again when the answer is written.
        let _ = self.poll_interim(cx);
    }

    /// Writes what has to go out before the answer.
    pub(crate) fn poll_interim(&self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let mut interim = self.interim.borrow_mut();
        while !interim.is_empty() {
            let slices = [std::io::IoSlice::new(&interim)];
            let written = ready!(self.transport.poll_write_vectored(cx, &slices))?;
            self.count_out(written);
            interim.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("serial", &self.serial)
            .field("peer", &self.peer)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}
