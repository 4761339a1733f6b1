//! `-s`: a signal to the running server.

use std::path::Path;

use portunus_errno::errno_text;
use rustix::process::{Signal as Posix, kill_process};

use crate::pid_file::parse_pid;

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

impl SignalError {
    /// What may be done about it; nginx says nothing of the kind.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Open { reason, .. } if reason.starts_with("2:") => {
                "no server with this \"pid\" runs: give -c, -p and -g as it was started with"
            }
            Self::Open { .. } => "run it as root, or as the user who started the server",
            Self::Invalid { .. } => "the server that wrote it has ended, or it is not its file",
            Self::Kill { reason, .. } if reason.starts_with("3:") => {
                "the server that wrote the pid file has ended"
            }
            Self::Kill { .. } => "run it as root, or as the server's user",
        }
    }
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
        let Some(pid) = parse_pid(&text) else {
            return Err(SignalError::Invalid {
                path,
                text: text.trim().to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn send(text: Option<&str>) -> SignalError {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        Signal::Reload.send(&path).unwrap_err()
    }

    #[test]
    fn whoever_is_not_there_is_told_of() {
        let error = send(None);
        assert!(
            error
                .to_string()
                .ends_with("(2: No such file or directory)")
        );
        assert!(error.help().starts_with("no server"), "{}", error.help());
        let error = send(Some("nobody\n"));
        assert!(
            error
                .to_string()
                .starts_with("invalid PID number \"nobody\"")
        );
        // Beyond every kernel's `pid_max`.
        let error = send(Some("2147483647\n"));
        assert_eq!(
            error.to_string(),
            "kill(2147483647, 1) failed (3: No such process)"
        );
        assert_eq!(error.help(), "the server that wrote the pid file has ended");
    }
}
