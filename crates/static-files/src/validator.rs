//! What tells one state of a file from another.

use std::io;
use std::path::Path;

use rustix::fs::{FileType, Stat, stat};

/// A moment as the kernel stamps files: seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanoseconds: u32,
}

impl Timestamp {
    fn new(seconds: i64, nanoseconds: u64) -> Self {
        Self {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).unwrap_or(0),
        }
    }

    /// This moment in nanoseconds.
    pub(crate) fn nanos(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds)
    }
}

/// Two equal validators, taken far enough apart, mean the same bytes under the same permissions.
///
/// The change time is part of it: `utimes` can set a modification time back, nobody can do that to a change time, and
/// `chmod`, `chown` and renaming move it too. How far apart is said in [`crate::cache`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validator {
    /// Device that holds the file.
    pub device: u64,
    /// The file's number there.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// When the content last changed.
    pub modified: Timestamp,
    /// When content or attributes last changed.
    pub changed: Timestamp,
}

impl Validator {
    /// The validator of what `path` names now, links followed.
    ///
    /// # Errors
    /// What `stat` says.
    pub fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from_stat(&stat(path)?))
    }

    /// The validator in an answer of `stat`.
    #[must_use]
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_fallible_conversions,
        reason = "the widths of these fields differ between architectures"
    )]
    pub fn from_stat(stat: &Stat) -> Self {
        let wide = |value: i64| u64::try_from(value).unwrap_or(0);
        Self {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
            size: wide(stat.st_size.into()),
            modified: Timestamp::new(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed: Timestamp::new(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        }
    }
}

/// What a path names, as far as serving it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    File,
    Directory,
    Other,
}

impl Shape {
    pub(crate) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            _ => Self::Other,
        }
    }
}
