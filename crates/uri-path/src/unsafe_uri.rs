//! URIs that did not come from the request line (nginx: `ngx_http_parse_unsafe_uri`).

use std::borrow::Cow;

use crate::below::climbs;
use crate::{Unescape, unescape};

/// A URI that must not be followed: it is empty, holds a NUL, or has a `..` segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsafe URI was detected")]
pub struct UnsafeUri;

/// Splits `uri` at its first `?` into path and arguments; the arguments are empty if there is none.
///
/// nginx: `ngx_http_split_args`; nothing is decoded.
pub fn split_args(uri: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', uri) {
        Some(at) => (&uri[..at], &uri[at + 1..]),
        None => (uri, &[]),
    }
}

/// Splits a URI that an application named (`X-Accel-Redirect`, SSI, `error_page`) into its decoded
/// path and its arguments.
///
/// The path needs not begin with a slash. Escapes are decoded leniently, slashes stay as they are.
///
/// # Errors
///
/// [`UnsafeUri`] if the path is empty, or holds a NUL or a `..` segment before or after decoding.
pub fn split_unsafe(uri: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), UnsafeUri> {
    let (path, args) = split_args(uri);
    check(path)?;
    if memchr::memchr(b'%', path).is_none() {
        return Ok((Cow::Borrowed(path), args));
    }
    let mut decoded = Vec::with_capacity(path.len());
    unescape(Unescape::All, path, &mut decoded);
    check(&decoded)?;
    Ok((Cow::Owned(decoded), args))
}

fn check(path: &[u8]) -> Result<(), UnsafeUri> {
    if path.is_empty() || memchr::memchr(0, path).is_some() || climbs(path) {
        return Err(UnsafeUri);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{UnsafeUri, split_args, split_unsafe};

    #[test]
    fn takes_safe_uris_apart() {
        for (uri, path, args) in [
            ("/a/b?c=%20&d", "/a/b", "c=%20&d"),
            ("/a%20b%2Fc", "/a b/c", ""),
            ("/a%3Fb?c?d", "/a?b", "c?d"),
            ("relative", "relative", ""),
            ("/a..b/..c/...", "/a..b/..c/...", ""),
            ("/x?/../y", "/x", "/../y"),
        ] {
            let (found, rest) = split_unsafe(uri.as_bytes()).unwrap();
            assert_eq!((&*found, rest), (path.as_bytes(), args.as_bytes()), "{uri}");
        }
        assert_eq!(split_args(b"/a%20?b"), (&b"/a%20"[..], &b"b"[..]));
    }

    #[test]
    fn refuses_unsafe_uris() {
        for uri in [
            "",
            "?a",
            "..",
            "../a",
            "/../a",
            "/a/..",
            "/a/../b?c",
            "/%2e%2e/a",
            "/a%2f..",
            "/..%2fa",
            "/a\0",
            "/a%00",
            "%",
            "..?x",
        ] {
            assert_eq!(split_unsafe(uri.as_bytes()), Err(UnsafeUri), "{uri:?}");
        }
    }
}
