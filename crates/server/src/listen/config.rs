//! What one listening socket is to be: nginx's `listen` with its parameters, as plain values.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::tls::Tls;

/// Where a listening socket stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListenAddress {
    /// An IPv4 or IPv6 address and a port.
    Inet(SocketAddr),
    /// A Unix-domain socket; `listen unix:/path`.
    Unix(PathBuf),
}

/// `so_keepalive` with its three optional parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpKeepAlive {
    /// `SO_KEEPALIVE` itself; `false` for `so_keepalive=off`.
    pub enabled: bool,
    /// `TCP_KEEPIDLE`.
    pub idle: Option<Duration>,
    /// `TCP_KEEPINTVL`.
    pub interval: Option<Duration>,
    /// `TCP_KEEPCNT`.
    pub count: Option<u32>,
}

/// One listening socket. Two `listen` directives for the same address are one of these.
///
/// Source: nginx, `ngx_http_core_module`, `listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerConfig {
    /// Where to listen.
    pub address: ListenAddress,
    /// Which `listen` of the configuration this is; handed through to [`crate::Connection`].
    pub tag: usize,
    /// Length of the accept queue.
    pub backlog: i32,
    /// `IPV6_V6ONLY` for an IPv6 address.
    pub ipv6only: bool,
    /// One socket per worker with `SO_REUSEPORT`.
    pub reuseport: bool,
    /// Wake only when the first bytes are there (`TCP_DEFER_ACCEPT`).
    pub deferred: bool,
    /// `so_keepalive`; `None` leaves the system's default.
    pub so_keepalive: Option<TcpKeepAlive>,
    /// `SO_RCVBUF`.
    pub rcvbuf: Option<usize>,
    /// `SO_SNDBUF`.
    pub sndbuf: Option<usize>,
    /// `TCP_FASTOPEN` with this queue length.
    pub fastopen: Option<u32>,
    /// Each connection begins with a PROXY protocol header, version 1 or 2.
    pub proxy_protocol: bool,
    /// HTTP/2 by prior knowledge is welcome beside HTTP/1.
    pub http2: bool,
    /// `ssl`: how connections are encrypted. Not for Unix-domain sockets.
    pub tls: Tls,
}

impl ListenerConfig {
    /// nginx's defaults for an address.
    #[must_use]
    pub const fn new(address: ListenAddress, tag: usize) -> Self {
        Self {
            address,
            tag,
            backlog: 511,
            ipv6only: true,
            reuseport: false,
            deferred: false,
            so_keepalive: None,
            rcvbuf: None,
            sndbuf: None,
            fastopen: None,
            proxy_protocol: false,
            http2: false,
            tls: Tls(None),
        }
    }
}

impl fmt::Display for ListenAddress {
    /// The address as nginx's messages show it: `0.0.0.0:80`, `[::]:80`, `unix:/run/a.sock`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => match address.ip() {
                IpAddr::V4(ip) => write!(f, "{ip}:{}", address.port()),
                IpAddr::V6(ip) => write!(f, "[{ip}]:{}", address.port()),
            },
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}
