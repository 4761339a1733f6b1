//! A file with a name, for programs that want to be told where a body lies.
//!
//! Source: nginx, `ngx_create_temp_file`, `ngx_create_hashed_filename`.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Added to the number of a name that is taken, so that those of an earlier run are soon passed.
const STRIDE: u32 = 123_456;

/// How the file of a body is called, and how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming {
    /// Characters of each level of subdirectories, taken from the end of the name; 0 ends them.
    pub levels: [usize; 3],
    /// Whether the file goes with the last one that holds the body.
    pub clean: bool,
}

/// The name of a file.
#[derive(Debug)]
pub(crate) struct Name {
    path: PathBuf,
    clean: bool,
}

impl Name {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // Whoever was told the name may have taken the file away.
        if self.clean {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Makes a file below `directory`, and the subdirectories that its name asks for. Blocks.
pub(crate) fn create(directory: &Path, naming: Naming) -> io::Result<(File, Name)> {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let mut step = 1;
    loop {
        let number = LAST.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        let path = path(directory, naming.levels, number);
        match open(&path) {
            Ok(file) => {
                let clean = naming.clean;
                return Ok((file, Name { path, clean }));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => step = STRIDE,
            Err(error) => return Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    match (options.open(path), path.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            let mut directories = std::fs::DirBuilder::new();
            directories.recursive(true).mode(0o700).create(parent)?;
            options.open(path)
        }
        (opened, _) => opened,
    }
}

/// `0000000123`, with levels 1 and 2 `3/12/0000000123`.
fn path(directory: &Path, levels: [usize; 3], number: u32) -> PathBuf {
    let name = format!("{number:010}");
    let (mut path, mut rest) = (directory.to_path_buf(), name.as_str());
    for level in levels.into_iter().take_while(|level| *level > 0) {
        let (before, part) = rest.split_at(rest.len().saturating_sub(level));
        path.push(part);
        rest = before;
    }
    path.join(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spread_over_subdirectories() {
        let below = Path::new("/t");
        assert_eq!(path(below, [0; 3], 7), Path::new("/t/0000000007"));
        assert_eq!(path(below, [1, 2, 0], 123), Path::new("/t/3/12/0000000123"));
    }

    #[test]
    fn a_name_that_is_taken_is_passed() {
        let directory = tempfile::tempdir().unwrap();
        let naming = Naming {
            levels: [0; 3],
            clean: false,
        };
        let (_, first) = create(directory.path(), naming).unwrap();
        let number = first.path().file_name().unwrap().to_str().unwrap();
        let next: u32 = number.parse::<u32>().unwrap() + 1;
        for ahead in 0..50 {
            File::create(path(directory.path(), naming.levels, next + ahead)).unwrap();
        }
        let (_, second) = create(directory.path(), naming).unwrap();
        assert_ne!(first.path(), second.path());
    }
}
