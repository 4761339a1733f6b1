//! What a pool is told, once.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use portunus_fastcgi::CgiFields;

use crate::queue::Queue;
use crate::slots::Size;

/// Where FPM listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// `host:port`, resolved.
    Tcp(SocketAddr),
    /// Path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    /// As nginx writes it into logs and `$upstream_addr`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The rules of one pool. Time-outs of a single exchange are [`Options`](crate::Options).
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Where FPM listens.
    pub address: Address,
    /// Connections at most, busy and idle together, over all threads.
    pub size: Size,
    /// How long a refused connection is tried again while FPM restarts, within the connect
    /// time-out. Once FPM has been away for longer, one try is made per request.
    pub restart_patience: Duration,
    /// When a connection serves another request.
    pub reuse: Reuse,
    /// `fastcgi_socket_keepalive`.
    pub socket_keepalive: bool,
    /// `fastcgi_bind`: the local address to connect from.
    pub bind: Option<SocketAddr>,
}

impl PoolConfig {
    /// A pool for `address` with the defaults of [`Reuse`].
    #[must_use]
    pub fn new(address: Address, size: Size) -> Self {
        Self {
            address,
            size,
            restart_patience: Duration::from_secs(2),
            reuse: Reuse::default(),
            socket_keepalive: false,
            bind: None,
        }
    }
}

/// When a connection serves another request, if the request itself asked for it
/// ([`Options::keep_conn`](crate::Options)).
///
/// An idle connection pins a PHP worker, shows as busy in FPM's scoreboard and counts towards
/// `request_terminate_timeout`, hence the short times.
#[derive(Debug, Clone, Copy)]
pub struct Reuse {
    /// Longest a connection stays idle. Zero: no connection is ever used twice.
    pub idle_timeout: Duration,
    /// While all slots are taken, a connection of this age is closed after its request if no other was
    /// for so long: a worker goes back to `accept`, and other clients of the same FPM get their turn.
    /// No connection becomes more than ten times as old.
    pub recycle_after: Duration,
    /// Requests on one connection at most.
    pub max_requests: u32,
    /// Whether a connection may be used again after a request with a body. Only when every
    /// PHP behind the address is known to have the fix for CVE-2026-129289.
    pub after_body: bool,
}

impl Default for Reuse {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_millis(300),
            recycle_after: Duration::from_millis(500),
            max_requests: u32::MAX,
            after_body: false,
        }
    }
}

impl Reuse {
    /// For an FPM of which nothing is known: it may have few workers, or start them on demand.
    #[must_use]
    pub fn cautious() -> Self {
        let idle_timeout = Self::default().idle_timeout / 4;
        Self {
            idle_timeout,
            ..Self::default()
        }
    }

    pub(crate) fn is_never(&self) -> bool {
        self.idle_timeout.is_zero()
    }
}

/// Time-outs and habits of an exchange: what a location says. Shared by its requests.
#[derive(Debug, Clone)]
pub struct Options {
    /// `fastcgi_connect_timeout`.
    pub connect_timeout: Duration,
    /// `fastcgi_send_timeout`: between two successful writes.
    pub send_timeout: Duration,
    /// `fastcgi_read_timeout`: from the request to the end of the head, then between two successful reads.
    pub read_timeout: Duration,
    /// Let FPM keep the connection, and use it again as [`Reuse`] allows; else the request has one of its own.
    pub keep_conn: bool,
    /// Whether a connection may be used again after a request with a body, even where [`Reuse`] has nothing to say of that.
    pub keep_after_body: bool,
    /// How the request waits for a slot.
    pub queue: Queue,
    /// Largest CGI head that is taken in.
    pub head: portunus_fastcgi::HeadLimits,
    /// `fastcgi_buffering`.
    pub buffering: bool,
    /// Whether `X-Accel-Buffering` from PHP changes [`buffering`](Self::buffering).
    pub accel_buffering: bool,
    /// Whether somebody else answers where PHP says `X-Accel-Redirect`: nobody is to get PHP's body, however
    /// long PHP says it is.
    pub accel_redirect: bool,
    /// Room for a buffered answer: `fastcgi_buffers`, `fastcgi_max_temp_file_size`, `fastcgi_temp_path`.
    pub spool: portunus_spool::Limits,
    /// `fastcgi_ignore_client_abort`: let PHP finish when the client goes.
    pub ignore_client_abort: bool,
    /// `fastcgi_catch_stderr`: any of these in PHP's stderr before the head is done is a 502.
    pub catch_stderr: Vec<String>,
}

impl Options {
    /// Where the answer is only to be had: what `X-Accel-Redirect` says, if it is heard.
    #[must_use]
    pub fn leads_to<'h>(&self, fields: &'h CgiFields) -> Option<&'h HeaderValue> {
        static ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");
        let heard = self.accel_redirect;
        heard.then(|| fields.get(&ACCEL_REDIRECT)).flatten()
    }
}

impl Default for Options {
    /// nginx's defaults, but for [`keep_conn`](Self::keep_conn).
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(60),
            send_timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(60),
            keep_conn: true,
            keep_after_body: false,
            queue: Queue::default(),
            head: portunus_fastcgi::HeadLimits::default(),
            buffering: true,
            accel_buffering: true,
            accel_redirect: true,
            spool: portunus_spool::Limits {
                memory: 64 * 1024,
                file: 1024 * 1024 * 1024,
                directory: Arc::new(std::env::temp_dir()),
            },
            ignore_client_abort: false,
            catch_stderr: Vec::new(),
        }
    }
}
