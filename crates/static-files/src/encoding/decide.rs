//! Whether an answer is to be compressed: nginx's conditions (`ngx_http_gzip_header_filter`, `ngx_http_gzip_ok`),
//! applied alike to the codings that nginx has not.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashSet;
use http::{HeaderMap, HeaderName, Version, header};
use smallvec::SmallVec;

use super::{Coding, negotiate};
use crate::http_time;

/// `gzip_types` and its kin.
#[derive(Clone, Debug)]
pub enum TypeSet {
    /// `*`
    Any,
    /// These, in lower case.
    These(HashSet<Box<[u8]>>),
}

impl TypeSet {
    /// The types named in a directive. `text/html` is always among them.
    pub fn new<'a>(types: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut these: HashSet<Box<[u8]>> = HashSet::new();
        these.insert((*b"text/html").into());
        for name in types {
            if name == b"*" {
                return Self::Any;
            }
            these.insert(name.to_ascii_lowercase().into());
        }
        Self::These(these)
    }

    /// Whether an answer is meant, whose `Content-Type` this is. One without a type is among `*` only.
    ///
    /// Source: nginx, `ngx_http_test_content_type`.
    #[must_use]
    pub fn suits(&self, content_type: Option<&[u8]>) -> bool {
        match content_type {
            Some(content_type) => self.contains(content_type),
            None => matches!(self, Self::Any),
        }
    }

    /// Whether a `Content-Type`, parameters and all, is in the set.
    #[must_use]
    pub fn contains(&self, content_type: &[u8]) -> bool {
        let Self::These(these) = self else {
            return true;
        };
        let end = memchr::memchr2(b';', b' ', content_type).unwrap_or(content_type.len());
        let name = content_type.get(..end).unwrap_or_default();
        these.contains(name) || these.contains(name.to_ascii_lowercase().as_slice())
    }
}

impl Default for TypeSet {
    fn default() -> Self {
        Self::new([])
    }
}

/// `gzip_proxied`: which answers to proxied requests (those with a `Via` field) may be compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "the parameters of the directive, each a switch"
)]
pub struct Proxied {
    /// `any`. With none of these set: `off`.
    pub any: bool,
    /// `expired`
    pub expired: bool,
    /// `no-cache`
    pub no_cache: bool,
    /// `no-store`
    pub no_store: bool,
    /// `private`
    pub private: bool,
    /// `no_last_modified`
    pub no_last_modified: bool,
    /// `no_etag`
    pub no_etag: bool,
    /// `auth`
    pub auth: bool,
}

/// One coding's directives: `gzip`, `gzip_min_length`, `gzip_types`, and the same for `brotli` and `zstd`.
#[derive(Clone, Debug)]
pub struct CodingRules {
    /// The coding; it is on if its rules are there.
    pub coding: Coding,
    /// `gzip_min_length`.
    pub min_length: u64,
    /// `gzip_types`.
    pub types: Arc<TypeSet>,
}

/// Judges a `User-Agent`.
pub type AgentTest = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// A location's rules for compression.
#[derive(Clone)]
pub struct CompressionRules {
    /// The codings that are on, the one we like best first.
    pub codings: SmallVec<[CodingRules; 3]>,
    /// `gzip_vary`.
    pub vary: bool,
    /// `gzip_http_version`.
    pub http_version: Version,
    /// `gzip_proxied`.
    pub proxied: Proxied,
    /// `gzip_disable msie6`.
    pub disable_msie6: bool,
    /// `gzip_disable REGEX`: true if the `User-Agent` matches.
    pub disable: Option<AgentTest>,
}

impl CompressionRules {
    /// The codings that an answer of that type and length may have, if the client takes them.
    pub fn suitable(
        &self,
        content_type: Option<&[u8]>,
        length: Option<u64>,
    ) -> impl Iterator<Item = &CodingRules> {
        self.codings.iter().filter(move |rules| {
            length.is_none_or(|length| length >= rules.min_length)
                && rules.types.suits(content_type)
        })
    }
}

impl Default for CompressionRules {
    fn default() -> Self {
        Self {
            codings: SmallVec::new(),
            vary: false,
            http_version: Version::HTTP_11,
            proxied: Proxied::default(),
            disable_msie6: false,
            disable: None,
        }
    }
}

impl fmt::Debug for CompressionRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressionRules")
            .field("codings", &self.codings)
            .field("vary", &self.vary)
            .field("http_version", &self.http_version)
            .field("proxied", &self.proxied)
            .finish_non_exhaustive()
    }
}

