//! Content codings: which one an answer gets, and the compressed forms of cached files.

mod accept;
mod decide;
mod precompressed;
mod variants;

use http::HeaderValue;

pub use self::accept::{accepts, negotiate};
pub use self::decide::{
    AgentTest, Answer, CodingRules, CompressionRules, EncodingDecision, Proxied, TypeSet,
    decide_encoding, eligible,
};
pub use self::precompressed::{Attempt, StaticMode, precompressed_plan};
pub(crate) use self::variants::Variants;
pub use self::variants::{Variant, compressed};

/// A content coding that can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// The token in `Accept-Encoding` and `Content-Encoding`.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Brotli => "br",
        }
    }

    /// `Content-Encoding`.
    #[must_use]
    pub fn content_encoding(self) -> HeaderValue {
        HeaderValue::from_static(self.token())
    }

    /// What a precompressed file's name ends in.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Brotli => ".br",
        }
    }
}

/// The weak form of a tag, for a body that was encoded (nginx: `ngx_http_weak_etag`). `None`: drop the field, for it is
/// no tag.
#[must_use]
pub fn weak_etag(etag: &HeaderValue) -> Option<HeaderValue> {
    let bytes = etag.as_bytes();
    if bytes.len() > 2 && bytes.starts_with(b"W/") {
        return Some(etag.clone());
    }
    if !bytes.starts_with(b"\"") {
        return None;
    }
    HeaderValue::from_bytes(&[b"W/", bytes].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_weakened_as_nginx_weakens_them() {
        let weak = |tag: &'static str| weak_etag(&HeaderValue::from_static(tag));
        assert_eq!(weak("\"a\""), Some(HeaderValue::from_static("W/\"a\"")));
        assert_eq!(weak("W/\"a\""), Some(HeaderValue::from_static("W/\"a\"")));
        assert_eq!(weak("a"), None);
        assert_eq!(weak(""), None);
    }
}
