//! PHP's answer, or its failure, as a plan.
//!
//! Source: nginx, `ngx_http_upstream_process_headers`, `ngx_http_upstream_intercept_errors`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use portunus_cache::Entry;
use portunus_fastcgi::{CgiFields, CgiHead};
use portunus_fpm::{Error, ErrorKind, Failure, Pool, Response};
use portunus_server::{FieldList, Names};
use portunus_static_files::http_time;
use portunus_telemetry::Severity;

use super::notes::{hint_at_other_files, log_overrun, log_stderr};
use crate::body::Body;
use crate::config::{FastCgi, Site};
use crate::content::cached::{self, Arrived, Storing, fields_of};
use crate::content::instead::{self, KEPT_ON_REDIRECT};
use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::in_place::boxed;
use crate::request_body::BodyReadError;
use crate::respond::Reply;

static ACCEL_CHARSET: HeaderName = HeaderName::from_static("x-accel-charset");
static ACCEL_LIMIT_RATE: HeaderName = HeaderName::from_static("x-accel-limit-rate");
static STATUS: HeaderName = HeaderName::from_static("status");

/// Statuses whose answers are replaced by a page of ours.
///
/// Source: nginx, `ngx_http_upstream_intercept_errors`.
pub(super) fn intercepted<'f>(cx: &Context, fastcgi: &'f FastCgi) -> &'f [u16] {
    match cx.in_error_page {
        true => &[],
        false => &fastcgi.intercepted,
    }
}

/// Makes the plan for an answer whose head has come.
pub(super) fn from_response(
    cx: &mut Context,
    site: &Site,
    fastcgi: &FastCgi,
    pool: &Pool,
    response: Box<Response>,
    mut storing: Option<Box<Storing<'_>>>,
) -> Plan {
    log_stderr(cx, pool, &response.stderr);
    hint_at_other_files(cx, fastcgi, &response.stderr);
    cx.exchange.note_line(response.timings.queue);
    cx.upstream.record(pool, &response, site.keeps_sent_fields);
    if let Some(fields) = &mut cx.upstream.fields
        && let Some(status) = told_status(&response.head)
    {
        fields.insert(STATUS.clone(), status);
    }
    let Response {
        mut head, mut body, ..
    } = *response;
    note_oddities(cx, fastcgi, &head);
    let status = head.status.as_u16();
    if let Some(storing) = &mut storing {
        storing.see(head.spelled());
        if let Some(entry) = storing.instead(cx, status) {
            return from_stored(cx, site, fastcgi, &entry);
        }
    }
    // A page for the error comes before what its answer leads to.
    let intercepted = intercepted(cx, fastcgi).contains(&status);
    if head.accel {
        accel_fields(cx, fastcgi, &head.fields);
        if !intercepted && let Some(target) = fastcgi.options.leads_to(&head.fields).cloned() {
            return accel_redirect(cx, site, &target, head.fields);
        }
    }
    if intercepted {
        if status == 401 {
            let challenges = head.fields.get_all(&header::WWW_AUTHENTICATE);
            let challenges = challenges.map(|value| (header::WWW_AUTHENTICATE, value.clone()));
            cx.carried.fields.extend(challenges);
        }
        if let Some(storing) = storing {
            storing.intercepted(cx, status);
        }
        return decide(cx, site, Step::Fail(status));
    }
    if head.odd_names {
        let names = head.spelled().map(|(name, _)| name);
        cx.exchange.spell(own_names(names));
    }
    if let Some(reason) = &head.reason {
        cx.tell_reason(status, reason);
    }
    let streamed = body.is_streamed();
    let storable = storing
        .as_ref()
        .is_some_and(|storing| storing.is_storable(cx));
    let fields = std::mem::take(&mut head.fields);
    let mut reply = reply(fastcgi, status, fields, head.content_length, storable);
    if !fastcgi.hidden.contains(&STATUS)
        && let Some(told) = told_status(&head)
    {
        reply.fields.append(STATUS.clone(), told);
    }
    reply.content_type = cx.carried.media.under(reply.content_type);
    reply.single_range = true;
    // nginx tells no length that PHP did not tell: what is sent in chunks there comes in chunks here.
    if body.is_overrun() {
        log_overrun(cx);
    }
    reply.body = match body.try_complete() {
        Some(bytes) => Body::bytes(bytes),
        None => {
            cx.ends_with_client =
                storing.is_none() && fastcgi.copy.is_none() && !fastcgi.options.ignore_client_abort;
            Body::FastCgi(Box::new(body))
        }
    };
    if let Some(storing) = storing.filter(|storing| !streamed && storing.takes(cx.is_head())) {
        store(cx, fastcgi, &head, &mut reply, storing);
    }
    if let Some(rule) = fastcgi.copy.as_ref().filter(|_| !streamed) {
        cached::keep_copy(cx, rule, &mut reply, fastcgi.options.spool.clone());
    }
    Plan::Answer(reply)
}

