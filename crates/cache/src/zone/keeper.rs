//! The thread of a store that touches files: writes entries, removes what is too old or too much,
//! finds what an earlier process has left.
//!
//! Source: nginx, `ngx_http_file_cache_manager`, `…_expire`, `…_forced_expire`.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::load::Loader;
use super::{Moment, SMALL, Shared, Zone, files};
use crate::config::ZoneConfig;
use crate::index::Node;
use crate::key::Key;
use crate::record::Record;

/// The longest pause between two looks.
const IDLE: Duration = Duration::from_secs(10);
/// The pause when all that could go is in use.
const BUSY: Duration = Duration::from_secs(1);

/// Something to be done to files, in the order in which it was asked for.
#[derive(Debug)]
pub(super) enum Job {
    /// Write an entry that is in memory.
    Write(Key, Arc<Record>),
    /// Write the new times of an entry.
    Renew(Key, Arc<Record>),
    /// Remove the file of an entry that is no more.
    Remove(Key),
    /// There is more than there may be.
    Tidy,
    /// Say when all that came before is done.
    Flush(SyncSender<()>),
}

impl Zone {
    /// Makes the directory and starts the thread; later calls do nothing. The thread ends with the
    /// store, when it has written what there was to write.
    ///
    /// # Errors
    /// The directory cannot be made, or no thread be had.
    pub fn start(&self) -> io::Result<()> {
        if self.jobs.get().is_some() {
            return Ok(());
        }
        self.make_directory(None)?;
        let (sender, receiver) = channel();
        if self.jobs.set(sender).is_ok() {
            let shared = Arc::clone(&self.shared);
            std::thread::Builder::new()
                .name("cache".into())
                .spawn(move || run(&shared, &receiver))?;
        }
        Ok(())
    }

