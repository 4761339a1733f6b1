//! `userid`: the cookie of a client that has none, or needs another.
//!
//! Source: nginx, `ngx_http_userid_set_uid`.

use http::{HeaderName, HeaderValue, header};
use portunus_telemetry::Clock;

use super::Reply;
use crate::config::{CookieExpires, UserId};
use crate::context::Context;

/// Sets the cookie, if one is to be set.
pub(super) fn apply(cx: &mut Context, rules: &UserId, reply: &mut Reply) {
    if cx.subrequest.is_some() {
        return;
    }
    let Some(value) = cx.uid_cookie(rules) else {
        return;
    };
    let expires = match rules.expires {
        CookieExpires::Never => Vec::new(),
        CookieExpires::Max => b"; expires=Thu, 31-Dec-37 23:55:55 GMT".to_vec(),
        CookieExpires::In(seconds) => {
            let at = Clock::since_epoch().as_secs().saturating_add(seconds);
            Clock::format_gmt_at(cookie_date(at), at)
        }
    };
    let cookie = [&rules.name, &b"="[..], &value, &expires, &rules.attributes].concat();
    // A name that cannot stand in a head comes from the configuration, and `conf` lets no line ends pass.
    let Ok(cookie) = HeaderValue::from_maybe_shared(bytes::Bytes::from(cookie)) else {
        return;
    };
    reply.fields.append(header::SET_COOKIE, cookie);
    if let Some(p3p) = &rules.p3p {
        reply
            .fields
            .append(HeaderName::from_static("p3p"), p3p.clone());
    }
}

/// Old browsers know years of two digits, and none beyond 2037.
///
/// Source: nginx, `ngx_http_cookie_time`.
fn cookie_date(seconds: u64) -> &'static [u8] {
    const YEAR_2038: u64 = 2_145_916_800;
    if seconds < YEAR_2038 {
        b"; expires=%a, %d-%b-%y %H:%M:%S GMT"
    } else {
        b"; expires=%a, %d-%b-%Y %H:%M:%S GMT"
    }
}
