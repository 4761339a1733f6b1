//! From a path to an entry: open, look, read what is small, and make sure that nothing moved meanwhile.

use std::ffi::CStr;
use std::fs::File;
use std::io::IoSliceMut;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Advice, Stat, fadvise, fstat};
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};
use rustix::time::{ClockId, clock_gettime};

use super::budget::{Budget, charged};
use super::content::{Content, Contents};
use super::entry::Entry;
use super::options::{Config, OpenOptions};
use super::walk::open_for_reading;
use crate::body::SAMPLE;
use crate::error::{Call, OpenError};
use crate::validator::{Shape, Validator};

/// A file that keeps changing under our eyes is read this often before it is sent as it comes.
const ATTEMPTS: usize = 4;

/// File systems that keep whole seconds are not asked to tell changes within a second or two apart.
const COARSE_SETTLE: Duration = Duration::from_millis(2_100);

/// Larger files drive nothing else out of memory: reading them anew for each request would cost more than `sendfile`.
const EASY: u64 = 64 << 10;

/// Files in memory that are larger are kept open beside that, for connections that can have the kernel send them.
const COPIED: u64 = 64 << 10;

/// nginx: `NGX_MIN_READ_AHEAD`.
const MIN_READ_AHEAD: i64 = 128 << 10;

/// What a path turned out to be.
pub(super) enum Loaded {
    File(Rc<Entry>),
    Directory,
}

/// Where loaded contents are kept and what they may cost.
pub(super) struct Loader<'a> {
    pub(super) config: &'a Config,
    pub(super) contents: &'a Arc<Contents>,
    pub(super) budget: &'a Arc<Budget>,
}

impl Loader<'_> {
    pub(super) fn load(
        &self,
        path: &CStr,
        options: &OpenOptions,
        mut make_room: impl FnMut(usize) -> bool,
    ) -> Result<Loaded, OpenError> {
        // Taken first, so that a file's age is never overrated.
        let now = now();
        let fd = open_for_reading(path, options)?;
        let stat = look_at(&fd)?;
        match Shape::of(&stat) {
            Shape::Directory => return Ok(Loaded::Directory),
            Shape::Other => return Err(OpenError::NotRegular),
            Shape::File => {}
        }
        if options.read_ahead && stat.st_size > MIN_READ_AHEAD {
            // Advice only: if the kernel will not have it, nothing is lost.
            let _ = fadvise(&fd, 0, None, Advice::Sequential);
        }
        let validator = Validator::from_stat(&stat);
        let settled = self.is_settled(&validator, now);
        if settled && let Some(content) = self.contents.find(&validator) {
            return Ok(Loaded::File(Rc::new(entry(content, fd, true))));
        }
        let spacious = validator.size <= EASY || self.budget.has_room(validator.size);
        if validator.size > self.config.in_memory || !spacious {
            return self.unread(fd, validator, settled);
        }
        self.read(fd, validator, now, &mut make_room)
    }

    fn unread(
        &self,
        fd: OwnedFd,
        validator: Validator,
        settled: bool,
    ) -> Result<Loaded, OpenError> {
        if !settled {
            return unsettled(fd, validator);
        }
        let content = self.contents.share(validator, None);
        Ok(Loaded::File(Rc::new(entry(content, fd, true))))
    }

    /// Reads a small file whole. A file that changes while it is read is read again.
    fn read(
        &self,
        fd: OwnedFd,
        mut validator: Validator,
        now: i128,
        make_room: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Loaded, OpenError> {
        for _ in 0..ATTEMPTS {
            let settled = self.is_settled(&validator, now);
            let Some(data) = read_whole(&fd, validator.size)? else {
                break;
            };
            // Within one tick of the kernel's clock a second write leaves no trace in the time stamps, so look twice.
            let stable =
                settled || read_whole(&fd, validator.size)?.is_some_and(|again| again == data);
            let after = Validator::from_stat(&look_at(&fd)?);
            if !stable || after != validator || data.len() as u64 != validator.size {
                validator = after;
                continue;
            }
            let (content, kept) = self.keep(validator, data, settled, make_room);
            let entry = if kept {
                entry(content, fd, true)
            } else {
                Entry::new(content, None, false)
            };
            return Ok(Loaded::File(Rc::new(entry)));
        }
        unsettled(fd, validator)
    }

    /// Shares what may be kept and for which there is room; true if so. The rest serves this one answer.
    fn keep(
        &self,
        validator: Validator,
        data: Vec<u8>,
        settled: bool,
        make_room: &mut dyn FnMut(usize) -> bool,
    ) -> (Arc<Content>, bool) {
        let size = data.len();
        let charge = loop {
            match self.budget.charge(size) {
                Some(charge) if settled => break charge,
                None if settled && make_room(size) => {}
                none => {
                    if none.is_none() {
                        self.budget.press();
                    }
                    return (Contents::private(validator, Some(data.into())), false);
                }
            }
        };
        (
            self.contents.share(validator, Some(charged(data, charge))),
            true,
        )
    }

    /// Whether the last change is old enough for the time stamps to betray the next one.
    fn is_settled(&self, validator: &Validator, now: i128) -> bool {
        if self.config.settle.is_zero() {
            return true;
        }
        let settle = match validator.changed.nanoseconds {
            0 => self.config.settle.max(COARSE_SETTLE),
            _ => self.config.settle,
        };
        now - validator.changed.nanos() >= i128::try_from(settle.as_nanos()).unwrap_or(i128::MAX)
    }
}

