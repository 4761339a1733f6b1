//! A file as an answer.
//!
//! Source: nginx, `ngx_http_static_handler`.

use std::rc::Rc;

use http::HeaderValue;
use portunus_static_files::Entry;

use crate::body::Body;
use crate::config::Location;
use crate::context::Context;
use crate::respond::{Reply, Validators, split_charset};

/// The whole file; preconditions and ranges come later.
pub(crate) fn reply(cx: &mut Context, location: &Location, entry: Rc<Entry>) -> Reply {
    let (content_type, charset) = media(cx, location);
    let validators = Validators {
        etag: location.level.etag.then(|| entry.etag().clone()),
        modified: Some(entry.modified()),
        last_modified: Some(entry.last_modified().clone()),
        said: false,
    };
    Reply {
        content_type,
        length: Some(entry.size()),
        content_length: Some(entry.content_length().clone()),
        validators,
        body: Body::Entry(entry),
        ranges: true,
        charset,
        ..Reply::status(200)
    }
}

/// The type that a URI has here, and whether its charset has still to be named.
pub(crate) fn media(cx: &mut Context, location: &Location) -> (Option<HeaderValue>, bool) {
    // `X-Accel-Charset`, from before an `X-Accel-Redirect`, goes before the charset of the location.
    let overridden = cx.carried.charset.is_some();
    let own = || {
        let media = location.types.lookup(&cx.uri)?;
        match overridden {
            true => HeaderValue::from_bytes(split_charset(media.as_bytes()).0).ok(),
            false => Some(media),
        }
    };
    let (content_type, carried) = cx.carried.media.or_else(own);
    // The types of the location name their charset already, in most configurations.
    let unnamed = || location.charset.as_ref().is_some_and(|rule| !rule.ready);
    (content_type, carried || overridden || unnamed())
}
