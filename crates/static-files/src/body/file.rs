//! A file read as it is sent, chunk by chunk, never holding up the thread for a disk.
//!
//! The page cache is asked first, with `preadv2(RWF_NOWAIT)`; what it does not hold is read on a blocking thread. Some
//! file systems (overlayfs among them, on many kernels) cannot answer such a read at all. Then the read is done in
//! place and timed, and one that took as long as a disk takes sends the next ones to the blocking thread.
//!
//! After each chunk the file is looked at again. If it has shrunk, or other bytes stand where sent ones stood, the body
//! fails and the connection cuts the transfer: a mixture is never passed off as a file. A file that only grows, such as
//! a log, is sent up to the length it had; before anything was sent of it, the bytes at its end tell (`Entry::tail`).
//!
//! # sendfile
//!
//! A connection that can have the kernel copy a file to its socket asks for [`FileBody::next_segment`] first, and reads
//! only what is cold. CPU time of the sender, loopback, one core, from `benches/static_files.rs`:
//!
//! | size | from memory | read and write | open and `sendfile` |
//! |---|---|---|---|
//! | 16 KB | 2.5 µs | 11 µs | 5.9 µs |
//! | 64 KB | 5.9 µs | 20 µs | 10 µs |
//! | 100 KB | 10 µs | 32 µs | 16 µs |
//! | 256 KB | 24 µs | 48 µs | 28 µs |
//! | 1 MB | 149 µs | 211 µs | 161 µs |
//! | 10 MB | 1.17 ms | 2.25 ms | 0.96 ms |
//!
//! So memory wins while it lasts, hence [`Config::in_memory`](crate::Config::in_memory); then `sendfile` does, and
//! reading comes last (it is for TLS, HTTP/2 and files that are changing). That was one connection; with 64 of them what
//! is copied to sockets falls out of the processor's caches, and from 64 KiB on `sendfile` from a file that is open
//! already wins, see [`Entry::to_send`].
//!
//! Pages queued in the socket are the page cache's own: a file rewritten in place while it is sent may reach the client
//! mixed. Hence only files that were left alone for [`Config::settle`](crate::Config::settle) are sent so, and the file
//! is looked at again before each segment. nginx has the same limits, without those checks.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use rustix::fs::fstat;
use rustix::io::{Errno, ReadWriteFlags, pread, preadv2};
use tokio::task::JoinHandle;

use super::chunk::Home;
use super::part::FilePart;
use crate::cache::Entry;
use crate::conditional::ByteRange;
use crate::validator::{Timestamp, Validator};

/// Bytes of a segment, at most: after so many the file is looked at again.
const SEGMENT: u64 = 2 << 20;
/// Bytes of a page of memory, at least.
const PAGE: u64 = 4096;
/// The most memory that one slow reader holds.
const CHUNK: usize = 64 << 10;
/// No read from the page cache takes so long; a disk does.
const SLOW: Duration = Duration::from_micros(500);
/// So many reads go to the blocking thread after a slow one.
const SUSPICION: u8 = 16;
/// How much of what was sent is compared when the file's time stamp has moved.
pub(crate) const SAMPLE: usize = 64;

/// What a blocking thread brings back: the buffer, and how much of it is filled.
type Read = (Box<[u8]>, io::Result<usize>);

/// A part of a file, for `sendfile(2)`.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The file. Its own position is not used.
    pub file: Arc<File>,
    /// First byte to send.
    pub offset: u64,
    /// How many bytes.
    pub len: u64,
}

/// A range of an open file as a body.
#[derive(Debug)]
pub struct FileBody {
    file: Arc<File>,
    position: u64,
    end: u64,
    /// The file as it was when the head of the answer was made.
    state: Validator,
    /// The last bytes sent, or before that the last of the file: as many as `sampled`, from `sampled_at` on.
    sample: [u8; SAMPLE],
    sampled: usize,
    sampled_at: u64,
    home: Home,
    reading: Option<JoinHandle<Read>>,
    nowait: bool,
    suspicion: u8,
    settled: bool,
    /// Hand out no chunk before the last one has been dropped.
    one_chunk: bool,
    /// Up to here the file is known to be in the page cache.
    warm: u64,
    /// Where ranges count from.
    origin: u64,
    /// Nobody writes to the file any more: it needs no second look.
    finished: bool,
}

