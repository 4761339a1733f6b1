//! The last step: filters in nginx's order, then the head.

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use portunus_static_files::ByteRange;

use super::added::connection_field;
use super::conditional::{self, Precondition};
use super::fields::Fields;
use super::{Reply, added, chain, charset, ranges, ready, trailers, userid};
use crate::body::{Body, ResponseBody};
use crate::config::{Location, Site};
use crate::context::Context;
use crate::engine::{Plan, Step, decide, own_page};

/// Makes the answer out of a reply.
pub(crate) fn finish(mut cx: Box<Context>, mut reply: Box<Reply>) -> Response<ResponseBody> {
    let site = Rc::clone(&cx.site);
    if reply.location.is_none() {
        // Of a redirect that `error_page` has another page for.
        reply.location = cx.carried.location.take();
    }
    let carried = std::mem::take(&mut cx.carried.fields);
    if !carried.is_empty() {
        let own = std::mem::take(&mut reply.fields);
        reply.fields.extend(carried);
        reply.fields.extend(own);
    }
    filter(&mut cx, &site, &mut reply);
    let location = cx.location_in(&site);
    let trailers = trailers::expected(&cx, location, &reply);
    if trailers {
        reply.length = None;
        reply.content_length = None;
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let own_server = !reply.fields.contains(&header::SERVER);
    let fields = head(&mut cx, &site, location, &mut reply);
    // nginx: `$status` is that of the error, whatever the filters make of the page for it.
    cx.answer.status = cx.error_status.unwrap_or(reply.status);
    let unbounded = reply.length.is_none() && !bodiless(reply.status);
    if site.keeps_sent_fields {
        let mut sent = fields.clone();
        if own_server {
            // nginx writes its name without making a field of it.
            sent.remove(&header::SERVER);
        }
        if reply.validators.modified.is_some() && !is_of_a_file(reply.status) {
            // nginx sends what an upstream says, and forgets it.
            sent.remove(&header::LAST_MODIFIED);
        }
        if unbounded
            && location.level.chunked
            && cx.head.version == Version::HTTP_11
            && !cx.is_head()
        {
            let chunked = HeaderValue::from_static("chunked");
            sent.insert(header::TRANSFER_ENCODING, chunked);
        }
        cx.answer.sent = Some(Box::new(sent));
    }
    let unchunked = !location.level.chunked && unbounded && !cx.is_head();
    if unchunked {
        cx.exchange.disable_keep_alive();
    }
    let body = if cx.is_head() || bodiless(reply.status) {
        Body::Empty
    } else {
        reply.take_body().by_sendfile(&cx.exchange)
    };
    let mut body = ResponseBody::new(body, reply.length);
    if trailers {
        body = body.with_trailers();
    }
    let mut response = Response::new(body.of_request(cx, location));
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    if unchunked {
        // The end of the connection is then the end of the body; the status line says HTTP/1.1.
        *response.version_mut() = Version::HTTP_10;
    }
    response
}

fn filter(cx: &mut Context, site: &Site, reply: &mut Reply) {
    preconditions(cx, site, reply);
    let location = cx.location_in(site);
    added::apply(cx, site, &location.headers, reply);
    if let Some(rules) = &location.userid {
        userid::apply(cx, rules, reply);
    }
    chain::apply(cx, site, location, reply);
    if reply.status == 200 && reply.ranges && reply.length.is_some() {
        let unsatisfied = ranges::apply(cx, location, reply);
        if let Some(length) = unsatisfied {
            out_of_range(cx, site, length, reply);
        }
    }
}

/// A 416 in the place of the answer: the fields that it has got so far stay.
///
/// Differs: nginx adds fields twice where the page is one of the configuration, and leaves the entity tag and the coding
/// of the answer in it.
fn out_of_range(cx: &mut Context, site: &Site, length: u64, reply: &mut Reply) {
    let mut fields = std::mem::take(&mut reply.fields);
    fields.remove(&header::CONTENT_ENCODING);
    let changes = cx.uri_changes_left;
    let charset = charset::own(reply);
    *reply = failed(cx, site, 416, reply);
    if cx.uri_changes_left == changes {
        if let Some(charset) = charset {
            charset::name(reply, &charset);
        }
        let location = cx.location_in(site);
        chain::text(cx, site, location, reply);
    } else {
        filter(cx, site, reply);
        fields.retain(|name, _| !reply.fields.contains(name));
    }
    fields.extend(std::mem::take(&mut reply.fields));
    fields.insert(header::CONTENT_RANGE, ByteRange::unsatisfied(length));
    reply.fields = fields;
}

/// 304 and 412 in the place of 200; the page for a 412 may fail its preconditions, too.
///
/// Differs: an answer that is being stored on its way goes on without this client; nginx ends it with a 412.
fn preconditions(cx: &mut Context, site: &Site, reply: &mut Reply) {
    loop {
        if let Some(status) = cx.error_status {
            reply.status = status;
            if status == 204 {
                // nginx: of the page for an error, a 204 tells neither type nor date.
                reply.untold_type = true;
                reply.validators.last_modified = None;
            }
        }
        if reply.status != 200 || !reply.conditional {
            return;
        }
        match conditional::check(cx, cx.location_in(site), reply) {
            Precondition::Holds => return,
            Precondition::NotModified => return conditional::not_modified(reply),
            Precondition::Failed => *reply = failed(cx, site, 412, reply),
        }
    }
}

/// Differs: an `error_page` for 412 or 416 that would have to ask an upstream is left out, since the
/// answer at hand came from one already.
fn failed(cx: &mut Context, site: &Site, status: u16, given_up: &Reply) -> Reply {
    cx.carried.vary |= given_up.vary;
    match decide(cx, site, Step::Fail(status)) {
        Plan::Answer(reply) => *reply,
        _ => own_page(cx, site, status),
    }
}

/// Answers that may say when a file was last modified.
fn is_of_a_file(status: u16) -> bool {
    matches!(status, 200 | 206 | 304)
}

/// Whether the head tells the length that is known.
fn tells_length(reply: &Reply) -> bool {
    !bodiless(reply.status) || (reply.status == 304 && reply.told_length)
}

/// Answers that never have a body.
pub(super) fn bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// The fields in nginx's order: its own first, then the upstream's and the added ones. Those that have gone to the
/// connection as lines are not among them.
fn head(cx: &mut Context, site: &Site, location: &Location, reply: &mut Reply) -> HeaderMap {
    let http2 = cx.head.version >= Version::HTTP_2;
    let mut fields = if http2 || site.keeps_sent_fields {
        Fields::Map(HeaderMap::with_capacity(12 + reply.fields.len()))
    } else {
        Fields::Ready(cx.exchange.ready_fields())
    };
    let server = site.product.name(location.level.server_tokens);
    if !reply.fields.contains(&header::SERVER) {
        fields.put(header::SERVER, "Server", server);
    }
    fields.date();
    let content_type = reply.content_type.as_ref();
    if let Some(content_type) = content_type.filter(|_| !reply.untold_type) {
        fields.put(header::CONTENT_TYPE, "Content-Type", content_type);
    }
    // Differs: nginx tells the length of the text that a `return 304` has and does not send (RFC 9110 §8.6).
    if let Some(length) = reply.length.filter(|_| tells_length(reply)) {
        fields.content_length(length, reply.content_length.take());
    }
    let mut last_modified = reply.validators.last_modified.take();
    if !reply.validators.said {
        // nginx: an error page has no date of its own.
        let last_modified = last_modified.take();
        if let Some(value) = last_modified.filter(|_| is_of_a_file(reply.status)) {
            fields.put(header::LAST_MODIFIED, "Last-Modified", &value);
        }
    }
    let redirect = reply.location.take();
    let absolute = redirect
        .as_deref()
        .is_some_and(|target| target.first() == Some(&b'/') && location.level.absolute_redirect);
    let redirect = redirect.and_then(|target| {
        let whole = match absolute {
            true => absolute_url(cx, site, location, &target),
            false => target,
        };
        HeaderValue::from_maybe_shared(bytes::Bytes::from(whole)).ok()
    });
    if let Some(value) = redirect.as_ref().filter(|_| absolute) {
        fields.put(header::LOCATION, "Location", value);
    }
    fields.connection((!http2).then(|| connection_field(reply.status, cx.exchange.keep_alive())));
    let vary = cx.carried.vary
        && location
            .encoding
            .as_ref()
            .is_some_and(|encoding| encoding.rules.vary);
    if reply.vary || vary {
        let value = HeaderValue::from_static("Accept-Encoding");
        fields.put(header::VARY, "Vary", &value);
    }
    for challenge in std::mem::take(&mut cx.carried.challenges) {
        fields.put_more(header::WWW_AUTHENTICATE, "WWW-Authenticate", challenge);
    }
    // One that nginx leaves as it is stands among those that handlers have made.
    if let Some(value) = redirect.filter(|_| !absolute) {
        fields.put(header::LOCATION, "Location", &value);
    }
    if let Some(value) = last_modified {
        fields.put(header::LAST_MODIFIED, "Last-Modified", &value);
    }
    if let Some(etag) = reply.validators.etag.take() {
        fields.put(header::ETAG, "ETag", &etag);
    }
    if reply.accept_ranges {
        let value = HeaderValue::from_static("bytes");
        fields.put(header::ACCEPT_RANGES, "Accept-Ranges", &value);
    }
    match fields {
        Fields::Map(mut map) => {
            for (name, value) in std::mem::take(&mut reply.fields) {
                map.append(name, value);
            }
            map
        }
        Fields::Ready(mut ready) => {
            ready::keep(cx, site, location, reply, &ready);
            ready.follow_with(std::mem::take(&mut reply.fields));
            cx.exchange.begin_with(ready);
            HeaderMap::new()
        }
    }
}

/// `absolute_redirect`: a path becomes a URL of this server.
///
/// Source: nginx, `ngx_http_header_filter`.
fn absolute_url(cx: &mut Context, site: &Site, location: &Location, path: &[u8]) -> Vec<u8> {
    let mut url = Vec::with_capacity(path.len() + 48);
    url.extend_from_slice(if cx.tls() { b"https://" } else { b"http://" });
    cx.append_redirect_host(site, location, &mut url);
    url.extend_from_slice(path);
    url
}

impl Context {
    fn append_redirect_host(&self, site: &Site, location: &Location, url: &mut Vec<u8>) {
        if location.level.server_name_in_redirect {
            url.extend_from_slice(&site.servers[self.server].name);
        } else if self.host.is_empty() {
            match self.local_address() {
                Some(address) => url.extend_from_slice(address.ip().to_string().as_bytes()),
                None => url.extend_from_slice(&site.servers[self.server].name),
            }
        } else {
            url.extend_from_slice(&self.host);
        }
        let default = if self.tls() { 443 } else { 80 };
        let ours = || self.local_address().map(|address| address.port());
        let port = self.forwarded.port.or_else(ours).unwrap_or(default);
        if location.level.port_in_redirect && port != default {
            url.extend_from_slice(format!(":{port}").as_bytes());
        }
    }
}
