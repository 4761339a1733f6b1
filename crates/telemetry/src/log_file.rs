//! A log file: lines go to memory, the writer thread takes them to the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portunus_errno::errno_text;

use crate::outlet::Outlet;
use crate::syslog::Syslog;
use crate::writer::LogWriter;
use crate::{Severity, SyslogHeader};

/// Lines that no disk has taken yet, at most; beyond that lines are dropped and counted, because
/// a request must not wait for a log.
const BUFFER_LIMIT: usize = 16 << 20;

/// How soon a pipe that was full is tried again.
const READER: Duration = Duration::from_millis(20);

/// A log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("open() \"{}\" failed ({})", path.display(), errno_text(source))]
pub struct OpenLogError {
    path: PathBuf,
    source: io::Error,
}

#[derive(Debug, Default)]
struct Buffer {
    lines: Vec<u8>,
    dropped: u64,
    /// When the first of these lines came; kept only for logs that are compressed.
    since: Option<Instant>,
}

/// What takes the lines in the end.
#[derive(Debug)]
enum Sink {
    File(Outlet),
    Syslog(Syslog),
}

impl Sink {
    fn file(file: File) -> Self {
        Self::File(Outlet::new(file))
    }
}

/// `gzip=`: how lines are gathered and compressed. Each lot is a gzip member of its own.
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// 1 to 9.
    pub level: u8,
    /// A lot is written when it is so large,
    pub size: usize,
    /// or so old.
    pub flush: Duration,
}

/// Appends lines to a file, a device or a pipe without ever blocking the caller.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    buffer: Mutex<Buffer>,
    sink: Mutex<Sink>,
    compression: Option<Compression>,
    /// Each line begins with the digit of its severity; the syslog server is told it.
    is_marked: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(path: &Path) -> Result<File, OpenLogError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened
        .or_else(|error| match standard_stream(path) {
            Some(stream) => Ok(File::from(stream?)),
            None => Err(error),
        })
        .map_err(|source| OpenLogError {
            path: path.to_owned(),
            source,
        })
}

