//! `fastcgi_store`, `proxy_store`: an answer's body becomes a file, which the next request may find.
//!
//! Source: nginx, `ngx_http_upstream_process_request`, `ngx_http_upstream_store`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use portunus_cache::{Copy, Place};
use portunus_spool::Limits;

use super::tee;
use crate::config::FileCopy;
use crate::context::Context;
use crate::respond::Reply;

/// Has a whole answer written into its file on its way to the client. Without its client it goes on.
///
/// Differs: what is being written stands beside its place, whatever `fastcgi_temp_path` and
/// `proxy_temp_path` say, so that it can always be moved there in one step.
pub(crate) fn keep(cx: &mut Context, rule: &FileCopy, reply: &mut Reply, spool: Limits) {
    if reply.status != 200 || cx.is_head() {
        return;
    }
    let path = match &rule.path {
        Some(path) => cx.expand(path),
        None => cx.request_path(),
    };
    if path.is_empty() || path.ends_with(b"/") {
        return;
    }
    let modified = reply.validators.modified;
    let copy = Copy::new(Place {
        path: Path::new(OsStr::from_bytes(&path)).into(),
        access: rule.access,
        modified: modified.and_then(|seconds| u64::try_from(seconds).ok()),
    });
    let body = std::mem::take(&mut reply.body);
    reply.body = tee::spawn(body, copy.into(), reply.length, spool);
}
