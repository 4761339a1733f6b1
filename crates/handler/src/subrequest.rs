//! A request inside a request: the engine runs on a context of its own, and nothing is sent.
//!
//! Source: nginx, `ngx_http_subrequest`; ngx_http_auth_request_module.

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, Method, header};
use portunus_routing::rewrite::RewriteContext as _;

use crate::act::settle;
use crate::body::Body;
use crate::context::Context;
use crate::engine::{Plan, Progress, Step, Verdict, decide, resume_access};
use crate::request_body::RequestBody;
use crate::respond::Reply;
use crate::variable::Variable;

/// `auth_request`: what the subrequest answers decides.
pub(crate) async fn authorize(cx: &mut Context, at: Progress) -> Plan {
    let site = Rc::clone(&cx.site);
    let guard = cx.location_in(&site).guard.as_deref();
    let Some(rules) = guard.and_then(|guard| guard.subrequest.as_deref()) else {
        return decide(cx, &site, Step::Fail(500));
    };
    let mut inner = begin(cx, &rules.uri);
    let plan = decide(&mut inner, &site, Step::ServerRewrite);
    let reply = Box::pin(settle(&mut inner, plan)).await;
    let Some(reply) = reply else {
        // `return 444` closes the connection, wherever it stands.
        end(cx, &mut inner);
        return Plan::Close;
    };
    let Reply { fields, body, .. } = *reply;
    let status = inner.error_status.unwrap_or(reply.status);
    inner.answer.status = status;
    discard(body);
    let fields = fields.to_map();
    let challenges = challenges(&inner, &fields);
    inner.answer.sent = Some(Box::new(fields));
    let values: Vec<_> = rules
        .set
        .iter()
        .map(|(variable, value)| (variable, inner.expand(value)))
        .collect();
    end(cx, &mut inner);
    for (variable, value) in values {
        cx.set(variable, value);
    }
    let verdict = verdict(cx, status, challenges);
    let step = resume_access(cx, &site, at, verdict);
    decide(cx, &site, step)
}

fn verdict(cx: &mut Context, status: u16, challenges: Vec<HeaderValue>) -> Verdict {
    match status {
        200..=299 => Verdict::Allowed,
        401 => {
            cx.carried.challenges.extend(challenges);
            Verdict::Denied(401)
        }
        403 => Verdict::Denied(403),
        _ => {
            cx.log_error(format_args!("auth request unexpected status: {status}"));
            Verdict::Denied(500)
        }
    }
}

/// `WWW-Authenticate` of the answer, or else of the upstream whose answer was replaced.
fn challenges(inner: &Context, fields: &HeaderMap) -> Vec<HeaderValue> {
    let all = |fields: &HeaderMap| -> Vec<HeaderValue> {
        let values = fields.get_all(header::WWW_AUTHENTICATE).iter();
        values.cloned().collect()
    };
    let found = all(fields);
    match (&inner.upstream.fields, found.is_empty()) {
        (Some(fields), true) => all(fields),
        _ => found,
    }
}

/// A subrequest for a URI: GET, without a body; variables and limits are those of the request
/// around it.
fn begin(cx: &mut Context, uri: &[u8]) -> Box<Context> {
    let mut inner = inner(cx, uri);
    share(cx, &mut inner);
    inner
}

/// A subrequest that goes on beside the request, with variables of its own that begin as they are.
pub(crate) fn beside(cx: &Context, uri: &[u8]) -> Box<Context> {
    let mut inner = inner(cx, uri);
    inner.slots.clone_from(&cx.slots);
    inner.map_values.clone_from(&cx.map_values);
    inner
}

/// The same request once more, beside it: what its location does is to be done again, and nothing is
/// sent.
///
/// Source: nginx, `NGX_HTTP_SUBREQUEST_CLONE`.
pub(crate) fn again(cx: &Context) -> Box<Context> {
    let mut inner = beside(cx, &cx.uri);
    inner.head.method = cx.head.method.clone();
    inner.location = cx.location;
    inner.args.clone_from(&cx.args);
    inner.args_put = cx.args_put;
    inner.captures = cx.captures.clone();
    inner.uri_has_escapes = cx.uri_has_escapes;
    inner.uri_below_alias = cx.uri_below_alias;
    inner.uri_changed = cx.uri_changed;
    inner.location_left = cx.location_left;
    inner.internal = cx.internal;
    if let RequestBody::Whole(body) = &cx.body {
        inner.body = RequestBody::Whole(body.clone());
    }
    inner
}

