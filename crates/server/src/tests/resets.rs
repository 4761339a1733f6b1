//! `reset_timedout_connection`: which ends are resets.

use std::io::{self, Read};
use std::time::Duration;

use super::whole::{ask_with, held, runtime};
use super::*;
use crate::settings::Limits;
use crate::tls::Tls;

/// A body that fails before its first byte.
struct Failing;

impl Body for Failing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::Other.into())))
    }
}

/// How the end of a connection looks to its client.
fn end_of(request: &str) -> io::Result<()> {
    let brief = Duration::from_millis(1);
    let settings = Settings {
        client_header_timeout: brief,
        limits: Limits {
            client_body_timeout: brief,
            lingering_timeout: brief,
            keepalive_timeout: brief,
            reset_timedout_connection: true,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let (handle, release) = held(Tls(None), settings, |request| {
        let exchange = Rc::clone(request.exchange());
        Box::pin(async move {
            if exchange.target() == b"/nothing" {
                exchange.send_nothing();
                return Response::new(Box::pin(Failing) as AnyBody);
            }
            ok()
        })
    });
    // All of the request is there when its time begins.
    let mut client = ask_with(&handle, request.as_bytes());
    release.send(()).unwrap();
    let end = client.read_to_end(&mut Vec::new()).map(drop);
    runtime().block_on(handle.stop_now());
    end
}

/// Source: nginx, `ngx_http_free_request`, whose `timedout` those of `NGX_HTTP_CLOSE` have, too.
#[test]
fn whoever_is_late_with_a_request_is_reset() {
    for (request, is_reset) in [
        ("", false),
        ("G", true),
        ("GET / HTTP/1.1\r\nHo", true),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGE", true),
        ("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", true),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na",
            true,
        ),
    ] {
        let end = end_of(request).map_err(|error| error.kind());
        let expected = match is_reset {
            true => Err(io::ErrorKind::ConnectionReset),
            false => Ok(()),
        };
        assert_eq!(end, expected, "{request:?}");
    }
}
