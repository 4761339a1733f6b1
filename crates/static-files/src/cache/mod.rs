//! The open-file cache: at most one `stat` a request, no allocation, and never an old byte.
//!
//! # Freshness
//!
//! A remembered file is believed if a `stat` of its whole path, made for this request, shows the validator it was read
//! under: device, inode, size, modification and change time. So replacing a file, truncating it, deleting it, changing
//! its mode, or switching a link anywhere in its path shows at the next request. Requests that were received before
//! that `stat` may share it, see [`Moment`]: each of them is then as fresh as if it had asked by itself.
//!
//! Time stamps come from a clock that ticks every 1 to 10 ms (on some file systems every second), and are taken when a
//! write begins, not when it ends. Two states of a file may therefore carry the same stamps, if the second came within
//! a tick of the first or was half written when it was read. The remedy is that of version control systems for
//! "racily clean" files: content is kept only if, when reading began, the last change was older than
//! [`Config::settle`] (a second). Any later write then stamps a later time. A file that changed within the last second
//! is opened and read anew for each request, as nginx does for all files; it is read twice and compared, and its
//! stamps before and after must agree.
//!
//! Not covered: writes through a shared memory mapping, which the kernel stamps when it pleases.
//!
//! # Threads
//!
//! Each worker thread has its own table, without locks. Bodies and compressed variants are shared through a map that is
//! asked only on a miss, and charged to one budget for the process.
//!
//! # Figures
//!
//! CPU time on one busy core of a virtual machine, 1 KB file, path of nine components (`benches/static_files.rs`):
//!
//! | what | µs |
//! |---|---|
//! | the `stat` alone | 1.31 |
//! | `open` of a known file | 1.65 |
//! | the same, with `decide`, three fields and the body | 1.75 |
//! | `open` of a known file under `open_file_cache`, no `stat` | 0.04 |

mod budget;
mod content;
mod entry;
mod load;
mod local;
mod options;
mod walk;

use std::cell::RefCell;
use std::ffi::CString;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::fs::{fstat, stat};
use rustix::io::Errno;
use rustix::path::Arg;
use rustix::time::{ClockId, clock_gettime};

pub(crate) use self::budget::{Budget, charged};
pub(crate) use self::content::Content;
pub use self::entry::{Entry, entity_tag};
pub use self::options::{Config, DisableSymlinks, Moment, OpenOptions, Revalidate, symlinks_from};

use self::content::Contents;
use self::load::{Loaded, Loader};
use self::local::{KEPT_OPEN, Known, Local};
use self::walk::open_for_reading;
use crate::error::{Call, OpenError};
use crate::validator::{Shape, Validator};

/// Idle entries are looked for no more often than so.
const SHORTEST: Duration = Duration::from_secs(1);

/// What a path names.
#[derive(Clone, Debug)]
pub enum Opened {
    /// A regular file.
    File(Rc<Entry>),
    /// A directory.
    Directory,
}

/// What a path names, as `try_files` and `index` ask.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A regular file. Hand the token to [`OpenFileCache::open_probed`], and the file is looked at only once.
    File(Probed),
    /// A directory, and which one where it has just been looked at.
    Directory(Option<Validator>),
    /// A FIFO, a socket, a device: to `try_files` a file, to the static handler nothing to serve.
    Other,
    /// Nothing. Log it, at `crit`, unless it [is missing](OpenError::is_missing).
    Missing(OpenError),
}

/// A file that was just found. Good for the request that found it.
#[derive(Clone, Debug)]
pub struct Probed {
    entry: Option<Rc<Entry>>,
    size: u64,
}

impl Probed {
    /// The entry, if the file was known.
    #[must_use]
    pub fn entry(&self) -> Option<&Rc<Entry>> {
        self.entry.as_ref()
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Numbers for the status page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Entries of the calling worker.
    pub entries: usize,
    /// Bytes of the budget in use, all workers together.
    pub used: usize,
    /// The budget.
    pub budget: usize,
}

/// Remembers files. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct OpenFileCache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Tells this cache's tables from those of other caches on the same thread.
    id: u64,
    config: Config,
    contents: Arc<Contents>,
    budget: Arc<Budget>,
}

thread_local! {
    static LOCALS: RefCell<Vec<(u64, Weak<Shared>, Local)>> = const { RefCell::new(Vec::new()) };
}

