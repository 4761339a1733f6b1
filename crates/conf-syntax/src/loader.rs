//! How this crate comes by files without doing IO itself.

use std::collections::BTreeMap;
use std::io;

use crate::glob;

/// Reads configuration files. Paths are as nginx would open them: already made full.
pub trait Loader {
    /// The bytes of a file. A directory is [`io::ErrorKind::IsADirectory`].
    ///
    /// # Errors
    /// Whatever opening or reading it gives; the system's error number is kept for the message.
    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>>;

    /// The paths that a pattern of `glob(7)` matches, sorted by bytes; none is no error.
    /// [`glob::expand`] does the work for those who can list directories.
    ///
    /// # Errors
    /// Whatever stops the matching as a whole; an unreadable directory does not.
    fn glob(&self, pattern: &[u8]) -> io::Result<Vec<Vec<u8>>>;
}

/// Files held in memory, for tests and for embedded defaults.
#[derive(Debug, Clone, Default)]
pub struct MemoryLoader {
    files: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl MemoryLoader {
    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<Vec<u8>>, text: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), text.into());
    }
}

impl<P: Into<Vec<u8>>, T: Into<Vec<u8>>, const N: usize> From<[(P, T); N]> for MemoryLoader {
    fn from(files: [(P, T); N]) -> Self {
        let files = files
            .into_iter()
            .map(|(path, text)| (path.into(), text.into()));
        Self {
            files: files.collect(),
        }
    }
}

impl Loader for MemoryLoader {
    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn glob(&self, pattern: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        let matching = self
            .files
            .keys()
            .filter(|path| glob::path_matches(pattern, path));
        Ok(matching.cloned().collect())
    }
}
