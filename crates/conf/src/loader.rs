//! Configuration files from the file system.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use portunus_conf_syntax::Loader;
use portunus_conf_syntax::glob::{self, Directories};

/// Reads files as they are.
#[derive(Clone, Copy, Default, Debug)]
pub struct FileLoader;

impl Loader for FileLoader {
    fn read(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        fs::read(as_path(path))
    }

    fn glob(&self, pattern: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        Ok(glob::expand(pattern, self))
    }
}

impl Directories for FileLoader {
    fn list(&self, directory: &[u8]) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(as_path(directory))
            .into_iter()
            .flatten()
            .flatten();
        entries.map(|entry| entry.file_name().into_vec()).collect()
    }

    fn exists(&self, path: &[u8]) -> bool {
        fs::symlink_metadata(as_path(path)).is_ok()
    }
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}