/// A file that is sent as it is read while others may write to it, with the last bytes of it.
fn unsettled(fd: OwnedFd, mut validator: Validator) -> Result<Loaded, OpenError> {
    let mut tail = Box::default();
    for _ in 0..ATTEMPTS {
        let read = read_tail(&fd, validator.size);
        let after = Validator::from_stat(&look_at(&fd)?);
        if after == validator {
            tail = read;
            break;
        }
        validator = after;
    }
    let mut entry = entry(Contents::private(validator, None), fd, false);
    entry.tail = tail;
    Ok(Loaded::File(Rc::new(entry)))
}

fn entry(content: Arc<Content>, fd: OwnedFd, settled: bool) -> Entry {
    let wanted = content.body.is_none() || content.validator.size > COPIED;
    let file = wanted.then(|| Arc::new(File::from(fd)));
    Entry::new(content, file, settled)
}

pub(super) fn look_at(fd: &OwnedFd) -> Result<Stat, OpenError> {
    fstat(fd).map_err(|errno| OpenError::new(Call::FStat, errno))
}

/// The clock that the kernel stamps files by, in nanoseconds.
fn now() -> i128 {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

/// Reads `size` bytes, or fewer if the file has become shorter. `None` if they would have to come from the disk:
/// then [`FileBody`](crate::FileBody) reads them, off this thread.
fn read_whole(fd: &OwnedFd, size: u64) -> Result<Option<Vec<u8>>, OpenError> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut data = vec![0; size];
    let mut filled = 0;
    while let Some(free) = data.get_mut(filled..).filter(|free| !free.is_empty()) {
        match read_cached(fd, free, filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(None),
            Err(errno) => return Err(OpenError::new(Call::Read, errno)),
        }
    }
    data.truncate(filled);
    Ok(Some(data))
}

/// The last bytes; none if the page cache has not got them.
fn read_tail(fd: &OwnedFd, size: u64) -> Box<[u8]> {
    let mut tail = [0; SAMPLE];
    let from = size.saturating_sub(SAMPLE as u64);
    match read_cached(fd, &mut tail, from) {
        Ok(read) if from + read as u64 == size => tail.get(..read).unwrap_or_default().into(),
        _ => Box::default(),
    }
}

/// Reads what the page cache has. Where the file system cannot say whether it has it, reads all the same.
fn read_cached(fd: &OwnedFd, into: &mut [u8], offset: u64) -> Result<usize, Errno> {
    let nowait = ReadWriteFlags::NOWAIT;
    match preadv2(fd, &mut [IoSliceMut::new(into)], offset, nowait) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => pread(fd, into, offset),
        answer => answer,
    }
}
