//! What the pool is asked to send.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use portunus_spool::Spooled;

use crate::config::Options;

/// One request to PHP. Who builds it knows HTTP; the pool does not.
#[derive(Debug)]
pub struct Request<'a> {
    /// Name-value pairs in wire form ([`portunus_fastcgi::Params`]). `CONTENT_LENGTH` must be
    /// the length of `body`.
    pub params: &'a [u8],
    /// The request body.
    pub body: Body,
    /// The method may be run twice without harm: GET, HEAD, OPTIONS, PUT, DELETE, TRACE.
    /// Decides about kept connections and second tries.
    pub idempotent: bool,
    /// A `HEAD` request: whatever `Content-Length` promises, no body is expected.
    pub head_only: bool,
    /// Answers of these statuses have a page in their stead: as with [`head_only`](Self::head_only), no body is
    /// expected. None is below 300.
    pub replaced: &'a [u16],
    /// The lane, see [`PoolConfig::lanes`](crate::PoolConfig::lanes); 0 is the general one.
    pub lane: usize,
    /// `fastcgi_limit_rate`: bytes a second that a buffered answer is taken from FPM at; 0 is no limit.
    pub limit_rate: u64,
    /// Time-outs and habits.
    pub options: &'a Arc<Options>,
}

impl Request<'_> {
    pub(crate) fn is_replaced(&self, status: StatusCode) -> bool {
        status.as_u16() >= 300 && self.replaced.contains(&status.as_u16())
    }
}

/// A request body.
#[derive(Debug, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// All of it, in memory.
    Bytes(Bytes),
    /// All of it, some of it in a file.
    Spooled(Spooled),
    /// Passed on as it comes (`fastcgi_request_buffering off`). Cannot be sent twice.
    Stream(Box<dyn BodyStream>),
}

impl Body {
    /// Whether there is none, for certain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Spooled(spooled) => spooled.is_empty(),
            Self::Stream(_) => false,
        }
    }

    /// The same body for another try, if it can be had twice.
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        Some(match self {
            Self::Empty => Self::Empty,
            Self::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Self::Spooled(spooled) => Self::Spooled(spooled.clone()),
            Self::Stream(_) => return None,
        })
    }
}

/// A body that is still coming from the client.
pub trait BodyStream: Send + std::fmt::Debug {
    /// The next piece, none at the end. Never polled after that or after an error.
    ///
    /// # Errors
    /// The client's: it went away or broke the framing.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>>;
}
