//! A server's answer as a plan.
//!
//! Source: nginx, `ngx_http_upstream_process_headers`, `ngx_http_upstream_intercept_errors`,
//! `ngx_http_upstream_send_response`.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use portunus_cache::Entry;
use portunus_proxy::{Field, Response};
use portunus_server::Names;
use portunus_static_files::http_time;

use super::ProxyBody;
use super::tries::Held;
use super::{cookie, redirect};
use crate::body::Body;
use crate::config::{Proxy, Site};
use crate::content::cached::{self, Arrived, Storing, fields_of};
use crate::content::instead::{self, KEPT_ON_REDIRECT, has_page};
use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::respond::{Reply, Validators};

/// Makes the plan for an answer whose head has come.
pub(super) fn from_response(
    cx: &mut Context,
    site: &Site,
    proxy: &Proxy,
    response: Response,
    held: Held,
    head_only: bool,
    mut storing: Option<Box<Storing<'_>>>,
) -> Plan {
    let Response { head, body, .. } = response;
    let status = head.status;
    if let Some(storing) = &mut storing {
        storing.see(
            head.fields
                .iter()
                .map(|field| (&field.name[..], &field.value[..])),
        );
        if let Some(entry) = storing.instead(cx, status) {
            drop((body, held));
            return from_stored(cx, site, proxy, &entry);
        }
    }
    let mut fields = header_map(cx, &head.fields);
    if site.keeps_sent_fields {
        cx.upstream.fields = Some(fields.clone());
    }
    let buffering = instructions(cx, proxy, &fields);
    // A page for the error comes before what its answer leads to.
    let intercepted = proxy.intercept_errors && has_page(cx, site, status);
    if !proxy.ignored.accel_redirect
        && !intercepted
        && let Some(target) = fields.remove("x-accel-redirect")
    {
        drop((body, held));
        return accel_redirect(cx, site, target.as_bytes(), fields);
    }
    if intercepted {
        if status == 401 {
            let challenges = fields.get_all(header::WWW_AUTHENTICATE).into_iter();
            let challenges = challenges.map(|value| (header::WWW_AUTHENTICATE, value.clone()));
            cx.carried.fields.extend(challenges);
        }
        if let Some(storing) = storing {
            storing.intercepted(cx, status);
        }
        return decide(cx, site, Step::Fail(status));
    }
    cx.exchange
        .spell(Names::new(head.fields.iter().map(|field| &field.name[..])));
    cx.tell_reason(status, &head.reason);
    let length = head.content_length.filter(|_| !head.chunked);
    let storable = storing
        .as_ref()
        .is_some_and(|storing| storing.is_storable(cx));
    let mut reply = reply(cx, proxy, status, &mut fields, length, storable);
    reply.content_type = cx.carried.media.under(reply.content_type);
    if status == 101 {
        return super::tunnel::open(cx, site, proxy, reply, body, held);
    }
    let rate = proxy.limit_rate.as_ref().filter(|_| buffering);
    let rate = rate.map_or(0, |rate| cx.expand_size(rate));
    reply.body = transfer(cx, body, held, rate);
    cx.ends_with_client = storing.is_none() && proxy.copy.is_none() && !proxy.ignore_client_abort;
    if rate > 0 {
        // What is stored comes no faster either.
        reply.body = ahead(proxy, reply.body, rate);
    }
    if let Some(storing) = storing.filter(|_| buffering) {
        let fields = head.fields.into_iter();
        let fields: Vec<_> = fields.map(|field| (field.name, field.value)).collect();
        let arrived = Arrived {
            status,
            reason: &head.reason,
            fields: &fields,
            body: std::mem::take(&mut reply.body),
            length: reply.length.filter(|_| !head_only),
            spool: proxy.spool.clone(),
        };
        reply.body = storing.keep(cx, arrived);
    }
    if let Some(rule) = proxy.copy.as_ref().filter(|_| buffering && !head_only) {
        cached::keep_copy(cx, rule, &mut reply, proxy.spool.clone());
    }
    if buffering {
        reply.body = ahead(proxy, reply.body, rate);
    }
    reply.single_range = true;
    if head_only && cx.head.method != Method::HEAD {
        // `proxy_method HEAD`: whatever length was told, nothing comes.
        reply.length = Some(0);
    }
    Plan::Answer(Box::new(reply))
}

/// Makes the plan for an answer that was stored.
///
/// Source: nginx, `ngx_http_upstream_cache_send`.
pub(super) fn from_stored(cx: &mut Context, site: &Site, proxy: &Proxy, entry: &Entry) -> Plan {
    let head = entry.head();
    let mut fields = fields_of(head);
    if site.keeps_sent_fields {
        cx.upstream.fields = Some(fields.clone());
    }
    instructions(cx, proxy, &fields);
    if !proxy.ignored.accel_redirect
        && let Some(target) = fields.remove("x-accel-redirect")
    {
        return accel_redirect(cx, site, target.as_bytes(), fields);
    }
    cached::tell_reason(cx, head);
    cx.exchange
        .spell(Names::new(head.iter().map(|(name, _)| name)));
    let length = cached::length_of(&fields);
    let mut reply = reply(cx, proxy, head.status, &mut fields, length, true);
    reply.content_type = cx.carried.media.under(reply.content_type);
    reply.body = cached::body_of(entry);
    Plan::Answer(Box::new(reply))
}

