//! Decides what is to be done for a request, without waiting for anything.
//!
//! The phases are nginx's (ngx_http_core_run_phases): server rewrite, find location, location
//! rewrite, access, `try_files`, content; an error or an internal redirect sends the request
//! around again. The outcome is a plain value, a [`Plan`]; what has to wait (PHP, a request body)
//! happens in `act`.
//!
//! ```text
//!              ┌──────────── internal redirect, rewrite … last, error_page ───────────┐
//!              ▼                                                                      │
//!  ServerRewrite ─▶ FindLocation ─▶ Rewrite ─▶ Access ─▶ TryFiles ─▶ Content ─▶ Plan  │
//!                        ▲             │         │          │           │             │
//!                        └─ URI changed┘         └──────────┴───────────┴── Fail ─────┘
//! ```

use std::time::Duration;

use crate::access::Check;
use crate::config::{Content, Site};
use crate::content::listing::Listing;
use crate::content::small;
use crate::context::Context;
use crate::explain;
use crate::respond::{ReadyFile, Reply};

mod access;
mod browser;
mod error_page;
mod files;
mod index_names;
mod limit;
mod location;
mod paths;
mod precompressed;
pub(crate) mod real_ip;
mod real_path;
mod rewrite;

pub(crate) use access::{Progress, Verdict, password_verdict, resume as resume_access};
pub(crate) use browser::is_msie;
pub(crate) use error_page::own_page;
pub(crate) use files::{Found, SeenDirectory, index};

/// What is to be done for a request.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Send this.
    Answer(Box<Reply>),
    /// Send a file under a head that was made for it before.
    Ready(ReadyFile),
    /// Ask PHP as the current location says.
    FastCgi,
    /// Send copies of the request elsewhere first.
    Mirror,
    /// Read a directory.
    List(Box<Listing>),
    /// Ask an HTTP server as the current location says.
    Proxy,
    /// `return 444`: close the connection without an answer.
    Close,
    /// Wait so long, then go on from there.
    Delay(Duration, Box<Step>),
    /// Compute the hash of a password, then go on with the access phase.
    Password(Box<(Check, Progress)>),
    /// Let a subrequest decide, then go on with the access phase.
    AuthRequest(Progress),
}

/// Where a request stands.
#[derive(Debug)]
pub(crate) enum Step {
    ServerRewrite,
    FindLocation,
    Rewrite,
    Access,
    /// `limit_conn`, then access; `limit_req` has let the request pass.
    Connections,
    TryFiles,
    Content,
    /// Content; the copies of the request are on their way.
    Mirrored,
    /// An error or a `return` with an `error_page`'s status.
    Fail(u16),
    Done(Plan),
}

/// Takes a request as far as it goes without waiting.
pub(crate) fn decide(cx: &mut Context, site: &Site, from: Step) -> Plan {
    let mut step = from;
    loop {
        if let Some(trace) = &cx.trace {
            explain::step(cx, trace, site, &step);
        }
        step = match step {
            Step::ServerRewrite => rewrite::server(cx, site),
            Step::FindLocation => location::find(cx, site),
            Step::Rewrite => rewrite::location(cx, site),
            Step::Access => access::check(cx, site),
            Step::Connections => limit::connections(cx, site),
            Step::TryFiles => files::try_files(cx, site),
            Step::Content if mirrors(cx, site) => return Plan::Mirror,
            Step::Content | Step::Mirrored => content(cx, site),
            Step::Fail(status) => error_page::answer(cx, site, status),
            Step::Done(plan) => return plan,
        };
    }
}

/// Whether copies of the request have to be sent first.
fn mirrors(cx: &Context, site: &Site) -> bool {
    cx.location_in(site).mirror.is_some() && cx.subrequest.is_none()
}

fn content(cx: &mut Context, site: &Site) -> Step {
    match &cx.location_in(site).content {
        Content::Files => files::serve(cx, site),
        Content::FastCgi(_) => Step::Done(Plan::FastCgi),
        Content::Proxy(_) => Step::Done(Plan::Proxy),
        Content::StubStatus => small::stub_status(cx),
        Content::Health => small::health(cx),
        Content::EmptyGif => small::empty_gif(cx),
    }
}

/// Sends the request to another URI of this server.
///
/// Source: nginx, `ngx_http_internal_redirect`.
pub(crate) fn redirect(cx: &mut Context, uri: Vec<u8>, args: Vec<u8>) -> Step {
    if !spend_uri_change(cx) {
        cx.log_error(format_args!(
            "rewrite or internal redirection cycle while internally redirecting to \"{}\"",
            uri.escape_ascii()
        ));
        return Step::Fail(500);
    }
    cx.set_uri(uri, args);
    cx.carried.vary = false;
    cx.carried.judged = false;
    cx.uri_rewritten = false;
    cx.location_left = false;
    cx.internal = true;
    Step::ServerRewrite
}

/// Sends the request to a named location.
///
/// Source: nginx, `ngx_http_named_location`.
pub(crate) fn redirect_named(cx: &mut Context, site: &Site, name: &[u8]) -> Step {
    if !spend_uri_change(cx) {
        cx.log_error(format_args!(
            "rewrite or internal redirection cycle while redirect to named location \"{}\"",
            name.escape_ascii()
        ));
        return Step::Fail(500);
    }
    if cx.uri.is_empty() {
        // That of a target which is none.
        cx.log_error(format_args!(
            "empty URI in redirect to named location \"{}\"",
            name.escape_ascii()
        ));
        return Step::Fail(500);
    }
    let Some(target) = site.servers[cx.server].matcher.named(name) else {
        cx.log_error(format_args!(
            "could not find named location \"{}\"",
            name.escape_ascii()
        ));
        return Step::Fail(500);
    };
    cx.location = target;
    if let Some(found) = &mut cx.found {
        found.current = false;
    }
    location::enter(cx, site);
    cx.uri_rewritten = false;
    cx.internal = true;
    Step::Rewrite
}

/// Goes where an upstream's `X-Accel-Redirect` points: a URI with arguments, which is then asked for by GET, or
/// `@name`, where the method stays.
///
/// Source: nginx, `ngx_http_upstream_process_headers`.
pub(crate) fn redirect_inside(cx: &mut Context, site: &Site, target: &[u8]) -> Step {
    if target.first() == Some(&b'@') {
        return redirect_named(cx, site, target);
    }
    match portunus_uri_path::split_unsafe(target) {
        Ok((uri, args)) => {
            if cx.head.method != http::Method::HEAD {
                cx.head.method = http::Method::GET;
            }
            cx.args_put = target.contains(&b'?');
            redirect(cx, uri.into_owned(), args.to_vec())
        }
        Err(_) => {
            let target = target.escape_ascii();
            cx.log_error(format_args!("unsafe URI \"{target}\" was detected"));
            Step::Fail(404)
        }
    }
}

/// Counts a change of the URI; `false` when there were too many.
pub(crate) fn spend_uri_change(cx: &mut Context) -> bool {
    cx.uri_changes_left = cx.uri_changes_left.saturating_sub(1);
    cx.uri_changes_left != 0
}
