//! An HTTP/1 client that sends what it is given and reads strictly: names keep their spelling,
//! fields their order, and what is not exactly HTTP/1.1 (RFC 9112) is an error.

mod body;
mod head;

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

pub use head::{Field, Head};

/// How long a peer may take for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The largest answer that is read.
const LIMIT: usize = 256 * 1024 * 1024;

/// One answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status line and fields.
    pub head: Head,
    /// The 1xx answers before it.
    pub interim: Vec<Head>,
    /// How the end of the body was told.
    pub framing: Framing,
    /// The body, chunks joined.
    pub body: Vec<u8>,
    /// The fields after a chunked body.
    pub trailers: Vec<Field>,
}

/// How the end of a body is told. RFC 9112 §6.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none: the answer to HEAD, or a status that has none.
    None,
    /// By `Content-Length`.
    Length,
    /// By the last chunk.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// An open connection. Several requests may be sent, before or after reading answers.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
    patience: Duration,
}

/// Sends one request on a connection of its own and reads the answer; `head` is the request
/// without `Host`, `Connection` and the last empty line.
///
/// # Errors
/// As [`Connection::read_response`].
pub fn exchange(address: SocketAddr, head: &str) -> Result<Response, Error> {
    let mut connection = Connection::open(address)?;
    let method = head.split(' ').next().unwrap_or_default();
    let lines = head.trim_end().replace('\n', "\r\n");
    let request = format!("{lines}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.send(request.as_bytes())?;
    connection.read_response(method)
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The value of the first field of a name, whatever its case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// The body as text, bytes that are none replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn open(address: SocketAddr) -> Result<Self, Error> {
        let failed = || Error::io(format!("connecting to {address}"));
        let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed())?;
        stream.set_nodelay(true).map_err(failed())?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            patience: PATIENCE,
        })
    }

    /// Sets how long the peer may take for one answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The socket, for whatever else a test wants to do to it.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// If the peer has closed, or does not read.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let timeout = self.stream.set_write_timeout(Some(self.patience));
        timeout
            .and_then(|()| self.stream.write_all(bytes))
            .map_err(Error::io("sending"))
    }

    /// Sends a request while reading its answer, so that neither side can block the other; a peer
    /// that answers and closes before it has read everything is heard.
    ///
    /// # Errors
    /// As [`Self::read_response`].
    pub fn exchange(&mut self, request: &[u8], method: &str) -> Result<Response, Error> {
        self.while_sending(request, |connection| connection.read_response(method))
    }

    /// Does something while bytes are being sent; that sending fails shows in what is read.
    ///
    /// # Errors
    /// What `read` gives.
    pub fn while_sending<T>(
        &mut self,
        bytes: &[u8],
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut writer = self.stream.try_clone().map_err(Error::io("sending"))?;
        writer
            .set_write_timeout(Some(self.patience))
            .map_err(Error::io("sending"))?;
        thread::scope(|scope| {
            scope.spawn(move || writer.write_all(bytes));
            let result = read(self);
            if result.is_err() {
                // Nobody will read any more: a writer that waits for room need not.
                let _ = self.stream.shutdown(Shutdown::Both);
            }
            result
        })
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn finish_sending(&mut self) -> Result<(), Error> {
        self.stream
            .shutdown(Shutdown::Write)
            .map_err(Error::io("closing one way"))
    }

    /// Reads one answer to a request of this method, with the interim ones before it.
    ///
    /// # Errors
    /// If the answer does not come whole and well-formed in time.
    pub fn read_response(&mut self, method: &str) -> Result<Response, Error> {
        let deadline = Instant::now() + self.patience;
        let mut interim = Vec::new();
        let head = loop {
            let head = self.read_head(deadline)?;
            // 101 is final: what follows is another protocol's.
            if !(100..200).contains(&head.status) || head.status == 101 {
                break head;
            }
            interim.push(head);
        };
        self.read_body(head, interim, method, deadline)
    }

    /// Reads everything up to the end of the connection.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, Error> {
        let deadline = Instant::now() + self.patience;
        while self.fill("waiting for the end", deadline)? {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Whether the peer closes the connection within a time, having sent nothing more.
    ///
    /// # Errors
    /// If it sends something.
    pub fn is_closed_within(&mut self, time: Duration) -> Result<bool, Error> {
        let reason = "bytes after the answer";
        if self.buffer.is_empty() {
            match self.fill("waiting for the end", Instant::now() + time) {
                Ok(false) | Err(Error::Closed { .. }) => return Ok(true),
                Ok(true) => {}
                Err(Error::TimedOut { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Err(Error::Malformed {
            reason,
            received: std::mem::take(&mut self.buffer),
        })
    }

    /// Reads once; whether there was something before the end.
    fn fill(&mut self, while_doing: &'static str, deadline: Instant) -> Result<bool, Error> {
        let timed_out = |received| Error::TimedOut {
            after: self.patience,
            while_doing,
            received,
        };
        if self.buffer.len() > LIMIT {
            let reason = "too large";
            return Err(Error::Malformed {
                reason,
                received: std::mem::take(&mut self.buffer),
            });
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(timed_out(std::mem::take(&mut self.buffer)));
        }
        self.stream
            .set_read_timeout(Some(left))
            .map_err(Error::io("reading"))?;
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(read) => {
                self.buffer
                    .extend_from_slice(chunk.get(..read).unwrap_or_default());
                Ok(read > 0)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    Err(timed_out(std::mem::take(&mut self.buffer)))
                }
                io::ErrorKind::Interrupted => Ok(true),
                io::ErrorKind::ConnectionReset => Err(Error::Closed {
                    while_doing,
                    received: std::mem::take(&mut self.buffer),
                }),
                _ => Err(Error::io("reading")(error)),
            },
        }
    }

    /// Reads until the buffer has `length` bytes.
    fn need(
        &mut self,
        length: usize,
        while_doing: &'static str,
        deadline: Instant,
    ) -> Result<(), Error> {
        while self.buffer.len() < length {
            if !self.fill(while_doing, deadline)? {
                let received = std::mem::take(&mut self.buffer);
                return Err(Error::Closed {
                    while_doing,
                    received,
                });
            }
        }
        Ok(())
    }

    /// Takes bytes from the front of the buffer.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Takes a line that ends in CRLF, without its end.
    fn take_line(&mut self, doing: &'static str, deadline: Instant) -> Result<Vec<u8>, Error> {
        let mut searched = 0;
        loop {
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let mut line = self.take(searched + at + 1);
                line.pop();
                if line.pop() != Some(b'\r') {
                    return Err(Error::Malformed {
                        reason: "a line feed alone",
                        received: line,
                    });
                }
                return Ok(line);
            }
            searched = self.buffer.len();
            self.need(searched + 1, doing, deadline)?;
        }
    }
}
