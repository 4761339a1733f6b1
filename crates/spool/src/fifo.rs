//! A queue of bytes between a fast writer and a slow reader.
//!
//! ```text
//!   Writer ──▶ tail (a batch in memory) ──▶ file ──▶ front (memory) ──▶ Reader
//!                │                                      ▲
//!                └───────── while the file is empty ────┘
//! ```
//!
//! Bytes leave in the order they came. As long as the reader keeps up, the file is
//! never made; once it is drained it is used again from its start.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::body::write;
use crate::pace::Pace;
use crate::temp_file::PendingRead;
use crate::{Error, Limits};

/// Bytes gathered before they are written to the file in one go.
const BATCH: usize = 64 * 1024;

/// Makes the two ends. `E` is what the writer may end the stream with; the reader gives it
/// out, and failures of the file as well.
#[must_use]
pub fn fifo<E>(limits: Limits) -> (Writer<E>, Reader<E>) {
    let queue = Arc::new(Mutex::new(Queue {
        front: VecDeque::new(),
        in_front: 0,
        file: None,
        read: 0,
        written: 0,
        writing: false,
        tail: Vec::new(),
        in_tail: 0,
        end: None,
        writer_gone: false,
        reader_gone: false,
        reader: None,
        room: None,
        gone: None,
    }));
    let reader = Reader {
        queue: Arc::clone(&queue),
        pending: PendingRead::default(),
    };
    let writer = Writer {
        queue,
        limits,
        pace: None,
    };
    (writer, reader)
}

#[derive(Debug)]
struct Queue<E> {
    front: VecDeque<Bytes>,
    in_front: usize,
    file: Option<Arc<File>>,
    /// Up to here the file was read,
    read: u64,
    /// and up to here it was written.
    written: u64,
    /// A batch is between tail and file.
    writing: bool,
    tail: Vec<Bytes>,
    in_tail: usize,
    end: Option<Result<(), E>>,
    writer_gone: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    /// The writer, waiting for room,
    room: Option<Waker>,
    /// or only for the reader to go.
    gone: Option<Waker>,
}

impl<E> Queue<E> {
    fn in_file(&self) -> u64 {
        self.written - self.read
    }

    /// Nothing stands between the writer and the front.
    fn is_direct(&self) -> bool {
        self.in_file() == 0 && !self.writing && self.in_tail == 0
    }

    fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }

    fn made_room(&mut self) {
        if let Some(waker) = self.room.take() {
            waker.wake();
        }
    }
}

/// No critical section can panic half-way, so a poisoned queue is still whole.
fn lock<E>(queue: &Mutex<Queue<E>>) -> MutexGuard<'_, Queue<E>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the calling task woken from `seat`.
fn note(seat: &mut Option<Waker>, cx: &Context<'_>) {
    match seat {
        Some(waker) => waker.clone_from(cx.waker()),
        empty => *empty = Some(cx.waker().clone()),
    }
}

/// Nobody will read what is written from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reader is gone")]
pub struct ReaderGone;

/// The end that bytes are put in. Dropped without [`finish`](Self::finish), the stream ends
/// with [`Error::Abandoned`]: a cut stream never looks whole.
#[derive(Debug)]
pub struct Writer<E> {
    queue: Arc<Mutex<Queue<E>>>,
    limits: Limits,
    pace: Option<Pace>,
}

impl<E> Writer<E> {
    /// Has [`push`](Self::push) take at most `rate` bytes a second from now on, those of the first second
    /// at once; 0 is no limit.
    #[must_use]
    pub fn at_rate(mut self, rate: u64) -> Self {
        self.pace = Pace::new(rate);
        self
    }

    /// Puts `bytes` behind everything put before, if there is room for them and no rate to keep; gives
    /// them back otherwise. Never waits.
    ///
    /// # Errors
    /// The bytes: go on with [`push`](Self::push).
    pub fn try_push(&mut self, bytes: Bytes) -> Result<(), Bytes> {
        match self.pace {
            Some(_) => Err(bytes),
            None => self.try_put(bytes),
        }
    }

