//! `101 Switching Protocols`: bytes both ways until either side ends (WebSocket).
//!
//! Source: nginx, `ngx_http_upstream_upgrade`.

use std::io;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use portunus_proxy::{ResponseBody, Tunnel};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::tries::Held;
use crate::config::{Proxy, Site};
use crate::context::Context;
use crate::engine::{Plan, Step, decide};
use crate::respond::Reply;

/// Hands the two connections to each other.
pub(super) fn open(
    cx: &mut Context,
    site: &Site,
    proxy: &Proxy,
    mut reply: Reply,
    body: ResponseBody,
    held: Held,
) -> Plan {
    let Some(tunnel) = body.into_tunnel().filter(|_| cx.exchange.version() == 1001) else {
        cx.log_error(format_args!("upstream switched protocols unasked"));
        return decide(cx, site, Step::Fail(502));
    };
    cx.exchange
        .tunnel_to(Counted { tunnel, held }, proxy.timeouts.read);
    reply.length = None;
    Plan::Answer(Box::new(reply))
}

/// The server's end, whose bytes are counted.
struct Counted {
    tunnel: Tunnel,
    held: Held,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tunnel).poll_read(cx, buffer))?;
        self.held
            .progress
            .add((buffer.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tunnel).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tunnel).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tunnel).poll_shutdown(cx)
    }
}
