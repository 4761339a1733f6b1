//! Answers that come out of nothing: `stub_status`, `empty_gif`.

use bytes::Bytes;
use http::{HeaderValue, Method};
use portunus_server::{ServerHandle, Stats};

use crate::context::Context;
use crate::engine::{Plan, Step};
use crate::respond::Reply;

/// A transparent pixel: GIF89a, one by one.
const EMPTY_GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x01\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x01\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x4c\x01\x00\x3b";

/// nginx gives its pixel the time stamp 28 September 1970.
const EMPTY_GIF_MODIFIED: i64 = 23_349_600;

fn readable(cx: &Context) -> bool {
    matches!(cx.head.method, Method::GET | Method::HEAD)
}

/// ngx_http_stub_status_module.
pub(crate) fn stub_status(cx: &Context) -> Step {
    if !readable(cx) {
        return Step::Fail(405);
    }
    let counters = cx.stats();
    let text = format!(
        "Active connections: {} \nserver accepts handled requests\n {} {} {} \nReading: {} Writing: {} Waiting: {} \n",
        counters.active,
        counters.accepted,
        counters.handled,
        counters.requests,
        counters.reading,
        counters.writing,
        counters.waiting(),
    );
    let content_type = HeaderValue::from_static("text/plain");
    Step::Done(Plan::Answer(Box::new(Reply::bytes(
        200,
        content_type,
        Bytes::from(text),
    ))))
}

/// `health`: whether more requests may be sent here. It says nothing of PHP: a pool that is full is no
/// reason to end this server.
pub(crate) fn health(cx: &Context) -> Step {
    if !readable(cx) {
        return Step::Fail(405);
    }
    let ending = cx.site.server.get().is_some_and(ServerHandle::is_ending);
    let (status, text) = match ending {
        true => (503, &b"ending\n"[..]),
        false => (200, &b"ok\n"[..]),
    };
    let content_type = HeaderValue::from_static("text/plain");
    let text = Bytes::from_static(text);
    Step::Done(Plan::Answer(Box::new(Reply::bytes(
        status,
        content_type,
        text,
    ))))
}

impl Context {
    /// The counters of the running server.
    pub(crate) fn stats(&self) -> Stats {
        let server = self.site.server.get();
        server.map(ServerHandle::stats).unwrap_or_default()
    }
}

/// ngx_http_empty_gif_module.
pub(crate) fn empty_gif(cx: &Context) -> Step {
    if !readable(cx) {
        return Step::Fail(405);
    }
    let content_type = HeaderValue::from_static("image/gif");
    let mut reply = Reply::bytes(200, content_type, Bytes::from_static(EMPTY_GIF));
    reply.validators.modified = Some(EMPTY_GIF_MODIFIED);
    reply.validators.last_modified =
        Some(HeaderValue::from_static("Mon, 28 Sep 1970 06:00:00 GMT"));
    Step::Done(Plan::Answer(Box::new(reply)))
}
