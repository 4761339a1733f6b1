//! `add_trailer`: fields behind the body, evaluated when it has ended.
//!
//! Source: nginx, `ngx_http_headers_filter`, `ngx_http_headers_body_filter`, `ngx_http_chunked_create_trailers`.

use std::rc::Rc;

use http::{HeaderMap, Version};

use super::Reply;
use super::added::{SAFE, value_of};
use super::head::bodiless;
use crate::config::Location;
use crate::context::Context;

/// Whether the answer ends with trailers: it has no length then.
pub(super) fn expected(cx: &Context, location: &Location, reply: &Reply) -> bool {
    let safe = SAFE.contains(&reply.status);
    let rules = &location.headers;
    rules.trailers.iter().any(|added| safe || added.always)
        && cx.head.version >= Version::HTTP_11
        && !cx.is_head()
        && !bodiless(reply.status)
        && (location.level.chunked || cx.head.version > Version::HTTP_11)
}

/// The trailers of an answer whose body has ended. HTTP/1 gets them through the exchange, which spells names as the
/// operator does; others as a map.
pub(crate) fn trailers(cx: &mut Context) -> Option<HeaderMap> {
    let site = Rc::clone(&cx.site);
    let rules = &cx.location_in(&site).headers;
    let safe = SAFE.contains(&cx.answer.status);
    let (mut fields, mut lines) = (HeaderMap::new(), Vec::new());
    for added in rules.trailers.iter().filter(|added| safe || added.always) {
        if let Some(value) = value_of(cx, added) {
            for part in [&added.spelled[..], b": ", value.as_bytes(), b"\r\n"] {
                lines.extend_from_slice(part);
            }
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
