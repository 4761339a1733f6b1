//! Passes a request to an HTTP server behind us and turns its answer into a reply.
//!
//! Source: nginx, ngx_http_proxy_module, ngx_http_upstream.c.

mod answer;
mod body;
mod cookie;
mod redirect;
mod request;
mod target;
mod tries;
mod tunnel;

pub(crate) use body::{Progress, ProxyBody, ProxyBodyError};
pub(crate) use target::Proxied;

use std::rc::Rc;

use super::cached::{LookUp, Storing, look_up};
use super::leaving::{abandoned, unless_client_leaves};
use crate::config::{Content, Proxy, Site};
use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::request_body::RequestBody;
use tries::{Given, Tries};

/// Answers as the current location says: from the store, or by asking the server. The plan that comes
/// back may be another round.
pub(crate) async fn run(cx: &mut Context) -> Plan {
    let site = Rc::clone(&cx.site);
    let Content::Proxy(proxy) = &cx.location_in(&site).content else {
        return decide(cx, &site, Step::Fail(500));
    };
    cx.upstream.pass_on();
    let Some(rules) = &proxy.caching else {
        return ask(cx, &site, proxy, None).await;
    };
    if let Err(status) = target::note(cx, proxy) {
        return decide(cx, &site, Step::Fail(status));
    }
    if let Err(step) = take_body(cx, &site, proxy).await {
        return decide(cx, &site, step);
    }
    match look_up(cx, rules, request::key).await {
        LookUp::Off => ask(cx, &site, proxy, None).await,
        LookUp::Ask(storing) => ask(cx, &site, proxy, Some(storing)).await,
        LookUp::Answer(entry) => answer::from_stored(cx, &site, proxy, &entry),
        LookUp::Failed(status) => decide(cx, &site, Step::Fail(status)),
    }
}

/// Asks the server; its answer is stored on its way if it may be.
pub(crate) async fn ask(
    cx: &mut Context,
    site: &Site,
    proxy: &Proxy,
    storing: Option<Box<Storing<'_>>>,
) -> Plan {
    let group = match target::resolve(cx, site, proxy).await {
        Ok(group) => group,
        Err(status) => return decide(cx, site, Step::Fail(status)),
    };
    if let Err(step) = take_body(cx, site, proxy).await {
        return decide(cx, site, step);
    }
    let outgoing = match request::write(cx, proxy) {
        Ok(outgoing) => outgoing,
        Err(status) => return decide(cx, site, Step::Fail(status)),
    };
    let head_only = outgoing.head_only;
    let exchange = Rc::clone(&cx.exchange);
    // What is to be stored is wanted without the client, too.
    let ignored = proxy.ignore_client_abort || storing.is_some() || proxy.copy.is_some();
    let tries = Tries::new(cx, proxy, &group, outgoing);
    let Some(given) = unless_client_leaves(&exchange, ignored, tries.run(cx)).await else {
        return abandoned(cx);
    };
    match given {
        Given::Answer(response, held) => {
            answer::from_response(cx, site, proxy, *response, held, head_only, storing)
        }
        Given::Nothing(status, failure) => {
            let stale = storing.and_then(|storing| storing.failed(cx, failure, status));
            match stale {
                Some(entry) => answer::from_stored(cx, site, proxy, &entry),
                None => decide(cx, site, Step::Fail(status)),
            }
        }
    }
}

/// Takes the request's body in, unless it is to be passed on as it comes.
async fn take_body(cx: &mut Context, site: &Site, proxy: &Proxy) -> Result<(), Step> {
    let level = &cx.location_in(site).level;
    if !streams(proxy, cx.exchange.is_chunked()) {
        let read = cx.body.read(level).await;
        return read.map_err(|error| error.step(cx));
    }
    // What came together with the head may be all of it.
    let (limit, memory) = (level.client_max_body_size, level.client_body_buffer_size);
    match cx.body.stream(limit, memory).await {
        Ok(None) => {}
        Ok(Some(streaming)) => cx.body = RequestBody::Coming(streaming),
        Err(error) => return Err(error.step(cx)),
    }
    Ok(())
}

/// `proxy_request_buffering off`; HTTP/1.0 knows no chunks, so a chunked body waits for its length.
fn streams(proxy: &Proxy, chunked: bool) -> bool {
    !proxy.request_buffering
        && proxy.pass_request_body
        && proxy.body.is_none()
        && (proxy.http11 || !chunked)
}
