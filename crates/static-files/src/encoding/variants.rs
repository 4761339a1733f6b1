//! Compressed forms of cached files: made once, at a good level, by one thread of low priority, and kept in the budget.
//!
//! Until a form is ready the answer is compressed as it is sent, at the configured level, as nginx does each time. A
//! file that has changed within the last second gets no form: it might not be whole yet.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use rustix::fs::fstat;

use super::{Coding, weak_etag};
use crate::cache::{Budget, Content, Entry, OpenFileCache, charged, entity_tag};
use crate::encode;
use crate::validator::Validator;

/// Larger files are compressed as they are sent.
const LARGEST: u64 = 8 << 20;
/// Memory of a form beside its bytes: what owns them, two header values.
const OVERHEAD: usize = 320;
/// So many forms may wait to be made; more are asked for again later.
const QUEUE: usize = 1_024;
/// A form for which there was no room is tried so often.
const ATTEMPTS: u8 = 3;

/// A file in compressed form, ready to be sent.
#[derive(Debug)]
pub struct Variant {
    body: Bytes,
    content_length: HeaderValue,
    etag: HeaderValue,
}

impl Variant {
    /// The compressed bytes.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// `Content-Length` of the compressed form.
    #[must_use]
    pub fn content_length(&self) -> &HeaderValue {
        &self.content_length
    }

    /// The file's `ETag`, weakened, as nginx does for what it compresses.
    #[must_use]
    pub fn etag(&self) -> &HeaderValue {
        &self.etag
    }
}

/// The compressed forms of one content.
#[derive(Debug, Default)]
pub(crate) struct Variants {
    gzip: Slot,
    zstd: Slot,
    brotli: Slot,
}

impl Variants {
    fn slot(&self, coding: Coding) -> &Slot {
        match coding {
            Coding::Gzip => &self.gzip,
            Coding::Zstd => &self.zstd,
            Coding::Brotli => &self.brotli,
        }
    }
}

#[derive(Debug, Default)]
struct Slot {
    ready: OnceLock<Variant>,
    /// Times that somebody asked for it to be made; [`PENDING`] on top while it waits.
    asked: AtomicU8,
}

const PENDING: u8 = 0x80;

/// The compressed form of a file, if it is ready. If not, it is being made from now on, unless the file is unfit.
#[must_use]
pub fn compressed<'a>(
    cache: &OpenFileCache,
    entry: &'a Entry,
    coding: Coding,
) -> Option<&'a Variant> {
    let slot = entry.content().variants.slot(coding);
    if let Some(variant) = slot.ready.get() {
        return Some(variant);
    }
    if entry.is_settled() && entry.size() <= LARGEST {
        order(cache, entry, coding);
    }
    None
}

struct Job {
    content: Arc<Content>,
    file: Option<Arc<File>>,
    budget: Arc<Budget>,
    coding: Coding,
}

#[derive(Default)]
struct Workshop {
    jobs: VecDeque<Job>,
    open: bool,
}

static WORKSHOP: Mutex<Workshop> = Mutex::new(Workshop {
    jobs: VecDeque::new(),
    open: false,
});

fn workshop() -> std::sync::MutexGuard<'static, Workshop> {
    WORKSHOP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn order(cache: &OpenFileCache, entry: &Entry, coding: Coding) {
    let slot = entry.content().variants.slot(coding);
    let asked = slot.asked.load(Ordering::Relaxed);
    if asked >= ATTEMPTS
        || slot
            .asked
            .compare_exchange(
                asked,
                (asked + 1) | PENDING,
                Ordering::Relaxed,
                Ordering::Relaxed,
            )
            .is_err()
    {
        return;
    }
    let job = Job {
        content: Arc::clone(entry.content()),
        file: entry.file().cloned(),
        budget: Arc::clone(cache.budget()),
        coding,
    };
    let mut shop = workshop();
    if shop.jobs.len() >= QUEUE {
        slot.asked.store(asked, Ordering::Relaxed);
        return;
    }
    shop.jobs.push_back(job);
    if !shop.open {
        let thread = std::thread::Builder::new().name("compress".to_owned());
        shop.open = thread.spawn(work).is_ok();
    }
}

/// Makes what is ordered, then closes.
fn work() {
    // On Linux this concerns the calling thread alone. Refused, it only means sharing the processor fairly.
    let _ = rustix::process::setpriority_process(None, 10);
    loop {
        let job = {
            let mut shop = workshop();
            let job = shop.jobs.pop_front();
            shop.open = job.is_some();
            job
        };
        let Some(job) = job else {
            return;
        };
        // A codec that panics costs this form, not the thread.
        let made = catch_unwind(AssertUnwindSafe(|| job.make()));
        let slot = job.content.variants.slot(job.coding);
        match made {
            Ok(Ok(variant)) => drop(slot.ready.set(variant)),
            // Without the mark it may be ordered again, a few times; then the file is compressed as it is sent.
            _ => drop(slot.asked.fetch_and(!PENDING, Ordering::Relaxed)),
        }
    }
}

impl Job {
    fn make(&self) -> io::Result<Variant> {
        let data = match &self.content.body {
            Some(body) => encode::best(self.coding, body)?,
            None => encode::best(self.coding, &self.read()?)?,
        };
        let Some(charge) = self.budget.charge(data.len() + OVERHEAD) else {
            self.budget.press();
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        let Validator { size, modified, .. } = self.content.validator;
        let etag = entity_tag(modified.seconds, size);
        Ok(Variant {
            content_length: HeaderValue::from(data.len()),
            body: charged(data, charge),
            etag: weak_etag(&etag).unwrap_or(etag),
        })
    }

    /// The file, if it is still the one that was asked for.
    fn read(&self) -> io::Result<Vec<u8>> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let size = usize::try_from(self.content.validator.size).map_err(io::Error::other)?;
        let mut data = vec![0; size];
        file.read_exact_at(&mut data, 0)?;
        if Validator::from_stat(&fstat(file)?) != self.content.validator {
            return Err(io::ErrorKind::StaleNetworkFileHandle.into());
        }
        Ok(data)
    }
}
