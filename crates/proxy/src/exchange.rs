//! One request on a connection, up to the head of its answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::time::{Instant, Sleep};

use crate::body::ResponseBody;
use crate::connection::{Connection, Tunnel};
use crate::error::{Error, Phase};
use crate::head::Head;
use crate::keepalive::Keepalive;

/// Up to here a body joins its head before the first write.
const TOGETHER: usize = 16 * 1024;

/// The body of a request, piece by piece.
pub trait BodySource {
    /// The next piece; none at the end.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>>;
}

/// The body of a request and how it is framed.
#[derive(Default)]
pub enum RequestBody {
    /// None.
    #[default]
    Empty,
    /// As it is; the head tells its length.
    Plain(Box<dyn BodySource>),
    /// To be put into chunks.
    Chunked(Box<dyn BodySource>),
}

/// A request.
pub struct Request {
    /// Request line and fields, with the empty line.
    pub head: Bytes,
    /// The body.
    pub body: RequestBody,
    /// The method is HEAD: the answer has no body.
    pub head_only: bool,
    /// A 101 is welcome.
    pub upgrade: bool,
    /// Trailers of a chunked answer are wanted.
    pub trailers: bool,
}

/// How long things may take, and how much room a head has.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// `proxy_connect_timeout`.
    pub connect: Duration,
    /// `proxy_send_timeout`: between two successful writes.
    pub send: Duration,
    /// `proxy_read_timeout`: from the request to the end of the head, then between two successful reads.
    pub read: Duration,
    /// `proxy_buffer_size`: most that a head may take.
    pub head: usize,
}

/// An answer whose head has come.
#[derive(Debug)]
pub struct Response {
    /// The head.
    pub head: Head,
    /// The body.
    pub body: ResponseBody,
    /// Bytes of the request that were sent.
    pub sent: u64,
}

/// A request without an answer.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// Whether the server may have seen the request.
    pub request_sent: bool,
    /// Bytes that were sent.
    pub sent: u64,
}

impl Connection {
    /// Sends a request and waits for the head of its answer. The body may still be on its way when
    /// the answer comes; what is left of it then is not sent.
    ///
    /// # Errors
    /// See [`Failed`].
    pub async fn send(
        mut self,
        request: Request,
        timeouts: &Timeouts,
        keepalive: Option<Arc<Keepalive>>,
    ) -> Result<Response, Failed> {
        self.requests += 1;
        let mut exchange = Exchange {
            out: BytesMut::from(&request.head[..]),
            body: request.body,
            connection: self,
            timeouts,
            timer: Box::pin(tokio::time::sleep(timeouts.send)),
            sent: 0,
            broken: None,
            began: false,
        };
        let head = match poll_fn(|cx| exchange.poll(cx)).await {
            Ok(head) => head,
            Err(error) => {
                return Err(Failed {
                    error,
                    request_sent: exchange.began,
                    sent: exchange.sent,
                });
            }
        };
        let whole = exchange.is_sent() && exchange.broken.is_none();
        let Exchange {
            connection, sent, ..
        } = exchange;
        let upgraded = head.status == 101 && request.upgrade;
        let keepalive = keepalive.filter(|_| whole && !head.close && head.status != 101);
        let body = ResponseBody::new(
            connection,
            &head,
            request.head_only,
            upgraded,
            if request.trailers { timeouts.head } else { 0 },
            timeouts.read,
            keepalive,
        );
        Ok(Response { head, body, sent })
    }
}

struct Exchange<'t> {
    connection: Connection,
    out: BytesMut,
    body: RequestBody,
    timeouts: &'t Timeouts,
    timer: Pin<Box<Sleep>>,
    sent: u64,
    /// Writing failed; there may be an answer all the same.
    broken: Option<io::Error>,
    /// Something was written.
    began: bool,
}

