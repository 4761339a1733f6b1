//! Passes a request to PHP and turns PHP's answer into a reply.
//!
//! Source: nginx, ngx_http_fastcgi_module, ngx_http_upstream.c.

mod answer;
mod notes;
mod params;
mod script;
mod turn;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use portunus_fpm::{Body, Failure, Request, Response, Sending};

use super::cached::{LookUp, Storing, look_up};
use super::leaving::abandoned;
use crate::config::{
    Content, DynamicPools, FastCgi, FastCgiGroup, FastCgiPass, Missing, Site, Template,
    of_one_family,
};
use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::request_body::RequestBody;
use turn::Turn;

pub(crate) use notes::log_aside;
pub(crate) use turn::Held;

/// Answers as the current location says: from the store, or by asking PHP. The plan that comes back may
/// be another round.
pub(crate) async fn run(cx: &mut Context) -> Plan {
    let site = Rc::clone(&cx.site);
    let Content::FastCgi(fastcgi) = &cx.location_in(&site).content else {
        return decide(cx, &site, Step::Fail(500));
    };
    cx.upstream.pass_on();
    let mut stored = None;
    if let Some(rules) = &fastcgi.caching {
        cx.forget_looks();
        // nginx, too, has the body before it looks: it may be a part of the key.
        if let Err(step) = take_body(cx, &site, fastcgi).await {
            return decide(cx, &site, step);
        }
        match Box::pin(look_up(cx, rules, |_| Vec::new())).await {
            LookUp::Off => {}
            LookUp::Ask(storing) => stored = Some(storing),
            LookUp::Answer(entry) => return answer::from_stored(cx, &site, fastcgi, &entry),
            LookUp::Failed(status) => return decide(cx, &site, Step::Fail(status)),
        }
    }
    ask(cx, &site, fastcgi, stored).await
}

/// Asks PHP; its answer is stored on its way if it may be.
pub(crate) async fn ask(
    cx: &mut Context,
    site: &Site,
    fastcgi: &FastCgi,
    storing: Option<Box<Storing<'_>>>,
) -> Plan {
    if matches!(cx.body, RequestBody::Unread(_)) {
        cx.forget_looks();
    }
    if let Err(step) = take_body(cx, site, fastcgi).await {
        return decide(cx, site, step);
    }
    let group = match group(cx, &fastcgi.pass).await {
        Ok(group) => group,
        Err(status) => return decide(cx, site, Step::Fail(status)),
    };
    let params = params::params(cx, fastcgi);
    if fastcgi.script_check && is_forbidden(cx, &params) {
        return answer::denied(cx, site, fastcgi);
    }
    let params = params.pairs;
    let mut body = body(cx, fastcgi);
    // What PHP leaves behind is newer than any look so far.
    cx.forget_looks();
    let idempotent = cx.head.method.is_idempotent();
    let limit_rate = fastcgi.limit_rate.as_ref();
    let limit_rate = limit_rate.map_or(0, |rate| cx.expand_size(rate));
    let next = &fastcgi.next_upstream;
    let mut turn = Turn::new(cx, &group, next);
    loop {
        let Some(pool) = turn.next(cx) else {
            return answer::from_nobody(cx, site, fastcgi, storing);
        };
        let may_go_on = turn.may_go_on(next);
        let again = if may_go_on { body.again() } else { None };
        let request = Request {
            params: &params,
            body,
            idempotent: idempotent || next.non_idempotent,
            head_only: cx.is_head(),
            replaced: answer::intercepted(cx, fastcgi),
            lane: fastcgi.lane,
            limit_rate,
            options: fastcgi.options_for(&group),
        };
        // What is to be stored is wanted without the client, too.
        let watched =
            storing.is_none() && fastcgi.copy.is_none() && !fastcgi.options.ignore_client_abort;
        let mut exchange = pool.send(request);
        if next.error && may_go_on {
            exchange = exchange.hasty();
        }
        let heard = poll_fn(|task| poll_heard(&mut exchange, cx, watched, task)).await;
        let Some(mut sent) = heard else {
            cx.upstream.record_abandoned(pool, exchange.give_up());
            cx.upstream.name_fastcgi(pool.name());
            return abandoned(cx);
        };
        // It may have taken too long.
        let again = once_more(again, &mut sent).filter(|_| turn.may_go_on(next));
        match (sent, again) {
            (Ok(response), Some(again))
                if next.allows_after(response.head.status.as_u16(), idempotent) =>
            {
                let status = response.head.status.as_u16();
                cx.upstream.record(pool, &response, false);
                Turn::passed_on(cx, status);
                body = again;
            }
            (Ok(response), _) => {
                return answer::from_response(cx, site, fastcgi, pool, response, storing);
            }
            (Err(failure), Some(again)) if next.allows(&failure, idempotent) => {
                answer::note_failure(cx, pool, &failure);
                Turn::failed(cx, &failure);
                body = again;
            }
            (Err(failure), _) => {
                Turn::failed(cx, &failure);
                return answer::from_failure(cx, site, fastcgi, pool, &failure, storing);
            }
        }
    }
}