    /// Puts `bytes` behind everything put before. Waits while a batch is written to the
    /// file, while memory and file are both full, and as a rate wants it.
    ///
    /// # Errors
    /// [`Error::File`] when the file system fails.
    pub async fn push(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while let Some(pace) = &mut self.pace
            && !bytes.is_empty()
        {
            match pace.take(&mut bytes) {
                Ok(piece) => self.put(piece).await?,
                // Who goes on after its reader has gone wants to be done with it.
                Err(later) => {
                    let gone = tokio::time::timeout_at(later, self.gone()).await;
                    if let Ok(ReaderGone) = gone {
                        self.pace = None;
                    }
                }
            }
        }
        self.put(bytes).await
    }

    fn try_put(&mut self, bytes: Bytes) -> Result<(), Bytes> {
        let mut queue = lock(&self.queue);
        let room = queue.in_front == 0 || queue.in_front + bytes.len() <= self.limits.memory;
        if !(queue.is_direct() && room) {
            return Err(bytes);
        }
        queue.in_front += bytes.len();
        queue.front.push_back(bytes);
        queue.wake_reader();
        Ok(())
    }

    async fn put(&mut self, bytes: Bytes) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let Err(bytes) = self.try_put(bytes) else {
            return Ok(());
        };
        if self.limits.file == 0 {
            return self.push_to_memory(bytes).await;
        }
        let batch = {
            let mut queue = lock(&self.queue);
            queue.in_tail += bytes.len();
            queue.tail.push(bytes);
            queue.wake_reader();
            queue.in_tail >= BATCH
        };
        if !batch {
            return Ok(());
        }
        // A reader that could go on has not had its turn, as long as the writer had something to put: what it takes now
        // does not go through the file. Of FPM's answer a megabyte is in the socket already.
        tokio::task::yield_now().await;
        self.flush().await
    }

    /// Ready once the reader is gone.
    pub fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<ReaderGone> {
        let mut queue = lock(&self.queue);
        if queue.reader_gone {
            return Poll::Ready(ReaderGone);
        }
        note(&mut queue.gone, cx);
        Poll::Pending
    }

    async fn gone(&mut self) -> ReaderGone {
        std::future::poll_fn(|cx| self.poll_gone(cx)).await
    }

    /// Ends the stream. What was put in before can still be read.
    pub fn finish(self, end: Result<(), E>) {
        lock(&self.queue).end = Some(end);
        // Dropping the writer wakes the reader.
    }

    async fn push_to_memory(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut bytes = Some(bytes);
        std::future::poll_fn(|cx| {
            {
                // Noted before looking, so that room made meanwhile is not missed.
                let mut queue = lock(&self.queue);
                note(&mut queue.room, cx);
                if queue.reader_gone {
                    return Poll::Ready(());
                }
            }
            match bytes.take().map_or(Ok(()), |bytes| self.try_put(bytes)) {
                Ok(()) => Poll::Ready(()),
                Err(back) => {
                    bytes = Some(back);
                    Poll::Pending
                }
            }
        })
        .await;
        Ok(())
    }

    /// Moves the tail into the file, once there is room for it.
    async fn flush(&mut self) -> Result<(), Error> {
        self.wait_for_room().await;
        let (batch, size, file, offset) = {
            let mut queue = lock(&self.queue);
            if queue.reader_gone || queue.in_tail < BATCH {
                return Ok(());
            }
            if queue.in_file() == 0 {
                (queue.read, queue.written) = (0, 0);
            }
            queue.writing = true;
            let size = std::mem::take(&mut queue.in_tail);
            (
                std::mem::take(&mut queue.tail),
                size,
                queue.file.clone(),
                queue.written,
            )
        };
        let directory = Arc::clone(&self.limits.directory);
        let written = tokio::task::spawn_blocking(move || write(file, &directory, &batch, offset));
        let written = written
            .await
            .unwrap_or_else(|lost| Err(io::Error::other(lost)));
        let mut queue = lock(&self.queue);
        queue.writing = false;
        let (file, end) = written.map_err(|source| Error::file(&self.limits.directory, source))?;
        debug_assert_eq!(end, offset + size as u64);
        queue.file = Some(file);
        queue.written = end;
        queue.wake_reader();
        Ok(())
    }

    /// Ready when the file has room for the tail, the reader took the tail, or it is gone.
    /// A tail larger than the whole file waits for the file to be empty, so the limit is
    /// exceeded by one batch at most.
    async fn wait_for_room(&mut self) {
        let limit = self.limits.file;
        std::future::poll_fn(|cx| {
            let mut queue = lock(&self.queue);
            let after = queue.in_file() + queue.in_tail as u64;
            let room = queue.in_tail < BATCH || after <= limit || queue.in_file() == 0;
            if room || queue.reader_gone {
                return Poll::Ready(());
            }
            note(&mut queue.room, cx);
            Poll::Pending
        })
        .await;
    }
}

