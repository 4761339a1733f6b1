//! Bytes that may outgrow memory: memory first, then an unlinked temporary file.
//!
//! Two shapes for the two directions of a proxied request:
//!
//! - [`Spool`] → [`Spooled`]: a request body, taken in completely before a PHP worker
//!   is asked for. Its length is known, and it can be read again for a second try.
//! - [`fifo`]: a response body on its way, written at the pace of PHP and read at the
//!   pace of the client, so that a slow reader never holds a worker.
//!
//! Files have no name (`O_TMPFILE`, or unlinked at once), so nothing is left behind
//! whatever ends the process, unless a name is asked for ([`Naming`]). File work runs on blocking threads in large pieces, or
//! straight from the page cache when the kernel says that this will not block.

mod body;
mod fifo;
mod named_file;
mod pace;
mod temp_file;

pub use body::{Spool, Spooled, SpooledReader};
pub use fifo::{Reader, ReaderGone, Writer, fifo};
pub use named_file::Naming;
pub use temp_file::prepare;

use std::path::PathBuf;
use std::sync::Arc;

use portunus_errno::errno_text;

/// How much is held where.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes held in memory before a file is used.
    pub memory: usize,
    /// Bytes held in the file. For a [`Spool`], more is [`Error::TooLarge`]; a [`fifo`]
    /// makes its writer wait. 0: no file at all.
    pub file: u64,
    /// Where the file is made. The directory must exist.
    pub directory: Arc<PathBuf>,
}

/// Why bytes could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's limits are used up.
    #[error("body does not fit into memory and temporary file")]
    TooLarge,
    /// The writer of a [`fifo`] vanished without an end.
    #[error("the writer ended without saying how")]
    Abandoned,
    /// The file system's fault: no space, no permission, no directory.
    #[error("temporary file in \"{directory}\" failed ({})", errno_text(source))]
    File {
        /// Where the file is, or should be.
        directory: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The file system's fault: what was written does not come back.
    #[error("temporary file cannot be read ({})", errno_text(.0))]
    Read(std::io::Error),
}

impl Error {
    fn file(directory: &std::path::Path, source: std::io::Error) -> Self {
        Self::File {
            directory: directory.display().to_string(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_quoted_as_nginx_quotes_it() {
        let error = |number| std::io::Error::from_raw_os_error(number);
        assert_eq!(
            Error::file("/tmp".as_ref(), error(28)).to_string(),
            "temporary file in \"/tmp\" failed (28: No space left on device)"
        );
        assert_eq!(
            Error::Read(error(5)).to_string(),
            "temporary file cannot be read (5: Input/output error)"
        );
    }
}
