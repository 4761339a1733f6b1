//! `proxy_redirect`: what a server says about itself, told as the client sees it.
//!
//! Source: nginx, `ngx_http_proxy_rewrite_redirect`, `ngx_http_upstream_rewrite_location`,
//! `ngx_http_upstream_rewrite_refresh`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::config::{Proxy, Replacement, ReplacementPattern};
use crate::context::Context;
use crate::respond::Reply;

/// Rewrites `Location` and `Refresh`.
pub(super) fn apply(cx: &mut Context, proxy: &Proxy, fields: &mut HeaderMap, reply: &mut Reply) {
    if let Some(location) = fields
        .get(header::LOCATION)
        .map(|value| value.as_bytes().to_vec())
    {
        let rewritten = rewrite(cx, &proxy.redirects, &location, true);
        if rewritten.is_some() || location.first() != Some(&b'/') {
            reply.location = Some(rewritten.unwrap_or(location));
        }
    }
    if let Some(refresh) = fields
        .get(header::REFRESH)
        .map(|value| value.as_bytes().to_vec())
        && let Some(at) = url_in_refresh(&refresh)
        && let Some(url) = rewrite(cx, &proxy.redirects, &refresh[at..], true)
        && let Some(value) = value([&refresh[..at], &url].concat())
    {
        fields.insert(header::REFRESH, value);
    }
}

pub(super) fn value(bytes: Vec<u8>) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(bytes)).ok()
}

fn url_in_refresh(refresh: &[u8]) -> Option<usize> {
    let at = refresh
        .windows(4)
        .position(|part| part.eq_ignore_ascii_case(b"url="))?;
    Some(at + 4)
}

/// The first replacement that applies; `None` where none does.
pub(super) fn rewrite(
    cx: &mut Context,
    rules: &[Replacement],
    text: &[u8],
    prefix: bool,
) -> Option<Vec<u8>> {
    for rule in rules {
        match &rule.pattern {
            ReplacementPattern::Text(pattern) => {
                let pattern = cx.expand(pattern);
                let found = if prefix {
                    text.starts_with(&pattern)
                } else {
                    text.eq_ignore_ascii_case(&pattern)
                };
                if found {
                    let mut result = cx.expand(&rule.with);
                    result.extend_from_slice(&text[pattern.len()..]);
                    return Some(result);
                }
            }
            ReplacementPattern::Regex(regex) => match regex.captures(text, &mut cx.captures) {
                Ok(true) => {
                    cx.store_named_captures();
                    return Some(cx.expand(&rule.with));
                }
                Ok(false) => {}
                Err(error) => cx.log_match(&error),
            },
        }
    }
    None
}
