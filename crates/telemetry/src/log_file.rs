//! A log file: lines go to memory, the writer thread takes them to the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::writer::LogWriter;

/// Lines that no disk has taken yet, at most; beyond that lines are dropped and counted, because
/// a request must not wait for a log.
const BUFFER_LIMIT: usize = 16 << 20;

/// A log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open() \"{}\" failed ({})", path.display(), describe(source))]
pub struct OpenLogError {
    path: PathBuf,
    source: io::Error,
}

/// nginx prints `errno: text`.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("{}: {text}", error.raw_os_error().unwrap_or_default())
}

#[derive(Debug, Default)]
struct Buffer {
    lines: Vec<u8>,
    dropped: u64,
}

/// Appends lines to a file, a device or a pipe without ever blocking the caller.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    buffer: Mutex<Buffer>,
    file: Mutex<File>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(path: &Path) -> Result<File, OpenLogError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|source| OpenLogError {
            path: path.to_owned(),
            source,
        })
}

impl LogFile {
    /// Opens (or creates) a file for appending.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn open(path: &Path) -> Result<Arc<Self>, OpenLogError> {
        let file = Arc::new(Self {
            path: path.to_owned(),
            buffer: Mutex::default(),
            file: Mutex::new(open(path)?),
        });
        LogWriter::global().register(&file);
        Ok(file)
    }

    /// The standard error of this process.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn stderr() -> io::Result<Arc<Self>> {
        use std::os::fd::AsFd;
        let descriptor = io::stderr().as_fd().try_clone_to_owned()?;
        let file = Arc::new(Self {
            path: PathBuf::new(),
            buffer: Mutex::default(),
            file: Mutex::new(File::from(descriptor)),
        });
        LogWriter::global().register(&file);
        Ok(file)
    }

    /// The path as given; empty for standard error.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Queues one line; `line` ends with its own newline.
    pub fn append(&self, line: &[u8]) {
        let first = {
            let mut buffer = lock(&self.buffer);
            if buffer.lines.len() + line.len() > BUFFER_LIMIT {
                buffer.dropped += 1;
                return;
            }
            let first = buffer.lines.is_empty();
            buffer.lines.extend_from_slice(line);
            first
        };
        if first {
            LogWriter::global().wake();
        }
    }

    /// Takes the queued lines to the file.
    pub(crate) fn write_out(&self) {
        let mut file = lock(&self.file);
        let Buffer { lines, dropped } = std::mem::take(&mut *lock(&self.buffer));
        if lines.is_empty() && dropped == 0 {
            return;
        }
        // A log that cannot be written has nobody left to tell; nginx drops the line as well.
        let _ = file.write_all(&lines);
        if dropped > 0 {
            let _ = writeln!(
                file,
                "portunus: {dropped} log lines dropped, the log is too slow"
            );
        }
    }

    /// Writes what is queued to the old file and opens the path anew.
    pub(crate) fn reopen(&self) -> Result<(), OpenLogError> {
        self.write_out();
        if !self.path.as_os_str().is_empty() {
            *lock(&self.file) = open(&self.path)?;
        }
        Ok(())
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.write_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_in_order_and_reopen_starts_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("a.log"), dir.path().join("b.log"));
        let log = LogFile::open(&path).unwrap();
        log.append(b"one\n");
        log.append(b"two\n");
        std::fs::rename(&path, &moved).unwrap();
        log.reopen().unwrap();
        log.append(b"three\n");
        log.write_out();
        assert_eq!(std::fs::read(&moved).unwrap(), b"one\ntwo\n");
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
    }

    #[test]
    fn a_missing_directory_is_told_in_nginx_words() {
        let error = LogFile::open(Path::new("/nonexistent/x.log")).unwrap_err();
        let expected = "open() \"/nonexistent/x.log\" failed (2: No such file or directory)";
        assert_eq!(error.to_string(), expected);
    }
}
