//! Where encryption plugs in. This crate knows no TLS library; whoever does gives a listener a
//! [`Handshake`].

use std::any::Any;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Any byte stream: TLS, and pipes in tests.
pub trait Stream: AsyncRead + AsyncWrite {}

impl<S: AsyncRead + AsyncWrite> Stream for S {}

/// Turns accepted TCP connections into encrypted ones.
pub trait Handshake: fmt::Debug + Send + Sync + 'static {
    /// Greets the client. Called on the thread of the worker; given up after
    /// `client_header_timeout`.
    fn begin(&self, stream: TcpStream) -> Pin<Box<dyn Future<Output = io::Result<Secured>>>>;
}

/// An encrypted connection.
pub struct Secured {
    /// The plain side of it.
    pub stream: Pin<Box<dyn Stream>>,
    /// The client chose `h2` by ALPN.
    pub http2: bool,
    /// Whatever variables need: see [`crate::Connection::tls_details`].
    pub details: Rc<dyn Any>,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured")
            .field("http2", &self.http2)
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
