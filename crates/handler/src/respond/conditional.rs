//! Preconditions: 304 and 412 in the place of 200.
//!
//! Source: nginx, ngx_http_not_modified_filter_module; RFC 9110 §13.

use http::{HeaderName, HeaderValue, header};
use portunus_static_files::conditional::decide_precondition;
use portunus_static_files::{Facts, Outcome};

use super::{Reply, Validators};
use crate::body::Body;
use crate::config::Location;
use crate::context::Context;

/// Fields with a precondition.
pub(crate) static CONDITIONS: [HeaderName; 4] = [
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
];

/// What the request's preconditions make of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Nothing: it goes on.
    Holds,
    NotModified,
    Failed,
}

/// Checks the preconditions of a request against an answer of status 200.
pub(super) fn check(cx: &Context, location: &Location, reply: &Reply) -> Precondition {
    if !CONDITIONS.iter().any(|name| cx.exchange.has_field(name)) {
        return Precondition::Holds;
    }
    let facts = facts(&reply.validators, reply.length);
    let rule = location.conditional.if_modified_since;
    match decide_precondition(&facts, cx.exchange.fields(), rule) {
        Some(Outcome::NotModified) => Precondition::NotModified,
        Some(Outcome::PreconditionFailed) => Precondition::Failed,
        _ => Precondition::Holds,
    }
}

/// Turns an answer into its 304.
pub(super) fn not_modified(reply: &mut Reply) {
    reply.status = 304;
    reply.content_type = None;
    reply.length = None;
    reply.ranges = false;
    reply.fields.remove(&header::CONTENT_ENCODING);
    reply.fields.remove(&header::ACCEPT_RANGES);
    reply.body = Body::Empty;
}

pub(super) fn facts(validators: &Validators, length: Option<u64>) -> Facts<'_> {
    Facts {
        etag: validators.etag.as_ref().map(HeaderValue::as_bytes),
        last_modified: validators.modified,
        length,
    }
}
