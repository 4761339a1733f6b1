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
use std::path::Path;

use portunus_fastcgi::Pairs;
use portunus_static_files::Moment;

/// The script that PHP would run: the last `SCRIPT_FILENAME` counts.
pub(super) fn named(params: &[u8]) -> Option<&[u8]> {
    let pairs = Pairs::new(params).map_while(Result::ok);
    pairs
        .filter(|(name, _)| *name == b"SCRIPT_FILENAME")
        .last()
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

/// Scripts remembered per thread. Most sites have one.
const KEPT: usize = 16;

/// What a look at a script has shown.
struct Looked {
    script: Box<[u8]>,
    is_forbidden: bool,
    /// [`Moment::now`] of the look.
    at: u64,
}

thread_local! {
    static LOOKED: RefCell<Vec<Looked>> = const { RefCell::new(Vec::new()) };
}

/// Whether `script` must not be run. Requests that came together share one look, see [`Moment`].
pub(super) fn is_forbidden(script: &[u8], moment: Option<Moment>) -> bool {
    let Some(moment) = moment else {
        return look(script);
    };
    LOOKED.with_borrow_mut(|all| {
        let known = all.iter_mut().find(|looked| *looked.script == *script);
        if let Some(looked) = known {
            if !moment.is_served_by(looked.at) {
                looked.is_forbidden = look(script);
                looked.at = moment.now;
            }
            return looked.is_forbidden;
        }
        let is_forbidden = look(script);
        if all.len() >= KEPT {
            all.clear();
        }
        all.push(Looked {
            script: script.into(),
            is_forbidden,
            at: moment.now,
        });
        is_forbidden
    })
}

fn look(script: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(script));
    for part in path.ancestors() {
        match std::fs::metadata(part) {
            Ok(found) => return !(found.is_file() && ends_in_php(part)),
            // Behind a file: that is what would be run.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(_) => return false,
        }
    }
    false
}

fn ends_in_php(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(b".php")
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
        for (script, forbidden) in [
            ("index.php", false),
            ("index.php/path/info", false),
            ("index.php/x.php", false),
            ("missing.php", false),
            ("missing/x.php", false),
            ("me.jpg", true),
            ("me.jpg/x.php", true),
            ("me.jpg/a/b/x.php", true),
            (".env", true),
            ("folder.php", true),
            ("", true),
        ] {
            let path = root.join(script);
            let path = path.as_os_str().as_bytes();
            assert_eq!(is_forbidden(path, None), forbidden, "{script}");
        }
    }

    #[test]
    fn requests_that_came_together_share_a_look() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("index.php");
        let path = file.as_os_str().as_bytes();
        let at = |asked, now| Some(Moment { asked, now });
        std::fs::write(&file, "").unwrap();
        assert!(!is_forbidden(path, at(1, 2)));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(!is_forbidden(path, at(2, 2)), "received before the look");
        assert!(is_forbidden(path, at(3, 3)), "received later");
        assert!(is_forbidden(path, None));
    }

    #[test]
    fn the_last_name_counts() {
        let mut params = portunus_fastcgi::Params::default();
        assert_eq!(named(params.as_bytes()), None);
        for script in ["/one", "/two"] {
            params.push(b"SCRIPT_FILENAME", script.as_bytes());
        }
        assert_eq!(named(params.as_bytes()), Some(&b"/two"[..]));
    }
}