impl<E> Drop for Writer<E> {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        queue.writer_gone = true;
        queue.wake_reader();
    }
}

/// The end that bytes come out of. Dropping it tells the writer.
#[derive(Debug)]
pub struct Reader<E> {
    queue: Arc<Mutex<Queue<E>>>,
    pending: PendingRead,
}

impl<E: From<Error>> Reader<E> {
    /// The next piece; none after the writer's clean end.
    ///
    /// # Errors
    /// What the writer ended with, after all bytes before it, or a failed file.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, E>>> {
        let mut queue = lock(&self.queue);
        if let Some(bytes) = queue.front.pop_front() {
            queue.in_front -= bytes.len();
            queue.made_room();
            return Poll::Ready(Some(Ok(bytes)));
        }
        if queue.in_file() > 0 {
            let Some(file) = queue.file.clone() else {
                return Poll::Pending;
            };
            let (offset, end) = (queue.read, queue.written);
            drop(queue);
            return self.poll_file(cx, &file, offset, end).map(Some);
        }
        if !queue.writing && queue.in_tail > 0 {
            // The writer has not flushed this batch; there is no need to any more.
            queue.in_front = std::mem::take(&mut queue.in_tail);
            queue.front = std::mem::take(&mut queue.tail).into();
            drop(queue);
            return self.poll_next(cx);
        }
        if queue.writer_gone {
            // Asked again, the stream has simply ended.
            let end = queue
                .end
                .replace(Ok(()))
                .unwrap_or_else(|| Err(Error::Abandoned.into()));
            return Poll::Ready(end.err().map(Err));
        }
        note(&mut queue.reader, cx);
        Poll::Pending
    }

    /// Bytes that can be read before the writer has to do anything.
    #[must_use]
    pub fn buffered(&self) -> u64 {
        let queue = lock(&self.queue);
        queue.in_file() + (queue.in_front + queue.in_tail) as u64
    }

    fn poll_file(
        &mut self,
        cx: &mut Context<'_>,
        file: &Arc<File>,
        offset: u64,
        end: u64,
    ) -> Poll<Result<Bytes, E>> {
        self.pending.poll_read(cx, file, offset, end).map(|read| {
            let bytes = read.map_err(|source| E::from(Error::Read(source)))?;
            let mut queue = lock(&self.queue);
            queue.read += bytes.len() as u64;
            queue.made_room();
            Ok(bytes)
        })
    }
}

impl<E> Drop for Reader<E> {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        queue.reader_gone = true;
        queue.made_room();
        if let Some(waker) = queue.gone.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::path::Path;

    fn limits(memory: usize, file: u64, directory: &Path) -> Limits {
        Limits {
            memory,
            file,
            directory: Arc::new(directory.to_path_buf()),
        }
    }

    async fn next<E: From<Error>>(reader: &mut Reader<E>) -> Option<Result<Bytes, E>> {
        poll_fn(|cx| reader.poll_next(cx)).await
    }