/// Whether what PHP is told to run must not be run, which is in the log then.
fn is_forbidden(cx: &Context, params: &params::Made) -> bool {
    let script = params.script();
    let forbidden = script.filter(|script| script::is_forbidden(script, cx.recent()));
    if let Some(script) = forbidden {
        let script = script.escape_ascii();
        cx.log_error(format_args!("\"{script}\" is no PHP file and is not run"));
    }
    forbidden.is_some()
}

/// The body for another member: a copy, or the body itself if nobody has seen any of it.
fn once_more(copy: Option<Body>, sent: &mut Result<Box<Response>, Box<Failure>>) -> Option<Body> {
    copy.or_else(|| sent.as_mut().err()?.coming.take().map(Body::Stream))
}

/// What comes of an exchange; `None` once the client has gone, where that is watched: unless PHP is to
/// finish all the same (`fastcgi_ignore_client_abort`).
fn poll_heard(
    exchange: &mut Sending<'_>,
    cx: &Context,
    watched: bool,
    task: &mut TaskContext<'_>,
) -> Poll<Option<Result<Box<Response>, Box<Failure>>>> {
    if let Poll::Ready(outcome) = Pin::new(exchange).poll(task) {
        return Poll::Ready(Some(outcome));
    }
    if !watched {
        return Poll::Pending;
    }
    let connection = cx.exchange.connection();
    connection.poll_peer_closed(task).map(|()| None)
}

/// Takes the request's body in, unless it is to be passed on as it comes. It is taken in even where PHP is not to
/// have it: it is only then that its length is known, whatever framed it.
///
/// Source: nginx, `ngx_http_fastcgi_handler`.
async fn take_body(cx: &mut Context, site: &Site, fastcgi: &FastCgi) -> Result<(), Step> {
    if !matches!(cx.body, RequestBody::Unread(_)) {
        return Ok(());
    }
    let level = &cx.location_in(site).level;
    if !streams(cx, fastcgi) {
        let read = Box::pin(cx.body.read(level)).await;
        return read.map_err(|error| error.step(cx));
    }
    let (limit, memory) = (level.client_max_body_size, level.client_body_buffer_size);
    match Box::pin(cx.body.stream(limit, memory)).await {
        Ok(None) => {}
        Ok(Some(streaming)) => cx.body = RequestBody::Coming(streaming),
        Err(error) => return Err(error.step(cx)),
    }
    Ok(())
}

/// The request's body as the exchange wants it. One that is still coming is given away.
fn body(cx: &mut Context, fastcgi: &FastCgi) -> Body {
    if !fastcgi.pass_request_body {
        return Body::Empty;
    }
    if let RequestBody::Whole(body) = &cx.body {
        return Body::Spooled(body.clone());
    }
    match std::mem::take(&mut cx.body) {
        RequestBody::Coming(streaming) => Body::Stream(Box::new(streaming)),
        _ => Body::Empty,
    }
}

/// Whether the body is passed on while it comes (`fastcgi_request_buffering off`).
///
/// Differs: a body whose length nobody knows, as a chunked one, is taken in first where `CONTENT_LENGTH`
/// is among the params. PHP reads no byte of a body without it, and nginx has none to give.
fn streams(cx: &Context, fastcgi: &FastCgi) -> bool {
    let is_told = fastcgi.params.tells_length;
    let is_known = !cx.exchange.is_chunked();
    !fastcgi.request_buffering && fastcgi.pass_request_body && (is_known || !is_told)
}

/// Whom the request may go to.
async fn group(cx: &mut Context, pass: &FastCgiPass) -> Result<Arc<FastCgiGroup>, u16> {
    match pass {
        FastCgiPass::Group(group) => Ok(Arc::clone(group)),
        FastCgiPass::Dynamic {
            target,
            pools,
            resolves,
        } => Box::pin(find(cx, target, pools, *resolves)).await,
    }
}

/// Whom variables name. Names are looked up where there is a `resolver`.
async fn find(
    cx: &mut Context,
    target: &Template,
    pools: &DynamicPools,
    resolves: bool,
) -> Result<Arc<FastCgiGroup>, u16> {
    let target = cx.expand(target);
    match pools.find(&target) {
        Ok(group) => Ok(group),
        Err(Missing::Invalid(message)) => {
            cx.log_error(format_args!("{message}"));
            Err(500)
        }
        Err(Missing::Name { host, .. }) if !resolves => {
            cx.log_error(format_args!("no resolver defined to resolve {host}"));
            Err(502)
        }
        Err(Missing::Name { host, port }) => {
            let addresses = look_up_host(cx, &host, port).await?;
            Ok(pools.learn(&target, addresses))
        }
    }
}

/// The addresses of a name, one at least. The system is asked, on another thread.
async fn look_up_host(cx: &Context, host: &str, port: u16) -> Result<Vec<SocketAddr>, u16> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found = found.map_or_else(|_| Vec::new(), of_one_family);
    if found.is_empty() {
        cx.log_error(format_args!(
            "{host} could not be resolved (3: Host not found)"
        ));
        return Err(502);
    }
    Ok(found)
}
