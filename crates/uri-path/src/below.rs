//! Paths below a root (nginx: `ngx_http_map_uri_to_path`, with a fence).

/// Why a path cannot be mapped below a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutsideRoot {
    /// It holds a NUL, where the file system would cut it off.
    #[error("the path holds a NUL")]
    Nul,
    /// It has a `..` segment.
    #[error("the path climbs with \"..\"")]
    ParentSegment,
    /// Root and path would run into one name, as `/data` and `x` into `/datax`.
    #[error("the path continues the name of the root")]
    Sibling,
}

/// Appends `root` and then `path` to `out`, if the result is `root` or lies below it.
///
/// `path` is a decoded URI (`root`) or what is left of one (`alias`), and needs not begin with a
/// slash if `root` ends in one. `out` is untouched on failure. Symbolic links are not looked at.
///
/// Differs: nginx joins whatever it is given, so that `alias /data/` in `location /files` lets
/// `/files../secret` out of `/data`, and `alias /data` lets `/filesX` read `/dataX`.
///
/// # Errors
///
/// See [`OutsideRoot`].
pub fn join_below(root: &[u8], path: &[u8], out: &mut Vec<u8>) -> Result<(), OutsideRoot> {
    if memchr::memchr(0, path).is_some() {
        return Err(OutsideRoot::Nul);
    }
    let divided = path.first().is_none_or(|&byte| byte == b'/') || root.last() == Some(&b'/');
    if !divided && !root.is_empty() {
        return Err(OutsideRoot::Sibling);
    }
    if has_parent_segment(path) {
        return Err(OutsideRoot::ParentSegment);
    }
    out.reserve(root.len() + path.len());
    out.extend_from_slice(root);
    out.extend_from_slice(path);
    Ok(())
}

/// Whether one of the segments is `..`.
pub(crate) fn has_parent_segment(path: &[u8]) -> bool {
    memchr::memmem::find(path, b"..").is_some()
        && path
            .split(|&byte| byte == b'/')
            .any(|segment| segment == b"..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OutsideRoot, join_below};

    fn joined(root: &str, path: &str) -> Result<String, OutsideRoot> {
        let mut out = Vec::new();
        join_below(root.as_bytes(), path.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn joins_below_or_refuses() {
        for (root, path, expected) in [
            ("/srv", "/a/b.php", Ok("/srv/a/b.php")),
            ("/srv", "", Ok("/srv")),
            ("/srv/", "a", Ok("/srv/a")),
            ("/srv/", "/a", Ok("/srv//a")),
            ("/srv", "/a..b/..c/d../...", Ok("/srv/a..b/..c/d../...")),
            ("", "/a", Ok("/a")),
            ("/srv", "/../etc", Err(OutsideRoot::ParentSegment)),
            ("/srv", "/a/..", Err(OutsideRoot::ParentSegment)),
            ("/srv/", "../etc", Err(OutsideRoot::ParentSegment)),
            ("/srv/", "..", Err(OutsideRoot::ParentSegment)),
            ("/srv", "X/a", Err(OutsideRoot::Sibling)),
            ("/srv", "../a", Err(OutsideRoot::Sibling)),
            ("/srv", "/a\0.php", Err(OutsideRoot::Nul)),
        ] {
            assert_eq!(
                joined(root, path),
                expected.map(str::to_owned),
                "{root} + {path:?}"
            );
        }
    }

    proptest! {
        /// Walking the segments of an accepted path never climbs above the root.
        #[test]
        fn never_leaves_the_root(root in "/[a-c]{1,3}/?", path in "[./a\\x00]{0,12}") {
            if let Ok(joined) = joined(&root, &path) {
                let below = joined.strip_prefix(root.trim_end_matches('/')).unwrap();
                prop_assert!(below.is_empty() || below.starts_with('/'));
                let mut depth = 0i32;
                for segment in below.split('/') {
                    depth += match segment { "" | "." => 0, ".." => -1, _ => 1 };
                    prop_assert!(depth >= 0);
                }
            }
        }
    }
}
