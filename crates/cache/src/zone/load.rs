//! Finding the files that an earlier process has left.
//!
//! Nothing is read but names and sizes; a file that is asked for is looked at then. Files whose names
//! are not those of entries are left alone.
//!
//! Differs: nginx removes files that it does not know.
//!
//! Source: nginx, `ngx_http_file_cache_loader`.

use std::fs::{self, DirEntry, ReadDir};
use std::path::Path;
use std::time::Duration;

use super::Shared;
use crate::key::{Key, Layout};
use crate::record::Filed;

/// So many files are looked at before others get their turn.
const STEP: usize = 100;
/// A file under a temporary name that nobody has written to for so long belongs to nobody.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// A walk through the directory.
pub(super) struct Loader {
    open: Vec<ReadDir>,
    depth: usize,
}

impl Loader {
    pub(super) fn new(layout: &Layout) -> Self {
        Self {
            open: fs::read_dir(&layout.root).into_iter().collect(),
            depth: layout.levels.len(),
        }
    }

    /// Looks at some more files; true when there are no more.
    pub(super) fn step(&mut self, shared: &Shared, now: i64) -> bool {
        for _ in 0..STEP {
            let Some(directory) = self.open.last_mut() else {
                return true;
            };
            match directory.next() {
                None => {
                    self.open.pop();
                }
                Some(Ok(entry)) => self.look_at(shared, &entry, now),
                Some(Err(_)) => {}
            }
        }
        self.open.is_empty()
    }

    fn look_at(&mut self, shared: &Shared, entry: &DirEntry, now: i64) {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { return };
        if kind.is_dir() {
            if self.open.len() <= self.depth {
                self.open.extend(fs::read_dir(path));
            }
            return;
        }
        if !kind.is_file() {
            return;
        }
        match shared.layout.key_of(&path) {
            Some(key) => shared.add(key, &path, now),
            None if is_temporary(&path) => remove_old(&path),
            None => {}
        }
    }
}

/// Whether a file has such a name as entries have while they are being written.
fn is_temporary(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let name = path.file_name().unwrap_or_default().as_bytes();
    let Some((key, number)) = name.split_at_checked(32) else {
        return false;
    };
    Key::from_file_name(key).is_some()
        && number.len() == 11
        && number[0] == b'.'
        && number[1..].iter().all(u8::is_ascii_digit)
}

fn remove_old(path: &Path) {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|modified| modified.elapsed().ok());
    if age.is_some_and(|age| age > LEFT_BEHIND) {
        let _ = fs::remove_file(path);
    }
}

impl Shared {
    fn add(&self, key: Key, path: &Path, now: i64) {
        let Ok(stat) = rustix::fs::stat(path) else {
            return;
        };
        let expire = self.expire(now);
        let gone = {
            let mut index = self.index();
            if index.find(&key).is_some() {
                return;
            }
            let (number, gone) = index.insert(key);
            if let Some(number) = number {
                index.get(number).uses = 0;
                index.touch(number, expire);
                index.put_unread(number, Filed::of(&stat, 0).occupied);
            }
            gone
        };
        if let Some(node) = gone {
            self.discard(&node);
        }
    }

    /// The file of an entry that had to go.
    fn discard(&self, node: &crate::index::Node) {
        if node.exists {
            super::files::remove(&self.layout.file(&node.key), &node.key);
        }
    }
}