/// What fields and status make of an answer. With `storable`, ranges and conditions are ours.
fn reply(
    cx: &mut Context,
    proxy: &Proxy,
    status: u16,
    fields: &mut HeaderMap,
    length: Option<u64>,
    storable: bool,
) -> Reply {
    let mut reply = Reply::status(status);
    reply.conditional = storable;
    reply.length = length;
    reply.told_length = true;
    redirect::apply(cx, proxy, fields, &mut reply);
    cookie::apply(cx, proxy, fields);
    reply.ranges = proxy.force_ranges || (storable && fields.contains_key(header::ACCEPT_RANGES));
    // nginx: nobody hears of the other's ranges where there are ours.
    take_fields(proxy, fields, storable || proxy.force_ranges, &mut reply);
    reply
}

/// Fields of which nginx takes the first and ignores others.
const SINGLE: [HeaderName; 8] = [
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::SERVER,
    header::LOCATION,
    header::REFRESH,
    header::LAST_MODIFIED,
    header::EXPIRES,
];

/// Fields as a head can hold them.
///
/// Differs: fields whose names or values no head may hold are left out; nginx passes them on.
fn header_map(cx: &Context, fields: &[Field]) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(&field.name);
        let value = HeaderValue::from_maybe_shared(field.value.clone());
        let (Ok(name), Ok(value)) = (name, value) else {
            continue;
        };
        if let Some(known) = map.get(&name).filter(|_| SINGLE.contains(&name)) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (spelled, value) = (text(&field.name), text(&field.value));
            let known = text(HeaderValue::as_bytes(known));
            cx.log(
                portunus_telemetry::Severity::Warn,
                format_args!(
                    "upstream sent duplicate header line: \"{spelled}: {value}\", previous value: \"{spelled}: {known}\", ignored"
                ),
            );
            continue;
        }
        map.append(name, value);
    }
    map
}

/// Obeys `X-Accel-Limit-Rate` and `X-Accel-Charset`, which hold behind an `X-Accel-Redirect`, too; says whether to read
/// ahead, after `X-Accel-Buffering`.
fn instructions(cx: &mut Context, proxy: &Proxy, fields: &HeaderMap) -> bool {
    let rate = fields
        .get("x-accel-limit-rate")
        .filter(|_| !proxy.ignored.accel_limit_rate);
    let rate = rate.and_then(|rate| rate.to_str().ok()?.parse().ok());
    if let Some(rate) = rate {
        cx.limit_rate(rate);
    }
    if let Some(charset) = fields
        .get("x-accel-charset")
        .filter(|_| !proxy.ignored.accel_charset)
    {
        cx.carried.charset = Some(charset.as_bytes().to_vec());
    }
    let wish = fields
        .get("x-accel-buffering")
        .filter(|_| !proxy.ignored.accel_buffering);
    match wish.map(HeaderValue::as_bytes) {
        Some(value) if value.eq_ignore_ascii_case(b"yes") => true,
        Some(value) if value.eq_ignore_ascii_case(b"no") => false,
        _ => proxy.buffering,
    }
}

/// Fields that nginx writes in places of their own, or that say something about our connection to
/// the server.
const NOT_PASSED: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::LAST_MODIFIED,
    header::ETAG,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
];

/// Takes over what the answer passes on, in its order; not `Accept-Ranges` where ranges are ours.
fn take_fields(proxy: &Proxy, fields: &HeaderMap, own_ranges: bool, reply: &mut Reply) {
    let is_hidden = |name: &HeaderName| proxy.hidden.contains(name) && !proxy.passed.contains(name);
    let first = |name: HeaderName| {
        let value = fields.get(&name).cloned();
        value.filter(|_| !is_hidden(&name))
    };
    reply.content_type = first(header::CONTENT_TYPE);
    let last_modified = first(header::LAST_MODIFIED);
    reply.validators = Validators {
        modified: last_modified
            .as_ref()
            .and_then(|value| http_time::parse(value.as_bytes())),
        last_modified,
        said: true,
        etag: first(header::ETAG),
    };
    // A map that something was removed from has lost its order, hence the copy.
    for (name, value) in fields {
        let ours = NOT_PASSED.contains(name)
            || name == "keep-alive"
            || (*name == header::LOCATION && reply.location.is_some())
            || (*name == header::UPGRADE && reply.status != 101)
            || (own_ranges && *name == header::ACCEPT_RANGES);
        if !ours && !is_hidden(name) {
            reply.fields.append(name.clone(), value.clone());
        }
    }
}

/// A body that is here already is whole, unless a rate is to be kept.
fn transfer(cx: &Context, mut body: portunus_proxy::ResponseBody, held: Held, rate: u64) -> Body {
    if rate == 0
        && let Some(bytes) = body.try_complete()
    {
        held.progress.add(bytes.len() as u64);
        if let Some(warning) = body.take_warning() {
            let severity = portunus_telemetry::Severity::Warn;
            cx.log(severity, format_args!("{warning} while reading upstream"));
        }
        return Body::bytes(bytes);
    }
    Body::Proxy(Box::new(ProxyBody::Direct(Box::new(body), held)))
}

/// Reads ahead what is on its way and not being stored.
fn ahead(proxy: &Proxy, body: Body, rate: u64) -> Body {
    match body {
        Body::Proxy(body) => {
            let to_the_end = proxy.ignore_client_abort;
            Body::Proxy(Box::new(body.read_ahead(&proxy.spool, rate, to_the_end)))
        }
        other => other,
    }
}

/// `X-Accel-Redirect`: this server answers in the other's stead, with some of its fields.
fn accel_redirect(cx: &mut Context, site: &Site, target: &[u8], mut fields: HeaderMap) -> Plan {
    let mut kept = Vec::new();
    for name in KEPT_ON_REDIRECT {
        let values = fields.get_all(&name).into_iter();
        kept.extend(values.map(|value| (name.clone(), value.clone())));
    }
    let content_type = fields.remove(header::CONTENT_TYPE);
    instead::accel_redirect(cx, site, target, content_type, kept)
}
