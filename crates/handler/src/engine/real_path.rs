//! Real paths of document roots, remembered as long as one look shows that they are still true.
//!
//! Resolving a path asks the kernel once per part of it. A deployment swaps a symbolic link, so that
//! the same path leads to another directory: one `stat` tells, and is all a request costs.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use portunus_static_files::{Moment, Validator};

/// A directory above may be renamed, which its inode does not tell: looked up anew after that long.
const TRUSTED: Duration = Duration::from_secs(1);

/// Roots remembered per thread; there are as many as the configuration names, rarely more.
const KEPT: usize = 16;

#[derive(Debug)]
struct Resolved {
    path: Box<[u8]>,
    real: Box<[u8]>,
    /// Which directory it is. Renamed or replaced, it is another.
    directory: Validator,
    since: Instant,
    /// [`Moment::now`] of the last look; 0 for none.
    looked: u64,
}

thread_local! {
    static RESOLVED: RefCell<Vec<Resolved>> = const { RefCell::new(Vec::new()) };
}

/// Appends what `path` really is, as far as is known at `now`. Requests that came together share one look, see
/// [`Moment`].
///
/// # Errors
/// What the kernel says, as `realpath(3)` does.
pub(super) fn append(
    path: &[u8],
    moment: Option<Moment>,
    now: Instant,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let file = Path::new(OsStr::from_bytes(path));
    RESOLVED.with_borrow_mut(|resolved| {
        let known = resolved.iter().position(|entry| *entry.path == *path);
        let mut entry = known.and_then(|at| resolved.get_mut(at));
        if let Some(entry) = &entry
            && moment.is_some_and(|moment| moment.is_served_by(entry.looked))
        {
            out.extend_from_slice(&entry.real);
            return Ok(());
        }
        let directory = Validator::of(file)?;
        let looked = moment.map_or(0, |moment| moment.now);
        if let Some(entry) = &mut entry
            && entry.directory == directory
            && now.saturating_duration_since(entry.since) < TRUSTED
        {
            entry.looked = looked;
            out.extend_from_slice(&entry.real);
            return Ok(());
        }
        let real = std::fs::canonicalize(file)?;
        let real = real.as_os_str().as_bytes();
        out.extend_from_slice(real);
        let entry = Resolved {
            path: path.into(),
            real: real.into(),
            directory,
            since: now,
            looked,
        };
        match known.and_then(|at| resolved.get_mut(at)) {
            Some(old) => *old = entry,
            None => {
                if resolved.len() >= KEPT {
                    resolved.clear();
                }
                resolved.push(entry);
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(path: &Path) -> Vec<u8> {
        let mut out = Vec::new();
        append(path.as_os_str().as_bytes(), None, Instant::now(), &mut out).unwrap();
        out
    }

    #[test]
    fn a_swapped_link_is_seen_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for release in ["one", "two"] {
            std::fs::create_dir_all(root.join(release).join("public")).unwrap();
        }
        let current = root.join("current");
        for release in ["one", "two", "one"] {
            let next = root.join("next");
            std::os::unix::fs::symlink(root.join(release), &next).unwrap();
            std::fs::rename(&next, &current).unwrap();
            for _ in 0..2 {
                let expected = root.join(release).join("public");
                assert_eq!(
                    real(&current.join("public")),
                    expected.as_os_str().as_bytes()
                );
            }
        }
        std::fs::remove_file(&current).unwrap();
        assert!(
            append(
                current.as_os_str().as_bytes(),
                None,
                Instant::now(),
                &mut Vec::new()
            )
            .is_err()
        );
    }
}
