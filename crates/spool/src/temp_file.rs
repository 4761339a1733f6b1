//! A file without a name, written and read by position.

use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt, OpenOptionsExt};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, ReadWriteFlags};
use tokio::task::JoinHandle;

/// Bytes taken from a file at a time.
const READ: usize = 64 * 1024;

/// Whether temporary files can be made in a directory; it is made if it is missing. Blocks.
///
/// Source: nginx, `ngx_create_paths`: nobody else looks into it. What is missing above it is made, too, and stays
/// passable: the directory alone is given to the `user`.
///
/// # Errors
/// What keeps them from being made.
pub fn prepare(directory: &Path) -> io::Result<()> {
    let make = || std::fs::DirBuilder::new().mode(0o700).create(directory);
    let made = match (make(), directory.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(parent).and_then(|()| make())
        }
        (made, _) => made,
    };
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => create(directory).map(drop),
    }
}

/// Makes a file in `directory` that vanishes with its last handle. Blocks.
pub(crate) fn create(directory: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR) {
        Ok(fd) => Ok(File::from(fd)),
        // overlayfs on old kernels, and some network file systems.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => create_unlinked(directory),
        Err(error) => Err(error.into()),
    }
}

fn create_unlinked(directory: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".portunus-{}-{number}", std::process::id()));
        let mut options = File::options();
        match options
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes `pieces` one after the other from `offset` on. Blocks.
pub(crate) fn write_all(file: &File, pieces: &[Bytes], mut offset: u64) -> io::Result<u64> {
    for piece in pieces {
        file.write_all_at(piece, offset)?;
        offset += piece.len() as u64;
    }
    Ok(offset)
}

/// A read that may have to wait for a blocking thread.
#[derive(Debug, Default)]
pub(crate) struct PendingRead {
    task: Option<JoinHandle<io::Result<Bytes>>>,
}

impl PendingRead {
    /// The next bytes of `file` from `offset`, at most up to `end`, which must be beyond it.
    /// Call again with the same arguments until ready.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        file: &Arc<File>,
        offset: u64,
        end: u64,
    ) -> Poll<io::Result<Bytes>> {
        if self.task.is_none() {
            let length = usize::try_from(end - offset).unwrap_or(READ).min(READ);
            if let Some(bytes) = read_cached(file, offset, length) {
                return Poll::Ready(Ok(bytes));
            }
            let file = Arc::clone(file);
            let read = move || read_blocking(&file, offset, length);
            self.task = Some(tokio::task::spawn_blocking(read));
        }
        let Some(task) = &mut self.task else {
            return Poll::Pending;
        };
        let joined = ready!(Pin::new(task).poll(cx));
        self.task = None;
        Poll::Ready(joined.unwrap_or_else(|lost| Err(io::Error::other(lost))))
    }
}

/// Bytes that the page cache can give at once; none if it cannot or the file system does not
/// know `RWF_NOWAIT`.
fn read_cached(file: &File, offset: u64, length: usize) -> Option<Bytes> {
    let mut buffer = BytesMut::zeroed(length);
    let mut slices = [io::IoSliceMut::new(&mut buffer)];
    match rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT) {
        Ok(read) if read > 0 => {
            buffer.truncate(read);
            Some(buffer.freeze())
        }
        _ => None,
    }
}

fn read_blocking(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut buffer = BytesMut::zeroed(length);
    match file.read_at(&mut buffer, offset)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            buffer.truncate(read);
            Ok(buffer.freeze())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_making_a_file_leave_no_name() {
        let directory = tempfile::tempdir().unwrap();
        for make in [create, create_unlinked] {
            let file = make(directory.path()).unwrap();
            assert_eq!(write_all(&file, &["ab".into(), "cd".into()], 0).unwrap(), 4);
            assert_eq!(read_blocking(&file, 1, 9).unwrap(), "bcd");
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_directory_that_is_made_is_nobody_elses() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let (above, directory) = (root.path().join("a"), root.path().join("a/b"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        prepare(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
        // Whoever the directory is given to has to get there.
        assert_ne!(mode(&above) & 0o011, 0);
        let known = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&directory, known).unwrap();
        prepare(&directory).unwrap();
        assert_eq!(mode(&directory), 0o755);
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        assert!(create(Path::new("/nonexistent/directory")).is_err());
    }
}
