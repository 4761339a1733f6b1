//! `reset_timedout_connection`: which ends are resets.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use super::*;
use crate::listen::Listeners;
use crate::server::{ServerConfig, start};
use crate::settings::{Limits, Settings};

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
    let address = ListenAddress::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let listeners = Listeners::bind(vec![ListenerConfig::new(address, 0)], None, 1).unwrap();
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
    let settings = Arc::new(settings);
    let (release, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let make = move |_| {
        // All of the request is there when its time begins.
        held.lock().unwrap().recv().unwrap();
        Scripted {
            serve: Rc::new(|request| {
                let exchange = Rc::clone(request.exchange());
                Box::pin(async move {
                    if exchange.target() == b"/nothing" {
                        exchange.send_nothing();
                        return Response::new(Box::pin(Failing) as AnyBody);
                    }
                    ok()
                })
            }),
            settings: Arc::clone(&settings),
            record: Rc::default(),
        }
    };
    let handle = start(listeners, &ServerConfig::default(), make).unwrap();
    let ListenAddress::Inet(address) = handle.addresses()[0] else {
        panic!("a port was asked for")
    };
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    release.send(()).unwrap();
    let end = client.read_to_end(&mut Vec::new()).map(drop);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(handle.stop_now());
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
