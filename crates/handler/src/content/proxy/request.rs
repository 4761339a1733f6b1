//! The request as it is passed on, byte for byte as nginx writes it.
//!
//! Source: nginx, `ngx_http_proxy_create_request`.

use bytes::Bytes;
use http::HeaderName;
use portunus_uri_path::Escape;

use super::streams;
use crate::config::Proxy;
use crate::context::Context;

/// A request ready to be sent, as often as needed.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Request line and fields.
    pub(super) head: Bytes,
    /// The target, for messages.
    pub(super) uri: Vec<u8>,
    /// The body is the client's, and put into chunks.
    pub(super) chunked: bool,
    /// The body of `proxy_set_body`.
    pub(super) own_body: Option<Bytes>,
    /// The method is HEAD.
    pub(super) head_only: bool,
}

/// Writes the head.
pub(super) fn write(cx: &mut Context, proxy: &Proxy) -> Result<Outgoing, u16> {
    let mut out = Vec::with_capacity(1024);
    let converted = cx
        .upstream
        .cache
        .as_ref()
        .is_some_and(|state| state.converted);
    let method = match &proxy.method {
        _ if converted => b"GET".to_vec(),
        Some(template) => cx.expand(template),
        None => cx.head.method.as_str().as_bytes().to_vec(),
    };
    if method.iter().any(|&byte| parts_lines(byte)) {
        cx.log_error(format_args!("invalid method to proxy"));
        return Err(500);
    }
    out.extend_from_slice(&method);
    out.push(b' ');
    let uri = without_controls(uri(cx));
    if uri.is_empty() {
        cx.log_error(format_args!("zero length URI to proxy"));
        return Err(500);
    }
    out.extend_from_slice(&uri);
    out.extend_from_slice(if proxy.http11 {
        b" HTTP/1.1\r\n"
    } else {
        b" HTTP/1.0\r\n"
    });
    let own_body = proxy.body.as_ref().map(|body| Bytes::from(cx.expand(body)));
    write_host(cx, proxy, &mut out);
    for (name, value) in &proxy.set_headers {
        let value = cx.expand(value);
        if !value.is_empty() {
            put_expanded(&mut out, name, value);
        }
    }
    let chunked = write_framing(cx, proxy, own_body.as_ref(), &mut out);
    let storable = cx.asks_for_storing();
    if storable {
        write_conditions(cx, proxy, &mut out);
    }
    if proxy.pass_request_headers {
        write_fields(cx, proxy, storable, &mut out);
    }
    out.extend_from_slice(b"\r\n");
    Ok(Outgoing {
        head: out.into(),
        uri,
        chunked,
        own_body,
        head_only: method.eq_ignore_ascii_case(b"HEAD"),
    })
}

