//! Where encryption plugs in. This crate knows no TLS library; whoever does gives a connection its
//! [`Security`].

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream, plain or encrypted.
pub trait Duplex: AsyncRead + AsyncWrite {}

impl<S: AsyncRead + AsyncWrite> Duplex for S {}

/// The future of a handshake.
pub type Greeting = Pin<Box<dyn Future<Output = io::Result<Pin<Box<dyn Duplex>>>>>>;

/// Turns connections to servers into encrypted ones.
pub trait Handshake: fmt::Debug + Send + Sync + 'static {
    /// Greets the server of that name; given up after the time for connecting. An error is for the
    /// log as it is.
    fn begin(&self, plain: Pin<Box<dyn Duplex>>, name: &str) -> Greeting;
}

/// How a connection is encrypted, and with whom. A kept connection serves only requests that want
/// exactly this.
#[derive(Clone, Debug)]
pub struct Security {
    /// The rules.
    pub handshake: Arc<dyn Handshake>,
    /// The name that the server goes by.
    pub name: Arc<str>,
}

impl PartialEq for Security {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.handshake, &other.handshake) && self.name == other.name
    }
}

impl Eq for Security {}
