//! `charset`: the parameter of `Content-Type`.
//!
//! Source: nginx, ngx_http_charset_filter_module (without recoding).

use bytes::{BufMut, BytesMut};
use http::HeaderValue;

use super::Reply;
use crate::config::Charset;
use crate::context::Context;

/// Adds the charset where the type is one of `charset_types` and names none itself.
pub(super) fn apply(cx: &mut Context, charset: &Charset, reply: &mut Reply) {
    let Some(content_type) = reply.content_type.as_ref().filter(|_| reply.charset) else {
        return;
    };
    // Old browsers took the charset of a redirect for that of the page behind it.
    if matches!(reply.status, 301 | 302) {
        return;
    }
    let bytes = content_type.as_bytes();
    if memchr::memchr(b';', bytes).is_some() {
        return;
    }
    let listed = || {
        charset
            .types
            .iter()
            .any(|known| known.eq_ignore_ascii_case(bytes))
    };
    if !charset.any && !listed() {
        return;
    }
    let name = cx.expand(&charset.name);
    if name.is_empty() || name == b"off" {
        return;
    }
    let mut value = BytesMut::with_capacity(bytes.len() + name.len() + 10);
    value.put(bytes);
    value.put(&b"; charset="[..]);
    value.put(&name[..]);
    if let Ok(value) = HeaderValue::from_maybe_shared(value.freeze()) {
        reply.content_type = Some(value);
    }
}