    /// Makes the directory; with `owner` it is given to that user.
    ///
    /// Source: nginx, `ngx_create_paths`.
    ///
    /// # Errors
    /// As the system says.
    pub fn make_directory(&self, owner: Option<u32>) -> io::Result<()> {
        let root = &self.shared.layout.root;
        if let Some(parent) = root.parent() {
            // The owner has to get through it.
            std::fs::create_dir_all(parent)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        match owner {
            Some(owner) => std::os::unix::fs::chown(root, Some(owner), None),
            None => Ok(()),
        }
    }

    /// Waits until all that was stored is in files, but no longer than `patience`.
    pub fn flush(&self, patience: Duration) {
        let (done, told) = sync_channel(1);
        if self
            .jobs
            .get()
            .is_some_and(|jobs| jobs.send(Job::Flush(done)).is_ok())
        {
            let _ = told.recv_timeout(patience);
        }
    }

    /// Removes what is too old or too much; how long to wait before the next time.
    pub fn upkeep(&self, now: Moment) -> Duration {
        self.shared.upkeep(now)
    }
}

fn run(shared: &Shared, jobs: &Receiver<Job>) {
    let mut loader = Some(Loader::new(&shared.layout));
    let mut due = Instant::now();
    loop {
        let wait = match &loader {
            Some(_) => Duration::ZERO,
            None => due.saturating_duration_since(Instant::now()),
        };
        match jobs.recv_timeout(wait) {
            Ok(Job::Tidy) => due = Instant::now(),
            Ok(job) => shared.perform(job),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(loading) = &mut loader
                    && loading.step(shared, moment().wall)
                {
                    loader = None;
                    shared.index().cold = false;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if due <= Instant::now() {
            due = Instant::now() + shared.upkeep(moment());
        }
    }
}

fn moment() -> Moment {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Moment {
        wall: i64::try_from(wall.as_secs()).unwrap_or(i64::MAX),
        now: Instant::now(),
    }
}

impl Shared {
    pub(super) fn perform(&self, job: Job) {
        match job {
            Job::Write(key, record) => {
                self.write(&key, &record);
                self.pending.fetch_sub(record.weight(), Ordering::Relaxed);
            }
            Job::Renew(key, record) => self.renew(&key, &record),
            Job::Remove(key) => self.remove(&key),
            Job::Tidy => {
                self.upkeep(moment());
            }
            Job::Flush(done) => {
                let _ = done.send(());
            }
        }
    }

    fn write(&self, key: &Key, record: &Arc<Record>) {
        let holds = |node: &mut Node| node.holds(record);
        if !self.index().get_by(key).is_some_and(holds) {
            // It was removed, or another one has taken its place.
            return;
        }
        let target = self.layout.file(key);
        let written = files::write(record, &target);
        let mut index = self.index();
        let number = index
            .find(key)
            .filter(|number| index.get(*number).holds(record));
        match (written, number) {
            (Ok(filed), number) => {
                // It is set here alone.
                let _ = record.file.set(filed);
                let Some(number) = number else { return };
                if record.body_len > SMALL {
                    index.drop_memory(number);
                }
                index.resize(number, filed.occupied);
            }
            (Err(error), number) => {
                if let Some(number) = number {
                    index.clear(number);
                }
                drop(index);
                let path = target.display();
                tracing::error!("cache file \"{path}\" cannot be written: {error}");
            }
        }
    }

    fn renew(&self, key: &Key, record: &Record) {
        let Some(filed) = record.file.get() else {
            return;
        };
        let target = self.layout.file(key);
        match files::renew(record, filed, &target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = target.display();
                tracing::error!("cache file \"{path}\" cannot be updated: {error}");
            }
            _ => {}
        }
    }

    fn remove(&self, key: &Key) {
        // A new entry of the same name brings a new file.
        if !self.index().get_by(key).is_some_and(|node| node.exists) {
            files::remove(&self.layout.file(key), key);
        }
    }

    pub(super) fn upkeep(&self, now: Moment) -> Duration {
        let config = self.config().clone();
        let mut pace = Counter::new(&config);
        let wait = loop {
            match self.expired(now.wall) {
                Ok(node) => self.delete(&node),
                Err(wait) => break wait,
            }
            if pace.is_used_up() {
                return config.pace.sleep;
            }
        };
        loop {
            if !self.is_too_much(&config) {
                return wait;
            }
            let gone = {
                let mut index = self.index();
                let oldest = index.oldest_idle();
                oldest.map(|number| index.remove(number))
            };
            match gone {
                Some(node) => self.delete(&node),
                None => return BUSY,
            }
            if pace.is_used_up() {
                return config.pace.sleep;
            }
        }
    }

    /// Takes out an entry that was not used for too long, or says when to look again.
    fn expired(&self, now: i64) -> Result<Node, Duration> {
        let expire = self.expire(now);
        let mut index = self.index();
        let mut passed = 0;
        while let Some(oldest) = index.oldest() {
            let node = index.get(oldest);
            if node.expire > now {
                let wait = u64::try_from(node.expire - now).unwrap_or(1);
                return Err(Duration::from_secs(wait).min(IDLE));
            }
            if node.users == 0 {
                return Ok(index.remove(oldest));
            }
            index.touch(oldest, expire);
            passed += 1;
            if passed > 20 {
                return Err(BUSY);
            }
        }
        Err(IDLE)
    }

    fn is_too_much(&self, config: &ZoneConfig) -> bool {
        {
            let index = self.index();
            if index.len() == 0 {
                return false;
            }
            let large = config.max_size.is_some_and(|most| index.size() >= most);
            if large || index.len() >= index.watermark {
                return true;
            }
        }
        config.min_free > 0
            && rustix::fs::statvfs(&self.layout.root)
                .is_ok_and(|fs| fs.f_bavail.saturating_mul(fs.f_frsize) <= config.min_free)
    }

    fn delete(&self, node: &Node) {
        if node.exists {
            self.remove(&node.key);
        }
    }
}

/// How much may be done at a time.
struct Counter<'c> {
    config: &'c ZoneConfig,
    began: Instant,
    files: usize,
}

impl<'c> Counter<'c> {
    fn new(config: &'c ZoneConfig) -> Self {
        Self {
            config,
            began: Instant::now(),
            files: 0,
        }
    }

    /// Counts one.
    fn is_used_up(&mut self) -> bool {
        self.files += 1;
        self.files >= self.config.pace.files || self.began.elapsed() >= self.config.pace.threshold
    }
}
