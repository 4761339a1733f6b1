//! Carries a [`Plan`] out: the part of a request that waits.

use std::rc::Rc;

use http::{Response, StatusCode};

use crate::access::Check;
use crate::body::ResponseBody;
use crate::content::{fastcgi, listing, mirror, proxy};
use crate::context::Context;
use crate::engine::{Plan, Progress, decide, password_verdict, resume_access};
use crate::respond::{Reply, finish};
use crate::subrequest;

/// Goes on with a request until there is an answer.
pub(crate) async fn act(mut cx: Box<Context>, plan: Plan) -> Response<ResponseBody> {
    match settle(&mut cx, plan).await {
        Some(reply) => finish(cx, reply),
        None => close(cx),
    }
}

/// Goes on until there is something to answer; `None` is to close the connection without.
///
/// All but PHP is boxed: a future is as large as the largest of what it may wait for, and each request to PHP
/// moved, and kept while it waited, three times what it needs.
pub(crate) async fn settle(cx: &mut Context, mut plan: Plan) -> Option<Box<Reply>> {
    loop {
        if !matches!(plan, Plan::FastCgi) {
            cx.forget_looks();
        }
        plan = match plan {
            Plan::Answer(reply) => return Some(reply),
            Plan::Ready(file) => return Some(file.into_reply(cx)),
            Plan::Close => return None,
            Plan::List(directory) => Box::pin(listing::run(cx, *directory)).await,
            Plan::Mirror => Box::pin(mirror::run(cx)).await,
            Plan::FastCgi => fastcgi::run(cx).await,
            Plan::Proxy => Box::pin(proxy::run(cx)).await,
            Plan::Delay(time, then) => {
                Box::pin(tokio::time::sleep(time)).await;
                let site = Rc::clone(&cx.site);
                decide(cx, &site, *then)
            }
            Plan::Password(waiting) => Box::pin(password(cx, *waiting)).await,
            Plan::AuthRequest(at) => Box::pin(subrequest::authorize(cx, at)).await,
        };
    }
}

/// Has a password checked, then goes on with the access phase.
async fn password(cx: &mut Context, (check, at): (Check, Progress)) -> Plan {
    let site = Rc::clone(&cx.site);
    let right = check.run(&site.user_files).await;
    let verdict = password_verdict(cx, &site, right);
    let step = resume_access(cx, &site, at, verdict);
    decide(cx, &site, step)
}

/// Ends the connection without an answer (`return 444`).
pub(crate) fn close(mut cx: Box<Context>) -> Response<ResponseBody> {
    if cx.answer.status == 0 {
        cx.answer.status = 444;
    }
    cx.exchange.disable_keep_alive();
    cx.exchange.send_nothing();
    let mut response = Response::new(ResponseBody::broken().with_context(cx));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
