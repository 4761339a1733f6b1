//! `error_page`, and nginx's own short pages where there is none.
//!
//! Source: nginx, `ngx_http_special_response_handler`, `ngx_http_send_error_page`.

use http::{HeaderValue, Method, Version};

use super::{Plan, Step, browser};
use crate::config::{AnswerStatus, ErrorPage, Location, Site};
use crate::context::Context;
use crate::respond::{Reply, page};
use portunus_uri_path::{Escape, escaped};

/// After these statuses nginx closes the connection: what follows on it cannot be trusted, or the
/// rest of the body is not wanted.
const CLOSING: &[u16] = &[400, 413, 414, 495, 496, 497, 500, 501];

/// With these statuses nginx says nothing and closes the connection.
///
/// Source: nginx, `ngx_http_finalize_request`.
const GONE: &[u16] = &[408, 444, 499];

/// Turns a status into an answer: by `error_page`, or by a page of our own.
pub(super) fn answer(cx: &mut Context, site: &Site, status: u16) -> Step {
    if GONE.contains(&status) {
        cx.answer.status = status;
        return Step::Done(Plan::Close);
    }
    cx.error_status = Some(status);
    if let Some(inclusion) = &cx.inclusion
        && inclusion.stubbed
    {
        return Step::Done(Plan::Answer(Box::new(Reply::status(status))));
    }
    if CLOSING.contains(&status) && cx.subrequest.is_none() {
        cx.exchange.disable_keep_alive();
    }
    let location = cx.location_in(site);
    if !cx.in_error_page && !location.error_pages.is_empty() && cx.uri_changes_left != 0 {
        cx.in_error_page = !location.level.recursive_error_pages;
        if let Some(page) = location
            .error_pages
            .iter()
            .find(|page| page.status == status)
        {
            return go_to_page(cx, site, page, status);
        }
    }
    Step::Done(Plan::Answer(Box::new(own_page(cx, site, status))))
}

fn go_to_page(cx: &mut Context, site: &Site, page: &ErrorPage, status: u16) -> Step {
    cx.error_status = match page.answer {
        AnswerStatus::Original => Some(status),
        AnswerStatus::OfPage => None,
        AnswerStatus::Fixed(fixed) => Some(fixed),
    };
    // nginx: the page has the type of what it is, not of what X-Accel-Redirect led here from.
    cx.carried.media.forget_type();
    let target = cx.expand(&page.target);
    match target.first() {
        Some(b'/') => {
            let (uri, args) = split_args(&target);
            if cx.head.method != Method::HEAD {
                cx.head.method = Method::GET;
            }
            cx.args_put = uri.len() < target.len() || page.target.as_literal().is_none();
            super::redirect(cx, uri.to_vec(), args.to_vec())
        }
        Some(b'@') => super::redirect_named(cx, site, &target),
        _ => redirect_client(cx, site, target, page.answer),
    }
}

/// An `error_page` with a URL: the client goes elsewhere, by default with `302`.
fn redirect_client(cx: &mut Context, site: &Site, target: Vec<u8>, answer: AnswerStatus) -> Step {
    let status = match answer {
        AnswerStatus::Fixed(status @ (301 | 302 | 303 | 307 | 308)) => status,
        _ => 302,
    };
    cx.carried.location = Some(target);
    Step::Done(Plan::Answer(Box::new(own_page(cx, site, status))))
}

/// The short page for a status, as a whole answer.
pub(crate) fn own_page(cx: &mut Context, site: &Site, status: u16) -> Reply {
    let product = site.product.name(cx.location_in(site).level.server_tokens);
    // nginx: ngx_http_clear_accept_ranges.
    let carried = &mut cx.carried.fields;
    carried.retain(|(name, _)| *name != http::header::ACCEPT_RANGES);
    if matches!(status, 301 | 302)
        && cx.location_in(site).level.msie_refresh
        && browser::is_msie(cx.exchange.fields())
        && let Some(target) = cx.carried.location.take()
    {
        return refresh(cx, &target);
    }
    let shown = if matches!(status, 494..=497) {
        400
    } else {
        status
    };
    cx.error_status = Some(shown);
    let html = html(cx);
    let padded = pads(cx, cx.location_in(site), status);
    let page = page(status, product.as_bytes(), padded);
    let reply = match page {
        Some(page) => Reply::bytes(shown, html, page),
        None => Reply::status(shown),
    };
    Reply {
        location: cx.carried.location.take(),
        ..reply
    }
}

/// `msie_refresh`: a page that leads on, in the place of a redirect.
///
/// Source: nginx, `ngx_http_send_refresh`.
fn refresh(cx: &mut Context, target: &[u8]) -> Reply {
    cx.error_status = Some(200);
    let page = [
        &b"<html><head><meta http-equiv=\"Refresh\" content=\"0; URL="[..],
        &escaped(Escape::Refresh, target),
        b"\"></head><body></body></html>\r\n",
    ];
    Reply::bytes(200, html(cx), page.concat().into())
}

/// The type of a short page, whatever type was carried here.
fn html(cx: &mut Context) -> HeaderValue {
    cx.carried.media.forget_type();
    let html = HeaderValue::from_static("text/html");
    cx.carried.media.named(html)
}

/// `msie_padding`: old browsers show pages of errors only if they are long enough.
fn pads(cx: &Context, location: &Location, status: u16) -> bool {
    status >= 400
        && location.level.msie_padding
        && cx.head.version >= Version::HTTP_10
        && browser::wants_padding(cx.exchange.fields())
}

/// Splits `path?args`.
pub(super) fn split_args(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}
