//! A file as an answer.
//!
//! Source: nginx, `ngx_http_static_handler`.

use std::rc::Rc;

use portunus_static_files::Entry;

use crate::body::Body;
use crate::config::{AutoIndex, Location};
use crate::context::Context;
use crate::engine::Step;
use crate::respond::{Reply, Validators};

/// The whole file; preconditions and ranges come later.
pub(crate) fn reply(cx: &mut Context, location: &Location, entry: Rc<Entry>) -> Reply {
    let content_type = cx
        .carried
        .content_type
        .take()
        .or_else(|| location.types.lookup(&cx.uri));
    let validators = Validators {
        etag: location.level.etag.then(|| entry.etag().clone()),
        modified: Some(entry.modified()),
        last_modified: Some(entry.last_modified().clone()),
    };
    Reply {
        content_type,
        length: Some(entry.size()),
        content_length: Some(entry.content_length().clone()),
        validators,
        body: Body::Entry(entry),
        ranges: true,
        charset: false,
        ..Reply::status(200)
    }
}

/// `autoindex`: the directory as a page or a document.
pub(crate) fn listing(_cx: &mut Context, _options: AutoIndex, _directory: &[u8]) -> Step {
    Step::Fail(403)
}
