//! The file that tells which process to signal.

use std::io;
use std::path::{Path, PathBuf};

/// A pid file; removed when the server ends.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    /// Writes the id of this process. Whoever waits for the file never sees half of it.
    pub(crate) fn write(path: &Path) -> io::Result<Self> {
        let partial = path.with_extension("pid.partial");
        std::fs::write(&partial, format!("{}\n", std::process::id()))?;
        std::fs::rename(&partial, path)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Whether it could be written. The file itself is not touched: it may be that of a server that runs.
    pub(crate) fn probe(path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Err(io::Error::from_raw_os_error(
                rustix::io::Errno::ISDIR.raw_os_error(),
            ));
        }
        let probe = path.with_extension("pid.probe");
        std::fs::write(&probe, "")?;
        std::fs::remove_file(&probe)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // It may have been removed, or belong to a successor's directory by now.
        let _ = std::fs::remove_file(&self.path);
    }
}
