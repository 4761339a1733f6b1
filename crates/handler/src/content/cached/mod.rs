//! Answers of PHP and of other servers, stored and sent again.
//!
//! What is the same for `fastcgi_cache` and `proxy_cache`: looking for an answer before anybody is
//! asked, and keeping what comes. The store itself is the `cache` crate's.
//!
//! Source: nginx, `ngx_http_upstream_cache`, `ngx_http_upstream_cache_send`,
//! `ngx_http_upstream_send_response`.

mod copy;
mod keep;
mod look_up;
mod refresh;
mod state;
mod tee;

pub(crate) use copy::keep as keep_copy;
pub(crate) use keep::{Arrived, Failure, fields_of};
pub(crate) use look_up::{LookUp, look_up};
pub(crate) use state::CacheState;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use portunus_cache::{Entry, Head, Moment, Ticket, Verdict, Zone};
use portunus_telemetry::Clock;

use crate::body::Body;
use crate::config::{Caching, Template};
use crate::context::Context;

/// What a request that asks an upstream knows of the store.
#[derive(Debug)]
pub(crate) struct Storing<'r> {
    rules: &'r Caching,
    zone: Arc<Zone>,
    key: Bytes,
    /// The right to store the answer, unless the store was gone around.
    ticket: Option<Ticket>,
    /// An answer that is out of date.
    stale: Option<StaleEntry>,
    bypassed: bool,
    /// What the head of the answer says of storing it.
    verdict: Option<Verdict>,
}

/// An answer that is out of date, in case no other is to be had.
#[derive(Debug)]
struct StaleEntry {
    entry: Entry,
    /// It says itself that it is good enough if there is no other (`stale-if-error`).
    if_error: bool,
}

/// The time for the store.
fn moment() -> Moment {
    Moment {
        wall: i64::try_from(Clock::since_epoch().as_secs()).unwrap_or(i64::MAX),
        now: std::time::Instant::now(),
    }
}

/// Whether any of the values is something else than empty or `0`.
///
/// Source: nginx, `ngx_http_test_predicates`.
fn any_set(cx: &mut Context, values: &[Template]) -> bool {
    values.iter().any(|value| {
        let value = cx.expand(value);
        !value.is_empty() && value != b"0"
    })
}

/// Lets the answer have the reason phrase of a stored head.
pub(crate) fn tell_reason(cx: &Context, head: &Head) {
    if !head.reason.is_empty() {
        cx.tell_reason(head.status, &head.reason);
    }
}

/// The body of a stored answer.
pub(crate) fn body_of(entry: &Entry) -> Body {
    match entry.body() {
        portunus_cache::Body::Memory(bytes) => Body::bytes(bytes.clone()),
        portunus_cache::Body::File { file, start, len } => Body::Stored(Box::new(
            portunus_static_files::FilePart::new(Arc::clone(file), *start, *len),
        )),
    }
}

/// The length that a stored head tells.
pub(crate) fn length_of(fields: &HeaderMap) -> Option<u64> {
    let length = fields.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    let whole = !fields.contains_key(header::TRANSFER_ENCODING);
    length.parse().ok().filter(|_| whole)
}
