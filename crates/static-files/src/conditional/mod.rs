//! Preconditions and ranges: from what a request asks and what there is, to the kind of answer.
//!
//! Pure, and ignorant of files: `fastcgi_force_ranges` and cached answers use it too. The order is that of RFC 9110
//! §13.2.2, with nginx's readings (`ngx_http_not_modified_filter_module`, `ngx_http_range_filter_module`):
//!
//! 1. `If-Match`, else `If-Unmodified-Since`: if it fails, 412.
//! 2. `If-None-Match`, else `If-Modified-Since`: if it fails, 304.
//! 3. `Range` under `If-Range`.
//!
//! Differs: to nginx 412 takes only one of the first two to fail, 304 needs both of the second to fail. The tag is the
//! stronger one of each pair, and the RFC wants a date beside it ignored (§13.1.3, §13.1.4).

mod etags;
mod ranges;

use http::HeaderMap;
use http::header;
use smallvec::SmallVec;

pub use self::ranges::{ByteRange, RangeSet, parse_ranges};

use self::etags::{list_matches, weakly};
use crate::http_time;

/// What is known of the answer that would be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The `ETag` to be sent.
    pub etag: Option<&'a [u8]>,
    /// `Last-Modified`, seconds since 1970.
    pub last_modified: Option<i64>,
    /// Length of the body, if known beforehand.
    pub length: Option<u64>,
}

/// `if_modified_since`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfModifiedSince {
    /// The client's date is not looked at.
    Off,
    /// Not modified only if the dates are equal.
    #[default]
    Exact,
    /// Not modified also if the client's date is later.
    Before,
}

/// A location's rules.
#[derive(Clone, Copy, Debug)]
pub struct ConditionalOptions {
    /// `if_modified_since`.
    pub if_modified_since: IfModifiedSince,
    /// This kind of answer may be cut into ranges at all (nginx: `allow_ranges`).
    pub ranges: bool,
    /// `max_ranges`; none: not set. 0 turns ranges off, the `Accept-Ranges` field with them.
    pub max_ranges: Option<u32>,
}

impl Default for ConditionalOptions {
    fn default() -> Self {
        Self {
            if_modified_since: IfModifiedSince::Exact,
            ranges: true,
            max_ranges: None,
        }
    }
}

/// The kind of answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 304, with neither body nor its fields.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416, with `Content-Range: bytes */LENGTH`.
    RangeNotSatisfiable,
    /// 200, the whole body.
    Full {
        /// Say `Accept-Ranges: bytes`.
        accept_ranges: bool,
    },
    /// 206 with one range.
    Single(ByteRange),
    /// 206 as `multipart/byteranges`.
    Multi(SmallVec<[ByteRange; 4]>),
}

/// Decides how to answer a request that would otherwise get 200.
///
/// nginx refuses a request that repeats a conditional field before it comes here; of `Range` it takes the first.
#[must_use]
pub fn decide(facts: &Facts<'_>, request: &HeaderMap, options: &ConditionalOptions) -> Outcome {
    if let Some(outcome) = decide_precondition(facts, request, options.if_modified_since) {
        return outcome;
    }
    decide_range(facts, request, options)
}

/// The precondition part of [`decide`]: 412, 304, or none.
#[must_use]
pub fn decide_precondition(
    facts: &Facts<'_>,
    request: &HeaderMap,
    if_modified_since: IfModifiedSince,
) -> Option<Outcome> {
    let holds = match (
        request.get(header::IF_MATCH),
        request.get(header::IF_UNMODIFIED_SINCE),
    ) {
        (Some(list), _) => list_matches(list.as_bytes(), facts.etag, false),
        (None, Some(since)) => unmodified_since(facts, since.as_bytes()),
        (None, None) => true,
    };
    if !holds {
        return Some(Outcome::PreconditionFailed);
    }
    let known = match (
        request.get(header::IF_NONE_MATCH),
        request.get(header::IF_MODIFIED_SINCE),
    ) {
        (Some(list), _) => list_matches(list.as_bytes(), facts.etag.map(weakly), true),
        (None, Some(since)) => !modified_since(facts, since.as_bytes(), if_modified_since),
        (None, None) => false,
    };
    known.then_some(Outcome::NotModified)
}

/// The range part of [`decide`].
#[must_use]
pub fn decide_range(
    facts: &Facts<'_>,
    request: &HeaderMap,
    options: &ConditionalOptions,
) -> Outcome {
    let (Some(length), true) = (
        facts.length,
        options.ranges && options.max_ranges != Some(0),
    ) else {
        return Outcome::Full {
            accept_ranges: false,
        };
    };
    let full = Outcome::Full {
        accept_ranges: true,
    };
    let Some(range) = request.get(header::RANGE) else {
        return full;
    };
    if let Some(if_range) = request.get(header::IF_RANGE)
        && !same_representation(facts, if_range.as_bytes())
    {
        return full;
    }
    match parse_ranges(range.as_bytes(), length, options.max_ranges) {
        RangeSet::Whole => full,
        RangeSet::Unsatisfiable => Outcome::RangeNotSatisfiable,
        RangeSet::One(range) => Outcome::Single(range),
        RangeSet::Many(ranges) => Outcome::Multi(ranges),
    }
}

fn unmodified_since(facts: &Facts<'_>, since: &[u8]) -> bool {
    // An unreadable date is -1 to nginx, hence earlier than any file.
    facts
        .last_modified
        .is_some_and(|modified| http_time::parse(since).unwrap_or(-1) >= modified)
}

fn modified_since(facts: &Facts<'_>, since: &[u8], rule: IfModifiedSince) -> bool {
    let Some(modified) = facts.last_modified.filter(|_| rule != IfModifiedSince::Off) else {
        return true;
    };
    let since = http_time::parse(since).unwrap_or(-1);
    since != modified && (rule == IfModifiedSince::Exact || since < modified)
}

/// `If-Range` (RFC 9110 §13.1.5): the very same tag, or the very same date.
fn same_representation(facts: &Facts<'_>, if_range: &[u8]) -> bool {
    if if_range.len() >= 2 && if_range.ends_with(b"\"") {
        return facts.etag == Some(if_range);
    }
    facts
        .last_modified
        .is_some_and(|modified| http_time::parse(if_range).unwrap_or(-1) == modified)
}

#[cfg(test)]
mod tests;
