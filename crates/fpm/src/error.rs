//! What can go wrong between a request and its answer, and whose fault it is.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use portunus_errno::errno_text;
use portunus_fastcgi::{DecodeError, HeadError, ProtocolStatus};

use crate::request::BodyStream;
use crate::response::{Timings, Traffic};

/// What we were doing, in nginx's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Getting a connection.
    Connecting,
    /// Writing the request.
    Sending,
    /// Waiting for the CGI head.
    ReadingHead,
    /// Taking the body in.
    ReadingBody,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "while connecting to upstream",
            Self::Sending => "while sending request to upstream",
            Self::ReadingHead => "while reading response header from upstream",
            Self::ReadingBody => "while reading upstream",
        })
    }
}

/// Why there is no answer, or no whole one. [`Display`](fmt::Display) is the line nginx logs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Us: as many requests wait as may.
    #[error(
        "request queue of the PHP pool is full (see fastcgi_queue_depth, and pm.max_children of PHP-FPM) \
         while connecting to upstream"
    )]
    QueueFull {
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// Us: no slot came free in time.
    #[error(
        "no PHP worker became free in time (see fastcgi_queue_timeout, and pm.max_children of PHP-FPM) \
         while connecting to upstream"
    )]
    QueueTimeout {
        /// When it may be worth trying again.
        retry_after: Duration,
    },
    /// FPM: it cannot be reached.
    #[error("connect(){to} failed ({}) while connecting to upstream", errno_text(.source))]
    Connect {
        /// ` to unix:PATH`, or nothing for TCP, as nginx has it.
        to: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// FPM: it did not take our bytes.
    #[error("writev() failed ({}) while sending request to upstream", errno_text(.0))]
    Send(io::Error),
    /// FPM: the connection broke.
    #[error("recv() failed ({}) {phase}", errno_text(.source))]
    Receive {
        /// When.
        phase: Phase,
        /// What the kernel said.
        source: io::Error,
    },
    /// FPM: too slow.
    #[error("upstream timed out (110: Connection timed out) {0}")]
    Timeout(Phase),
    /// FPM: it hung up before `END_REQUEST`.
    #[error("upstream prematurely closed connection {0}")]
    Closed(Phase),
    /// PHP: the output ended before the head did, or before `Content-Length` was reached.
    #[error("upstream prematurely closed FastCGI stdout {0}")]
    StdoutClosed(Phase),
    /// FPM: not FastCGI as we know it.
    #[error("{source} {phase}")]
    Protocol {
        /// When.
        phase: Phase,
        /// What it sent.
        source: DecodeError,
    },
    /// PHP: no usable head.
    #[error("{0} while reading response header from upstream")]
    Head(#[from] HeadError),
    /// PHP: its stderr contained what `fastcgi_catch_stderr` looks for.
    #[error(
        "FastCGI sent in stderr what \"fastcgi_catch_stderr\" forbids while reading response header from upstream"
    )]
    CaughtStderr,
    /// FPM: it did not serve the request.
    #[error("upstream ended FastCGI request with protocol status {} {phase}", .status.number())]
    NotServed {
        /// When.
        phase: Phase,
        /// Its reason.
        status: ProtocolStatus,
    },
    /// The client: its body ended badly while it was passed on.
    #[error("client prematurely closed connection while sending request to upstream: {0}")]
    ClientBody(io::Error),
    /// Us: a body read from its temporary file, or put there.
    #[error(transparent)]
    Spool(#[from] portunus_spool::Error),
}

/// Kinds of failure by which `fastcgi_next_upstream` and `max_fails` choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `error`: connecting, sending or reading failed.
    Broken,
    /// `timeout`.
    Timeout,
    /// `invalid_header`: the answer makes no sense.
    InvalidHead,
    /// Our own bound on waiting, or FPM's on work.
    Overloaded,
    /// Nothing that another peer could mend.
    Local,
}

