//! What comes in the place of an answer that PHP or a server behind us has given: a page of ours, or
//! what `X-Accel-Redirect` leads to.

use http::{HeaderName, HeaderValue, header};

use crate::config::Site;
use crate::context::Context;
use crate::engine::{Plan, decide, redirect_inside};

/// Fields that survive an `X-Accel-Redirect` (nginx copies these from the upstream's answer).
pub(super) const KEPT_ON_REDIRECT: [HeaderName; 5] = [
    header::CONTENT_DISPOSITION,
    header::CACHE_CONTROL,
    header::EXPIRES,
    header::SET_COOKIE,
    header::ACCEPT_RANGES,
];

/// Whether `error_page` has a page for an answer of that status, where errors are intercepted at all.
///
/// Source: nginx, `ngx_http_upstream_intercept_errors`.
pub(super) fn has_page(cx: &Context, site: &Site, status: u16) -> bool {
    let pages = &cx.location_in(site).error_pages;
    status >= 300 && !cx.in_error_page && pages.iter().any(|page| page.status == status)
}

/// `X-Accel-Redirect`: this server answers in the other's stead, with the other's media type and
/// those of its fields that are [kept](KEPT_ON_REDIRECT).
pub(super) fn accel_redirect(
    cx: &mut Context,
    site: &Site,
    target: &[u8],
    content_type: Option<HeaderValue>,
    kept: Vec<(HeaderName, HeaderValue)>,
) -> Plan {
    // One of these may have led to the next.
    if let Some(content_type) = content_type {
        cx.carried.media.keep(content_type);
    }
    cx.carried.fields.extend(kept);
    let step = redirect_inside(cx, site, target);
    decide(cx, site, step)
}