impl Exchange<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Error>> {
        if self.broken.is_none()
            && let Poll::Ready(Err(error)) = self.poll_send(cx)
        {
            return Poll::Ready(Err(error));
        }
        if let Poll::Ready(result) = self.poll_head(cx) {
            return Poll::Ready(result);
        }
        ready!(self.timer.as_mut().poll(cx));
        let phase = if self.is_sent() {
            Phase::ReadingHead
        } else {
            Phase::Sending
        };
        Poll::Ready(Err(Error::TimedOut(phase)))
    }

    fn is_sent(&self) -> bool {
        self.out.is_empty() && matches!(self.body, RequestBody::Empty)
    }

    fn wait(&mut self, time: Duration) {
        self.timer.as_mut().reset(Instant::now() + time);
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            // A small body goes out together with the head, and what follows it as it has come.
            while self.out.len() < TOGETHER && !matches!(self.body, RequestBody::Empty) {
                match self.poll_body(cx) {
                    Poll::Ready(result) => result?,
                    Poll::Pending => break,
                }
            }
            while !self.out.is_empty() {
                match ready!(self.connection.poll_write(cx, &self.out)) {
                    Ok(length) => {
                        self.out.advance(length);
                        self.sent += length as u64;
                        self.began = true;
                        let time = if self.is_sent() {
                            self.timeouts.read
                        } else {
                            self.timeouts.send
                        };
                        self.wait(time);
                    }
                    Err(error) => {
                        self.broken = Some(error);
                        return Poll::Ready(Ok(()));
                    }
                }
            }
            if let Err(error) = ready!(self.connection.poll_flush(cx)) {
                self.broken = Some(error);
                return Poll::Ready(Ok(()));
            }
            if matches!(self.body, RequestBody::Empty) {
                return Poll::Ready(Ok(()));
            }
            ready!(self.poll_body(cx))?;
        }
    }

    /// Puts the next piece of the body into the write buffer.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let (source, chunked) = match &mut self.body {
            RequestBody::Empty => return Poll::Ready(Ok(())),
            RequestBody::Plain(source) => (source, false),
            RequestBody::Chunked(source) => (source, true),
        };
        let Poll::Ready(piece) = source.poll_next(cx) else {
            // Waiting for our own client is not the server's fault.
            let time = self.timeouts.send;
            self.wait(time);
            return Poll::Pending;
        };
        match piece {
            Some(Err(error)) => return Poll::Ready(Err(Error::RequestBody(error))),
            Some(Ok(bytes)) if chunked => {
                if !bytes.is_empty() {
                    self.out
                        .extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
                    self.out.extend_from_slice(&bytes);
                    self.out.extend_from_slice(b"\r\n");
                }
            }
            Some(Ok(bytes)) => self.out.extend_from_slice(&bytes),
            None => {
                self.body = RequestBody::Empty;
                if chunked {
                    self.out.extend_from_slice(b"0\r\n\r\n");
                } else {
                    let time = self.timeouts.read;
                    self.wait(time);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Error>> {
        loop {
            if !self.connection.input.is_empty() {
                if let Some(head) = Head::take(&mut self.connection.input)? {
                    if head.size > self.timeouts.head {
                        return Poll::Ready(Err(too_big()));
                    }
                    return Poll::Ready(Ok(head));
                }
                if self.connection.input.len() >= self.timeouts.head {
                    return Poll::Ready(Err(too_big()));
                }
            }
            let read = ready!(self.connection.poll_fill(cx));
            let phase = if self.is_sent() {
                Phase::ReadingHead
            } else {
                Phase::Sending
            };
            match (read, self.broken.take()) {
                // The timer goes on: a head has its time as a whole (nginx: `ngx_http_upstream_process_header`).
                (Ok(length), broken) if length > 0 => self.broken = broken,
                (_, Some(source)) => {
                    let (call, phase) = ("writev", Phase::Sending);
                    return Poll::Ready(Err(Error::Socket {
                        call,
                        phase,
                        source,
                    }));
                }
                (Ok(_), None) => return Poll::Ready(Err(Error::Closed(phase))),
                (Err(source), None) => {
                    return Poll::Ready(Err(Error::Socket {
                        call: "recv",
                        phase,
                        source,
                    }));
                }
            }
        }
    }
}

fn too_big() -> Error {
    Error::head("upstream sent too big header")
}

impl ResponseBody {
    /// The tunnel that a 101 opened.
    #[must_use]
    pub fn into_tunnel(self) -> Option<Tunnel> {
        self.is_tunnel()
            .then(|| self.into_connection())
            .flatten()
            .map(Tunnel)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Address, SocketOptions};

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_byte_by_byte_has_its_time_as_a_whole() {
        let whole = b"HTTP/1.1 200 OK\r\n\r\n";
        for (pause, comes) in [(3, true), (4, false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = Address::Tcp(listener.local_addr().unwrap());
            let server = async move {
                let (mut connection, _) = listener.accept().await.unwrap();
                connection.readable().await.unwrap();
                for byte in whole {
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                    // Nobody listens any more where the time is up.
                    let _ = connection.write_all(&[*byte]).await;
                }
            };
            let minute = Duration::from_secs(60);
            let timeouts = Timeouts {
                connect: minute,
                send: minute,
                read: minute + Duration::from_secs(10),
                head: 4096,
            };
            let request = Request {
                head: Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"),
                body: RequestBody::Empty,
                head_only: false,
                upgrade: false,
                trailers: false,
            };
            let client = async {
                let options = SocketOptions::default();
                let open = Connection::open(&address, minute, &options, None);
                open.await.unwrap().send(request, &timeouts, None).await
            };
            let (answer, ()) = tokio::join!(client, server);
            assert_eq!(answer.is_ok(), comes, "{answer:?}");
        }
    }
}
