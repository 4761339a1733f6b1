//! Passes a request to PHP and turns PHP's answer into a reply.
//!
//! Source: nginx, ngx_http_fastcgi_module, ngx_http_upstream.c.

mod answer;
mod params;

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::header;
use portunus_fpm::{Body, Pool, Request};
use portunus_telemetry::Severity;
use smallvec::{SmallVec, smallvec};

use super::cached::{LookUp, Storing, look_up};
use crate::config::{Content, FastCgi, FastCgiPass, Site};
use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::request_body::RequestBody;

/// Answers as the current location says: from the store, or by asking PHP. The plan that comes back may
/// be another round.
pub(crate) async fn run(cx: &mut Context) -> Plan {
    let site = Rc::clone(&cx.site);
    let Content::FastCgi(fastcgi) = &cx.location_in(&site).content else {
        return decide(cx, &site, Step::Fail(500));
    };
    let Some(rules) = &fastcgi.caching else {
        return ask(cx, &site, fastcgi, None).await;
    };
    match look_up(cx, rules, |_| Vec::new()).await {
        LookUp::Off => ask(cx, &site, fastcgi, None).await,
        LookUp::Ask(storing) => ask(cx, &site, fastcgi, Some(storing)).await,
        LookUp::Answer(entry) => answer::from_stored(cx, &site, fastcgi, &entry),
        LookUp::Failed(status) => decide(cx, &site, Step::Fail(status)),
    }
}

/// Asks PHP; its answer is stored on its way if it may be.
pub(crate) async fn ask(
    cx: &mut Context,
    site: &Site,
    fastcgi: &FastCgi,
    storing: Option<Box<Storing<'_>>>,
) -> Plan {
    let mut body = match take_body(cx, site, fastcgi).await {
        Ok(body) => body,
        Err(step) => return decide(cx, site, step),
    };
    let pools = match pools(cx, site, &fastcgi.pass) {
        Ok(pools) => pools,
        Err(status) => return decide(cx, site, Step::Fail(status)),
    };
    let params = params::params(cx, fastcgi);
    let idempotent = cx.head.method.is_idempotent();
    let tries = match fastcgi.next_upstream.tries {
        0 => pools.len(),
        most => most.min(pools.len()),
    };
    let mut left = tries;
    for pool in pools.iter().take(tries) {
        left -= 1;
        let again = if left == 0 { None } else { body.again() };
        let request = Request {
            params: &params,
            body,
            idempotent: idempotent || fastcgi.next_upstream.non_idempotent,
            head_only: cx.is_head(),
            lane: fastcgi.lane,
            options: &fastcgi.options,
        };
        // What is to be stored is wanted without the client, too.
        let heard = match &storing {
            Some(_) => Some(pool.send(request).await),
            None => heard(cx, fastcgi, pool.send(request)).await,
        };
        let Some(sent) = heard else {
            return abandoned(cx, pool);
        };
        match (sent, again) {
            (Ok(response), _) => {
                return answer::from_response(cx, site, fastcgi, pool, response, storing);
            }
            (Err(failure), Some(again)) if fastcgi.next_upstream.allows(&failure, idempotent) => {
                answer::note_failure(cx, pool, &failure);
                body = again;
            }
            (Err(failure), _) => {
                return answer::from_failure(cx, site, fastcgi, pool, &failure, storing);
            }
        }
    }
    decide(cx, site, Step::Fail(502))
}

/// What comes of an exchange for as long as the client is there; `None` once it has gone, unless
/// PHP is to finish all the same (`fastcgi_ignore_client_abort`).
async fn heard<T>(cx: &Context, fastcgi: &FastCgi, exchange: impl Future<Output = T>) -> Option<T> {
    let mut exchange = pin!(exchange);
    poll_fn(|task| {
        if let Poll::Ready(outcome) = exchange.as_mut().poll(task) {
            return Poll::Ready(Some(outcome));
        }
        if fastcgi.options.ignore_client_abort {
            return Poll::Pending;
        }
        let connection = cx.exchange.connection();
        connection.poll_peer_closed(task).map(|()| None)
    })
    .await
}

/// The client left before PHP had answered.
///
/// Source: nginx, `ngx_http_upstream_check_broken_connection`.
fn abandoned(cx: &mut Context, pool: &Pool) -> Plan {
    cx.upstream.record_abandoned(pool);
    cx.log(
        Severity::Info,
        format_args!(
            "client prematurely closed connection, so upstream connection is closed too, \
             upstream: \"fastcgi://{}\"",
            pool.name()
        ),
    );
    cx.answer.status = 499;
    Plan::Close
}

/// The request's body as the exchange wants it.
async fn take_body(cx: &mut Context, site: &Site, fastcgi: &FastCgi) -> Result<Body, Step> {
    if !fastcgi.pass_request_body {
        return Ok(Body::Empty);
    }
    let chunked = cx.head.headers.contains_key(header::TRANSFER_ENCODING);
    if !fastcgi.request_buffering && !chunked {
        return Ok(match std::mem::take(&mut cx.body) {
            RequestBody::Unread(incoming) => {
                Body::Stream(Box::new(crate::request_body::Streaming::new(incoming)))
            }
            RequestBody::Whole(body) => Body::Spooled(body),
            RequestBody::Gone => Body::Empty,
        });
    }
    let level = &cx.location_in(site).level;
    let (limit, memory) = (level.client_max_body_size, level.client_body_buffer_size);
    if let Err(error) = cx.body.read(limit, memory, &site.temp_dir).await {
        cx.log(Severity::Error, format_args!("{error}"));
        if error.client_is_gone() {
            cx.answer.status = error.status();
            return Err(Step::Done(Plan::Close));
        }
        return Err(Step::Fail(error.status()));
    }
    Ok(match &cx.body {
        RequestBody::Whole(body) => Body::Spooled(body.clone()),
        RequestBody::Unread(_) | RequestBody::Gone => Body::Empty,
    })
}

/// The pools that the request may go to, in their order.
fn pools(cx: &mut Context, site: &Site, pass: &FastCgiPass) -> Result<Pools, u16> {
    let template = match pass {
        FastCgiPass::Pools(pools) => return Ok(pools.in_turn().cloned().collect()),
        FastCgiPass::Dynamic(template) => template,
    };
    let target = cx.expand(template);
    site.dynamic_pools
        .find(&target)
        .map(|pool| smallvec![pool])
        .map_err(|message| {
            cx.log_error(format_args!("{message}"));
            500
        })
}

/// Nearly always one.
type Pools = SmallVec<[Pool; 2]>;
