//! `ssi`.
//!
//! Source: nginx, `ngx_http_ssi_header_filter`.

use std::sync::Arc;

use http::HeaderValue;

use super::Reply;
use crate::body::Body;
use crate::config::Ssi as Rules;
use crate::context::Context;
use crate::ssi::{Page, Ssi};

/// Has the commands of a page carried out, if the answer is of a type that is looked through.
pub(super) fn apply(cx: &mut Context, rules: &Arc<Rules>, reply: &mut Reply) {
    let content_type = reply.content_type.as_ref().map(HeaderValue::as_bytes);
    let listed = rules.types.suits(content_type);
    if !listed || reply.length == Some(0) {
        return;
    }
    reply.length = None;
    reply.content_length = None;
    reply.clear_ranges();
    reply.validators.of_another_body(rules.last_modified);
    if cx.subrequest.is_none() && cx.is_head() {
        return;
    }
    cx.answer.content_type.clone_from(&reply.content_type);
    let page = Page::new(cx, rules);
    reply.body = Body::Ssi(Box::new(Ssi::new(reply.take_body(), page)));
}
