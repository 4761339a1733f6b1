//! The two ends of a connection.

use std::net::SocketAddr;

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddr {
    /// An IPv4 or IPv6 client.
    Inet(SocketAddr),
    /// A client of a Unix-domain socket; nginx shows it as `unix:`.
    Unix,
}

impl std::fmt::Display for PeerAddr {
    /// As nginx's `$remote_addr`: no port.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(address) => address.ip().fmt(f),
            Self::Unix => f.write_str("unix:"),
        }
    }
}

/// What a PROXY protocol header said about the client and where it connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxiedAddresses {
    /// `$proxy_protocol_addr` and `$proxy_protocol_port`.
    pub source: SocketAddr,
    /// `$proxy_protocol_server_addr` and `$proxy_protocol_server_port`.
    pub destination: SocketAddr,
    /// What version 2 has to say beside that: types, lengths and values in a row.
    pub values: Box<[u8]>,
}