/// The stream that a path such as `/dev/stdout` means, links followed. To open such a path anew takes
/// rights that whoever was given the stream need not have: a pipe belongs to another user, a socket
/// cannot be opened at all.
///
/// Differs: nginx fails there, which is why containers without root change the owners of
/// `/dev/stdout`.
fn standard_stream(path: &Path) -> Option<io::Result<OwnedFd>> {
    /// Links followed at most.
    const LINKS: usize = 8;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match path.to_str()? {
            "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => {
                return Some(io::stdout().as_fd().try_clone_to_owned());
            }
            "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => {
                return Some(io::stderr().as_fd().try_clone_to_owned());
            }
            _ => {}
        }
        let target = std::fs::read_link(&path).ok()?;
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    None
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
            sink: Mutex::new(Sink::file(open(path)?)),
            compression: None,
            is_marked: false,
        });
        LogWriter::global().register(&file);
        Ok(file)
    }

    /// The same for a log that is compressed.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn open_compressed(path: &Path, how: Compression) -> Result<Arc<Self>, OpenLogError> {
        let file = Arc::new(Self {
            path: path.to_owned(),
            buffer: Mutex::default(),
            sink: Mutex::new(Sink::file(open(path)?)),
            compression: Some(how),
            is_marked: false,
        });
        LogWriter::global().register(&file);
        Ok(file)
    }

    /// A log that goes to a syslog server by UDP.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn syslog(server: SocketAddr, header: SyslogHeader) -> io::Result<Arc<Self>> {
        Syslog::udp(server, header).map(Self::of_syslog)
    }

    /// A log that goes to the Unix socket of a syslog server.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn syslog_unix(path: &Path, header: SyslogHeader) -> io::Result<Arc<Self>> {
        Syslog::unix(path, header).map(Self::of_syslog)
    }

    fn of_syslog(syslog: Syslog) -> Arc<Self> {
        let file = Arc::new(Self {
            path: PathBuf::new(),
            buffer: Mutex::default(),
            is_marked: syslog.takes_marked_lines(),
            sink: Mutex::new(Sink::Syslog(syslog)),
            compression: None,
        });
        LogWriter::global().register(&file);
        file
    }

    /// The standard error of this process.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn stderr() -> io::Result<Arc<Self>> {
        let descriptor = io::stderr().as_fd().try_clone_to_owned()?;
        let file = Arc::new(Self {
            path: PathBuf::new(),
            buffer: Mutex::default(),
            sink: Mutex::new(Sink::file(File::from(descriptor))),
            compression: None,
            is_marked: false,
        });
        LogWriter::global().register(&file);
        Ok(file)
    }

    /// The path as given; empty for standard error.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still means the file that is open.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let Sink::File(outlet) = &*lock(&self.sink) else {
            return true;
        };
        let identity = |facts: &std::fs::Metadata| (facts.dev(), facts.ino());
        match (outlet.file().metadata(), std::fs::metadata(&self.path)) {
            (Ok(open), Ok(named)) => identity(&open) == identity(&named),
            _ => false,
        }
    }

    /// Queues one line; `line` ends with its own newline.
    pub fn append(&self, line: &[u8]) {
        if self.queue(line) {
            LogWriter::global().wake();
        }
    }

    /// The same for a line of that severity, which is to be seen soon: the writer does not wait for
    /// others.
    pub fn append_now(&self, severity: Severity, line: &[u8]) {
        let first = if self.is_marked {
            self.queue(&[&[b'0' + severity as u8], line].concat())
        } else {
            self.queue(line)
        };
        if first {
            LogWriter::global().wake_now();
        }
    }

    /// Whether it is the first, so that the writer must be woken.
    fn queue(&self, line: &[u8]) -> bool {
        let mut buffer = lock(&self.buffer);
        if buffer.lines.len() + line.len() > BUFFER_LIMIT {
            buffer.dropped += 1;
            return false;
        }
        let first = buffer.lines.is_empty();
        if first && self.compression.is_some() {
            buffer.since = Some(Instant::now());
        }
        buffer.lines.extend_from_slice(line);
        first
    }

    /// Takes the queued lines to the file, unless they are to wait for more, or for the reader of a
    /// pipe; until when, then.
    pub(crate) fn write_due(&self) -> Option<Instant> {
        if let Some(how) = self.compression {
            let buffer = lock(&self.buffer);
            let due = buffer.since? + how.flush;
            if buffer.lines.len() < how.size && due > Instant::now() {
                return Some(due);
            }
        }
        (!self.write_out()).then(|| Instant::now() + READER)
    }

    /// Takes the queued lines to the file; whether it has taken all.
    pub(crate) fn write_out(&self) -> bool {
        let mut sink = lock(&self.sink);
        let Buffer {
            mut lines, dropped, ..
        } = std::mem::take(&mut *lock(&self.buffer));
        if lines.is_empty() && dropped == 0 {
            return true;
        }
        let outlet = match &mut *sink {
            Sink::Syslog(syslog) => {
                syslog.send(&lines);
                return true;
            }
            Sink::File(outlet) => outlet,
        };
        if dropped > 0 {
            let line = format!("portunus: {dropped} log lines dropped, the log is too slow\n");
            lines.extend_from_slice(line.as_bytes());
        }
        let taken = outlet.write(&self.path, &lines, self.compression);
        if taken == lines.len() {
            return true;
        }
        // Others may have queued more meanwhile; these come first.
        lines.drain(..taken);
        let mut buffer = lock(&self.buffer);
        lines.append(&mut buffer.lines);
        buffer.lines = lines;
        false
    }

    /// Waits until a pipe has room; whether it has.
    pub(crate) fn wait_for_room(&self, time: Duration) -> bool {
        match &*lock(&self.sink) {
            Sink::File(outlet) => outlet.has_room(time),
            Sink::Syslog(_) => true,
        }
    }

    /// Gives the file to a user, unless it is no regular file: whoever opens it anew, or writes
    /// beside it, will be that user.
    ///
    /// Source: nginx, `ngx_reopen_files`.
    pub(crate) fn give_to(&self, user: u32) -> Result<(), OpenLogError> {
        let sink = lock(&self.sink);
        let (Sink::File(outlet), false) = (&*sink, self.path.as_os_str().is_empty()) else {
            return Ok(());
        };
        let give = |file: &File| match file.metadata()?.is_file() {
            true => std::os::unix::fs::fchown(file, Some(user), None),
            false => Ok(()),
        };
        give(outlet.file()).map_err(|source| OpenLogError {
            path: self.path.clone(),
            source,
        })
    }

    /// Writes what is queued to the old file and opens the path anew.
    pub(crate) fn reopen(&self) -> Result<(), OpenLogError> {
        self.write_out();
        if !self.path.as_os_str().is_empty() {
            *lock(&self.sink) = Sink::file(open(&self.path)?);
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
    fn compressed_lots_wait_for_more_and_follow_each_other() {
        use std::io::Read as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gz");
        let (level, size, flush) = (1, 10, Duration::from_secs(1_000));
        let how = Compression { level, size, flush };
        let log = LogFile::open_compressed(&path, how).unwrap();
        log.append(b"one\n");
        assert!(log.write_due().is_some());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        log.append(b"two and more\n");
        assert!(log.write_due().is_none());
        log.append(b"three\n");
        log.write_out();
        let mut text = String::new();
        let file = File::open(&path).unwrap();
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "one\ntwo and more\nthree\n");
    }

    #[test]
    fn a_full_disk_is_told_in_the_error_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error.log");
        let errors = LogFile::open(&path).unwrap();
        let (level, file) = (crate::Severity::Error, Arc::clone(&errors));
        let target = crate::ErrorTarget { level, file };
        let full = LogFile::open(Path::new("/dev/full")).unwrap();
        crate::with_error_log(&crate::ErrorLog::new(vec![target]), 1, || {
            full.append(b"one\ntwo\n");
            full.write_out();
            full.append(b"three\n");
            full.write_out();
        });
        errors.write_out();
        let text = std::fs::read_to_string(&path).unwrap();
        let line =
            "write() to \"/dev/full\" failed (28: No space left on device), 2 lines are lost";
        assert_eq!(text.matches(line).count(), 1, "{text}");
        assert_eq!(text.lines().count(), 1, "once a minute: {text}");
    }

    #[test]
    fn a_missing_directory_is_told_in_nginx_words() {
        let error = LogFile::open(Path::new("/nonexistent/x.log")).unwrap_err();
        let expected = "open() \"/nonexistent/x.log\" failed (2: No such file or directory)";
        assert_eq!(error.to_string(), expected);
    }
}
