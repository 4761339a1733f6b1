//! Where encryption plugs in. This crate knows no TLS library; whoever does gives a listener a
//! [`Handshake`].

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Any byte stream: TLS, and pipes in tests.
pub trait Stream: AsyncRead + AsyncWrite {
    /// The TCP socket below it, if there is one.
    fn socket(&self) -> Option<BorrowedFd<'_>>;
}

/// A byte stream, and how to find the TCP socket below it.
#[derive(Debug)]
pub struct Layered<S> {
    stream: S,
    socket: fn(&S) -> Option<BorrowedFd<'_>>,
}

impl<S> Layered<S> {
    /// Puts the two together.
    pub fn new(stream: S, socket: fn(&S) -> Option<BorrowedFd<'_>>) -> Self {
        Self { stream, socket }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Layered<S> {
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        (self.socket)(&self.stream)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Layered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Layered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Turns accepted TCP connections into encrypted ones.
pub trait Handshake: fmt::Debug + Send + Sync + 'static {
    /// Greets the client, whose first byte is there. Called on the thread of the worker; given up
    /// after `client_header_timeout`.
    fn begin(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = io::Result<Secured>>>>;
}

/// An encrypted connection.
pub struct Secured {
    /// The plain side of it.
    pub stream: Pin<Box<dyn Stream>>,
    /// The client chose `h2` by ALPN.
    pub http2: bool,
    /// What was agreed upon.
    pub session: Rc<dyn TlsSession>,
}

/// What a handshake left for variables and checks; see [`crate::Connection::tls_session`].
pub trait TlsSession: fmt::Debug {
    /// Appends a value; `false` where there is none.
    fn append(&self, value: TlsValue, out: &mut Vec<u8>) -> bool;

    /// The name that the client asked for, if a server block has it.
    fn server_name(&self) -> Option<&str>;

    /// What is known of the client's certificate.
    fn client(&self) -> ClientCertificate<'_>;
}

/// What is known of a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate<'s> {
    /// It sent none.
    None,
    /// It comes from an authority that is trusted.
    Trusted,
    /// It does not.
    Refused {
        /// OpenSSL's number of what is wrong with it.
        code: u8,
        /// OpenSSL's text for that.
        reason: &'s str,
        /// Whether all that is wrong is that nobody knows the authority: what
        /// `ssl_verify_client optional_no_ca` lets pass.
        unknown_authority: bool,
    },
}

/// A value of a TLS connection: nginx's `$ssl_…` variables, one each.
///
/// Source: nginx, `ngx_http_ssl_vars`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say which variable each one is")]
pub enum TlsValue {
    AlpnProtocol,
    Cipher,
    Ciphers,
    ClientCert,
    ClientEscapedCert,
    ClientFingerprint,
    ClientIssuer,
    ClientIssuerLegacy,
    ClientRawCert,
    ClientSerial,
    ClientSignature,
    ClientSubject,
    ClientSubjectLegacy,
    ClientValidEnd,
    ClientValidRemain,
    ClientValidStart,
    ClientVerify,
    Curve,
    Curves,
    EarlyData,
    Protocol,
    ServerName,
    SessionId,
    SessionReused,
    Signature,
    Signatures,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured")
            .field("http2", &self.http2)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The handshake of a listener; two are equal when they are the same object.
#[derive(Clone, Debug, Default)]
pub struct Tls(pub Option<Arc<dyn Handshake>>);

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl Eq for Tls {}