impl Error {
    /// The kind, as nginx sorts it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect { .. } | Self::Send(_) | Self::Receive { .. } | Self::Closed(_) => {
                ErrorKind::Broken
            }
            Self::Timeout(_) => ErrorKind::Timeout,
            Self::StdoutClosed(_) | Self::Protocol { .. } | Self::Head(_) | Self::CaughtStderr => {
                ErrorKind::InvalidHead
            }
            Self::QueueFull { .. } | Self::QueueTimeout { .. } => ErrorKind::Overloaded,
            Self::NotServed {
                status: ProtocolStatus::Overloaded,
                ..
            } => ErrorKind::Overloaded,
            Self::NotServed { .. } => ErrorKind::InvalidHead,
            Self::ClientBody(_) | Self::Spool(_) => ErrorKind::Local,
        }
    }

    /// Whether nothing can be sent since FPM has closed the connection, not for a reason on our side.
    pub(crate) fn is_hang_up(&self) -> bool {
        use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        matches!(
            self,
            Self::Send(source) if matches!(
                source.kind(),
                BrokenPipe | ConnectionReset | ConnectionAborted | NotConnected
            )
        )
    }

    /// What the client gets, if nothing was sent to it yet.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match (self.kind(), self) {
            (ErrorKind::Timeout, _) => StatusCode::GATEWAY_TIMEOUT,
            (ErrorKind::Overloaded, _) => StatusCode::SERVICE_UNAVAILABLE,
            (_, Self::ClientBody(_)) => StatusCode::BAD_REQUEST,
            (_, Self::Spool(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// Whole seconds for `Retry-After`, with every 503.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::QueueFull { retry_after } | Self::QueueTimeout { retry_after } => {
                Some(retry_after.as_secs().max(1))
            }
            _ if self.kind() == ErrorKind::Overloaded => Some(1),
            _ => None,
        }
    }
}

/// No answer, with what is known all the same.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// The last attempt's error.
    pub error: Error,
    /// Whether any byte of the request may have reached FPM: a request whose method is not
    /// idempotent must then not be sent anywhere else.
    pub sent: bool,
    /// What PHP wrote to stderr before.
    pub stderr: Vec<Bytes>,
    /// Times up to the failure.
    pub timings: Timings,
    /// Bytes of the last attempt.
    pub traffic: Traffic,
    /// The request's body, if that is still coming and nothing of it was taken.
    pub coming: Option<Box<dyn BodyStream>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_own_bounds_refuse_names_them() {
        let retry_after = Duration::from_secs(2);
        for (error, directive) in [
            (Error::QueueFull { retry_after }, "fastcgi_queue_depth"),
            (Error::QueueTimeout { retry_after }, "fastcgi_queue_timeout"),
        ] {
            let text = error.to_string();
            assert!(text.contains(directive), "{text}");
            assert!(text.contains("pm.max_children"), "{text}");
            assert!(text.ends_with(" while connecting to upstream"), "{text}");
            assert_eq!(
                (error.status().as_u16(), error.retry_after()),
                (503, Some(2))
            );
        }
    }

    #[test]
    fn messages_are_those_of_nginx() {
        let refused = || io::Error::from_raw_os_error(111);
        for (error, status, message) in [
            (
                Error::Connect {
                    to: String::new(),
                    source: refused(),
                },
                502,
                "connect() failed (111: Connection refused) while connecting to upstream",
            ),
            (
                Error::Connect {
                    to: " to unix:/a.sock".into(),
                    source: refused(),
                },
                502,
                "connect() to unix:/a.sock failed (111: Connection refused) while connecting to upstream",
            ),
            (
                Error::Timeout(Phase::ReadingHead),
                504,
                "upstream timed out (110: Connection timed out) while reading response header from upstream",
            ),
            (
                Error::Head(HeadError::TooBig),
                502,
                "upstream sent too big header while reading response header from upstream",
            ),
            (
                Error::StdoutClosed(Phase::ReadingHead),
                502,
                "upstream prematurely closed FastCGI stdout while reading response header from upstream",
            ),
            (
                Error::Closed(Phase::ReadingBody),
                502,
                "upstream prematurely closed connection while reading upstream",
            ),
        ] {
            assert_eq!(
                (error.status().as_u16(), &*error.to_string()),
                (status, message)
            );
        }
    }
}
