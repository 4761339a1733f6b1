//! What may be run (`fastcgi_script_check`): a regular file whose name ends in `.php`, nothing else
//! that happens to lie below the document root.
//!
//! Differs: nginx hands everything on. With `cgi.fix_pathinfo`, PHP takes the longest part of the path
//! that is a file for the script: `/avatars/me.jpg/x.php` would run the picture. What is not here at
//! all is left to FPM, which says so itself; it may see other files than we do.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

/// Scripts remembered per thread. Most sites have one.
const KEPT: usize = 16;

/// A script that was here may be run for so long without another look. What can have become of it in that
/// time FPM refuses by itself: the path to it leads through directories, so PHP finds nothing else to run.
const TRUSTED: Duration = Duration::from_secs(1);

/// A script that may be run and is here, and when that was seen.
struct Looked {
    script: Box<[u8]>,
    at: Instant,
}

thread_local! {
    static LOOKED: RefCell<Vec<Looked>> = const { RefCell::new(Vec::new()) };
}

/// Whether `script` must not be run, as far as is known at `now`.
pub(super) fn is_forbidden(script: &[u8], now: Instant) -> bool {
    LOOKED.with_borrow_mut(|all| {
        let known = all.iter_mut().find(|looked| *looked.script == *script);
        if let Some(looked) = known {
            if now.saturating_duration_since(looked.at) < TRUSTED {
                return false;
            }
            let found = look(script);
            if found == Found::Script {
                looked.at = now;
            }
            return found == Found::Other;
        }
        match look(script) {
            Found::Script => {}
            // What is missing now may be a picture by the time of the next request.
            found => return found == Found::Other,
        }
        if all.len() >= KEPT {
            all.clear();
        }
        all.push(Looked {
            script: script.into(),
            at: now,
        });
        false
    })
}

/// What PHP would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A regular file whose name ends in `.php`.
    Script,
    /// Something else.
    Other,
    /// Nothing that can be seen from here.
    Nothing,
}

fn look(script: &[u8]) -> Found {
    use io::ErrorKind::{InvalidFilename, NotADirectory};

    let mut part = script;
    loop {
        match std::fs::metadata(OsStr::from_bytes(part)) {
            Ok(found) if found.is_file() && part.ends_with(b".php") => return Found::Script,
            // No file is on the way.
            Ok(found) if found.is_dir() && part != script => return Found::Nothing,
            Ok(_) => return Found::Other,
            // Behind a file: that is what would be run. A path too long for the system may lead there as well.
            Err(error) if matches!(error.kind(), NotADirectory | InvalidFilename) => {}
            Err(_) => return Found::Nothing,
        }
        // As PHP shortens it: what a slash ends may be a file all the same.
        match part.iter().rposition(|byte| *byte == b'/') {
            Some(end) => part = &part[..end],
            None => return Found::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_php_files_are_run() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("folder.php")).unwrap();
        for file in ["index.php", "me.jpg", ".env"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink(root.join("me.jpg"), root.join("link.php")).unwrap();
        let now = Instant::now();
        for (script, forbidden) in [
            ("index.php", false),
            ("index.php/path/info", false),
            ("index.php/x.php", false),
            ("missing.php", false),
            ("missing/x.php", false),
            ("me.jpg", true),
            ("me.jpg/x.php", true),
            ("me.jpg/a/b/x.php", true),
            ("me.jpg/", true),
            ("me.jpg//", true),
            ("me.jpg//x.php", true),
            ("index.php/", false),
            ("index.php//me.jpg", false),
            ("folder.php/", true),
            ("missing/", false),
            (&*format!("me.jpg/{}x.php", "a/".repeat(4096)), true),
            (&*format!("me.jpg/{}.php", "a".repeat(300)), true),
            (&*format!("index.php/{}x.php", "a/".repeat(4096)), false),
            (&*format!("{}.php", "a".repeat(300)), false),
            (".env", true),
            ("folder.php", true),
            ("", true),
        ] {
            let path = root.join(script);
            let path = path.as_os_str().as_bytes();
            assert_eq!(is_forbidden(path, now), forbidden, "{script}");
        }
    }

    #[test]
    fn what_was_missing_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("me.jpg");
        let script = file.join("x.php");
        let (path, now) = (script.as_os_str().as_bytes(), Instant::now());
        assert!(!is_forbidden(path, now));
        std::fs::write(&file, "").unwrap();
        assert!(is_forbidden(path, now));
    }

    #[test]
    fn a_script_is_trusted_for_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index.php");
        let path = file.as_os_str().as_bytes();
        let now = Instant::now();
        std::fs::create_dir(&file).unwrap();
        assert!(is_forbidden(path, now));
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        assert!(
            !is_forbidden(path, now),
            "what is forbidden is not remembered"
        );
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(!is_forbidden(path, now + TRUSTED / 2));
        assert!(is_forbidden(path, now + TRUSTED));
        assert!(is_forbidden(path, now + TRUSTED), "nor is it trusted again");
    }
}