/// Takes a subrequest to its answer; `None` where there is to be none.
pub(crate) async fn answer(inner: &mut Context) -> Option<Box<Reply>> {
    let site = Rc::clone(&inner.site);
    let plan = decide(inner, &site, Step::ServerRewrite);
    let mut reply = Box::pin(settle(inner, plan)).await?;
    reply.status = inner.error_status.unwrap_or(reply.status);
    Some(reply)
}

fn inner(cx: &Context, uri: &[u8]) -> Box<Context> {
    let mut inner = copy(cx, RequestBody::Gone);
    inner.head.method = Method::GET;
    inner.subrequest = Some(match &cx.subrequest {
        Some(method) => method.clone(),
        None => cx.head.method.clone(),
    });
    inner.location = cx.site.servers[cx.server].base;
    inner.uri = uri.to_vec();
    inner.uri_changed = true;
    inner.internal = true;
    inner
}

/// The same request once more, for what goes on beside it: nothing is logged when that ends.
pub(crate) fn copy_of(cx: &mut Context) -> Box<Context> {
    // Both are to have the same.
    cx.append_value(&Variable::RequestId, &mut Vec::new());
    let body = match &cx.body {
        RequestBody::Whole(body) => RequestBody::Whole(body.clone()),
        RequestBody::Unread(_) | RequestBody::Coming(_) | RequestBody::Gone => RequestBody::Gone,
    };
    let mut copy = copy(cx, body);
    copy.is_copy = true;
    copy.subrequest.clone_from(&cx.subrequest);
    copy.location = cx.location;
    copy.uri.clone_from(&cx.uri);
    copy.args.clone_from(&cx.args);
    copy.args_put = cx.args_put;
    copy.uri_has_escapes = cx.uri_has_escapes;
    copy.uri_below_alias = cx.uri_below_alias;
    copy.uri_changed = cx.uri_changed;
    copy.internal = cx.internal;
    copy.captures.clone_from(&cx.captures);
    copy.slots.clone_from(&cx.slots);
    copy.map_values.clone_from(&cx.map_values);
    copy.inclusion.clone_from(&cx.inclusion);
    copy.answer.status = cx.answer.status;
    copy.answer.sent.clone_from(&cx.answer.sent);
    copy.answer.content_type.clone_from(&cx.answer.content_type);
    copy
}

/// What a request and its subrequests have in common.
fn copy(cx: &Context, body: RequestBody) -> Box<Context> {
    let (site, exchange) = (Rc::clone(&cx.site), Rc::clone(&cx.exchange));
    let mut copy = Box::new(Context::new(site, exchange, cx.head.clone(), body));
    copy.client = cx.client;
    copy.host = cx.host.clone();
    copy.forwarded = cx.forwarded;
    copy.host_port = cx.host_port;
    copy.server = cx.server;
    copy.request_id = cx.request_id.clone();
    copy.identified.clone_from(&cx.identified);
    copy
}

fn end(cx: &mut Context, inner: &mut Context) {
    share(inner, cx);
    if cx.request_id.get().is_none() {
        cx.request_id = inner.request_id.clone();
    }
}

/// What both have in common changes hands.
fn share(from: &mut Context, to: &mut Context) {
    to.slots = std::mem::take(&mut from.slots);
    to.map_values = std::mem::take(&mut from.map_values);
    to.limits = from.limits.take();
}

/// Nobody reads the body; PHP's connection is free for others once it has been read.
pub(crate) fn discard(mut body: Body) {
    /// More than this is not worth the wait.
    const MOST: usize = 64 << 10;
    if body.is_in_memory() {
        return;
    }
    tokio::task::spawn_local(async move {
        let mut read = 0;
        while let Some(Ok(data)) = std::future::poll_fn(|cx| body.poll_data(cx)).await {
            read += data.len();
            if read > MOST {
                return;
            }
        }
    });
}
