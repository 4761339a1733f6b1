//! What can go wrong between a test and its peers.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// A failure of the peer, or of the machine that runs the test.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or a socket did not do what was asked.
    #[error("{what}: {source}")]
    Io {
        /// What was asked.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The peer said nothing, or not enough, in the time it had.
    #[error("timed out after {after:?} {while_doing}; got {} bytes: {}", .received.len(), excerpt(.received))]
    TimedOut {
        /// The time it had.
        after: Duration,
        /// What was waited for.
        while_doing: &'static str,
        /// What it said until then.
        received: Vec<u8>,
    },
    /// The peer closed the connection too early. Without a byte, this is what nginx's 444 does.
    #[error("connection closed {while_doing}; got {} bytes: {}", .received.len(), excerpt(.received))]
    Closed {
        /// What was waited for.
        while_doing: &'static str,
        /// What it said until then.
        received: Vec<u8>,
    },
    /// The peer's answer is no HTTP.
    #[error("malformed answer, {reason}: {}", excerpt(.received))]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
        /// The answer up to there.
        received: Vec<u8>,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}{}", hint(.program))]
    Start {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended before it was ready.
    #[error("{program} ended with {status} before it was ready:\n{output}")]
    Ended {
        /// Which.
        program: String,
        /// How.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
    /// A program was not ready, or did not end, in the time it had.
    #[error("{program} {what} within {after:?}:\n{output}")]
    Slow {
        /// Which.
        program: String,
        /// What it failed to do.
        what: &'static str,
        /// The time it had.
        after: Duration,
        /// What it printed.
        output: String,
    },
}

impl Error {
    /// For `map_err` on IO.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The end of what was received, readable.
fn excerpt(received: &[u8]) -> String {
    let tail = received.get(received.len().saturating_sub(300)..);
    tail.unwrap_or_default().escape_ascii().to_string()
}

fn hint(program: &str) -> &'static str {
    if program.ends_with("nginx") {
        " (the reference server is missing: apt-get install nginx, or cargo xtask test)"
    } else if program.contains("php-fpm") {
        " (apt-get install php8.2-fpm, or cargo xtask test)"
    } else {
        ""
    }
}
