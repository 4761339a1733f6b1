//! The fence around a root: paths that climb.

/// Whether one of the segments of a decoded path is `..`.
///
/// [`crate::Target`] leaves none in the path of a request, but what is left of such a path behind a
/// location's prefix may begin with one: of `/files../secret`, `/files` takes away the slash.
#[must_use]
pub fn climbs(path: &[u8]) -> bool {
    memchr::memmem::find(path, b"..").is_some()
        && path
            .split(|&byte| byte == b'/')
            .any(|segment| segment == b"..")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::climbs;

    #[test]
    fn a_segment_climbs_and_nothing_else() {
        for path in ["..", "../a", "/..", "/a/..", "a/../b", "//..//"] {
            assert!(climbs(path.as_bytes()), "{path}");
        }
        for path in ["", "/", ".", "...", "/a..b", "..a/b", "a../..b", "/. ./"] {
            assert!(!climbs(path.as_bytes()), "{path}");
        }
    }

    proptest! {
        /// Walking the segments of a path that does not climb never leads above its start.
        #[test]
        fn without_climbing_one_stays_below(path in "[./a]{0,12}") {
            let mut depth = 0i32;
            let step = |segment| match segment { "" | "." => 0, ".." => -1, _ => 1 };
            let lowest = path.split('/').map(|segment| { depth += step(segment); depth }).min();
            prop_assert!(climbs(path.as_bytes()) || lowest.is_none_or(|lowest| lowest >= 0));
        }
    }
}
