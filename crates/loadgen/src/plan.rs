//! What to ask, how often, how to read, and what to expect.

use std::borrow::Cow;
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
    /// Whether `%N` in the request stands for its number, from 0 on.
    pub numbered: bool,
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
            numbered: false,
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
    /// The bytes of the request with this number.
    pub(crate) fn request_of(&self, number: u64) -> Cow<'_, [u8]> {
        const MARK: &[u8] = b"%N";
        let mut parts = self.request.windows(MARK.len());
        let at = parts.position(|part| self.numbered && part == MARK);
        match at.map(|at| self.request.split_at(at)) {
            Some((before, after)) => {
                let after = after.get(MARK.len()..).unwrap_or_default();
                [before, number.to_string().as_bytes(), after]
                    .concat()
                    .into()
            }
            None => Cow::Borrowed(&self.request),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_numbered_where_it_is_asked_for() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let mut plan = Plan::get(address, "/?n=%N&m=%N");
        assert!(plan.request_of(7).starts_with(b"GET /?n=%N&m=%N "));
        plan.numbered = true;
        assert!(plan.request_of(17).starts_with(b"GET /?n=17&m=%N "));
    }
}
