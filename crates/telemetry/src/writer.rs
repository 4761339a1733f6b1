//! One thread that writes all log files, so that a slow disk or a full pipe never holds a request.
//!
//! A request appends its line to a buffer in memory. The first line into an empty buffer wakes the
//! thread, which writes everything with one call a file, but no more often than once in a moment.
//! So a lone line is in the file at once, and under load this costs a request a lock and a copy,
//! where nginx spends a `write(2)` a line.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::log_file::LogFile;

/// The least time between two turns of the thread; lines that come meanwhile are written together.
/// Shorter than anybody watching a terminal notices.
const GATHER: Duration = Duration::from_millis(2);

/// The writer thread of this process and the files that it serves.
#[derive(Debug)]
pub struct LogWriter {
    files: Mutex<Vec<Weak<LogFile>>>,
    work: Mutex<Work>,
    woken: Condvar,
    pending: AtomicBool,
}

/// What the thread has been woken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Work {
    some: bool,
    /// It is not to wait for more.
    urgent: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LogWriter {
    /// The writer of this process; its thread starts with the first call.
    pub fn global() -> &'static Self {
        static WRITER: OnceLock<&'static LogWriter> = OnceLock::new();
        WRITER.get_or_init(|| {
            let writer: &'static Self = Box::leak(Box::new(Self {
                files: Mutex::default(),
                work: Mutex::default(),
                woken: Condvar::new(),
                pending: AtomicBool::new(false),
            }));
            // Without a thread lines stay in memory until `flush`: nothing is lost at a clean stop.
            let _ = std::thread::Builder::new()
                .name("log".into())
                .spawn(|| writer.run());
            writer
        })
    }

    pub(crate) fn register(&self, file: &Arc<LogFile>) {
        let mut files = lock(&self.files);
        files.retain(|known| known.strong_count() > 0);
        files.push(Arc::downgrade(file));
    }

    /// Tells the thread that some buffer is no longer empty.
    pub(crate) fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            lock(&self.work).some = true;
            self.woken.notify_one();
        }
    }

    /// The same for a line that somebody may look for at once: the thread gathers no others.
    pub(crate) fn wake_now(&self) {
        self.pending.store(true, Ordering::Release);
        *lock(&self.work) = Work {
            some: true,
            urgent: true,
        };
        self.woken.notify_one();
    }

    /// Writes what all buffers hold; for the end of the process. A pipe that nobody reads must not
    /// keep the process from ending, so after `patience` the rest is given up.
    pub fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let left = || until.checked_duration_since(Instant::now());
        for file in self.live_files() {
            while !file.write_out()
                && let Some(left) = left()
                && file.wait_for_room(left)
            {}
        }
    }

    fn live_files(&self) -> Vec<Arc<LogFile>> {
        lock(&self.files).iter().filter_map(Weak::upgrade).collect()
    }

    fn run(&self) {
        let (mut due, mut last) = (None, Instant::now());
        loop {
            if self.wait(due, last) {
                *lock(&self.work) = Work::default();
                self.pending.store(false, Ordering::Release);
            }
            let files = self.live_files();
            due = files.iter().filter_map(|file| file.write_due()).min();
            last = Instant::now();
        }
    }

    /// Waits for work, or for the time when lines that were held back are due; whether there is
    /// work. The thread's last turn was at `last`.
    fn wait(&self, due: Option<Instant>, last: Instant) -> bool {
        let mut work = lock(&self.work);
        while !work.some {
            let Some(due) = due else {
                let woken = self.woken.wait(work);
                work = woken.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(left) = due.checked_duration_since(Instant::now()) else {
                return false;
            };
            let woken = self.woken.wait_timeout(work, left);
            work = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.gather(work, last + GATHER);
        true
    }

    /// Lets lines come together until then; only an urgent one cuts it short.
    fn gather(&self, mut work: MutexGuard<'_, Work>, until: Instant) {
        while !work.urgent
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            let waited = self.woken.wait_timeout(work, left);
            work = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Gives every log file to a user, before the process becomes that user.
///
/// # Errors
/// The files that could not be given, with the reason.
pub fn give_all_to(user: u32) -> Vec<crate::OpenLogError> {
    let files = LogWriter::global().live_files();
    files
        .iter()
        .filter_map(|file| file.give_to(user).err())
        .collect()
}

/// Opens every log file anew by its path, after writing what belongs to the old one (`USR1`).
///
/// # Errors
/// The files that could not be opened, with the reason; they go on writing to the old file.
pub fn reopen_all() -> Vec<crate::OpenLogError> {
    let files = LogWriter::global().live_files();
    files
        .iter()
        .filter_map(|file| file.reopen().err())
        .collect()
}
