//! `add_before_body`, `add_after_body`: answers of subrequests around the body.
//!
//! Source: nginx, ngx_http_addition_filter_module; the postpone filter puts the parts in order.
//! Differs: the subrequests see the variables of the request as they were when its head was made.

use std::rc::Rc;

use http::HeaderValue;
use portunus_static_files::encoding::weak_etag;

use super::{Reply, chain};
use crate::body::Body;
use crate::config::Addition;
use crate::context::Context;
use crate::joined::{Joined, Part};
use crate::subrequest;

/// Puts the parts around the body; filters that were there already concern the body alone.
pub(super) fn apply(cx: &Context, rules: &Addition, reply: &mut Reply) {
    let content_type = reply.content_type.as_ref().map(HeaderValue::as_bytes);
    let listed = rules.types.suits(content_type);
    if reply.status != 200 || cx.subrequest.is_some() || !listed {
        return;
    }
    reply.length = None;
    reply.content_length = None;
    reply.clear_ranges();
    reply.validators.etag = reply.validators.etag.as_ref().and_then(weak_etag);
    if cx.is_head() {
        return;
    }
    let part = |uri: &Option<Box<[u8]>>| uri.as_deref().map(|uri| part(cx, uri));
    let body = Part::Body(reply.take_body());
    let parts = [part(&rules.before), Some(body), part(&rules.after)];
    let joined = Joined::new(parts.into_iter().flatten());
    reply.body = Body::Joined(Box::new(joined));
}

fn part(cx: &Context, uri: &[u8]) -> Part {
    let mut inner = subrequest::beside(cx, uri);
    Part::Asked(Box::pin(async move {
        let Some(mut reply) = subrequest::answer(&mut inner).await else {
            return Body::Broken;
        };
        let site = Rc::clone(&inner.site);
        let location = inner.location_in(&site);
        inner.answer.status = reply.status;
        chain::text(&mut inner, &site, location, &mut reply);
        reply.take_body()
    }))
}