impl FileBody {
    /// `range` of the file behind `entry`; none if the entry holds no open file.
    #[must_use]
    pub fn new(entry: &Entry, range: ByteRange) -> Option<Self> {
        let file = Arc::clone(entry.file()?);
        let mut body = Self::over(file, range.start..range.end, *entry.validator());
        body.settled = entry.is_settled();
        body.remember_tail(entry.tail(), entry.size());
        Some(body)
    }

    /// `range` of a part of a file that is not written to any more.
    pub(super) fn of_part(part: &FilePart, range: ByteRange) -> Self {
        let never = Timestamp {
            seconds: 0,
            nanoseconds: 0,
        };
        let state = Validator {
            device: 0,
            inode: 0,
            size: part.len,
            modified: never,
            changed: never,
        };
        let start = part.start.saturating_add(range.start);
        let end = part.start.saturating_add(range.end.min(part.len));
        let mut body = Self::over(Arc::clone(&part.file), start..end, state);
        (body.settled, body.finished) = (true, true);
        body.origin = part.start;
        body
    }

    fn over(file: Arc<File>, bytes: Range<u64>, state: Validator) -> Self {
        Self {
            file,
            position: bytes.start,
            end: bytes.end,
            state,
            sample: [0; SAMPLE],
            sampled: 0,
            sampled_at: bytes.start,
            home: Home::default(),
            reading: None,
            nowait: true,
            suspicion: 0,
            settled: false,
            one_chunk: false,
            warm: bytes.start,
            origin: 0,
            finished: false,
        }
    }

    /// Makes the body wait until the chunk that it gave out has been written and dropped, so that a slow reader costs one
    /// chunk, however much the connection would take in. Not for consumers that collect: they would wait for ever.
    #[must_use]
    pub fn one_chunk_at_a_time(mut self) -> Self {
        self.one_chunk = true;
        self
    }

    /// What comes next, for a connection that has the kernel send it; the body goes on behind it. `None` if the next
    /// chunk is to be read, because it is cold, or the file was changed a moment ago, or this is the end.
    ///
    /// # Errors
    /// The file is not the one that the head of the answer describes any more, or cannot be read.
    pub fn next_segment(&mut self) -> io::Result<Option<Segment>> {
        if !self.settled || self.reading.is_some() || self.left() == 0 {
            return Ok(None);
        }
        let len = self.left().min(SEGMENT);
        let end = self.position + len;
        if self.warm < end {
            if !self.is_cached(end)? {
                return Ok(None);
            }
            self.warm = end;
        }
        self.verify()?;
        let segment = Segment {
            file: Arc::clone(&self.file),
            offset: self.position,
            len,
        };
        self.position = end;
        if self.left() > 0 {
            self.remember_sent()?;
        }
        Ok(Some(segment))
    }

