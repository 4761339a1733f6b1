//! A body that is taken in first and read, maybe twice, later.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};

use crate::named_file::{self, Name, Naming};
use crate::temp_file::{self, PendingRead};
use crate::{Error, Limits};

/// Bytes gathered before they are written to the file in one go.
const BATCH: usize = 64 * 1024;

/// Takes a body in.
#[derive(Debug)]
pub struct Spool {
    limits: Limits,
    memory: Pieces,
    in_memory: usize,
    batch: Pieces,
    in_batch: usize,
    file: Option<Arc<File>>,
    written: u64,
    naming: Option<Naming>,
    name: Option<Arc<Name>>,
}

/// A piece below this size is copied behind the one before it: it is a part of the buffer that was
/// read into, and keeps all of that. A client that sends byte by byte would otherwise hold a buffer
/// for each.
const SMALL: usize = 8 << 10;

/// A body in memory up to this size is made one piece; copying more than that costs more than pieces do.
const JOINED: usize = 64 << 10;

/// Bytes in the order they came.
#[derive(Debug, Default)]
struct Pieces {
    whole: Vec<Bytes>,
    /// What came last, in small pieces.
    tail: BytesMut,
}

impl Pieces {
    fn push(&mut self, bytes: Bytes) {
        if bytes.len() < SMALL {
            self.tail.extend_from_slice(&bytes);
            return;
        }
        self.end_tail();
        self.whole.push(bytes);
    }

    fn end_tail(&mut self) {
        if !self.tail.is_empty() {
            self.whole.push(self.tail.split().freeze());
        }
    }

    fn take(&mut self) -> Vec<Bytes> {
        self.end_tail();
        std::mem::take(&mut self.whole)
    }
}

impl Spool {
    /// An empty body. Nothing is allocated and no file made until there are bytes.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory: Pieces::default(),
            in_memory: 0,
            batch: Pieces::default(),
            in_batch: 0,
            file: None,
            written: 0,
            naming: None,
            name: None,
        }
    }

    /// An empty body that goes into a file of its own from the first byte on, and has the file even
    /// if no byte comes.
    #[must_use]
    pub fn in_named_file(limits: Limits, naming: Naming) -> Self {
        let limits = Limits {
            memory: 0,
            ..limits
        };
        Self {
            naming: Some(naming),
            ..Self::new(limits)
        }
    }

    /// Bytes taken in so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.in_memory + self.in_batch) as u64 + self.written
    }

    /// Whether nothing was taken in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes `bytes` in. The first [`Limits::memory`] bytes stay in memory, the rest goes to
    /// the file in batches.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond both limits, [`Error::File`] when the file system fails.
    /// The body is of no use afterwards.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), Error> {
        let in_file = self.written + self.in_batch as u64;
        let fits = self.in_memory + bytes.len() <= self.limits.memory;
        if in_file == 0 && fits && self.naming.is_none() {
            self.in_memory += bytes.len();
            self.memory.push(bytes);
            return Ok(());
        }
        if in_file + bytes.len() as u64 > self.limits.file {
            return Err(Error::TooLarge);
        }
        self.in_batch += bytes.len();
        self.batch.push(bytes);
        if self.in_batch >= BATCH {
            self.flush().await
        } else {
            Ok(())
        }
    }

    /// The body is whole.
    ///
    /// # Errors
    /// [`Error::File`] when its last bytes could not be written.
    pub async fn finish(mut self) -> Result<Spooled, Error> {
        if self.in_batch > 0 || (self.naming.is_some() && self.file.is_none()) {
            self.flush().await?;
        }
        let pieces = self.memory.take();
        let (memory, more) = match &*pieces {
            [first, more @ ..] if self.in_memory > JOINED => (first.clone(), Some(more.into())),
            [only] => (only.clone(), None),
            pieces => (join(pieces), None),
        };
        Ok(Spooled {
            memory,
            more,
            file: self.file,
            in_file: self.written,
            name: self.name,
        })
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let directory = Arc::clone(&self.limits.directory);
        if let (Some(naming), None) = (self.naming, &self.file) {
            self.make_named(naming).await?;
        }
        let (batch, file, offset) = (self.batch.take(), self.file.take(), self.written);
        let written = tokio::task::spawn_blocking(move || write(file, &directory, &batch, offset));
        let written = written
            .await
            .unwrap_or_else(|lost| Err(io::Error::other(lost)));
        let (file, written) =
            written.map_err(|source| Error::file(&self.limits.directory, source))?;
        self.file = Some(file);
        self.written = written;
        self.in_batch = 0;
        Ok(())
    }

    async fn make_named(&mut self, naming: Naming) -> Result<(), Error> {
        let directory = Arc::clone(&self.limits.directory);
        let made = tokio::task::spawn_blocking(move || named_file::create(&directory, naming));
        let made = made
            .await
            .unwrap_or_else(|lost| Err(io::Error::other(lost)));
        let (file, name) = made.map_err(|source| Error::file(&self.limits.directory, source))?;
        self.file = Some(Arc::new(file));
        self.name = Some(Arc::new(name));
        Ok(())
    }
}

