//! What to ask, how often, how to read, and what to expect.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// When requests begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrival {
    /// Each of so many clients asks again when it has been answered.
    Closed {
        /// How many clients.
        clients: usize,
    },
    /// Requests begin at a constant rate, whatever becomes of the earlier ones.
    Open {
        /// Requests per second.
        per_second: f64,
    },
}

/// How fast answers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As fast as they come.
    Fast,
    /// So many bytes per second, with a small receive buffer, as a client behind a slow link.
    Slow {
        /// Bytes per second.
        per_second: usize,
    },
}

/// What every answer must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The status; any when absent.
    pub status: Option<u16>,
    /// The length of the body.
    pub length: Option<u64>,
    /// The body itself.
    pub body: Option<Arc<[u8]>>,
}

/// One load.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub address: SocketAddr,
    /// The bytes of the request.
    pub request: Arc<[u8]>,
    /// When requests begin.
    pub arrival: Arrival,
    /// How long requests begin.
    pub duration: Duration,
    /// How long unfinished requests may go on after that.
    pub grace: Duration,
    /// When a client gives up and closes its connection; counted from when the request was due.
    pub patience: Option<Duration>,
    /// Whether every request gets a connection of its own.
    pub fresh_connections: bool,
    /// How answers are read.
    pub reading: Reading,
    /// What they must be.
    pub expected: Expected,
}

impl Plan {
    /// One client that GETs a target again and again for a second and expects 200.
    #[must_use]
    pub fn get(address: SocketAddr, target: &str) -> Self {
        Self {
            address,
            request: request_bytes("GET", target, address, &[], 0),
            arrival: Arrival::Closed { clients: 1 },
            duration: Duration::from_secs(1),
            grace: Duration::from_secs(5),
            patience: None,
            fresh_connections: false,
            reading: Reading::Fast,
            expected: Expected {
                status: Some(200),
                ..Expected::default()
            },
        }
    }
}

/// A whole request; a `Host` among the header lines (`Name: value`) replaces the usual one, and a body is made of `x`.
#[must_use]
pub(crate) fn request_bytes(
    method: &str,
    target: &str,
    address: SocketAddr,
    headers: &[String],
    body_length: usize,
) -> Arc<[u8]> {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    let has_host = headers
        .iter()
        .any(|line| line.to_ascii_lowercase().starts_with("host:"));
    if !has_host {
        text.push_str(&format!("Host: {address}\r\n"));
    }
    for line in headers {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if body_length > 0 {
        text.push_str(&format!("Content-Length: {body_length}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(&"x".repeat(body_length));
    text.into_bytes().into()
}

impl Plan {
    /// Replaces the request; see [`Plan::get`]. A body of `body_length` bytes is made up.
    #[must_use]
    pub fn asking(
        mut self,
        method: &str,
        target: &str,
        headers: &[String],
        body_length: usize,
    ) -> Self {
        self.request = request_bytes(method, target, self.address, headers, body_length);
        self
    }
}
