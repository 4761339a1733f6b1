//! `add_trailer`: fields behind the body, evaluated when it has ended.
//!
//! Source: nginx, `ngx_http_headers_filter`, `ngx_http_headers_body_filter`, `ngx_http_chunked_create_trailers`.

use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::Reply;
use super::added::{SAFE, value_of};
use super::head::bodiless;
use crate::config::{Content, Location};
use crate::context::Context;

/// Whether the answer ends with trailers: it has no length then.
pub(super) fn expected(cx: &Context, location: &Location, reply: &Reply) -> bool {
    let safe = SAFE.contains(&reply.status);
    let rules = &location.headers;
    let added = rules.trailers.iter().any(|added| safe || added.always);
    (added || (reply.length.is_none() && passes(location)))
        // Not that of the head: a request that was refused is answered as one of HTTP/1.1.
        && cx.exchange.version() > 1000
        && !cx.is_head()
        && !bodiless(reply.status)
        && (location.level.chunked || cx.head.version > Version::HTTP_11)
}

/// `proxy_pass_trailers`: those of an answer that is sent in chunks anyway.
///
/// Source: nginx, `ngx_http_upstream_process_trailers`.
fn passes(location: &Location) -> bool {
    matches!(&location.content, Content::Proxy(proxy) if proxy.pass_trailers)
}

/// The trailers of an answer whose body has ended. HTTP/1 gets them through the exchange, which spells names as the
/// operator does; others as a map.
pub(crate) fn trailers(cx: &mut Context) -> Option<HeaderMap> {
    let site = Rc::clone(&cx.site);
    let rules = &cx.location_in(&site).headers;
    let safe = SAFE.contains(&cx.answer.status);
    let (mut fields, mut lines) = (HeaderMap::new(), Vec::new());
    if passes(cx.location_in(&site)) {
        for field in cx.upstream.trailers() {
            let name = HeaderName::from_bytes(&field.name);
            let value = HeaderValue::from_maybe_shared(field.value.clone());
            if let (Ok(name), Ok(value)) = (name, value) {
                put_line(&mut lines, &field.name, value.as_bytes());
                fields.append(name, value);
            }
        }
        cx.answer.trailers = (!fields.is_empty()).then(|| Box::new(fields.clone()));
    }
    for added in rules.trailers.iter().filter(|added| safe || added.always) {
        if let Some(value) = value_of(cx, added) {
            put_line(&mut lines, &added.spelled, value.as_bytes());
            fields.append(added.name.clone(), value);
            if site.keeps_sent_fields {
                cx.answer.trailers = Some(Box::new(fields.clone()));
            }
        }
    }
    if cx.head.version < Version::HTTP_2 {
        cx.exchange.end_with(lines);
        return None;
    }
    (!fields.is_empty()).then_some(fields)
}

fn put_line(lines: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        lines.extend_from_slice(part);
    }
}
