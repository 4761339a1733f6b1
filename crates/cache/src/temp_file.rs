//! A file that is written beside its place and moved there, so that it is never seen half.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Has no name of its own yet; removed unless it gets one. Every method blocks.
#[derive(Debug)]
pub(crate) struct TempFile {
    path: PathBuf,
    file: File,
    /// Rights on directories that have to be made.
    directories: u32,
    kept: bool,
}

impl TempFile {
    /// A new file beside `target`; nginx calls them so, too. Missing directories are made.
    pub(crate) fn beside(target: &Path, directories: u32) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut path = target.as_os_str().to_owned();
            path.push(format!(
                ".{:010}",
                std::process::id().rotate_left(12) ^ number
            ));
            let path = PathBuf::from(path);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(0o600);
            match options.open(&path) {
                Ok(file) => {
                    return Ok(Self {
                        path,
                        file,
                        directories,
                        kept: false,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    make_parent(target, directories)?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name; what had it before is gone.
    pub(crate) fn persist(&mut self, target: &Path) -> io::Result<()> {
        // Removing empty directories is the operator's right.
        if let Err(error) = fs::rename(&self.path, target) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
            make_parent(target, self.directories)?;
            fs::rename(&self.path, target)?;
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn make_parent(target: &Path, mode: u32) -> io::Result<()> {
    let Some(parent) = target.parent() else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(mode).create(parent)
}