impl OpenFileCache {
    /// An empty cache.
    #[must_use]
    pub fn new(config: Config) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let budget = Budget::new(config.budget);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let contents = Arc::new(Contents::default());
        Self {
            shared: Arc::new(Shared {
                id,
                config,
                contents,
                budget,
            }),
        }
    }

    /// Opens `path`, an absolute path or one relative to the working directory.
    ///
    /// # Errors
    /// Where nginx's static handler would fail to open it, and with its reasons.
    pub fn open(&self, path: &[u8], options: &OpenOptions) -> Result<Opened, OpenError> {
        self.with_local(|local| match self.recall(local, path, options) {
            Recall::Known(Known::File(entry)) => self.reopen(local, &entry, path, options),
            Recall::Known(Known::Directory) => Ok(Opened::Directory),
            Recall::Known(Known::Failed(error)) => Err(error),
            Recall::Unknown(_) => self.load(local, path, options),
        })
    }

    /// Looks at `path` without opening it, if possible.
    #[must_use]
    pub fn probe(&self, path: &[u8], options: &OpenOptions) -> Kind {
        self.with_local(|local| match self.recall(local, path, options) {
            Recall::Known(Known::File(entry)) => {
                let size = entry.size();
                Kind::File(Probed {
                    entry: Some(entry),
                    size,
                })
            }
            Recall::Known(Known::Directory) => Kind::Directory(None),
            Recall::Known(Known::Failed(error)) => Kind::Missing(error),
            Recall::Unknown(_) if options.revalidate != Revalidate::Always => {
                match self.load(local, path, options) {
                    Ok(Opened::File(entry)) => {
                        let size = entry.size();
                        Kind::File(Probed {
                            entry: Some(entry),
                            size,
                        })
                    }
                    Ok(Opened::Directory) => Kind::Directory(None),
                    Err(OpenError::NotRegular) => Kind::Other,
                    Err(error) => Kind::Missing(error),
                }
            }
            Recall::Unknown(Some(looked)) => {
                if looked.is_err() {
                    // It may keep a file open that is gone.
                    drop(local.remove(path));
                }
                kind_of(looked)
            }
            Recall::Unknown(None) => kind_of(look(path, options)),
        })
    }

    /// Opens what [`probe`](Self::probe) found under this very path with these very options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_probed(
        &self,
        path: &[u8],
        probed: Probed,
        options: &OpenOptions,
    ) -> Result<Opened, OpenError> {
        match probed.entry {
            Some(entry) if entry.is_ready() => Ok(Opened::File(entry)),
            Some(entry) => self.with_local(|local| self.reopen(local, &entry, path, options)),
            None => self.with_local(|local| self.load(local, path, options)),
        }
    }

    /// Forgets, for the calling worker, what nobody has asked for in [`Config::inactive`]. Goes on for as long as it is
    /// polled, unless there is no such time.
    pub async fn forget_idle(self) {
        let Some(inactive) = self.shared.config.inactive else {
            return;
        };
        loop {
            tokio::time::sleep(inactive.max(SHORTEST)).await;
            self.with_local(Local::drop_idle);
        }
    }

    /// Numbers for the status page.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        CacheStats {
            entries: self.with_local(|local| local.len()),
            used: self.shared.budget.used(),
            budget: self.shared.budget.limit(),
        }
    }

    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.shared.budget
    }

    fn with_local<R>(&self, act: impl FnOnce(&mut Local) -> R) -> R {
        LOCALS.with_borrow_mut(|locals| {
            let id = self.shared.id;
            let at = locals
                .iter()
                .position(|local| local.0 == id)
                .unwrap_or_else(|| {
                    // Tables of caches that a reload replaced go here.
                    locals.retain(|(_, shared, _)| shared.strong_count() > 0);
                    locals.push((id, Arc::downgrade(&self.shared), Local::default()));
                    locals.len() - 1
                });
            let local = &mut locals.get_mut(at).expect("just found or just pushed").2;
            self.give_back(local);
            act(local)
        })
    }

    /// Another worker found no room: give back what exceeds the fair share.
    fn give_back(&self, local: &mut Local) {
        let pressure = self.shared.budget.pressure();
        if local.seen_pressure != pressure {
            local.seen_pressure = pressure;
            local.shrink_to(self.shared.config.budget / self.shared.config.workers.max(1));
        }
    }

    /// What is remembered of `path` and still true.
    fn recall(&self, local: &mut Local, path: &[u8], options: &OpenOptions) -> Recall {
        let Some(slot) = local.find(path) else {
            return Recall::Unknown(None);
        };
        slot.uses = slot.uses.saturating_add(1);
        if let Revalidate::Every {
            valid,
            min_uses,
            errors,
        } = options.revalidate
        {
            let age = coarse_millis().saturating_sub(slot.checked);
            let fresh = slot.checked > 0 && u128::from(age) < valid.as_millis();
            let usable = errors || !matches!(slot.known, Known::Failed(_));
            let same_way = slot.symlinks == (options.symlinks, options.from);
            // nginx: the number of uses decides what stays open, so it says nothing of the rest.
            let used = slot.uses > min_uses || !matches!(slot.known, Known::File(_));
            let unwritten = match &slot.known {
                Known::File(entry) => entry.is_unwritten(),
                _ => true,
            };
            if fresh && usable && same_way && used && unwritten {
                return Recall::Known(slot.known.clone());
            }
        }
        if let (Some(moment), DisableSymlinks::Off) = (options.moment, options.symlinks)
            && slot.looked >= moment.asked
        {
            return Recall::Known(slot.known.clone());
        }
        let looked = if options.symlinks == DisableSymlinks::Off {
            look_plainly(&*slot.path)
        } else {
            look(path, options)
        };
        if let (Known::File(entry), Ok((Shape::File, validator))) = (&slot.known, &looked)
            && entry.is_settled()
            && entry.validator() == validator
        {
            let entry = Rc::clone(entry);
            slot.looked = options.moment.map_or(0, |moment| moment.now);
            if options.revalidate != Revalidate::Always {
                slot.checked = coarse_millis();
                slot.symlinks = (options.symlinks, options.from);
            }
            return Recall::Known(Known::File(entry));
        }
        Recall::Unknown(Some(looked))
    }

    /// A large file is not kept open between requests, so that a deleted one frees its blocks: open it now.
    fn reopen(
        &self,
        local: &mut Local,
        entry: &Rc<Entry>,
        path: &[u8],
        options: &OpenOptions,
    ) -> Result<Opened, OpenError> {
        if entry.is_ready() {
            return Ok(Opened::File(Rc::clone(entry)));
        }
        let path = terminated(path)?;
        let fd = open_for_reading(&path, options)?;
        let stat = load::look_at(&fd)?;
        if Validator::from_stat(&stat) == *entry.validator() {
            let file = Arc::new(std::fs::File::from(fd));
            return Ok(Opened::File(Rc::new(entry.with_file(file))));
        }
        self.load(local, path.to_bytes(), options)
    }

    fn load(
        &self,
        local: &mut Local,
        path: &[u8],
        options: &OpenOptions,
    ) -> Result<Opened, OpenError> {
        let path = terminated(path)?;
        let Shared {
            config,
            contents,
            budget,
            ..
        } = &*self.shared;
        let loader = Loader {
            config,
            contents,
            budget,
        };
        let loaded = loader.load(&path, options, |_| local.evict_one());
        let checked = match options.revalidate {
            Revalidate::Always => 0,
            Revalidate::Every { .. } => coarse_millis(),
        };
        match known_of(&loaded, options.revalidate, local.open() < KEPT_OPEN) {
            Some(known) => {
                local.insert(&path, known, options, checked, (budget, config.max_entries));
            }
            None => drop(local.remove(path.to_bytes())),
        }
        match loaded? {
            Loaded::File(entry) => Ok(Opened::File(entry)),
            Loaded::Directory => Ok(Opened::Directory),
        }
    }
}

