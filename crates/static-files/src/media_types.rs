//! `types`, `default_type`: the media type that an extension stands for.

use hashbrown::HashMap;
use http::HeaderValue;

/// Extensions to media types, ready to be sent.
#[derive(Clone, Debug)]
pub struct MediaTypes {
    by_extension: HashMap<Box<[u8]>, HeaderValue>,
    default: Option<HeaderValue>,
    /// Ask `mime_guess` where the table is silent.
    guess: bool,
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
            guess: false,
        }
    }

    /// For those who write no configuration: all types that are registered, `application/octet-stream` for the rest.
    #[must_use]
    pub fn preset() -> Self {
        let default = Some(HeaderValue::from_static("application/octet-stream"));
        // What today's standards say where the table of `mime_guess` is older.
        let newer = [
            (&b"js"[..], HeaderValue::from_static("text/javascript")),
            (b"mjs", HeaderValue::from_static("text/javascript")),
            (
                b"webmanifest",
                HeaderValue::from_static("application/manifest+json"),
            ),
            (b"map", HeaderValue::from_static("application/json")),
        ];
        Self {
            guess: true,
            ..Self::new(newer, default)
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
        if let Some(value) = self.by_extension.get(lower) {
            return Some(value.clone());
        }
        let text = std::str::from_utf8(lower).ok().filter(|_| self.guess)?;
        mime_guess::from_ext(text)
            .first_raw()
            .map(HeaderValue::from_static)
    }
}

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
    fn the_preset_knows_what_laravel_serves() {
        let types = MediaTypes::preset();
        for (name, expected) in [
            ("/app-4ed993c7.js", "text/javascript"),
            ("/app.css", "text/css"),
            ("/favicon.ico", "image/x-icon"),
            ("/font.woff2", "font/woff2"),
            ("/logo.svg", "image/svg+xml"),
            ("/photo.avif", "image/avif"),
            ("/photo.webp", "image/webp"),
            ("/robots.txt", "text/plain"),
            ("/site.webmanifest", "application/manifest+json"),
            ("/app.js.map", "application/json"),
            ("/nothing", "application/octet-stream"),
        ] {
            assert_eq!(
                types.lookup(name.as_bytes()).expect("always some"),
                expected,
                "{name}"
            );
        }
    }
}
