//! `add_header`, `add_trailer` and `expires`.
//!
//! Source: nginx, ngx_http_headers_filter_module.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use portunus_static_files::http_time;
use portunus_telemetry::Clock;

use super::Reply;
use super::charset::split;
use super::head::bodiless;
use crate::config::{AddedHeader, Expires, ExpiresAt, HeaderRules, Location, Site};
use crate::context::Context;

/// Statuses that get fields without `always`.
pub(super) const SAFE: &[u16] = &[200, 201, 204, 206, 301, 302, 303, 304, 307, 308];

/// `max`: nginx's last moment that 32-bit clients understood.
const MAX_EXPIRES: &str = "Thu, 31 Dec 2037 23:55:55 GMT";
const MAX_AGE: &str = "max-age=315360000";
const EPOCH: &str = "Thu, 01 Jan 1970 00:00:01 GMT";

/// Applies the rules of the location to an answer of that status.
pub(super) fn apply(cx: &mut Context, site: &Site, rules: &HeaderRules, reply: &mut Reply) {
    if rules.added.is_empty() && rules.expires.is_none() {
        return;
    }
    cx.answer.status = cx.error_status.unwrap_or(reply.status);
    let safe = SAFE.contains(&reply.status);
    if site.keeps_sent_fields {
        cx.answer.sent = Some(Box::new(sent_so_far(cx, site, reply)));
    }
    if let (Some(expires), true) = (&rules.expires, safe) {
        set_expires(cx, expires, reply);
    }
    for added in rules.added.iter().filter(|added| safe || added.always) {
        let value = value_of(cx, added);
        if let (Some(sent), Some(value)) = (&mut cx.answer.sent, &value) {
            sent.append(added.name.clone(), value.clone());
        }
        put(reply, added, value);
    }
}

/// What `Connection` says.
pub(crate) const fn connection_field(status: u16, kept: bool) -> &'static str {
    match (status, kept) {
        (101, _) => "upgrade",
        (_, true) => "keep-alive",
        (_, false) => "close",
    }
}

/// What `$sent_http_…` means in a value that is itself a field.
fn sent_so_far(cx: &Context, site: &Site, reply: &Reply) -> HeaderMap {
    static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let mut sent = reply.fields.to_map();
    let validators = &reply.validators;
    let kept = cx.exchange.may_keep_alive();
    let seconds = cx.exchange.limits().keepalive_header.filter(|_| kept);
    let connection = connection_field(reply.status, kept);
    let timeout =
        seconds.and_then(|seconds| HeaderValue::try_from(format!("timeout={seconds}")).ok());
    let own = [
        (
            header::CONTENT_TYPE,
            plain_type(cx.location_in(site), reply),
        ),
        (
            header::CONNECTION,
            Some(HeaderValue::from_static(connection)),
        ),
        (KEEP_ALIVE.clone(), timeout),
        (header::CONTENT_LENGTH, reply.length.map(HeaderValue::from)),
        (header::LAST_MODIFIED, validators.last_modified.clone()),
        (header::ETAG, validators.etag.clone()),
        (
            header::LOCATION,
            reply
                .location
                .as_deref()
                .and_then(|text| HeaderValue::from_bytes(text).ok()),
        ),
    ];
    for (name, value) in own {
        if let Some(value) = value {
            sent.insert(name, value);
        }
    }
    sent
}

/// The type of the answer, without the charset that `charset` has still to add in nginx's order.
fn plain_type(location: &Location, reply: &Reply) -> Option<HeaderValue> {
    let content_type = reply.content_type.clone()?;
    let is_made = location.charset.as_ref().is_some_and(|rule| rule.ready) && !reply.charset;
    if !is_made {
        return Some(content_type);
    }
    HeaderValue::from_bytes(split(content_type.as_bytes()).0).ok()
}

