//! Carries a [`Plan`] out: the part of a request that waits.

use http::{Response, StatusCode};

use crate::body::ResponseBody;
use crate::content::{fastcgi, listing};
use crate::context::Context;
use crate::engine::Plan;
use crate::respond::finish;

/// Goes on with a request until there is an answer.
pub(crate) async fn act(mut cx: Box<Context>, mut plan: Plan) -> Response<ResponseBody> {
    loop {
        plan = match plan {
            Plan::Answer(reply) => return finish(cx, *reply),
            Plan::Close => return close(cx),
            Plan::List(directory) => listing::run(&mut cx, *directory).await,
            Plan::FastCgi => fastcgi::run(&mut cx).await,
        };
    }
}

/// Ends the connection without an answer (`return 444`).
pub(crate) fn close(mut cx: Box<Context>) -> Response<ResponseBody> {
    if cx.answer.status == 0 {
        cx.answer.status = 444;
    }
    cx.exchange.disable_keep_alive();
    let mut response = Response::new(ResponseBody::broken().with_context(cx));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