/// What is known of the answer that may be compressed.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its fields, for `gzip_proxied`.
    pub headers: &'a HeaderMap,
    /// Its `Content-Type`.
    pub content_type: Option<&'a [u8]>,
    /// It has a content coding already.
    pub encoded: bool,
    /// Length of its body, if known.
    pub length: Option<u64>,
    /// It has no body: the answer to `HEAD`.
    pub header_only: bool,
    /// The time, seconds since 1970.
    pub now: i64,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodingDecision {
    /// Encode it so: no ranges, weak tag, length unknown unless it is ready made.
    pub coding: Option<Coding>,
    /// Say `Vary: Accept-Encoding`, whether or not it is encoded.
    pub vary: bool,
}

/// Decides on compression.
#[must_use]
pub fn decide_encoding(
    answer: &Answer<'_>,
    request: &HeaderMap,
    version: Version,
    rules: &CompressionRules,
) -> EncodingDecision {
    if rules.codings.is_empty()
        || !matches!(answer.status, 200 | 403 | 404)
        || answer.encoded
        || answer.header_only
    {
        return EncodingDecision::default();
    }
    let mut suitable = rules
        .suitable(answer.content_type, answer.length)
        .peekable();
    let vary = rules.vary && suitable.peek().is_some();
    let coding = request
        .get(header::ACCEPT_ENCODING)
        .and_then(|accept| negotiate(accept.as_bytes(), suitable.map(|rules| rules.coding)))
        .filter(|_| eligible(request, version, Some(answer), rules));
    EncodingDecision { coding, vary }
}

/// nginx's `gzip_ok` but for `Accept-Encoding`: version, proxies and browsers. Without an answer, as for precompressed
/// files, `gzip_proxied` finds no fields.
#[must_use]
pub fn eligible(
    request: &HeaderMap,
    version: Version,
    answer: Option<&Answer<'_>>,
    rules: &CompressionRules,
) -> bool {
    if version < rules.http_version {
        return false;
    }
    let agent = request
        .get(header::USER_AGENT)
        .map(http::HeaderValue::as_bytes);
    if rules.disable_msie6 && agent.is_some_and(is_msie6) {
        return false;
    }
    if request.contains_key(header::VIA) && !proxied_ok(request, answer, rules.proxied) {
        return false;
    }
    match (&rules.disable, agent) {
        (Some(disable), Some(agent)) => !disable(agent),
        _ => true,
    }
}

fn proxied_ok(request: &HeaderMap, answer: Option<&Answer<'_>>, rule: Proxied) -> bool {
    if rule == Proxied::default() {
        return false;
    }
    if rule.any || (rule.auth && request.contains_key(header::AUTHORIZATION)) {
        return true;
    }
    let field = |name: HeaderName| answer.and_then(|answer| answer.headers.get(name));
    if let Some(expires) = field(header::EXPIRES) {
        let now = answer.map_or(0, |answer| answer.now);
        let date = field(header::DATE).map_or(Some(now), |date| http_time::parse(date.as_bytes()));
        let expires = http_time::parse(expires.as_bytes());
        return rule.expired
            && expires
                .zip(date)
                .is_some_and(|(expires, date)| expires < date);
    }
    if field(header::CACHE_CONTROL).is_some() {
        let says = |directive: &[u8]| {
            let lines = answer.map(|answer| answer.headers.get_all(header::CACHE_CONTROL));
            lines
                .into_iter()
                .flatten()
                .any(|line| lists(line.as_bytes(), directive))
        };
        return (rule.no_cache && says(b"no-cache"))
            || (rule.no_store && says(b"no-store"))
            || (rule.private && says(b"private"));
    }
    let forbidden = (rule.no_last_modified && field(header::LAST_MODIFIED).is_some())
        || (rule.no_etag && field(header::ETAG).is_some());
    !forbidden
}

/// Whether a comma-separated list holds `directive` as an element without a value.
fn lists(list: &[u8], directive: &[u8]) -> bool {
    list.split(|&byte| byte == b',')
        .any(|element| element.trim_ascii().eq_ignore_ascii_case(directive))
}

/// Internet Explorer 4, 5, and 6 before the second service pack of Windows XP (nginx: `ngx_http_process_user_agent`).
fn is_msie6(agent: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(agent, b"MSIE ") else {
        return false;
    };
    let rest = agent.get(at + 5..).unwrap_or_default();
    match rest {
        [b'4' | b'5', b'.', _, ..] => true,
        [b'6', b'.', after @ ..] if !after.is_empty() => {
            memchr::memmem::find(after.get(1..).unwrap_or_default(), b"SV1").is_none()
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
