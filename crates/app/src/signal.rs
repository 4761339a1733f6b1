//! `-s`: a signal to the running server.

use std::path::Path;

use portunus_telemetry::errno_text;
use rustix::process::{Pid, Signal as Posix, kill_process};

/// What `-s` can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Stop at once (`INT`).
    ///
    /// Differs: nginx sends `TERM`, which drains here; the command asks for a fast stop.
    Stop,
    /// Let requests finish (`QUIT`).
    Quit,
    /// Read the configuration anew (`HUP`).
    Reload,
    /// Open log files anew (`USR1`).
    Reopen,
}

/// Why no signal was sent, in nginx's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalError {
    #[error("open() \"{path}\" failed ({reason})")]
    Open { path: String, reason: String },
    #[error("invalid PID number \"{text}\" in \"{path}\"")]
    Invalid { path: String, text: String },
    #[error("kill({pid}, {signal}) failed ({reason})")]
    Kill {
        pid: i32,
        signal: i32,
        reason: String,
    },
}

impl Signal {
    /// The signal of that name, or `None` where there is none.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "stop" => Self::Stop,
            "quit" => Self::Quit,
            "reload" => Self::Reload,
            "reopen" => Self::Reopen,
            _ => return None,
        })
    }

    fn posix(self) -> Posix {
        match self {
            Self::Stop => Posix::INT,
            Self::Quit => Posix::QUIT,
            Self::Reload => Posix::HUP,
            Self::Reopen => Posix::USR1,
        }
    }

    /// Sends it to the process that a pid file names.
    pub(crate) fn send(self, pid_file: &Path) -> Result<(), SignalError> {
        let path = pid_file.display().to_string();
        let text = match std::fs::read_to_string(pid_file) {
            Ok(text) => text,
            Err(error) => {
                return Err(SignalError::Open {
                    path,
                    reason: errno_text(&error),
                });
            }
        };
        let number = text.trim();
        let parsed = number.parse().ok().and_then(Pid::from_raw);
        let Some(pid) = parsed else {
            return Err(SignalError::Invalid {
                path,
                text: number.to_owned(),
            });
        };
        let signal = self.posix();
        kill_process(pid, signal).map_err(|errno| SignalError::Kill {
            pid: pid.as_raw_nonzero().get(),
            signal: signal.as_raw(),
            reason: errno_text(&errno.into()),
        })
    }
}