    /// Whether `sendfile` may be expected not to wait for a disk up to `end`: a byte at either end and one between are
    /// asked for. A file that nobody has read lately has none of them.
    fn is_cached(&mut self, end: u64) -> io::Result<bool> {
        let mut byte = [0];
        let mut looked_at = None;
        for at in [self.position, self.position.midpoint(end), end - 1] {
            // A page is there as a whole: a short range needs one look.
            let page = at / PAGE;
            if looked_at.replace(page) == Some(page) {
                continue;
            }
            match self.read_now_at(&mut byte, at) {
                Ok(0) => return Err(cut("the file has shrunk while it was sent")),
                Ok(_) => {}
                Err(Errno::AGAIN) => return Ok(false),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(true)
    }

    /// Takes the sample that `verify` compares from what was just handed out as a segment.
    fn remember_sent(&mut self) -> io::Result<()> {
        let mut sample = [0; SAMPLE];
        let from = self.position.saturating_sub(SAMPLE as u64);
        let read = pread(&self.file, &mut sample, from)?;
        if from + (read as u64) < self.position {
            return Err(cut("the file has shrunk while it was sent"));
        }
        (self.sample, self.sampled, self.sampled_at) = (sample, read, from);
        Ok(())
    }

    /// Goes on with another range of the same file.
    pub(super) fn restart(&mut self, range: ByteRange) {
        self.position = self.origin.saturating_add(range.start);
        self.end = self.origin.saturating_add(range.end);
    }

    fn left(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    fn wanted(&self) -> usize {
        usize::try_from(self.left()).unwrap_or(CHUNK).min(CHUNK)
    }

    /// Reads the next chunk into the buffer; how much came.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Box<[u8]>, usize)>> {
        if self.reading.is_none() {
            let size = usize::try_from(self.state.size).unwrap_or(CHUNK).min(CHUNK);
            let mut buffer = ready!(self.home.poll_take(cx, size, self.one_chunk));
            match self.read_now(&mut buffer) {
                Ok(read) => return Poll::Ready(Ok((buffer, read))),
                Err(Errno::AGAIN) => self.reading = Some(self.read_later(buffer)),
                Err(errno) => return Poll::Ready(Err(errno.into())),
            }
        }
        let Some(reading) = self.reading.as_mut() else {
            return Poll::Pending;
        };
        let (buffer, read) = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other)?;
        self.reading = None;
        Poll::Ready(read.map(|read| (buffer, read)))
    }

    /// `EAGAIN` if the bytes would have to come from the disk, or might.
    fn read_now(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let wanted = self.wanted().min(buffer.len());
        let position = self.position;
        self.read_now_at(buffer.get_mut(..wanted).unwrap_or_default(), position)
    }

    fn read_now_at(&mut self, into: &mut [u8], position: u64) -> Result<usize, Errno> {
        if self.nowait {
            let flags = ReadWriteFlags::NOWAIT;
            match preadv2(&self.file, &mut [IoSliceMut::new(into)], position, flags) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.nowait = false,
                Err(Errno::INTR) => return Err(Errno::AGAIN),
                answer => return answer,
            }
        }
        if self.suspicion > 0 {
            self.suspicion -= 1;
            return Err(Errno::AGAIN);
        }
        let begun = Instant::now();
        let read = pread(&self.file, into, position);
        if begun.elapsed() > SLOW {
            self.suspicion = SUSPICION;
        }
        read
    }

    fn read_later(&self, mut buffer: Box<[u8]>) -> JoinHandle<Read> {
        let (file, position) = (Arc::clone(&self.file), self.position);
        let wanted = self.wanted().min(buffer.len());
        tokio::task::spawn_blocking(move || {
            let into = buffer.get_mut(..wanted).unwrap_or_default();
            let read = loop {
                match pread(&file, &mut *into, position) {
                    Err(Errno::INTR) => {}
                    answer => break answer.map_err(io::Error::from),
                }
            };
            (buffer, read)
        })
    }

    /// Fails if the bytes just read are not of the file that the answer's head describes.
    fn verify(&mut self) -> io::Result<()> {
        if self.finished {
            return Ok(());
        }
        let now = Validator::from_stat(&fstat(&self.file)?);
        if now.size < self.state.size {
            return Err(cut("the file has shrunk while it was sent"));
        }
        if now.modified == self.state.modified && now.size == self.state.size {
            return Ok(());
        }
        let mut again = [0; SAMPLE];
        let again = again.get_mut(..self.sampled).unwrap_or_default();
        let read = pread(&self.file, &mut *again, self.sampled_at)?;
        if self.sampled == 0
            || read < self.sampled
            || self.sample.get(..self.sampled) != Some(again)
        {
            return Err(cut("the file has been rewritten while it was sent"));
        }
        self.state = now;
        Ok(())
    }

    /// Takes the sample from the end of `sent`, which ends at `end` of the file.
    fn remember_tail(&mut self, sent: &[u8], end: u64) {
        let tail = sent
            .get(sent.len().saturating_sub(SAMPLE)..)
            .unwrap_or_default();
        if let Some(sample) = self.sample.get_mut(..tail.len()) {
            sample.copy_from_slice(tail);
            self.sampled = tail.len();
            self.sampled_at = end.saturating_sub(tail.len() as u64);
        }
    }
}

fn cut(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, why)
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if this.left() == 0 {
            return Poll::Ready(None);
        }
        let (buffer, read) = ready!(this.poll_read(cx))?;
        if read == 0 {
            return Poll::Ready(Some(Err(cut("the file has shrunk while it was sent"))));
        }
        this.verify()?;
        this.position += read as u64;
        this.remember_tail(buffer.get(..read).unwrap_or_default(), this.position);
        Poll::Ready(Some(Ok(Frame::data(this.home.send(buffer, read)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
