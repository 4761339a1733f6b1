//! Why a file cannot be served, in nginx's words.

use std::fmt;
use std::io;

use portunus_errno::strerror;
use rustix::io::Errno;

/// The system call that failed, as nginx's log names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `open()`
    Open,
    /// `openat()`: a component of a path walked under `disable_symlinks`.
    OpenAt,
    /// `stat()`
    Stat,
    /// `fstat()`
    FStat,
    /// `opendir()`
    OpenDir,
    /// `read()`
    Read,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open()",
            Self::OpenAt => "openat()",
            Self::Stat => "stat()",
            Self::FStat => "fstat()",
            Self::OpenDir => "opendir()",
            Self::Read => "read()",
        })
    }
}

/// A path that yields nothing to serve. Whose fault and which status: [`OpenError::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The client asked for what is not there: `ENOENT`.
    #[error("{call} failed (2: No such file or directory)")]
    NotFound {
        /// The call that told.
        call: Call,
    },
    /// The client's path goes on below a file: `ENOTDIR`.
    #[error("{call} failed (20: Not a directory)")]
    NotADirectory {
        /// The call that told.
        call: Call,
    },
    /// The client's path is longer than the file system takes: `ENAMETOOLONG`.
    #[error("{call} failed (36: File name too long)")]
    NameTooLong {
        /// The call that told.
        call: Call,
    },
    /// The file's permissions exclude us: `EACCES`.
    #[error("{call} failed (13: Permission denied)")]
    Forbidden {
        /// The call that told.
        call: Call,
    },
    /// A symbolic link that loops, or that `disable_symlinks` forbids: `ELOOP` or `EMLINK`.
    #[error("{call} failed ({errno}: {})", strerror(*errno))]
    TooManySymlinks {
        /// The call that told.
        call: Call,
        /// `ELOOP` or `EMLINK`.
        errno: i32,
    },
    /// A socket, a FIFO, a device.
    #[error("is not a regular file")]
    NotRegular,
    /// The machine's fault: out of descriptors, a broken disk.
    #[error("{call} failed ({errno}: {})", strerror(*errno))]
    Io {
        /// The call that failed.
        call: Call,
        /// The system's number for the reason.
        errno: i32,
    },
}

impl OpenError {
    pub(crate) fn new(call: Call, errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::NotFound { call },
            Errno::NOTDIR => Self::NotADirectory { call },
            Errno::NAMETOOLONG => Self::NameTooLong { call },
            Errno::ACCESS => Self::Forbidden { call },
            Errno::LOOP | Errno::MLINK => Self::TooManySymlinks {
                call,
                errno: errno.raw_os_error(),
            },
            _ => Self::Io {
                call,
                errno: errno.raw_os_error(),
            },
        }
    }

    /// What `stat` has said of a path.
    #[must_use]
    pub fn of_stat(error: &io::Error) -> Self {
        Self::new(Call::Stat, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }

    /// The status nginx's static handler answers: 404, 403 or 500.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. }
            | Self::NotADirectory { .. }
            | Self::NameTooLong { .. }
            | Self::NotRegular => 404,
            Self::Forbidden { .. } | Self::TooManySymlinks { .. } => 403,
            Self::Io { .. } => 500,
        }
    }

    /// Nothing is there: `try_files` and `index` go on to the next name without a word in the log.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. } | Self::NotADirectory { .. } | Self::NameTooLong { .. }
        )
    }

    /// nginx logs this at `crit`; the rest at `error`.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        matches!(self, Self::NotRegular | Self::Io { .. })
    }

    /// The line for the error log, `open() "/x" failed (2: No such file or directory)`.
    #[must_use]
    pub fn describe(&self, path: &[u8]) -> String {
        let path = String::from_utf8_lossy(path);
        match self {
            Self::NotRegular => format!("\"{path}\" is not a regular file"),
            _ => self
                .to_string()
                .replacen(" failed", &format!(" \"{path}\" failed"), 1),
        }
    }
}

impl OpenError {
    /// The same where an index file was looked for, `"/x" is not found (2: No such file or directory)`.
    ///
    /// Source: nginx, `ngx_http_index_error`.
    #[must_use]
    pub fn describe_index(&self, path: &[u8]) -> String {
        let (path, told) = (String::from_utf8_lossy(path), self.to_string());
        let reason = told.split_once(" failed ").map_or("", |(_, reason)| reason);
        let what = match self {
            Self::Forbidden { .. } => "forbidden",
            _ => "not found",
        };
        format!("\"{path}\" is {what} {reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_nginx_s() {
        let missing = OpenError::new(Call::Open, Errno::NOENT);
        assert_eq!(
            missing.describe(b"/x"),
            "open() \"/x\" failed (2: No such file or directory)"
        );
        let link = OpenError::new(Call::OpenAt, Errno::LOOP);
        assert_eq!(
            link.describe(b"/x"),
            "openat() \"/x\" failed (40: Too many levels of symbolic links)"
        );
        assert_eq!(
            missing.describe_index(b"/x"),
            "\"/x\" is not found (2: No such file or directory)"
        );
        assert_eq!(
            OpenError::new(Call::Stat, Errno::ACCESS).describe_index(b"/x"),
            "\"/x\" is forbidden (13: Permission denied)"
        );
        assert_eq!(
            OpenError::NotRegular.describe(b"/x"),
            "\"/x\" is not a regular file"
        );
        assert_eq!(
            OpenError::new(Call::Open, Errno::MFILE).describe(b"/x"),
            "open() \"/x\" failed (24: Too many open files)"
        );
    }

    #[test]
    fn statuses_are_nginx_s() {
        let status = |errno| OpenError::new(Call::Open, errno).status();
        assert_eq!(status(Errno::NOENT), 404);
        assert_eq!(status(Errno::NAMETOOLONG), 404);
        assert_eq!(status(Errno::ACCESS), 403);
        assert_eq!(status(Errno::LOOP), 403);
        assert_eq!(status(Errno::MFILE), 500);
    }
}
