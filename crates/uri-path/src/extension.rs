//! Extensions of paths (nginx: `ngx_http_set_exten`).

use std::borrow::Cow;

/// The extension of the last segment of a path, without the dot; empty if there is none.
///
/// A dot at the start of a segment (`/.htaccess`) begins no extension. This is for paths that were
/// rewritten; that of a fresh request is [`crate::Target::extension`], which nginx finds while it
/// parses and which differs behind `..` at the start of a segment (`/..gz` has none there).
pub fn extension(path: &[u8]) -> &[u8] {
    match memchr::memrchr2(b'.', b'/', path) {
        Some(at) if at > 1 && path[at] == b'.' && path[at - 1] != b'/' => &path[at + 1..],
        _ => &[],
    }
}

/// `extension` in lower case, as the `types` table is keyed.
pub fn lowercase_extension(extension: &[u8]) -> Cow<'_, [u8]> {
    if extension.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(extension.to_ascii_lowercase())
    } else {
        Cow::Borrowed(extension)
    }
}

#[cfg(test)]
mod tests {
    use super::{extension, lowercase_extension};

    #[test]
    fn finds_what_stands_behind_the_last_dot() {
        for (path, expected) in [
            ("/a.php", "php"),
            ("/a.tar.GZ", "GZ"),
            ("/a.b/c", ""),
            ("/a.", ""),
            ("/.htaccess", ""),
            ("/d/.env", ""),
            ("/d/.env.php", "php"),
            ("/..gz", "gz"),
            ("/", ""),
            ("", ""),
            ("a.b", ""),
        ] {
            assert_eq!(extension(path.as_bytes()), expected.as_bytes(), "{path}");
        }
        assert_eq!(lowercase_extension(b"Gz"), &b"gz"[..]);
        assert_eq!(lowercase_extension(b"gz"), &b"gz"[..]);
    }
}
