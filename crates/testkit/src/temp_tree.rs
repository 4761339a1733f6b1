//! Directories for tests, gone with their handle.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::error::Error;

/// A temporary directory with files. Times are set to one moment of the past, so that entity tags
/// and dates are the same in every run.
#[derive(Debug)]
pub struct TempTree {
    folder: TempDir,
}

impl TempTree {
    /// 2024-02-03 04:05:06 UTC; `Last-Modified: Sat, 03 Feb 2024 04:05:06 GMT`.
    pub const MODIFIED: Duration = Duration::from_secs(1_706_933_106);

    /// An empty directory.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("portunus-test-").tempdir();
        Ok(Self {
            folder: folder.map_err(Error::io("making a temporary directory"))?,
        })
    }

    /// Adds a file, and the directories on the way; for chaining.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Result<Self, Error> {
        self.write(path, content)?;
        Ok(self)
    }

    /// Adds or replaces a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, Error> {
        let full = self.folder.path().join(path);
        let write = || {
            if let Some(parent) = full.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&full, content)?;
            File::options()
                .append(true)
                .open(&full)?
                .set_modified(Self::time())
        };
        write().map_err(Error::io(format!("writing {}", full.display())))?;
        Ok(full)
    }

    /// Adds an empty directory; for chaining.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn directory(self, path: &str) -> Result<Self, Error> {
        let full = self.folder.path().join(path);
        fs::create_dir_all(&full).map_err(Error::io(format!("making {}", full.display())))?;
        Ok(self)
    }

    /// Adds a symbolic link; for chaining.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn link(self, path: &str, target: impl AsRef<Path>) -> Result<Self, Error> {
        let full = self.folder.path().join(path);
        symlink(target, &full).map_err(Error::io(format!("linking {}", full.display())))?;
        Ok(self)
    }

    /// Copies what is in a directory, links as links.
    ///
    /// # Errors
    /// If something cannot be read or written.
    pub fn copy_from(self, source: &Path) -> Result<Self, Error> {
        copy(source, self.folder.path())
            .map_err(Error::io(format!("copying {}", source.display())))?;
        Ok(self)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn time() -> SystemTime {
        SystemTime::UNIX_EPOCH + Self::MODIFIED
    }
}

fn copy(source: &Path, target: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else if kind.is_dir() {
            fs::create_dir_all(&to)?;
            copy(&from, &to)?;
            File::open(&to)?.set_modified(TempTree::time())?;
        } else {
            fs::copy(&from, &to)?;
            File::options()
                .append(true)
                .open(&to)?
                .set_modified(TempTree::time())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_what_was_put_there_and_goes_with_its_handle() {
        let original = TempTree::new().unwrap().file("a/b.txt", "hi").unwrap();
        let original = original
            .link("c", "a/b.txt")
            .unwrap()
            .directory("d")
            .unwrap();
        let copy = TempTree::new().unwrap().copy_from(original.path()).unwrap();

        assert_eq!(fs::read_to_string(copy.path().join("c")).unwrap(), "hi");
        let modified = fs::metadata(copy.path().join("a/b.txt"))
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(
            modified.duration_since(SystemTime::UNIX_EPOCH).unwrap(),
            TempTree::MODIFIED
        );
        let path = copy.path().to_owned();
        drop(copy);
        assert!(!path.exists());
    }
}