/// Appends `batch` to `file`, which is made if there is none yet. Blocks.
pub(crate) fn write(
    file: Option<Arc<File>>,
    directory: &Path,
    batch: &[Bytes],
    offset: u64,
) -> io::Result<(Arc<File>, u64)> {
    let file = match file {
        Some(file) => file,
        None => Arc::new(temp_file::create(directory)?),
    };
    let end = temp_file::write_all(&file, batch, offset)?;
    Ok((file, end))
}

fn join(pieces: &[Bytes]) -> Bytes {
    let mut joined = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces
        .iter()
        .for_each(|piece| joined.extend_from_slice(piece));
    joined.freeze()
}

/// A whole body. Clones share the bytes; each [`reader`](Self::reader) starts at the front.
#[derive(Debug, Clone, Default)]
pub struct Spooled {
    /// The first piece, often the only one.
    memory: Bytes,
    /// Pieces behind it.
    more: Option<Arc<[Bytes]>>,
    file: Option<Arc<File>>,
    in_file: u64,
    name: Option<Arc<Name>>,
}

impl Spooled {
    /// Length in bytes: what `CONTENT_LENGTH` has to say.
    #[must_use]
    pub fn len(&self) -> u64 {
        let more = self.more().iter().map(Bytes::len).sum::<usize>();
        (self.memory.len() + more) as u64 + self.in_file
    }

    fn more(&self) -> &[Bytes] {
        self.more.as_deref().unwrap_or_default()
    }

    /// Whether the body has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, if no file had to be used. A large one is put together for this.
    #[must_use]
    pub fn in_memory(&self) -> Option<Cow<'_, [u8]>> {
        if self.in_file > 0 || self.name.is_some() {
            return None;
        }
        Some(match self.more() {
            [] => Cow::Borrowed(&self.memory),
            more => {
                let mut all = self.memory.to_vec();
                more.iter().for_each(|piece| all.extend_from_slice(piece));
                Cow::Owned(all)
            }
        })
    }

    /// Where the body lies, if it was given a file with a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.name.as_deref().map(Name::path)
    }

    /// Reads the body from the front.
    #[must_use]
    pub fn reader(&self) -> SpooledReader {
        SpooledReader {
            body: self.clone(),
            given: 0,
            offset: 0,
            pending: PendingRead::default(),
        }
    }
}

impl From<Bytes> for Spooled {
    fn from(memory: Bytes) -> Self {
        Self {
            memory,
            more: None,
            file: None,
            in_file: 0,
            name: None,
        }
    }
}

/// A position in a [`Spooled`] body.
#[derive(Debug)]
pub struct SpooledReader {
    body: Spooled,
    /// How many of the pieces behind the first have been given out.
    given: usize,
    offset: u64,
    pending: PendingRead,
}

