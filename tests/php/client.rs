//! Clients, and what they see.

use std::net::SocketAddr;

use portunus_testkit::{Connection, Error, Response};

use Outcome::{Cut, Fails, Whole};

use crate::PATIENCE;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// A page of the server's own, with this status.
    Fails(u16),
    /// The client can see that the answer is not whole.
    Cut,
    /// PHP's answer: this status, this body.
    Whole(u16, String),
}

/// A client that keeps its connection for as long as the server does.
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) kept: Option<Connection>,
}

impl Client {
    pub(crate) fn ask(&mut self, method: &str, target: &str) -> Outcome {
        let length = match method {
            "POST" => "Content-Length: 0\r\n",
            _ => "",
        };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{length}\r\n");
        let open = || Connection::open(self.address).expect("it listens");
        let connection = self.kept.take().unwrap_or_else(open);
        let mut connection = connection.with_patience(PATIENCE);
        match connection.exchange(request.as_bytes(), method) {
            Err(Error::Closed { .. }) => Cut,
            Err(error) => unreachable!("{target}: {error}"),
            Ok(answer) => {
                if answer.field("connection") != Some("close") {
                    self.kept = Some(connection);
                }
                judge(&answer)
            }
        }
    }
}

/// Whose answer it is.
fn judge(answer: &Response) -> Outcome {
    let text = answer.text();
    if text.is_empty() || text.contains("<hr><center>") {
        Fails(answer.status())
    } else {
        Whole(answer.status(), text)
    }
}

pub(crate) fn get(address: SocketAddr, target: &str) -> Result<Response, Error> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    Connection::open(address)?.exchange(request.as_bytes(), "GET")
}

pub(crate) fn ask(address: SocketAddr) -> Outcome {
    match get(address, "/index.php") {
        Err(_) => Cut,
        Ok(answer) => judge(&answer),
    }
}
