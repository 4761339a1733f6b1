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

impl Resolved {
    /// Whether that is still so, where `directory` has just been seen.
    fn is_true(&self, directory: &Validator, now: Instant) -> bool {
        self.directory == *directory && now.saturating_duration_since(self.since) < TRUSTED
    }
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
            && entry.is_true(&directory, now)
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

/// Takes note that a request has found `directory` at `path`, with or without a slash at its end: whoever may share that
/// look need not have another.
pub(super) fn note(path: &[u8], directory: &Validator, moment: Moment, now: Instant) {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    RESOLVED.with_borrow_mut(|resolved| {
        let mut entries = resolved.iter_mut();
        if let Some(entry) = entries.find(|entry| *entry.path == *path)
            && entry.is_true(directory, now)
        {
            entry.looked = moment.now;
        }
    });
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

    #[test]
    fn a_look_that_a_request_has_had_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let path = root.as_os_str().as_bytes().to_owned();
        assert_eq!(real(&root), path);
        let (seen, now) = (Validator::of(&root).unwrap(), Instant::now());
        std::fs::remove_dir(&root).unwrap();
        let look = |asked, now| Some(Moment { asked, now });
        let ask = |moment| append(&path, moment, now, &mut Vec::new()).is_ok();
        assert!(!ask(look(1, 1)), "nobody has looked");
        let slash = [&path[..], b"/"].concat();
        note(&slash, &seen, look(2, 2).unwrap(), now + TRUSTED);
        assert!(!ask(look(2, 2)), "not for ever");
        note(&slash, &seen, look(2, 2).unwrap(), now);
        assert!(ask(look(2, 3)), "whoever had come by then");
        assert!(!ask(look(3, 3)), "not whoever comes later");
    }
}