impl SpooledReader {
    /// The next piece, none at the end.
    ///
    /// # Errors
    /// What the kernel says when the file cannot be read.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if !self.body.memory.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.body.memory))));
        }
        if let Some(piece) = self.body.more().get(self.given) {
            self.given += 1;
            return Poll::Ready(Some(Ok(piece.clone())));
        }
        match &self.body.file {
            Some(file) if self.offset < self.body.in_file => {
                let read = self
                    .pending
                    .poll_read(cx, file, self.offset, self.body.in_file);
                read.map(|read| {
                    let read = read?;
                    self.offset += read.len() as u64;
                    Ok(read)
                })
                .map(Some)
            }
            _ => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn limits(memory: usize, file: u64, directory: &Path) -> Limits {
        Limits {
            memory,
            file,
            directory: Arc::new(directory.to_path_buf()),
        }
    }

    async fn read(body: &Spooled) -> Vec<u8> {
        let (mut reader, mut all) = (body.reader(), Vec::new());
        while let Some(piece) = poll_fn(|cx| reader.poll_next(cx)).await {
            all.extend_from_slice(&piece.unwrap());
        }
        all
    }

    #[tokio::test]
    async fn small_bodies_stay_in_memory() {
        let mut spool = Spool::new(limits(10, 0, Path::new("/nonexistent")));
        spool.push("hello".into()).await.unwrap();
        spool.push("".into()).await.unwrap();
        spool.push("world".into()).await.unwrap();
        let body = spool.finish().await.unwrap();
        assert_eq!(&*body.in_memory().unwrap(), b"helloworld");
        assert_eq!(
            (body.len(), read(&body).await),
            (10, b"helloworld".to_vec())
        );
    }

    #[tokio::test]
    async fn large_bodies_are_read_twice_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(limits(100, 1 << 20, directory.path()));
        let expected: Vec<u8> = (0..300_000_u32)
            .map(|number| (number % 251) as u8)
            .collect();
        for piece in expected.chunks(7_777) {
            spool.push(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let body = spool.finish().await.unwrap();
        assert_eq!(body.len(), 300_000);
        assert!(body.in_memory().is_none());
        assert_eq!(read(&body).await, expected);
        assert_eq!(read(&body).await, expected);
    }

    #[tokio::test]
    async fn what_is_large_stays_in_pieces() {
        let expected: Vec<u8> = (0..200_000_u32)
            .map(|number| (number % 251) as u8)
            .collect();
        let mut spool = Spool::new(limits(1 << 20, 0, Path::new("/nonexistent")));
        for piece in expected.chunks(30_000) {
            spool.push(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let body = spool.finish().await.unwrap();
        assert_eq!((body.len(), body.more().len()), (200_000, 6));
        assert_eq!(*body.in_memory().unwrap(), *expected);
        assert_eq!(read(&body).await, expected);
        assert_eq!(read(&body).await, expected);
    }

    #[tokio::test]
    async fn a_byte_does_not_keep_the_buffer_it_came_in() {
        let buffer = Bytes::from(vec![b'x'; 64 << 10]);
        let mut spool = Spool::new(limits(1 << 20, 0, Path::new("/nonexistent")));
        spool.push(buffer.slice(7..8)).await.unwrap();
        assert!(buffer.is_unique());
        spool.push(buffer.slice(..SMALL)).await.unwrap();
        spool.push(buffer.slice(9..11)).await.unwrap();
        assert_eq!(spool.finish().await.unwrap().len(), 3 + SMALL as u64);
    }

    #[tokio::test]
    async fn a_named_file_holds_all_and_goes_with_the_body_if_it_is_to() {
        let directory = tempfile::tempdir().unwrap();
        for (clean, levels) in [(true, [0; 3]), (false, [1, 2, 0])] {
            let mut spool =
                Spool::in_named_file(limits(100, 100, directory.path()), Naming { levels, clean });
            spool.push("he".into()).await.unwrap();
            spool.push("llo".into()).await.unwrap();
            let body = spool.finish().await.unwrap();
            let path = body.path().unwrap().to_path_buf();
            assert_eq!(std::fs::read(&path).unwrap(), b"hello");
            assert_eq!((body.in_memory(), body.len()), (None, 5));
            assert_eq!(read(&body).await, b"hello");
            drop(body);
            assert_eq!(path.exists(), !clean);
        }
        let naming = Naming {
            levels: [0; 3],
            clean: false,
        };
        let empty = Spool::in_named_file(limits(0, 0, directory.path()), naming);
        let empty = empty.finish().await.unwrap();
        assert_eq!(std::fs::read(empty.path().unwrap()).unwrap(), b"");
    }

    #[tokio::test]
    async fn both_limits_hold() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(limits(4, 4, directory.path()));
        spool.push("abcd".into()).await.unwrap();
        spool.push("efgh".into()).await.unwrap();
        assert!(matches!(spool.push("i".into()).await, Err(Error::TooLarge)));
    }

    #[tokio::test]
    async fn the_directory_is_named_when_it_fails() {
        let mut spool = Spool::new(limits(0, 1 << 20, Path::new("/nonexistent")));
        spool.push("x".into()).await.unwrap();
        let error = spool.finish().await.unwrap_err().to_string();
        assert!(
            error.contains("/nonexistent") && error.contains("(2: No such file or directory)"),
            "{error}"
        );
    }
}
