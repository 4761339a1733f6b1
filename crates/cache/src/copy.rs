//! An answer's body as a plain file (`fastcgi_store`, `proxy_store`): no head, no key, nothing is remembered.
//!
//! Source: nginx, `ngx_http_upstream_store`, `ngx_ext_rename_file`.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::blocking::{GATHER, blocking};
use crate::temp_file::TempFile;

/// Where a body is kept, and how.
#[derive(Debug, Clone)]
pub struct Place {
    /// The file; what it held before is replaced.
    pub path: PathBuf,
    /// Its access rights; directories that have to be made may be searched by whoever may read them.
    pub access: u32,
    /// `Last-Modified`, in seconds since 1970.
    pub modified: Option<u64>,
}

/// A body on its way into a file. Dropped before its end, nothing is kept.
#[derive(Debug)]
pub struct Copy {
    place: Place,
    gathered: Vec<Bytes>,
    bytes: usize,
    file: Option<TempFile>,
}

impl Copy {
    /// Begins; nothing is made yet.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self {
            place,
            gathered: Vec::new(),
            bytes: 0,
            file: None,
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// The disk's; nothing is kept then.
    pub async fn push(&mut self, data: Bytes) -> io::Result<()> {
        self.bytes += data.len();
        self.gathered.push(data);
        if self.bytes >= GATHER {
            let (file, pieces, place) = self.take();
            let write = move || write(file, &pieces, &place);
            self.file = Some(blocking(write).await?);
        }
        Ok(())
    }

    /// All has come: the file is in its place from now on.
    ///
    /// # Errors
    /// The disk's; nothing is kept then.
    pub async fn finish(mut self) -> io::Result<()> {
        let (file, pieces, place) = self.take();
        blocking(move || {
            let mut file = write(file, &pieces, &place)?;
            settle(&mut file, &place)
        })
        .await
    }

    fn take(&mut self) -> (Option<TempFile>, Vec<Bytes>, Place) {
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.gathered);
        (self.file.take(), pieces, self.place.clone())
    }
}

fn write(file: Option<TempFile>, pieces: &[Bytes], place: &Place) -> io::Result<TempFile> {
    let mut file = match file {
        Some(file) => file,
        None => {
            let search = (place.access & 0o444) >> 2;
            TempFile::beside(&place.path, place.access | search)?
        }
    };
    for piece in pieces {
        file.write_all(piece)?;
    }
    Ok(file)
}

/// Gives the file its rights, its time and its name.
fn settle(file: &mut TempFile, place: &Place) -> io::Result<()> {
    let mode = rustix::fs::Mode::from_raw_mode(place.access);
    rustix::fs::fchmod(file.file(), mode)?;
    if let Some(seconds) = place.modified {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        file.file().set_modified(time)?;
    }
    file.persist(&place.path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[tokio::test]
    async fn a_file_is_in_its_place_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place {
            path: directory.path().join("a/b/c.html"),
            access: 0o644,
            modified: Some(1_000_000_000),
        };
        for (size, ends) in [(0, true), (3 * GATHER / 2, true), (3 * GATHER / 2, false)] {
            let _ = std::fs::remove_file(&place.path);
            let body = vec![7; size];
            let mut copy = Copy::new(place.clone());
            for piece in body.chunks(10_000) {
                copy.push(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            if !ends {
                drop(copy);
                let left = std::fs::read_dir(place.path.parent().unwrap()).unwrap();
                assert_eq!(left.count(), 0);
                continue;
            }
            copy.finish().await.unwrap();
            assert!(std::fs::read(&place.path).unwrap() == body);
            let about = std::fs::metadata(&place.path).unwrap();
            assert_eq!(
                (about.permissions().mode() & 0o777, about.mtime()),
                (0o644, 1_000_000_000)
            );
        }
    }
}
