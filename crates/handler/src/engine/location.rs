//! Finds the location of a URI.
//!
//! Source: nginx, `ngx_http_core_find_config_phase`.

use portunus_telemetry::Severity;
use portunus_uri_path::Escape;

use super::{Step, browser};
use crate::config::Site;
use crate::context::Context;
use crate::request_body::RequestBody;

/// Chooses the location and does what nginx does right there: `internal`, the limit on the body's
/// size, the redirect to the same URI with a slash.
pub(super) fn find(cx: &mut Context, site: &Site) -> Step {
    if let Some(found) = &mut cx.found {
        found.current = false;
    }
    let server = &site.servers[cx.server];
    let found = match server.matcher.find(&cx.uri, &mut cx.captures) {
        Ok(found) => found,
        Err(error) => {
            cx.log_match(&error);
            return Step::Fail(500);
        }
    };
    cx.store_named_captures();
    cx.location = found.location.unwrap_or(server.base);
    let location = cx.location_in(site);
    if location.level.internal && !cx.internal {
        return Step::Fail(404);
    }
    let limit = location.level.client_max_body_size;
    if let Some(length) = body_length(cx).filter(|length| limit != 0 && *length > limit) {
        cx.log(
            Severity::Error,
            format_args!("client intended to send too large body: {length} bytes"),
        );
        cx.body = RequestBody::discarded();
        return Step::Fail(413);
    }
    enter(cx, site);
    if found.redirect_to_slash
        && let Some(path) = found
            .location
            .and_then(|found| server.matcher.redirect_path(found))
    {
        return redirect_to(cx, path.to_vec());
    }
    Step::Rewrite
}

/// What is held against the limit of each location that a request comes to; not of those of its subrequests, which
/// have no body.
fn body_length(cx: &Context) -> Option<u64> {
    if cx.subrequest.is_some() {
        return None;
    }
    cx.body.length().or_else(|| cx.exchange.content_length())
}

/// What holds from here on: the location, or what its `limit_except` says for this method.
///
/// Source: nginx, `ngx_http_update_location_config`.
pub(super) fn enter(cx: &mut Context, site: &Site) {
    if let Some(except) = &cx.location_in(site).limit_except
        && !except.methods.contains(&cx.head.method)
    {
        cx.location = except.location;
    }
    if cx.subrequest.is_some() {
        return;
    }
    let location = cx.location_in(site);
    let name = location.name.escape_ascii();
    cx.log(
        Severity::Debug,
        format_args!("using configuration \"{name}\""),
    );
    let mut limits = location.limits;
    if cx.rate_is_set {
        limits.limit_rate = cx.exchange.limits().limit_rate;
    }
    cx.exchange.set_limits(limits);
    // A location further on does not bring back what one of them has ended.
    let ended = limits.keepalive_timeout.is_zero();
    if ended || browser::loses_keep_alive(cx, location.level.keepalive_disable) {
        cx.exchange.disable_keep_alive();
    }
}

/// `301` to the URI with a slash behind it.
pub(super) fn slash_redirect(cx: &mut Context) -> Step {
    let mut path = portunus_uri_path::escaped(Escape::Uri, &cx.uri).into_owned();
    path.push(b'/');
    redirect_to(cx, path)
}

/// `301` to a path, arguments kept.
fn redirect_to(cx: &mut Context, mut path: Vec<u8>) -> Step {
    if !cx.args.is_empty() {
        path.push(b'?');
        path.extend_from_slice(&cx.args);
    }
    cx.carried.location = Some(path);
    Step::Fail(301)
}
