//! `mirror`: copies of the request for other locations, whose answers nobody reads.
//!
//! Source: nginx, ngx_http_mirror_module. Differs: nginx keeps the connection busy until its mirrors have answered; a
//! copy here goes its own way.

use std::rc::Rc;

use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::request_body::RequestBody;
use crate::subrequest;

/// Sends the copies on their way and goes on with the request itself.
pub(crate) async fn run(cx: &mut Context) -> Plan {
    let site = Rc::clone(&cx.site);
    let location = cx.location_in(&site);
    let Some(mirror) = location.mirror.as_deref() else {
        return decide(cx, &site, Step::Mirrored);
    };
    if mirror.body
        && let Err(error) = cx.body.read(&location.level).await
    {
        let step = error.step(cx);
        return decide(cx, &site, step);
    }
    for uri in &mirror.uris {
        let mut inner = subrequest::beside(cx, uri);
        inner.head.method = cx.head.method.clone();
        inner.args.clone_from(&cx.args);
        if let (true, RequestBody::Whole(body)) = (mirror.body, &cx.body) {
            inner.body = RequestBody::Whole(body.clone());
        }
        tokio::task::spawn_local(async move {
            if let Some(reply) = subrequest::answer(&mut inner).await {
                inner.answer.status = reply.status;
                subrequest::discard(reply.body);
            }
        });
    }
    decide(cx, &site, Step::Mirrored)
}
