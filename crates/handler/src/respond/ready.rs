//! A file under a head that was made for it before.
//!
//! Most answers with files say the same to everybody. Where the configuration has it so, the lines of the first such
//! head stay with the entry of the file, and later answers copy them.

use std::rc::Rc;

use http::{HeaderValue, Response};
use portunus_server::ReadyFields;
use portunus_static_files::Entry;

use super::Reply;
use crate::body::{Body, ResponseBody};
use crate::config::{Location, Site};
use crate::content::statics;
use crate::context::Context;
use crate::in_place::boxed;

/// The answer of a [`Plan`](crate::engine::Plan).
#[derive(Debug)]
pub(crate) struct ReadyFile {
    pub(crate) entry: Rc<Entry>,
    pub(crate) head: Rc<ReadyFields>,
}

impl ReadyFile {
    /// Makes the answer.
    pub(crate) fn answer(self, mut cx: Box<Context>) -> Response<ResponseBody> {
        cx.answer.status = 200;
        cx.exchange.begin_like(&self.head);
        let length = Some(self.entry.size());
        let body = Body::Entry(self.entry).by_sendfile(&cx.exchange);
        let body = ResponseBody::new(body, length);
        let site = Rc::clone(&cx.site);
        let location = cx.location_in(&site);
        Response::new(body.of_request(cx, location))
    }

    /// The same with a head yet to be made.
    pub(crate) fn into_reply(self, cx: &mut Context) -> Box<Reply> {
        let site = Rc::clone(&cx.site);
        let location = cx.location_in(&site);
        boxed(|| statics::reply(cx, location, self.entry))
    }
}

/// Keeps the lines of a head if each answer with this file begins with the same.
pub(super) fn keep(
    cx: &Context,
    site: &Site,
    location: &Location,
    reply: &Reply,
    lines: &ReadyFields,
) {
    let Some(place) = reply.keep else {
        return;
    };
    // Whether it is compressed is for each client to say.
    let media = reply.content_type.as_ref().map(HeaderValue::as_bytes);
    let compressible = location.encoding.as_ref().is_some_and(|encoding| {
        let mut suitable = encoding.rules.suitable(media, reply.length);
        suitable.next().is_some()
    });
    if let Some(entry) = reply.untouched_entry()
        && reply.status == 200
        && !compressible
    {
        entry.keep(place, || {
            let settings = site.settings(cx.exchange.connection().tag());
            let mut lines = lines.clone();
            lines.append(&reply.fields, &settings.spelling);
            lines
        });
    }
}
