//! Index files that a directory had, remembered as long as one look at the directory shows that it has them still.
//!
//! `try_files $uri $uri/` has just looked at the directory. A name comes into it, leaves it or leads to another file only
//! with a change of the directory's times, so that a second look would tell nothing new. What the file holds is for those
//! to see who open it.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use portunus_static_files::Validator;

/// What is mounted over a file leaves no trace in its directory: looked at anew after that long.
const TRUSTED: Duration = Duration::from_secs(1);

/// The kernel's clock goes in steps. A directory that has changed so short a time ago may have changed once more since.
const UNSETTLED: Duration = Duration::from_secs(2);

/// Names remembered per thread; a site of PHP has one index file. One with more of them is looked at as ever.
const KEPT: usize = 16;

#[derive(Debug)]
struct Seen {
    path: Box<[u8]>,
    directory: Validator,
    since: Instant,
    /// It is a file itself. Where a symbolic link leads the directory does not tell.
    is_file: bool,
}

impl Seen {
    /// Whether nothing has happened that this would have to be looked at again for.
    fn stands(&self, directory: &Validator, now: Instant) -> bool {
        self.directory == *directory && now.saturating_duration_since(self.since) < TRUSTED
    }
}

thread_local! {
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// Whether the file `path` is known to be in `directory`, which has just been seen as it is here, at `now`.
pub(super) fn is_there(path: &[u8], directory: &Validator, now: Instant) -> bool {
    SEEN.with_borrow(|all| {
        let mut all = all.iter();
        all.any(|seen| *seen.path == *path && seen.is_file && seen.stands(directory, now))
    })
}

/// Takes note that `path` was found at `now`, after `directory` had been seen. `since_epoch` is the time of day.
pub(super) fn note(path: &[u8], directory: &Validator, now: Instant, since_epoch: Duration) {
    let changed =
        u64::try_from(directory.changed.seconds).map_or(Duration::ZERO, Duration::from_secs);
    if since_epoch.saturating_sub(changed) <= UNSETTLED {
        return;
    }
    SEEN.with_borrow_mut(|all| {
        let known = all.iter().position(|seen| *seen.path == *path);
        if known.is_some_and(|at| all.get(at).is_some_and(|seen| seen.stands(directory, now))) {
            return;
        }
        if known.is_none() && all.len() >= KEPT {
            all.retain(|seen| now.saturating_duration_since(seen.since) < TRUSTED);
            if all.len() >= KEPT {
                return;
            }
        }
        let found = std::fs::symlink_metadata(OsStr::from_bytes(path));
        let seen = Seen {
            path: path.into(),
            directory: *directory,
            since: now,
            is_file: found.is_ok_and(|found| found.is_file()),
        };
        match known.and_then(|at| all.get_mut(at)) {
            Some(old) => *old = seen,
            None => all.push(seen),
        }
    });
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// A directory with an index file, as it will be seen once it has settled.
    fn folder() -> (tempfile::TempDir, PathBuf, Validator) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index.php");
        std::fs::write(&file, "").unwrap();
        let seen = Validator::of(folder.path()).unwrap();
        (folder, file, seen)
    }

    fn later(directory: &Validator, seconds: u64) -> Duration {
        Duration::from_secs(directory.changed.seconds.unsigned_abs() + seconds)
    }

    fn bytes(path: &Path) -> &[u8] {
        path.as_os_str().as_bytes()
    }

    #[test]
    fn what_was_seen_stands_until_the_directory_changes_and_for_a_second() {
        let (folder, file, seen) = folder();
        let now = Instant::now();
        assert!(!is_there(bytes(&file), &seen, now), "nobody has looked");
        note(bytes(&file), &seen, now, later(&seen, 3));
        assert!(is_there(bytes(&file), &seen, now));
        assert!(!is_there(bytes(&file), &seen, now + TRUSTED));
        std::fs::rename(&file, folder.path().join("other")).unwrap();
        let mut changed = Validator::of(folder.path()).unwrap();
        // Within one tick of the kernel's clock it would be the same.
        changed.changed.nanoseconds ^= 1;
        assert!(!is_there(bytes(&file), &changed, now));
    }

    #[test]
    fn a_directory_that_has_just_changed_is_not_relied_on() {
        let (_folder, file, seen) = folder();
        let now = Instant::now();
        for seconds in [0, 2] {
            note(bytes(&file), &seen, now, later(&seen, seconds));
            assert!(!is_there(bytes(&file), &seen, now), "after {seconds} s");
        }
        note(bytes(&file), &seen, now, Duration::ZERO);
        assert!(!is_there(bytes(&file), &seen, now), "from the future");
    }

    #[test]
    fn a_link_is_looked_at_every_time() {
        let (folder, file, _) = folder();
        let link = folder.path().join("index.html");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let (seen, now) = (Validator::of(folder.path()).unwrap(), Instant::now());
        note(bytes(&link), &seen, now, later(&seen, 3));
        assert!(!is_there(bytes(&link), &seen, now));
    }

    #[test]
    fn there_is_room_for_some() {
        let (_folder, file, seen) = folder();
        let now = Instant::now();
        for number in 0..KEPT {
            let other = file.with_extension(number.to_string());
            note(bytes(&other), &seen, now, later(&seen, 3));
        }
        note(bytes(&file), &seen, now, later(&seen, 3));
        assert!(!is_there(bytes(&file), &seen, now), "there are enough");
        let now = now + TRUSTED;
        note(bytes(&file), &seen, now, later(&seen, 3));
        assert!(is_there(bytes(&file), &seen, now));
        assert_eq!(SEEN.with_borrow(Vec::len), 1);
    }
}
