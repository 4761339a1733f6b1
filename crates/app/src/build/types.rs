//! `types`, `default_type`, `charset`.

use std::sync::Arc;

use http::HeaderValue;
use portunus_conf::{Directive, Scope, d};
use portunus_handler::Charset;
use portunus_static_files::MediaTypes;

use super::Builder;

/// nginx's table where no `types` block is in force.
const DEFAULT: &[(&str, &str)] = &[
    ("html", "text/html"),
    ("gif", "image/gif"),
    ("jpg", "image/jpeg"),
];

impl Builder<'_> {
    /// The types of a level, each with the charset that belongs to it.
    ///
    /// Where the charset is the same for all requests it is put into the values here, so that a
    /// static answer takes its `Content-Type` ready made.
    pub(super) fn types(&mut self, scope: Scope<'_>, charset: Option<&Charset>) -> Arc<MediaTypes> {
        let suffix = charset.filter(|charset| charset.ready);
        let value = |media: &[u8]| with_charset(media, suffix);
        let default = scope.text(d::DEFAULT_TYPE).unwrap_or(b"text/plain");
        let default = (!default.is_empty()).then(|| value(default));
        Arc::new(match scope.find(d::TYPES) {
            Some(directive) => MediaTypes::new(
                entries(directive).map(|(ext, media)| (ext, value(media))),
                default,
            ),
            None => MediaTypes::new(
                DEFAULT
                    .iter()
                    .map(|(ext, media)| (ext.as_bytes(), value(media.as_bytes()))),
                default,
            ),
        })
    }
}

/// `media ext ext …;` lines of a `types` block as (extension, media type).
fn entries(directive: &Directive) -> impl Iterator<Item = (&[u8], &[u8])> {
    directive.children().iter().flat_map(|line| {
        line.args
            .iter()
            .map(|extension| (extension.as_bytes(), line.name.as_bytes()))
    })
}

fn with_charset(media: &[u8], charset: Option<&Charset>) -> HeaderValue {
    let listed = |charset: &&Charset| charset.types.contains(media);
    let name = charset
        .filter(listed)
        .and_then(|charset| charset.name.as_literal());
    let text = match name {
        Some(name) if !media.contains(&b';') => [media, b"; charset=", name].concat(),
        _ => media.to_vec(),
    };
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}
