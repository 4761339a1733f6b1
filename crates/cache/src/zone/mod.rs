//! The store of one `proxy_cache_path`: shared by all threads, kept across reloads.

mod entry;
mod files;
mod fill;
mod keeper;
mod load;
mod open;
mod ticket;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

pub use self::entry::{Body, Entry};
pub use self::fill::Fill;
pub use self::open::{Ask, Locked, Opened, Stale};
pub use self::ticket::Ticket;

use self::keeper::Job;
use crate::config::ZoneConfig;
use crate::index::{Index, Node};
use crate::key::{Key, Layout};

/// Bodies up to this length are held in memory.
const SMALL: u64 = 64 << 10;
/// Bytes that may wait for the disk; answers are not stored while there are more.
const PENDING: usize = 64 << 20;

/// A moment, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Seconds since the epoch.
    pub wall: i64,
    /// For locks.
    pub now: Instant,
}

/// A store.
#[derive(Debug)]
pub struct Zone {
    shared: Arc<Shared>,
    /// To the thread that writes files; unset before [`Zone::start`].
    jobs: OnceLock<Sender<Job>>,
}

/// What requests and the keeper thread have in common.
#[derive(Debug)]
struct Shared {
    layout: Layout,
    config: Mutex<ZoneConfig>,
    index: Mutex<Index>,
    serial: AtomicU64,
    /// Bytes that wait for the disk.
    pending: AtomicUsize,
}

impl Zone {
    /// An empty store; nothing is read or written before [`Zone::start`] and the first request.
    #[must_use]
    pub fn new(config: ZoneConfig) -> Self {
        let layout = Layout {
            root: config.path.clone(),
            levels: config.levels.clone(),
        };
        let index = Index::new(config.capacity(), config.memory);
        Self {
            shared: Arc::new(Shared {
                layout,
                config: Mutex::new(config),
                index: Mutex::new(index),
                serial: AtomicU64::new(0),
                pending: AtomicUsize::new(0),
            }),
            jobs: OnceLock::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Box<[u8]> {
        self.shared.config().name.clone()
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> ZoneConfig {
        self.shared.config().clone()
    }

    /// Takes over what a new configuration says of a store in the same place: limits and times. (Its
    /// name, directory, levels and size are what it is; another one is another store.)
    pub fn reconfigure(&self, config: &ZoneConfig) {
        let mut own = self.shared.config();
        own.inactive = config.inactive;
        own.max_size = config.max_size;
        own.min_free = config.min_free;
        own.pace = config.pace;
    }

    /// Entries known, bytes of their files, bytes in memory.
    #[must_use]
    pub fn usage(&self) -> (usize, u64, usize) {
        let index = self.shared.index();
        (index.len(), index.size(), index.memory())
    }

    /// The file of an entry.
    #[must_use]
    pub fn file(&self, key: &Key) -> PathBuf {
        self.shared.layout.file(key)
    }

    fn serial(&self) -> u64 {
        self.shared.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Has something done to files: by the keeper thread, or here and now if there is none.
    fn perform(&self, job: Job) {
        match self.jobs.get() {
            Some(jobs) => {
                // The thread lives as long as the sender.
                let _ = jobs.send(job);
            }
            None => self.shared.perform(job),
        }
    }

    /// The file of an entry that had to go.
    fn discard(&self, gone: Option<Node>) {
        if let Some(node) = gone.filter(|node| node.exists) {
            self.perform(Job::Remove(node.key));
        }
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config(&self) -> MutexGuard<'_, ZoneConfig> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a use at this second counts as too long ago.
    fn expire(&self, now: i64) -> i64 {
        let inactive = self.config().inactive.as_secs();
        now.saturating_add(i64::try_from(inactive).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
