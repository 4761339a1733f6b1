//! What goes wrong with a server behind us, in nginx's words.

use std::{fmt, io};

use portunus_errno::errno_text;

/// What was being done with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opening the connection.
    Connecting,
    /// The TLS handshake.
    Greeting,
    /// Writing the request.
    Sending,
    /// Waiting for the head of the answer.
    ReadingHead,
    /// Reading the body of the answer.
    ReadingBody,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "while connecting to upstream",
            Self::Greeting => "while SSL handshaking to upstream",
            Self::Sending => "while sending request to upstream",
            Self::ReadingHead => "while reading response header from upstream",
            Self::ReadingBody => "while reading upstream",
        })
    }
}

/// Why there is no answer, or no more of it. All but [`Error::RequestBody`] are the server's fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection could not be opened.
    #[error("connect() failed ({}) while connecting to upstream", errno_text(.0))]
    Connect(#[source] io::Error),
    /// The TLS handshake failed, or the server's certificate is not trusted.
    #[error("{0} while SSL handshaking to upstream")]
    Handshake(#[source] io::Error),
    /// A read or write failed.
    #[error("{call}() failed ({}) {phase}", errno_text(.source))]
    Socket {
        /// The system call, as nginx names it.
        call: &'static str,
        /// When it was.
        phase: Phase,
        /// What the kernel said.
        source: io::Error,
    },
    /// Nothing happened for too long.
    #[error("upstream timed out (110: Connection timed out) {0}")]
    TimedOut(Phase),
    /// The server hung up before the end.
    #[error("upstream prematurely closed connection {0}")]
    Closed(Phase),
    /// The server does not speak HTTP as it should.
    #[error("{what} {phase}")]
    Invalid {
        /// nginx's words for it.
        what: String,
        /// When it was.
        phase: Phase,
    },
    /// The request's own body could not be had.
    #[error("{0}")]
    RequestBody(#[source] io::Error),
    /// Room for the answer could not be made.
    #[error("{0}")]
    Spool(String),
}

impl Error {
    pub(crate) fn head(what: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            phase: Phase::ReadingHead,
        }
    }

    pub(crate) fn body(what: &str) -> Self {
        Self::Invalid {
            what: what.to_owned(),
            phase: Phase::ReadingBody,
        }
    }

    /// Whether it took too long (504 rather than 502).
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// Whether the server answered what is no answer (`proxy_next_upstream invalid_header`).
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Invalid { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_nginx() {
        let refused = Error::Connect(io::Error::from_raw_os_error(111));
        assert_eq!(
            refused.to_string(),
            "connect() failed (111: Connection refused) while connecting to upstream"
        );
        assert_eq!(
            Error::TimedOut(Phase::ReadingHead).to_string(),
            "upstream timed out (110: Connection timed out) while reading response header from upstream"
        );
        assert_eq!(
            Error::Closed(Phase::ReadingBody).to_string(),
            "upstream prematurely closed connection while reading upstream"
        );
    }
}
