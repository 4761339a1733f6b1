//! What may be run (`fastcgi_script_check`): a regular file whose name ends in `.php`, nothing else
//! that happens to lie below the document root.
//!
//! Differs: nginx hands everything on. With `cgi.fix_pathinfo`, PHP takes the longest part of the path
//! that is a file for the script: `/avatars/me.jpg/x.php` would run the picture. What is not here at
//! all is left to FPM, which says so itself; it may see other files than we do.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use portunus_fastcgi::Pairs;

/// The script that PHP would run: the last `SCRIPT_FILENAME` counts.
pub(super) fn named(params: &[u8]) -> Option<&[u8]> {
    let pairs = Pairs::new(params).map_while(Result::ok);
    pairs
        .filter(|(name, _)| *name == b"SCRIPT_FILENAME")
        .last()
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
}

/// Whether `script` must not be run.
pub(super) fn is_forbidden(script: &[u8]) -> bool {
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
            assert_eq!(is_forbidden(path), forbidden, "{script}");
        }
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