/// Stores an answer on its way.
fn store(
    cx: &mut Context,
    fastcgi: &FastCgi,
    head: &CgiHead,
    reply: &mut Reply,
    storing: Box<Storing<'_>>,
) {
    let fields = head
        .spelled()
        .map(|(name, value)| (copy(name), copy(value)));
    let fields: Vec<_> = fields.collect();
    let arrived = Arrived {
        status: head.status.as_u16(),
        reason: head.reason.as_deref().unwrap_or_default(),
        fields: &fields,
        body: std::mem::take(&mut reply.body),
        length: reply.length.filter(|_| !cx.is_head()),
        spool: fastcgi.options.spool.clone(),
    };
    reply.body = storing.keep(cx, arrived);
}

/// What is odd about a head, and let pass.
fn note_oddities(cx: &Context, fastcgi: &FastCgi, head: &CgiHead) {
    if let Some(room) = fastcgi.buffer_size.exceeded_by(head.size()) {
        let size = head.size();
        cx.log(
            Severity::Warn,
            format_args!(
                "upstream sent a header of {size} bytes, more than the {room} of \"fastcgi_buffer_size\", \
                 which nginx would refuse as too big"
            ),
        );
    }
    for warning in &head.warnings {
        cx.log(
            Severity::Warn,
            format_args!("{warning} while reading response header from upstream"),
        );
    }
}

/// What PHP-FPM says of a script that its `security.limit_extensions` does not allow, in its words,
/// so that nobody sees a difference where FPM is set up well.
///
/// Source: PHP, `sapi/fpm/fpm/fpm_main.c`, `fpm_php_limit_extensions`.
pub(super) fn denied(cx: &mut Context, site: &Site, fastcgi: &FastCgi) -> Plan {
    const STATUS: u16 = 403;
    if intercepted(cx, fastcgi).contains(&STATUS) {
        return decide(cx, site, Step::Fail(STATUS));
    }
    let content_type = HeaderValue::from_static("text/html; charset=UTF-8");
    let fields = CgiFields::from_iter([(header::CONTENT_TYPE, content_type)]);
    let mut reply = reply(fastcgi, STATUS, fields, None, false);
    reply.body = Body::bytes(Bytes::from_static(b"Access denied.\n"));
    Plan::Answer(reply)
}

/// PHP's spelling of names, but for those that are ours to spell.
fn own_names<'n>(names: impl Iterator<Item = &'n [u8]>) -> Names {
    Names::new(names.filter(|name| !name.eq_ignore_ascii_case(b"content-type")))
}

fn copy(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// `Status` as PHP told it.
fn told_status(head: &CgiHead) -> Option<HeaderValue> {
    let (_, value) = head.spelled().find(|(name, _)| is_status(name))?;
    HeaderValue::from_bytes(value).ok()
}

/// `Status` is told apart.
fn is_status(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"status")
}

/// Makes the plan for an answer that was stored.
///
/// Source: nginx, `ngx_http_upstream_cache_send`.
pub(super) fn from_stored(cx: &mut Context, site: &Site, fastcgi: &FastCgi, entry: &Entry) -> Plan {
    let head = entry.head();
    let fields = fields_of(head);
    let length = cached::length_of(&fields);
    let fields = match site.keeps_sent_fields {
        true => CgiFields::from(cx.upstream.fields.insert(fields).clone()),
        false => CgiFields::from(fields),
    };
    accel_fields(cx, fastcgi, &fields);
    if let Some(target) = fastcgi.options.leads_to(&fields).cloned() {
        return accel_redirect(cx, site, &target, fields);
    }
    cached::tell_reason(cx, head);
    cx.exchange
        .spell(own_names(head.iter().map(|(name, _)| name)));
    let mut reply = reply(fastcgi, head.status, fields, length, true);
    reply.content_type = cx.carried.media.under(reply.content_type);
    reply.body = cached::body_of(entry);
    Plan::Answer(reply)
}

/// What fields and status make of an answer. With `storable`, ranges and conditions are ours.
fn reply(
    fastcgi: &FastCgi,
    status: u16,
    fields: CgiFields,
    length: Option<u64>,
    storable: bool,
) -> Box<Reply> {
    let mut reply = boxed(|| Reply::status(status));
    reply.length = length;
    reply.told_length = true;
    reply.conditional = storable;
    let own_ranges = storable && !fastcgi.force_ranges;
    reply.ranges = fastcgi.force_ranges || (own_ranges && fields.contains(&header::ACCEPT_RANGES));
    // nginx: nobody hears of the other's ranges where there are ours.
    take_fields(
        fastcgi,
        fields,
        storable || fastcgi.force_ranges,
        &mut reply,
    );
    reply
}

