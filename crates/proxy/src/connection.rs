//! One connection to a server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixStream};
use tokio::time::Instant;

use crate::address::Address;
use crate::error::{Error, Phase};
use crate::security::{Duplex, Security};

/// Room for one read.
const READ: usize = 16 * 1024;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    address: Address,
    security: Option<Security>,
    /// What was read and not yet understood.
    pub(crate) input: BytesMut,
    pub(crate) opened: Instant,
    pub(crate) requests: u64,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Encrypted(Pin<Box<dyn Duplex>>),
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp(_) => "Tcp",
            Self::Unix(_) => "Unix",
            Self::Encrypted(_) => "Encrypted",
        })
    }
}

/// How a socket is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct SocketOptions {
    /// `proxy_socket_keepalive`.
    pub probe: bool,
    /// `proxy_bind`: the local address to connect from. Unix sockets have none.
    pub bind: Option<SocketAddr>,
}

impl SocketOptions {
    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        if let Some(local) = self.bind {
            socket.bind(local)?;
        }
        socket.set_nodelay(true)?;
        socket.set_keepalive(self.probe)?;
        socket.connect(address).await
    }
}

impl Connection {
    /// Connects, and greets the server where the connection is to be encrypted.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Handshake`], or [`Error::TimedOut`] after `timeout`, which each
    /// of the two has for itself.
    pub async fn open(
        address: &Address,
        timeout: Duration,
        socket: &SocketOptions,
        security: Option<Security>,
    ) -> Result<Self, Error> {
        let connecting = async {
            Ok(match address {
                Address::Tcp(address) => Stream::Tcp(socket.connect(*address).await?),
                Address::Unix(path) => Stream::Unix(UnixStream::connect(path).await?),
            })
        };
        let stream = match tokio::time::timeout(timeout, connecting).await {
            Ok(opened) => opened.map_err(Error::Connect)?,
            Err(_) => return Err(Error::TimedOut(Phase::Connecting)),
        };
        let stream = match &security {
            Some(security) => stream.encrypt(security, timeout).await?,
            None => stream,
        };
        Ok(Self {
            stream,
            address: address.clone(),
            security,
            input: BytesMut::new(),
            opened: Instant::now(),
            requests: 0,
        })
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How it is encrypted.
    pub(crate) fn security(&self) -> Option<&Security> {
        self.security.as_ref()
    }

    /// Whether it has served a request before.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        self.requests > 0
    }

    /// Reads what there is; 0 at the end.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut chunk = [0_u8; READ];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(self.poll_read(cx, &mut buffer))?;
        self.input.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Encrypted(stream) => stream.as_mut().poll_read(cx, buffer),
        }
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Encrypted(stream) => stream.as_mut().poll_write(cx, bytes),
        }
    }

    /// Sends what encryption holds back; sockets buffer nothing on our side.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(_) | Stream::Unix(_) => Poll::Ready(Ok(())),
            Stream::Encrypted(stream) => stream.as_mut().poll_flush(cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Encrypted(stream) => stream.as_mut().poll_shutdown(cx),
        }
    }
}

impl Stream {
    async fn encrypt(self, security: &Security, timeout: Duration) -> Result<Self, Error> {
        let plain: Pin<Box<dyn Duplex>> = match self {
            Self::Tcp(stream) => Box::pin(stream),
            Self::Unix(stream) => Box::pin(stream),
            Self::Encrypted(stream) => stream,
        };
        let greeting = security.handshake.begin(plain, &security.name);
        match tokio::time::timeout(timeout, greeting).await {
            Ok(greeted) => greeted.map(Self::Encrypted).map_err(Error::Handshake),
            Err(_) => Err(Error::TimedOut(Phase::Greeting)),
        }
    }
}

/// A connection that has left HTTP behind (101): bytes both ways.
#[derive(Debug)]
pub struct Tunnel(pub(crate) Connection);

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let connection = &mut self.0;
        if connection.input.is_empty() {
            return connection.poll_read(cx, buffer);
        }
        let length = connection.input.len().min(buffer.remaining());
        buffer.put_slice(&connection.input.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}
