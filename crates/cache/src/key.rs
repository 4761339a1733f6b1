//! Names of entries: the MD5 of what the operator calls the key, and the file that follows from it.
//!
//! Source: nginx, `ngx_http_file_cache_create_key`, `ngx_create_hashed_filename`.

use std::fmt;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

/// Name of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(pub(crate) [u8; 16]);

impl Key {
    /// The name for the value of `proxy_cache_key`.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self(Md5::digest(text).into())
    }

    /// 32 hexadecimal digits, as the file is called.
    #[must_use]
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
        let pair = |byte: &u8| [digit(byte >> 4), digit(*byte)];
        self.0.iter().flat_map(pair).collect()
    }

    /// The entry that a file of this name holds; `None` for a name that is none of ours.
    pub(crate) fn from_file_name(name: &[u8]) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        if name.len() != 32 {
            return None;
        }
        let mut key = [0; 16];
        for (byte, pair) in key.iter_mut().zip(name.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(key))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

/// Where files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
    /// Digits that each level of subdirectories takes, outermost first.
    pub(crate) levels: Vec<u8>,
}

impl Layout {
    /// The file of an entry: with `levels=1:2`, `…/c/29/b7f54b2df7773722d382f4809d65029c`.
    pub(crate) fn file(&self, key: &Key) -> PathBuf {
        let name = key.hex();
        let root = self.root.as_os_str();
        let mut path = PathBuf::with_capacity(root.len() + name.len() + 8);
        path.push(root);
        let mut end = name.len();
        for digits in &self.levels {
            let start = end - usize::from(*digits);
            path.push(&name[start..end]);
            end = start;
        }
        path.push(name);
        path
    }

    /// The entry that a file in the tree holds, if it stands where that entry belongs.
    pub(crate) fn key_of(&self, path: &Path) -> Option<Key> {
        use std::os::unix::ffi::OsStrExt as _;
        let key = Key::from_file_name(path.file_name()?.as_bytes())?;
        (self.file(&key) == path).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_where_nginx_puts_them() {
        let key = Key::from_file_name(b"b7f54b2df7773722d382f4809d65029c").unwrap();
        let file = |levels: &[u8]| {
            let layout = Layout {
                root: PathBuf::from("/cache"),
                levels: levels.to_vec(),
            };
            let path = layout.file(&key);
            assert_eq!(layout.key_of(&path), Some(key));
            path.display().to_string()
        };
        assert_eq!(file(&[]), "/cache/b7f54b2df7773722d382f4809d65029c");
        assert_eq!(
            file(&[1, 2]),
            "/cache/c/29/b7f54b2df7773722d382f4809d65029c"
        );
        assert_eq!(
            file(&[2, 2, 2]),
            "/cache/9c/02/65/b7f54b2df7773722d382f4809d65029c"
        );
    }

    #[test]
    fn strange_names_are_nobodys() {
        for name in [
            &b"b7f54b2df7773722d382f4809d65029"[..],
            b"b7f54b2df7773722d382f4809d65029C",
            b"b7f54b2df7773722d382f4809d65029c.0000000001",
            b"",
        ] {
            assert_eq!(Key::from_file_name(name), None);
        }
    }

    #[test]
    fn keys_are_md5() {
        assert_eq!(Key::of(b"").hex(), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