/// The value, or `None` where it is empty or cannot stand in a head.
///
/// Differs: nginx writes control bytes of variables into the head; a value with one is left out
/// here, because it would let a client forge fields.
pub(super) fn value_of(cx: &mut Context, added: &AddedHeader) -> Option<HeaderValue> {
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

/// Puts a field in; an empty value takes `Last-Modified` and `ETag` away.
///
/// Differs: nginx tells what it knows itself a second time. What is about the connection stays away here (the head is
/// written without), a length stands where there is no other, and a `Content-Encoding` is believed: such a body is not
/// compressed again, and `gunzip` unpacks it.
fn put(reply: &mut Reply, added: &AddedHeader, value: Option<HeaderValue>) {
    match (&added.name, value) {
        (&header::LAST_MODIFIED, value) => {
            let text = value.as_ref().map(HeaderValue::as_bytes);
            reply.validators.modified = text.and_then(http_time::parse);
            reply.validators.last_modified = value;
            reply.validators.said = true;
        }
        (&header::ETAG, value) => reply.validators.etag = value,
        (&header::CONTENT_LENGTH, _) if !bodiless(reply.status) => {}
        (name, Some(value)) => {
            reply.ranges_said |= *name == header::ACCEPT_RANGES;
            reply.fields.append(name.clone(), value);
        }
        (_, None) => {}
    }
}

fn set_expires(cx: &mut Context, expires: &Expires, reply: &mut Reply) {
    let stands = matches!(expires, Expires::Fixed(_));
    let at = match expires {
        Expires::Fixed(at) => *at,
        Expires::Dynamic(template) => {
            let value = cx.expand(template);
            // nginx: the configuration says `modified`, a variable cannot.
            let modified = |text: &[u8]| text.starts_with(b"modified ");
            if modified(&value) != modified(template.source()) {
                return;
            }
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
        _ => computed(at, reply.validators.modified, stands),
    };
    if let Some(sent) = &mut cx.answer.sent {
        sent.insert(header::EXPIRES, date.clone());
        sent.insert(header::CACHE_CONTROL, control.clone());
    }
    reply.fields.insert(header::EXPIRES, date);
    reply.fields.insert(header::CACHE_CONTROL, control);
}

fn fixed(date: &'static str, control: &'static str) -> (HeaderValue, HeaderValue) {
    (
        HeaderValue::from_static(date),
        HeaderValue::from_static(control),
    )
}

/// `stands` if the configuration itself says when: what it counts backwards is in the past for every file.
fn computed(at: ExpiresAt, modified: Option<i64>, stands: bool) -> (HeaderValue, HeaderValue) {
    let now = i64::try_from(Clock::since_epoch().as_secs()).unwrap_or(i64::MAX);
    let (moment, past) = match at {
        // nginx: no time is now, wherever it is counted from, and with either sign.
        ExpiresAt::AfterAccess { offset, .. } | ExpiresAt::AfterModification { offset, .. }
            if offset.is_zero() =>
        {
            (now, false)
        }
        ExpiresAt::AfterAccess { offset, negative } => (shift(now, offset, negative), negative),
        ExpiresAt::AfterModification { offset, negative } => {
            // nginx: -1 is no time.
            let base = modified.filter(|time| *time != -1).unwrap_or(now);
            (shift(base, offset, negative), negative && stands)
        }
        ExpiresAt::Daily(second) => (next_daily(now, second), false),
        ExpiresAt::Off | ExpiresAt::Epoch | ExpiresAt::Max => (now, true),
    };
    let control = if past || moment < now {
        HeaderValue::from_static("no-cache")
    } else {
        let age = format!("max-age={}", moment - now);
        HeaderValue::try_from(age).unwrap_or(HeaderValue::from_static("no-cache"))
    };
    let date = HeaderValue::try_from(http_time::format(moment));
    (date.unwrap_or(HeaderValue::from_static(EPOCH)), control)
}

fn shift(base: i64, offset: Duration, negative: bool) -> i64 {
    let seconds = i64::try_from(offset.as_secs()).unwrap_or(i64::MAX);
    if negative {
        base.saturating_sub(seconds)
    } else {
        base.saturating_add(seconds)
    }
}

/// The next time that the clock shows that second of the day, in local time.
fn next_daily(now: i64, second: u32) -> i64 {
    let midnight = now - i64::from(Clock::second_of_day());
    let today = midnight + i64::from(second);
    if today > now { today } else { today + 86_400 }
}
