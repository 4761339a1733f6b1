//! Files of entries: written beside their place and moved there, so that none is ever seen half.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::{Timestamps, fstat, futimens, stat};
use rustix::io::Errno;

use super::SMALL;
use super::entry::{Body, Entry};
use crate::key::Key;
use crate::record::{Filed, Record, Start, TIMES, decode, encode, encode_times};
use crate::temp_file::TempFile;

/// So much of a file is read at first.
const FIRST: usize = 4096;

/// Rights on directories of the store.
const DIRECTORIES: u32 = 0o700;

/// A file that is to become an entry.
pub(super) fn beside(target: &Path) -> io::Result<TempFile> {
    TempFile::beside(target, DIRECTORIES)
}

/// Writes what stands before the body, whose length has turned out, and puts the file in its place.
pub(super) fn persist(mut file: TempFile, head: &[u8], target: &Path) -> io::Result<Filed> {
    file.file().write_all_at(head, 0)?;
    file.persist(target)?;
    Ok(Filed::of(&fstat(file.file())?, head.len() as u64))
}

/// Writes an entry that is in memory.
pub(super) fn write(record: &Record, target: &Path) -> io::Result<Filed> {
    let head = encode(record);
    let mut file = beside(target)?;
    file.write_all(&head)?;
    file.write_all(record.memory.as_deref().unwrap_or_default())?;
    persist(file, &head, target)
}

/// Writes the times of an entry that has been confirmed into its file. The file's own time stays, so
/// that it is still known as the same.
pub(super) fn renew(record: &Record, filed: &Filed, target: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(target)?;
    let stat = fstat(&file)?;
    if Filed::of(&stat, filed.body_start).identity != filed.identity {
        return Ok(());
    }
    file.write_all_at(&encode_times(&record.meta), TIMES)?;
    let same = rustix::fs::Timespec {
        tv_sec: stat.st_mtime,
        tv_nsec: stat.st_mtime_nsec as _,
    };
    let times = Timestamps {
        last_access: rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_OMIT,
        },
        last_modification: same,
    };
    futimens(&file, &times)?;
    Ok(())
}

/// What is found in the place of an entry.
pub(super) enum Found {
    /// What was known already.
    Known(Entry),
    /// Another file than was known.
    Read(Entry),
    /// No file, or none that is a whole entry of this key.
    Nothing,
}

/// Looks for an entry: with one `stat` if its body is in memory, else by opening its file.
pub(super) fn find(path: &Path, text: &[u8], known: Option<&Arc<Record>>) -> io::Result<Found> {
    if let Some(record) = known
        && let Some(bytes) = &record.memory
    {
        let entry = || Entry {
            record: Arc::clone(record),
            body: Body::Memory(bytes.clone()),
        };
        let Some(filed) = record.file.get() else {
            return Ok(Found::Known(entry()));
        };
        match stat(path) {
            Ok(now) if Filed::of(&now, 0).identity == filed.identity => {
                return Ok(Found::Known(entry()));
            }
            Ok(_) => {}
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Found::Nothing),
            Err(errno) => return Err(errno.into()),
        }
    }
    let file = match File::open(path) {
        Ok(file) => Arc::new(file),
        Err(error) if is_missing(&error) => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let stat = fstat(&file)?;
    if let Some(record) = known
        && let Some(filed) = record.file.get()
        && Filed::of(&stat, 0).identity == filed.identity
    {
        let body = body_in(&file, filed.body_start, record);
        let record = Arc::clone(record);
        return Ok(Found::Known(Entry { record, body }));
    }
    Ok(read(&file, &stat, text)?.map_or(Found::Nothing, Found::Read))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn body_in(file: &Arc<File>, start: u64, record: &Record) -> Body {
    Body::File {
        file: Arc::clone(file),
        start,
        len: record.body_len,
    }
}

/// Reads a file; `None` for one that is not a whole entry of this key.
fn read(file: &Arc<File>, stat: &rustix::fs::Stat, text: &[u8]) -> io::Result<Option<Entry>> {
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let mut input = read_front(file, FIRST)?;
    let (mut record, start) = loop {
        match decode(&input, size) {
            None => return Ok(None),
            Some(Start::Entry(record, start)) => break (*record, start),
            Some(Start::Longer(length)) if length > input.len() => {
                let longer = read_front(file, length)?;
                if longer.len() < length {
                    return Ok(None);
                }
                input = longer;
            }
            Some(Start::Longer(_)) => return Ok(None),
        }
    };
    if record.key != text {
        return Ok(None);
    }
    // The record must not hold on to more than it needs.
    let _ = record.file.set(Filed::of(stat, start));
    if record.body_len <= SMALL {
        let length = usize::try_from(record.body_len).unwrap_or(0);
        let mut bytes = vec![0; length];
        if file.read_exact_at(&mut bytes, start).is_err() {
            return Ok(None);
        }
        record.memory = Some(bytes.into());
    }
    let record = Arc::new(record);
    let body = match &record.memory {
        Some(bytes) => Body::Memory(bytes.clone()),
        None => body_in(file, start, &record),
    };
    Ok(Some(Entry { record, body }))
}

fn read_front(file: &File, length: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    bytes.shrink_to_fit();
    Ok(bytes.into())
}

/// Removes the file of an entry; that it is gone already is fine.
pub(super) fn remove(path: &Path, key: &Key) {
    match fs::remove_file(path) {
        Err(error) if !is_missing(&error) => {
            tracing::error!("unlink() of cache entry {key:?} failed: {error}");
        }
        _ => {}
    }
}
