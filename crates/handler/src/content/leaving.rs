//! A client that leaves while a server behind us works for it.
//!
//! Source: nginx, `ngx_http_upstream_check_broken_connection`.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use portunus_server::Exchange;
use portunus_telemetry::Severity;

use crate::context::Context;
use crate::engine::Plan;

/// What comes of `work` for as long as the client is there; `None` once it has gone, unless the work
/// is to be finished all the same (`fastcgi_ignore_client_abort`, `proxy_ignore_client_abort`).
pub(super) async fn unless_client_leaves<T>(
    exchange: &Exchange,
    ignored: bool,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|task| {
        if let Poll::Ready(outcome) = work.as_mut().poll(task) {
            return Poll::Ready(Some(outcome));
        }
        if ignored {
            return Poll::Pending;
        }
        let connection = exchange.connection();
        connection.poll_peer_closed(task).map(|()| None)
    })
    .await
}

/// There is nobody left to answer.
pub(super) fn abandoned(cx: &mut Context) -> Plan {
    cx.log(
        Severity::Info,
        format_args!("client prematurely closed connection, so upstream connection is closed too"),
    );
    cx.answer.status = 499;
    Plan::Close
}
