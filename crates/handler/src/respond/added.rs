//! `add_header`, `add_trailer` and `expires`.
//!
//! Source: nginx, ngx_http_headers_filter_module.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, header};
use portunus_telemetry::Clock;

use super::Reply;
use crate::config::{AddedHeader, Expires, ExpiresAt, HeaderRules};
use crate::context::Context;

/// Statuses that get fields without `always`.
const SAFE: &[u16] = &[200, 201, 204, 206, 301, 302, 303, 304, 307, 308];

/// `max`: nginx's last moment that 32-bit clients understood.
const MAX_EXPIRES: &str = "Thu, 31 Dec 2037 23:55:55 GMT";
const MAX_AGE: &str = "max-age=315360000";
const EPOCH: &str = "Thu, 01 Jan 1970 00:00:01 GMT";

/// Applies the rules of the location to an answer of that status.
pub(super) fn apply(cx: &mut Context, rules: &HeaderRules, reply: &mut Reply, status: u16) {
    let safe = SAFE.contains(&status);
    if let (Some(expires), true) = (&rules.expires, safe) {
        set_expires(cx, expires, reply);
    }
    for added in rules.added.iter().filter(|added| safe || added.always) {
        if let Some(value) = value_of(cx, added) {
            put(reply, added, value);
        }
    }
}

/// Values of `add_trailer`, evaluated with the head.
pub(super) fn trailers(cx: &mut Context, rules: &HeaderRules, status: u16) -> Option<HeaderMap> {
    let safe = SAFE.contains(&status);
    let mut trailers = HeaderMap::new();
    for added in rules.trailers.iter().filter(|added| safe || added.always) {
        if let Some(value) = value_of(cx, added) {
            trailers.append(added.name.clone(), value);
        }
    }
    (!trailers.is_empty()).then_some(trailers)
}

/// The value, or `None` where it is empty or cannot stand in a head.
///
/// Differs: nginx writes control bytes of variables into the head; a value with one is left out
/// here, because it would let a client forge fields.
fn value_of(cx: &mut Context, added: &AddedHeader) -> Option<HeaderValue> {
    if let Some(fixed) = &added.fixed {
        return Some(fixed.clone());
    }
    let mut value = cx.expand(&added.value);
    while value
        .last()
        .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
    {
        value.pop();
    }
    if value.is_empty() {
        return None;
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
}

fn put(reply: &mut Reply, added: &AddedHeader, value: HeaderValue) {
    match added.name {
        header::LAST_MODIFIED => {
            reply.validators.modified = None;
            reply.validators.last_modified = Some(value);
        }
        header::ETAG => reply.validators.etag = Some(value),
        _ => {
            reply.fields.append(added.name.clone(), value);
        }
    }
}

fn set_expires(cx: &mut Context, expires: &Expires, reply: &mut Reply) {
    let at = match expires {
        Expires::Fixed(at) => *at,
        Expires::Dynamic(template) => {
            let value = cx.expand(template);
            match std::str::from_utf8(&value).ok().and_then(ExpiresAt::parse) {
                Some(at) => at,
                None => return,
            }
        }
    };
    let (date, control) = match at {
        ExpiresAt::Off => return,
        ExpiresAt::Epoch => fixed(EPOCH, "no-cache"),
        ExpiresAt::Max => fixed(MAX_EXPIRES, MAX_AGE),
        _ => computed(at, reply.validators.modified),
    };
    reply.fields.insert(header::EXPIRES, date);
    reply.fields.insert(header::CACHE_CONTROL, control);
}

fn fixed(date: &'static str, control: &'static str) -> (HeaderValue, HeaderValue) {
    (
        HeaderValue::from_static(date),
        HeaderValue::from_static(control),
    )
}

fn computed(at: ExpiresAt, modified: Option<i64>) -> (HeaderValue, HeaderValue) {
    let now = Clock::since_epoch().as_secs();
    let (moment, past) = match at {
        ExpiresAt::AfterAccess { offset, negative } => (shift(now, offset, negative), negative),
        ExpiresAt::AfterModification { offset, negative } => {
            let base = modified
                .and_then(|time| u64::try_from(time).ok())
                .unwrap_or(now);
            let moment = shift(base, offset, negative);
            (moment, moment < now)
        }
        ExpiresAt::Daily(second) => (next_daily(now, second), false),
        ExpiresAt::Off | ExpiresAt::Epoch | ExpiresAt::Max => (now, true),
    };
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(moment));
    let control = if past || moment < now {
        HeaderValue::from_static("no-cache")
    } else {
        let age = format!("max-age={}", moment - now);
        HeaderValue::try_from(age).unwrap_or(HeaderValue::from_static("no-cache"))
    };
    (
        HeaderValue::try_from(date).unwrap_or(HeaderValue::from_static(EPOCH)),
        control,
    )
}

fn shift(base: u64, offset: Duration, negative: bool) -> u64 {
    if negative {
        base.saturating_sub(offset.as_secs())
    } else {
        base + offset.as_secs()
    }
}

/// The next time that the clock shows that second of the day, in local time.
fn next_daily(now: u64, second: u32) -> u64 {
    let midnight = now - u64::from(Clock::second_of_day());
    let today = midnight + u64::from(second);
    if today > now { today } else { today + 86_400 }
}