    #[tokio::test]
    async fn order_is_kept_however_ends_alternate() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, mut reader) = fifo::<Error>(limits(1_000, 300_000, directory.path()));
        let expected: Vec<u8> = (0..2_000_000_u32)
            .map(|number| (number / 7) as u8)
            .collect();
        let sent = expected.clone();
        let write = async move {
            for piece in sent.chunks(9_001) {
                writer.push(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            writer.finish(Ok(()));
        };
        let read = async {
            let (mut all, mut turn) = (Vec::new(), 0_u32);
            while let Some(piece) = next(&mut reader).await {
                all.extend_from_slice(&piece.unwrap());
                turn += 1;
                for _ in 0..turn % 50 {
                    tokio::task::yield_now().await;
                }
            }
            all
        };
        let ((), all) = tokio::join!(write, read);
        assert!(all == expected, "bytes were lost, changed or moved");
    }

    #[tokio::test]
    async fn a_reader_that_keeps_up_needs_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let (mut writer, mut reader) = fifo::<Error>(limits(1_000, 10_000_000, directory.path()));
        // A writer that never waits for anything, as FPM's answer that is in the socket already.
        tokio::spawn(async move {
            for _ in 0..100 {
                writer.push(Bytes::from_static(&[1; 30_000])).await.unwrap();
            }
            writer.finish(Ok(()));
        });
        let mut got = 0;
        while let Some(piece) = next(&mut reader).await {
            got += piece.unwrap().len();
        }
        assert_eq!(got, 3_000_000);
        assert!(lock(&reader.queue).file.is_none());
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_writer_wait() {
        let directory = tempfile::tempdir().unwrap();
        for file in [0, 100_000] {
            let (mut writer, mut reader) = fifo::<Error>(limits(1_000, file, directory.path()));
            let mut pushed = 0;
            let push_on = async {
                loop {
                    writer.push(Bytes::from_static(&[1; 10_000])).await.unwrap();
                    pushed += 10_000;
                    tokio::task::yield_now().await;
                }
            };
            // The writer can go on only while something makes room; it must stall.
            let settled = async {
                for _ in 0..10 {
                    tokio::task::spawn_blocking(|| ()).await.unwrap();
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                }
            };
            tokio::select! { () = push_on => {}, () = settled => {} }
            assert!(pushed <= file + 2 * BATCH as u64 + 20_000, "{pushed}");
            assert!(next(&mut reader).await.unwrap().is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_as_long_as_somebody_reads() {
        for reads in [true, false] {
            let (writer, mut reader) = fifo::<Error>(limits(1_000, 100_000, Path::new("/")));
            let mut writer = writer.at_rate(1_000);
            assert!(writer.try_push("a".into()).is_err());
            let began = tokio::time::Instant::now();
            let write = async move {
                writer.push(Bytes::from(vec![1; 11_000])).await.unwrap();
                writer.finish(Ok(()));
            };
            let read = async {
                let mut got = 0;
                while let Some(piece) = next(&mut reader).await {
                    got += piece.unwrap().len();
                    if !reads {
                        break;
                    }
                }
                drop(reader);
                got
            };
            let ((), got) = tokio::join!(write, read);
            let expected = if reads { (11_000, 10) } else { (1_000, 0) };
            assert_eq!((got, began.elapsed().as_secs()), expected);
        }
    }

    #[tokio::test]
    async fn the_end_comes_after_the_bytes() {
        let (mut writer, mut reader) = fifo::<Error>(limits(10, 0, Path::new("/")));
        writer.try_push("abc".into()).unwrap();
        writer.finish(Err(Error::TooLarge));
        assert_eq!(next(&mut reader).await.unwrap().unwrap(), "abc");
        assert!(next(&mut reader).await.unwrap().is_err());
        assert!(next(&mut reader).await.is_none());
    }

    #[tokio::test]
    async fn an_abandoned_stream_does_not_look_whole() {
        let (writer, mut reader) = fifo::<Error>(limits(10, 0, Path::new("/")));
        drop(writer);
        assert!(matches!(
            next(&mut reader).await,
            Some(Err(Error::Abandoned))
        ));
    }

    #[tokio::test]
    async fn a_dropped_reader_wakes_the_writer() {
        let (mut writer, reader) = fifo::<Error>(limits(10, 0, Path::new("/")));
        let (gone, ()) = tokio::join!(poll_fn(|cx| writer.poll_gone(cx)), async { drop(reader) });
        assert_eq!(gone, ReaderGone);
    }
}
