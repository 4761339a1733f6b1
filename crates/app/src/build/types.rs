//! `types`, `default_type`, `charset`.

use std::sync::Arc;

use http::HeaderValue;
use portunus_conf::typed::TypeMap;
use portunus_conf::{Scope, d};
use portunus_handler::Charset;
use portunus_static_files::MediaTypes;

use super::Builder;

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
        let types = TypeMap::of(scope);
        let entries = types.iter().map(|(ext, media)| (ext, value(media)));
        Arc::new(MediaTypes::new(entries, default))
    }
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