fn put(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// A field whose value the client may have had a hand in.
///
/// Differs: nginx passes control bytes on, so that a decoded `$uri` or a capture forges fields of the
/// request to the backend; here they become spaces, as RFC 9110 §5.5 has it for CR, LF and NUL.
fn put_expanded(out: &mut Vec<u8>, name: &[u8], mut value: Vec<u8>) {
    for byte in &mut value {
        if byte.is_ascii_control() && *byte != b'\t' {
            *byte = b' ';
        }
    }
    put(out, name, &value);
}

/// Whether a byte ends a word of the request line, or the line.
const fn parts_lines(byte: u8) -> bool {
    byte.is_ascii_control() || byte == b' '
}

/// A target that is one word on one line.
///
/// Differs: nginx passes on what variables of `proxy_pass` hold, a space or a line end of a decoded
/// `$uri` included, which makes another request of it; here they are escaped again.
fn without_controls(uri: Vec<u8>) -> Vec<u8> {
    if !uri.iter().any(|&byte| parts_lines(byte)) {
        return uri;
    }
    let mut escaped = Vec::with_capacity(uri.len() + 16);
    for byte in uri {
        if parts_lines(byte) {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            escaped.push(byte);
        }
    }
    escaped
}

/// What answers are stored under where the configuration does not say: the URL.
///
/// Source: nginx, `ngx_http_proxy_create_key`.
pub(super) fn key(cx: &mut Context) -> Vec<u8> {
    let mut key = Vec::new();
    if let Some(proxied) = &cx.proxied {
        key.extend_from_slice(proxied.url.scheme().as_bytes());
        key.extend_from_slice(&proxied.url.host);
    }
    key.extend_from_slice(&uri(cx));
    key
}

/// The target: what the URL says, in the place of the location's prefix; or the client's own, as it
/// came if nothing has changed it.
fn uri(cx: &Context) -> Vec<u8> {
    let Some(proxied) = &cx.proxied else {
        return Vec::new();
    };
    let url = &proxied.url;
    if proxied.whole_uri {
        return url.uri.to_vec();
    }
    // An absolute form without a path has none to pass on (nginx: `empty_path_in_uri`).
    let has_path = cx.exchange.target().first() != Some(&b'?');
    if url.uri.is_empty() && !cx.uri_changed && has_path {
        return cx.exchange.target().to_vec();
    }
    let rewritten = cx.location_left;
    let prefix = if url.uri.is_empty() || rewritten {
        0
    } else {
        url.prefix.min(cx.uri.len())
    };
    let mut uri = if rewritten {
        Vec::new()
    } else {
        url.uri.to_vec()
    };
    let rest = &cx.uri[prefix..];
    if cx.uri_has_escapes || cx.internal {
        uri.extend_from_slice(&portunus_uri_path::escaped(Escape::Uri, rest));
    } else {
        uri.extend_from_slice(rest);
    }
    if !cx.args.is_empty() {
        uri.push(b'?');
        uri.extend_from_slice(&cx.args);
    }
    uri
}

fn write_host(cx: &mut Context, proxy: &Proxy, out: &mut Vec<u8>) {
    let set = proxy.host.as_ref().map(|host| cx.expand(host));
    let host = match (set, &cx.proxied) {
        (Some(host), _) if !(host.is_empty() && proxy.http11) => host,
        (_, Some(proxied)) => proxied.url.host.to_vec(),
        (_, None) => Vec::new(),
    };
    if !host.is_empty() {
        put_expanded(out, b"Host", host);
    }
}

/// `Content-Length` or `Transfer-Encoding`, unless the configuration sets them itself. Says whether
/// the body goes out in chunks.
fn write_framing(cx: &Context, proxy: &Proxy, own: Option<&Bytes>, out: &mut Vec<u8>) -> bool {
    let sets = |name: &[u8]| {
        proxy
            .set_headers
            .iter()
            .any(|(set, _)| set.eq_ignore_ascii_case(name))
    };
    let came_chunked = cx.exchange.is_chunked();
    let chunked =
        came_chunked && own.is_none() && streams(proxy, true) && cx.body.length().is_none();
    let length = match own {
        Some(body) => Some(body.len() as u64),
        None if chunked => None,
        None => cx.body.length().or_else(|| cx.exchange.content_length()),
    };
    if let Some(length) = length.filter(|_| !sets(b"content-length")) {
        put(out, b"Content-Length", length.to_string().as_bytes());
    }
    if chunked && !sets(b"transfer-encoding") {
        put(out, b"Transfer-Encoding", b"chunked");
    }
    chunked
}

/// The conditions of the store in the place of the client's.
fn write_conditions(cx: &Context, proxy: &Proxy, out: &mut Vec<u8>) {
    let Some(state) = &cx.upstream.cache else {
        return;
    };
    let sets = |name: &[u8]| replaces(proxy, name);
    if let Some(date) = state
        .modified_since()
        .filter(|_| !sets(b"if-modified-since"))
    {
        put(out, b"If-Modified-Since", date.as_bytes());
    }
    if let Some(etag) = state.none_match().filter(|_| !sets(b"if-none-match")) {
        put(out, b"If-None-Match", etag);
    }
}

/// Whether the configuration sets a field itself, or keeps it here.
fn replaces(proxy: &Proxy, name: &[u8]) -> bool {
    let mut replaced = proxy.replaced.iter();
    replaced.any(|known| known.eq_ignore_ascii_case(name))
}

/// Fields that ask for less than the whole answer; what is to be stored is whole.
///
/// Source: nginx, `ngx_http_proxy_cache_headers`.
const CONDITIONS: [&[u8]; 6] = [
    b"if-modified-since",
    b"if-unmodified-since",
    b"if-none-match",
    b"if-match",
    b"range",
    b"if-range",
];

/// The client's own fields, spelled as the client spells them.
fn write_fields(cx: &Context, proxy: &Proxy, storable: bool, out: &mut Vec<u8>) {
    let replaced = |name: &[u8]| {
        let condition = || {
            CONDITIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        };
        replaces(proxy, name) || (storable && condition())
    };
    let raw = cx.exchange.raw_fields();
    if raw.is_empty() {
        for (name, value) in cx.exchange.fields() {
            if !replaced(name.as_str().as_bytes()) {
                put(out, name.as_str().as_bytes(), value.as_bytes());
            }
        }
        return;
    }
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // What the gate has dropped (invalid names) is not in the head.
        let known = HeaderName::from_bytes(name).is_ok_and(|name| cx.exchange.has_field(&name));
        if known && !replaced(name) {
            put(out, name, value);
        }
    }
}
