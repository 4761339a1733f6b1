//! `sub_filter`.
//!
//! Source: nginx, `ngx_http_sub_header_filter`.

use http::HeaderValue;
use portunus_filters::{Substitution, Substitutor};

use super::Reply;
use crate::config::SubFilter;
use crate::context::Context;
use crate::filtered::Stage;

/// Has the texts replaced, if the answer is of a type that is looked through.
pub(super) fn apply(cx: &mut Context, rules: &SubFilter, reply: &mut Reply) {
    let content_type = reply.content_type.as_ref().map(HeaderValue::as_bytes);
    let listed = rules.types.suits(content_type);
    if !listed || reply.length == Some(0) {
        return;
    }
    let pairs: Vec<_> = rules
        .pairs
        .iter()
        .map(|(pattern, replacement)| Substitution {
            pattern: cx.expand(pattern),
            replacement: cx.expand(replacement),
        })
        .collect();
    let Some(substitutor) = Substitutor::new(pairs, rules.once) else {
        return;
    };
    reply.length = None;
    reply.content_length = None;
    reply.validators.of_another_body(rules.last_modified);
    reply.push_stage(Stage::substitute(substitutor));
}
