//! `types`, `default_type`: the media type that an extension stands for.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use http::HeaderValue;

/// Extensions to media types, ready to be sent.
#[derive(Clone, Debug)]
pub struct MediaTypes {
    by_extension: HashMap<Box<[u8]>, HeaderValue>,
    default: Option<HeaderValue>,
}

impl MediaTypes {
    /// A `types` block: pairs of extension (without the dot, in any case) and type. `default` is `default_type`; none
    /// if it is empty.
    pub fn new<'a>(
        pairs: impl IntoIterator<Item = (&'a [u8], HeaderValue)>,
        default: Option<HeaderValue>,
    ) -> Self {
        let lower = |(extension, value): (&[u8], _)| (extension.to_ascii_lowercase().into(), value);
        Self {
            by_extension: pairs.into_iter().map(lower).collect(),
            default,
        }
    }

    /// The type for a URI or path; `None` if no `Content-Type` is to be sent.
    #[must_use]
    pub fn lookup(&self, uri: &[u8]) -> Option<HeaderValue> {
        match extension(uri) {
            Some(extension) => self
                .by_extension(extension)
                .or_else(|| self.default.clone()),
            None => self.default.clone(),
        }
    }

    fn by_extension(&self, extension: &[u8]) -> Option<HeaderValue> {
        let mut buffer = [0; 16];
        let long;
        let lower = match buffer.get_mut(..extension.len()) {
            Some(lower) => {
                lower.copy_from_slice(extension);
                lower.make_ascii_lowercase();
                &*lower
            }
            None => {
                long = extension.to_ascii_lowercase();
                &long
            }
        };
        self.by_extension.get(lower).cloned()
    }
}

/// All registered media types with their extensions, for those who write no `types` block.
#[must_use]
pub fn registered() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut types: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for extension in mime_guess::get_extensions("*", "*").unwrap_or_default() {
        let newer = NEWER.iter().find(|(newer, _)| newer == extension);
        let guess = || mime_guess::from_ext(extension).first_raw();
        if let Some(media_type) = newer.map(|(_, newer)| *newer).or_else(guess) {
            types.entry(media_type).or_default().insert(*extension);
        }
    }
    types
}

/// What today's standards say where the table of `mime_guess` is older.
const NEWER: &[(&str, &str)] = &[
    ("js", "text/javascript"),
    ("map", "application/json"),
    ("md", "text/markdown"),
    ("mjs", "text/javascript"),
    ("otf", "font/otf"),
    ("webmanifest", "application/manifest+json"),
];

/// What follows the last dot of the last component, unless the dot begins it (nginx: `ngx_http_set_exten`).
#[must_use]
pub fn extension(uri: &[u8]) -> Option<&[u8]> {
    let at = memchr::memrchr2(b'.', b'/', uri).filter(|&at| at > 1)?;
    let dot = uri.get(at) == Some(&b'.') && uri.get(at - 1) != Some(&b'/');
    uri.get(at + 1..).filter(|_| dot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_found_as_nginx_finds_them() {
        assert_eq!(extension(b"/a/b.css"), Some(&b"css"[..]));
        assert_eq!(extension(b"/a/b.tar.gz"), Some(&b"gz"[..]));
        assert_eq!(extension(b"/a.b/c"), None);
        assert_eq!(extension(b"/.htaccess"), None);
        assert_eq!(extension(b"/a/.env"), None);
        assert_eq!(extension(b"/a/.env.local"), Some(&b"local"[..]));
        assert_eq!(extension(b"/"), None);
        assert_eq!(extension(b""), None);
    }

    #[test]
    fn case_does_not_matter_and_the_default_fills_in() {
        let css = HeaderValue::from_static("text/css");
        let long = HeaderValue::from_static("x/long");
        let default = HeaderValue::from_static("text/plain");
        let pairs = [
            (&b"CSS"[..], css.clone()),
            (b"averyveryverylongone", long.clone()),
        ];
        let types = MediaTypes::new(pairs, Some(default.clone()));
        assert_eq!(types.lookup(b"/a.CsS"), Some(css));
        assert_eq!(types.lookup(b"/a.averyVERYverylongone"), Some(long));
        assert_eq!(types.lookup(b"/a"), Some(default.clone()));
        assert_eq!(types.lookup(b"/a.unknown"), Some(default));
        assert_eq!(MediaTypes::new([], None).lookup(b"/a.css"), None);
    }

    #[test]
    fn what_laravel_serves_is_registered() {
        let types = registered();
        for (extension, expected) in [
            ("js", "text/javascript"),
            ("css", "text/css"),
            ("ico", "image/x-icon"),
            ("woff2", "font/woff2"),
            ("svg", "image/svg+xml"),
            ("avif", "image/avif"),
            ("webp", "image/webp"),
            ("txt", "text/plain"),
            ("webmanifest", "application/manifest+json"),
            ("map", "application/json"),
        ] {
            let of = types
                .iter()
                .filter(|(_, extensions)| extensions.contains(extension))
                .map(|(media_type, _)| *media_type);
            assert!(of.eq([expected]), "{extension}");
        }
    }
}
