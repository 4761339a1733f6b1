//! The gate of HTTP/2: what the protocol machine lets through and nginx does not, and the facts that
//! an exchange tells.
//!
//! What RFC 9113 §8.1.1 calls malformed never comes here: the stream has been reset by then, where
//! nginx answers with 400 in some cases.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use crate::connection::{Connection, Head};
use crate::gate::{
    Known, Refusal, RequestLine, Severity, check_escapes, is_method_byte, is_odd_name,
    validate_host,
};
use crate::handler::ConnectionHandler;
use crate::settings::Settings;

/// A request as it is let in.
pub(super) struct Admitted {
    pub(super) head: Head,
    pub(super) settings: Arc<Settings>,
    /// Why it is not let in after all.
    pub(super) refusal: Option<Refusal>,
}

/// Judges a head and brings its fields into the form that HTTP/1 has them in: one `Cookie`, a
/// `Host`.
///
/// Source: nginx, `ngx_http_v2_run_request`.
pub(super) fn admit<H: ConnectionHandler>(
    handler: &H,
    connection: &Connection,
    parts: &mut Parts,
    has_body: bool,
) -> Admitted {
    let mut head = describe(parts);
    let named = (head.line.authority.clone()).or_else(|| head.host.clone());
    let host = named.and_then(|named| validate_host(head.raw.get(named)?));
    let settings = host
        .and_then(|(host, _)| handler.settings_of_host(connection, host))
        .unwrap_or_else(|| handler.settings(connection));
    leave_out(handler, connection, &settings, &mut parts.headers);
    let refusal = judge(parts, &settings).err();
    // Source: nginx, which has a body without a length behave as one in chunks.
    head.chunked = has_body && head.content_length.is_none() && refusal.is_none();
    if refusal.is_none() {
        join_cookies(&mut parts.headers);
        if let Some(authority) = parts.uri.authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            parts.headers.insert(header::HOST, host);
        }
    }
    Admitted {
        head,
        settings,
        refusal,
    }
}

/// Leaves out fields with odd names, unless the operator wants them.
///
/// Source: nginx, `ngx_http_v2_validate_header`.
fn leave_out<H: ConnectionHandler>(
    handler: &H,
    connection: &Connection,
    settings: &Settings,
    fields: &mut HeaderMap,
) {
    if !settings.ignore_invalid_headers {
        return;
    }
    let odd = |name: &&HeaderName| is_odd_name(name.as_str().as_bytes(), settings);
    let names: Vec<HeaderName> = fields.keys().filter(odd).cloned().collect();
    for name in names {
        fields.remove(&name);
        let message = format_args!("client sent invalid header: \"{name}\"");
        handler.log(connection, Severity::Info, message);
    }
}

fn judge(parts: &Parts, settings: &Settings) -> Result<(), Refusal> {
    let method = parts.method.as_str();
    if !method.bytes().all(is_method_byte) {
        return Err(Refusal::bad("client sent invalid method"));
    }
    check_fields(&parts.headers, settings)?;
    check_host(parts)?;
    if !parts.uri.scheme_str().is_none_or(is_scheme) {
        return Err(Refusal::bad("client sent invalid \":scheme\" header"));
    }
    let target = parts.uri.path_and_query();
    let target = target.map_or(&b"/"[..], |target| target.as_str().as_bytes());
    // RFC 9113 §8.3.1: a path is not empty, with or without a query behind it.
    if target.first() != Some(&b'/') {
        return Err(Refusal::bad("client sent invalid \":path\" header"));
    }
    check_escapes(target)?;
    match method {
        "CONNECT" => Err(Refusal::new(405, "client sent CONNECT method")),
        "TRACE" => Err(Refusal::new(405, "client sent TRACE method")),
        _ => Ok(()),
    }
}

