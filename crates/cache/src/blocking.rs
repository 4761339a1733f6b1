//! Work on files, which must not hold up a thread that serves.

use std::io;

/// So much is gathered before it is written.
pub(crate) const GATHER: usize = 256 << 10;

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