/// `X-Accel-Limit-Rate` and `X-Accel-Charset`.
fn accel_fields(cx: &mut Context, fastcgi: &FastCgi, fields: &CgiFields) {
    if let Some(value) = fields.get(&ACCEL_LIMIT_RATE)
        && !fastcgi.ignored.accel_limit_rate
        && let Some(rate) = value.to_str().ok().and_then(|text| text.parse().ok())
    {
        cx.limit_rate(rate);
    }
    if let Some(value) = fields.get(&ACCEL_CHARSET)
        && !fastcgi.ignored.accel_charset
    {
        cx.carried.charset = Some(value.as_bytes().to_vec());
    }
}

/// Gives the reply PHP's fields, in PHP's order, but for those that are not for the client.
fn take_fields(fastcgi: &FastCgi, fields: CgiFields, own_ranges: bool, reply: &mut Reply) {
    let Reply {
        content_type,
        validators,
        ..
    } = reply;
    let mut fields = FieldList::from(fields.into_inner());
    let take = |value: &mut _| std::mem::replace(value, HeaderValue::from_static(""));
    fields.retain(|name, value| {
        match *name {
            _ if fastcgi.hidden.contains(name) => {}
            header::CONTENT_TYPE => {
                *content_type = Some(take(value)).filter(|value| !value.is_empty());
            }
            header::ETAG => validators.etag = Some(take(value)),
            header::LAST_MODIFIED => {
                validators.modified = http_time::parse(value.as_bytes());
                validators.last_modified = Some(take(value));
                validators.said = true;
            }
            header::ACCEPT_RANGES if own_ranges => {}
            // Ours to say.
            header::CONNECTION | header::TRANSFER_ENCODING | header::CONTENT_LENGTH => {}
            _ => return true,
        }
        false
    });
    reply.fields = fields;
}

/// `X-Accel-Redirect`: this server answers in PHP's stead, with some of PHP's fields.
fn accel_redirect(
    cx: &mut Context,
    site: &Site,
    target: &HeaderValue,
    mut fields: CgiFields,
) -> Plan {
    let content_type = fields.remove(&header::CONTENT_TYPE);
    let fields = fields.into_iter();
    let kept = fields
        .filter(|(name, _)| KEPT_ON_REDIRECT.contains(name))
        .collect();
    instead::accel_redirect(cx, site, target.as_bytes(), content_type, kept)
}

/// An exchange that brought no answer; another member is asked.
pub(super) fn note_failure(cx: &mut Context, pool: &Pool, failure: &Failure) -> u16 {
    log_stderr(cx, pool, &failure.stderr);
    let status = match &failure.error {
        Error::ClientBody(error) => BodyReadError::status_of(error),
        error => error.status().as_u16(),
    };
    cx.upstream.record_failure(pool, failure, status);
    cx.upstream.name_fastcgi(pool.name());
    cx.log_error(format_args!("{}", failure.error));
    status
}

/// An exchange that brought no answer, and nobody else to ask.
pub(super) fn from_failure(
    cx: &mut Context,
    site: &Site,
    fastcgi: &FastCgi,
    pool: &Pool,
    failure: &Failure,
    storing: Option<Box<Storing<'_>>>,
) -> Plan {
    let status = note_failure(cx, pool, failure);
    let why = match failure.error.kind() {
        ErrorKind::Broken => cached::Failure::Error,
        ErrorKind::Timeout => cached::Failure::Timeout,
        ErrorKind::InvalidHead => cached::Failure::InvalidHead,
        ErrorKind::Overloaded => cached::Failure::Overloaded,
        ErrorKind::Local => cached::Failure::Other,
    };
    if let Some(entry) = storing.and_then(|storing| storing.failed(cx, why, status)) {
        return from_stored(cx, site, fastcgi, &entry);
    }
    if let Some(seconds) = failure.error.retry_after() {
        let seconds = HeaderValue::from(seconds);
        cx.carried.fields.push((header::RETRY_AFTER, seconds));
    }
    decide(cx, site, Step::Fail(status))
}

/// There is nobody to ask at all.
///
/// Source: nginx, `ngx_http_upstream_next`, where `NGX_HTTP_UPSTREAM_FT_NOLIVE` is an `error`.
pub(super) fn from_nobody(
    cx: &mut Context,
    site: &Site,
    fastcgi: &FastCgi,
    storing: Option<Box<Storing<'_>>>,
) -> Plan {
    const STATUS: u16 = 502;
    let why = cached::Failure::Error;
    match storing.and_then(|storing| storing.failed(cx, why, STATUS)) {
        Some(entry) => from_stored(cx, site, fastcgi, &entry),
        None => decide(cx, site, Step::Fail(STATUS)),
    }
}
