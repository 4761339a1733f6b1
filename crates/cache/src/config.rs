//! What a store has to be told.

use std::path::PathBuf;
use std::time::Duration;

/// One `proxy_cache_path` or `fastcgi_cache_path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Its name (`keys_zone`).
    pub name: Box<[u8]>,
    /// The directory.
    pub path: PathBuf,
    /// Digits that each level of subdirectories takes, outermost first.
    pub levels: Vec<u8>,
    /// Size of nginx's shared memory for keys, in bytes; it says how many entries there may be.
    pub keys: u64,
    /// What was not asked for so long is removed.
    pub inactive: Duration,
    /// Bytes that all files together may have.
    pub max_size: Option<u64>,
    /// Bytes that must stay free in the file system.
    pub min_free: u64,
    /// Bytes of entries that are held in memory beside their files.
    pub memory: usize,
    /// How fast entries are removed.
    pub pace: Pace,
}

/// How many entries are removed at a time (`manager_files`), how long that may take
/// (`manager_threshold`), and how long the pause is (`manager_sleep`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Entries at a time.
    pub files: usize,
    /// Longest time at a time.
    pub threshold: Duration,
    /// The pause after it.
    pub sleep: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            files: 100,
            threshold: Duration::from_millis(200),
            sleep: Duration::from_millis(50),
        }
    }
}

impl ZoneConfig {
    /// A store with nginx's defaults.
    #[must_use]
    pub fn new(name: &[u8], path: PathBuf, keys: u64) -> Self {
        Self {
            name: name.into(),
            path,
            levels: Vec::new(),
            keys,
            inactive: Duration::from_secs(600),
            max_size: None,
            min_free: 0,
            memory: 16 << 20,
            pace: Pace::default(),
        }
    }

    /// How many entries fit: nginx spends 128 bytes on each, in pages of 4 KiB, of which two are for
    /// other things. ("One megabyte can store about 8 thousand keys.")
    pub(crate) fn capacity(&self) -> usize {
        let pages = (self.keys / 4096).saturating_sub(2).max(1);
        usize::try_from(pages * 32).unwrap_or(usize::MAX)
    }
}