enum Recall {
    Known(Known),
    /// Not remembered, or no longer true; with what was seen just now, if anything was looked at.
    Unknown(Option<Looked>),
}

type Looked = Result<(Shape, Validator), OpenError>;

/// What of a look-up is worth remembering; with `open`, the descriptor of a file in memory, too.
fn known_of(
    loaded: &Result<Loaded, OpenError>,
    revalidate: Revalidate,
    open: bool,
) -> Option<Known> {
    match (loaded, revalidate) {
        (Ok(Loaded::File(entry)), Revalidate::Always) => entry.is_settled().then(|| {
            // Mostly without the descriptor: see `reopen`.
            match entry.file() {
                Some(_) if !open || entry.in_memory().is_none() => {
                    Known::File(Rc::new(entry.without_file()))
                }
                _ => Known::File(Rc::clone(entry)),
            }
        }),
        (Ok(Loaded::File(entry)), Revalidate::Every { .. }) => Some(Known::File(Rc::clone(entry)))
            .filter(|_| entry.is_settled() || entry.file().is_some()),
        (Ok(Loaded::Directory), Revalidate::Every { .. }) => Some(Known::Directory),
        (Err(error), Revalidate::Every { errors: true, .. }) => Some(Known::Failed(*error)),
        _ => None,
    }
}

fn kind_of(looked: Looked) -> Kind {
    match looked {
        Ok((Shape::File, validator)) => Kind::File(Probed {
            entry: None,
            size: validator.size,
        }),
        Ok((Shape::Directory, validator)) => Kind::Directory(Some(validator)),
        Ok((Shape::Other, _)) => Kind::Other,
        Err(error) => Kind::Missing(error),
    }
}

fn look(path: &[u8], options: &OpenOptions) -> Looked {
    if options.symlinks == DisableSymlinks::Off {
        // Ends it with a NUL on the stack, unless it is long.
        return look_plainly(path);
    }
    let path = terminated(path)?;
    let fd = open_for_reading(&path, options)?;
    let stat = fstat(&fd).map_err(|errno| OpenError::new(Call::FStat, errno))?;
    Ok((Shape::of(&stat), Validator::from_stat(&stat)))
}

fn look_plainly(path: impl Arg) -> Looked {
    let stat = stat(path).map_err(|errno| OpenError::new(Call::Stat, errno))?;
    Ok((Shape::of(&stat), Validator::from_stat(&stat)))
}

fn terminated(path: &[u8]) -> Result<CString, OpenError> {
    CString::new(path).map_err(|_| OpenError::new(Call::Open, Errno::INVAL))
}

fn coarse_millis() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    u64::try_from(now.tv_sec * 1_000 + now.tv_nsec / 1_000_000).unwrap_or(0)
}
