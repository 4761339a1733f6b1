//! `charset`: the parameter of `Content-Type`, and recoding by `charset_map`.
//!
//! Source: nginx, ngx_http_charset_filter_module.

use http::HeaderValue;

use super::Reply;
use crate::config::{Charset, Location, Site};
use crate::context::Context;
use crate::filtered::Stage;

/// Names the charset, and recodes what comes in another one.
pub(super) fn apply(cx: &mut Context, site: &Site, location: &Location, reply: &mut Reply) {
    let Some(content_type) = reply.content_type.clone().filter(|_| reply.charset) else {
        return;
    };
    let (media, own) = split(content_type.as_bytes());
    let Some(to) = destination(cx, site, location, media, own) else {
        return;
    };
    let rule = location.charset.as_deref();
    let from = match (own, rule.and_then(|rule| rule.source.as_ref())) {
        (Some(own), _) => Some(own.to_vec()),
        (None, Some(source)) => Some(cx.expand(source)).filter(|name| name != b"off"),
        (None, None) => None,
    };
    if let Some(from) = from.filter(|from| !from.eq_ignore_ascii_case(&to)) {
        if reply.fields.contains(&http::header::CONTENT_ENCODING) {
            return;
        }
        let Some(recoder) = site.charsets.recoder(&from, &to) else {
            let (from, to) = (from.escape_ascii(), to.escape_ascii());
            return cx.log_error(format_args!(
                "no \"charset_map\" between the charsets \"{from}\" and \"{to}\""
            ));
        };
        if !recoder.keeps_length() {
            reply.length = None;
            reply.content_length = None;
        }
        reply.push_stage(Stage::recode(recoder));
    }
    // Old browsers took the charset of a redirect for that of the page behind it, so that its own goes, too.
    reply.content_type = match reply.status {
        301 | 302 => HeaderValue::from_bytes(media).ok(),
        _ => named(media, &to),
    };
}

/// What an answer names as its charset.
pub(super) fn own(reply: &Reply) -> Option<Vec<u8>> {
    let (_, own) = split(reply.content_type.as_ref()?.as_bytes());
    own.map(<[u8]>::to_vec)
}

/// Takes the charset off a file that stands for a redirect, as [`apply`] does.
pub(super) fn unname(reply: &mut Reply) {
    let content_type = reply.content_type.take();
    reply.content_type =
        content_type.and_then(|value| HeaderValue::from_bytes(split(value.as_bytes()).0).ok());
}

/// Gives an answer that charset.
pub(super) fn name(reply: &mut Reply, charset: &[u8]) {
    let content_type = reply.content_type.as_ref();
    reply.content_type = content_type.and_then(|value| named(split(value.as_bytes()).0, charset));
}

pub(crate) fn named(media: &[u8], charset: &[u8]) -> Option<HeaderValue> {
    let value = [media, b"; charset=", charset].concat();
    HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).ok()
}

/// The charset that an answer of that type gets, if it names none itself.
pub(crate) fn charset_of(cx: &mut Context, location: &Location, media: &[u8]) -> Option<Vec<u8>> {
    let rule = location.charset.as_deref()?;
    configured(cx, rule, media, None)
}

fn destination(
    cx: &mut Context,
    site: &Site,
    location: &Location,
    media: &[u8],
    own: Option<&[u8]>,
) -> Option<Vec<u8>> {
    // `X-Accel-Charset`.
    if let Some(name) = cx.carried.charset.take() {
        if site.charsets.knows(&name) {
            return Some(name);
        }
        let name = name.escape_ascii();
        cx.log_error(format_args!("unknown charset \"{name}\" to override"));
        return None;
    }
    let rule = location.charset.as_deref()?;
    configured(cx, rule, media, own)
}

fn configured(
    cx: &mut Context,
    rule: &Charset,
    media: &[u8],
    own: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let applies = match own {
        Some(_) => rule.override_upstream,
        None => rule.types.contains(media),
    };
    if !applies {
        return None;
    }
    // Differs: a variable may say `off`, which nginx takes for a charset of that name; and where it has no value at all,
    // nginx closes the connection.
    let name = cx.expand(&rule.name);
    (!name.is_empty() && name != b"off").then_some(name)
}

/// A media type and the charset it names.
///
/// Source: nginx, `ngx_http_upstream_copy_content_type`.
pub(crate) fn split(content_type: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b';', &content_type[from..]) {
        let (end, rest) = (from + at, content_type[from + at + 1..].trim_ascii_start());
        if let Some(name) = rest.get(8..)
            && rest[..8].eq_ignore_ascii_case(b"charset=")
        {
            let name = name.strip_prefix(b"\"").unwrap_or(name);
            let name = name.strip_suffix(b"\"").unwrap_or(name);
            return (&content_type[..end], Some(name));
        }
        from = end + 1;
    }
    (content_type, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_is_found_among_parameters() {
        let parts = |text: &'static str| split(text.as_bytes());
        assert_eq!(parts("text/html"), (&b"text/html"[..], None));
        assert_eq!(
            parts("text/html; a=b; Charset=\"x\""),
            (&b"text/html; a=b"[..], Some(&b"x"[..]))
        );
        assert_eq!(parts("text/html;"), (&b"text/html;"[..], None));
    }
}