/// RFC 3986 §3.1. The protocol machine lets others through.
fn is_scheme(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

/// RFC 9113 §8.2.1: no whitespace around values.
///
/// Differs: nginx takes it.
fn check_fields(fields: &HeaderMap, settings: &Settings) -> Result<(), Refusal> {
    if fields.len() > settings.max_headers {
        return Err(Refusal::new(494, "client sent too many header lines"));
    }
    let (_, longest) = settings.large_client_header_buffers;
    for (name, value) in fields {
        if name.as_str().len().max(value.len()) > longest {
            return Err(Refusal::new(494, "client sent too large header field"));
        }
        let ends = [value.as_bytes().first(), value.as_bytes().last()];
        if ends.iter().flatten().any(|end| matches!(end, b' ' | b'\t')) {
            return Err(Refusal::bad(format!(
                "client sent header \"{name}\" with whitespace around its value"
            )));
        }
    }
    for name in fields.keys() {
        let known = Known::of(name.as_str().as_bytes());
        let once = known.is_some_and(|known| known.once().is_some());
        if once && fields.get_all(name).iter().nth(1).is_some() {
            return Err(Refusal::bad(format!(
                "client sent duplicate header line: \"{name}\""
            )));
        }
    }
    Ok(())
}

/// RFC 9113 §8.3.1: what `:authority` and `Host` say must be the same.
fn check_host(parts: &Parts) -> Result<(), Refusal> {
    let authority = parts.uri.authority().map(|name| name.as_str().as_bytes());
    let field = parts.headers.get(header::HOST).map(HeaderValue::as_bytes);
    if authority.is_some_and(|name| validate_host(name).is_none()) {
        return Err(Refusal::bad("client sent invalid \":authority\" header"));
    }
    if field.is_some_and(|name| validate_host(name).is_none()) {
        return Err(Refusal::bad("client sent invalid host header"));
    }
    match (authority, field) {
        (None, None) => Err(Refusal::bad(
            "client sent neither \":authority\" nor \"Host\" header",
        )),
        (Some(authority), Some(field)) if authority != field => Err(Refusal::bad(
            "client sent \":authority\" and \"Host\" headers with different values",
        )),
        _ => Ok(()),
    }
}

/// RFC 9113 §8.2.3: a client may send a cookie in pieces; whoever is behind us gets it whole.
///
/// Source: nginx, `ngx_http_v2_construct_cookie_header`.
fn join_cookies(fields: &mut HeaderMap) {
    let mut pieces = fields.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (pieces.next(), pieces.next()) else {
        return;
    };
    let mut whole = first.as_bytes().to_vec();
    for piece in std::iter::once(second).chain(pieces) {
        whole.extend_from_slice(b"; ");
        whole.extend_from_slice(piece.as_bytes());
    }
    // Every byte stood in a field before.
    if let Ok(whole) = HeaderValue::from_maybe_shared(Bytes::from(whole)) {
        fields.insert(header::COOKIE, whole);
    }
}

/// The parts that an exchange tells, put together from pseudo-fields. nginx does the same for
/// `$request`.
fn describe(parts: &Parts) -> Head {
    let name = parts.method.clone();
    let mut raw = Vec::with_capacity(128);
    let mut put = |text: &[u8]| {
        let start = raw.len();
        raw.extend_from_slice(text);
        start..raw.len()
    };
    let method = put(parts.method.as_str().as_bytes());
    put(b" ");
    let target = parts.uri.path_and_query();
    let target = put(target.map_or("/", |target| target.as_str()).as_bytes());
    let end = put(b" HTTP/2.0").end;
    let authority = parts.uri.authority();
    let authority = authority.map(|authority| put(authority.as_str().as_bytes()));
    let host = parts.headers.get(header::HOST);
    let host = host.map(|host| put(host.as_bytes()));
    let field_lines = raw.len()..raw.len();
    let length = parts.headers.get(header::CONTENT_LENGTH);
    Head {
        line: RequestLine {
            whole: 0..end,
            method,
            target,
            authority,
            version: 2000,
        },
        method: name,
        received: raw.len(),
        field_lines,
        host,
        content_length: length.and_then(|value| value.to_str().ok()?.parse().ok()),
        raw: raw.into(),
        ..Head::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, uri: &str, fields: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn code(parts: &Parts) -> Option<u16> {
        let settings = Settings {
            max_headers: 3,
            large_client_header_buffers: (4, 16),
            ..Settings::default()
        };
        judge(parts, &settings).err().map(|refusal| refusal.code)
    }

    #[test]
    fn heads_are_judged_as_nginx_does() {
        let uri = "http://a.test/x";
        for (method, uri, fields, expected) in [
            ("GET", uri, &[][..], None),
            ("GET", uri, &[("host", "a.test")], None),
            ("GET", "/x", &[("host", "a.test")], None),
            // RFC 9113 §8.3.1.
            ("GET", uri, &[("host", "b.test")], Some(400)),
            ("GET", uri, &[("host", "a.test:80")], Some(400)),
            (
                "GET",
                uri,
                &[("host", "a.test"), ("host", "a.test")],
                Some(400),
            ),
            ("GET", "/x", &[], Some(400)),
            ("GET", "/x", &[("host", "a/b")], Some(400)),
            ("GET", "http://a..test/", &[], Some(400)),
            ("GET", "http://a.test/%00", &[], Some(400)),
            ("GET", "http://a.test/%zz", &[], Some(400)),
            ("GET", "http://a.test/?%zz", &[], None),
            ("get", uri, &[], Some(400)),
            ("TRACE", uri, &[], Some(405)),
            ("CONNECT", "a.test:443", &[], Some(405)),
            (
                "GET",
                uri,
                &[("if-match", "1"), ("if-match", "2")],
                Some(400),
            ),
            ("GET", uri, &[("accept", "a"), ("accept", "b")], None),
            (
                "GET",
                uri,
                &[("a", ""), ("b", ""), ("c", ""), ("d", "")],
                Some(494),
            ),
            ("GET", uri, &[("a", "0123456789abcdef")], None),
            ("GET", uri, &[("a", "0123456789abcdefg")], Some(494)),
        ] {
            let parts = parts(method, uri, fields);
            assert_eq!(code(&parts), expected, "{method} {uri} {fields:?}");
        }
    }

    #[test]
    fn pieces_of_a_cookie_become_one() {
        let mut parts = parts(
            "GET",
            "http://a.test/",
            &[
                ("cookie", "a=b"),
                ("accept", "x"),
                ("cookie", "c=d"),
                ("cookie", "e=f"),
            ],
        );
        join_cookies(&mut parts.headers);
        let cookies: Vec<_> = parts.headers.get_all(header::COOKIE).iter().collect();
        assert_eq!(cookies, ["a=b; c=d; e=f"]);
        assert_eq!(parts.headers.len(), 2);
    }
}
