//! Connections of HTTP/2, by the bytes of their frames.

use std::io::Write;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::settings::Limits;

/// The preface, and settings that say nothing. RFC 9113 §3.4.
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// `GET http://a/` as the first stream, all of it by RFC 7541's static table but for the name.
const GET: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";

/// The same with `POST`, and its body still to come.
const POST: &[u8] = b"\0\0\x06\x01\x04\0\0\0\x01\x83\x86\x84\x41\x01a";

fn http2(keepalive_timeout: u64, body: &'static str, times: usize) -> Client {
    let settings = Settings {
        limits: Limits {
            keepalive_timeout: Duration::from_secs(keepalive_timeout),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let listen = ListenerConfig {
        http2: true,
        ..listener()
    };
    connect(settings, listen, move |_| async move {
        text(&body.repeat(times))
    })
}

/// Who is asked to go and does not say that it has heard holds nobody up for as long as it might be idle.
#[test]
fn an_idle_client_that_does_not_answer_a_goodbye_is_let_go() {
    for shed in [false, true] {
        run(async {
            let mut client = http2(3600, "", 0);
            client.send(BEGIN).await;
            sleep(Duration::from_secs(1)).await;
            match shed {
                true => client.worker.shed(),
                false => client.worker.begin_to_drain(),
            }
            let begin = Instant::now();
            client.read_all().await;
            assert!(begin.elapsed() < Duration::from_secs(10), "{shed}");
        });
    }
}

/// An answer that has been made is not one that has been sent.
#[test]
fn a_connection_is_not_idle_while_an_answer_goes_out() {
    run(async {
        const LENGTH: usize = 60_000;
        let mut client = http2(1, "x", LENGTH);
        client.send([BEGIN, GET].concat()).await;
        let (mut bytes, mut part) = (Vec::new(), [0; 1000]);
        let mut come = 0;
        while come < LENGTH {
            sleep(Duration::from_secs(1)).await;
            let length = client.stream.read(&mut part).await.unwrap();
            assert_ne!(length, 0, "closed after {come}");
            bytes.extend_from_slice(&part[..length]);
            come = bytes.iter().filter(|&&byte| byte == b'x').count();
        }
        let rest = timeout(Duration::from_secs(10), client.read_all()).await;
        assert!(rest.is_ok(), "then it is idle");
    });
}

/// As over HTTP/1, see there.
#[test]
fn the_time_for_a_body_runs_while_somebody_waits_for_it() {
    for gives_up in [true, false] {
        run(async {
            let listen = ListenerConfig {
                http2: true,
                ..listener()
            };
            let serve = move |request| async move {
                pass_body_by(request, gives_up).await;
                text("served")
            };
            let mut client = connect(Settings::default(), listen, serve);
            client.send([BEGIN, POST].concat()).await;
            let mut bytes = Vec::new();
            let served = async {
                while !bytes.windows(6).any(|part| part == b"served") {
                    let length = client.stream.read_buf(&mut bytes).await.unwrap();
                    assert_ne!(length, 0);
                }
            };
            let served = timeout(Duration::from_secs(3600), served).await;
            assert!(served.is_ok(), "{gives_up}");
        });
    }
}

/// What opens the windows of the connection and of the first stream by 64 KB. RFC 9113 §6.9.
const MORE: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\x01\0\0\0\0\x04\x08\0\0\0\0\x01\0\x01\0\0";

/// Bytes that a client takes which opens no window. RFC 9113 §6.9.2.
const WINDOW: usize = 65_535;

/// Reads as many of them.
async fn read_content(client: &mut Client, mut count: usize) {
    let mut part = [0; 1000];
    while count > 0 {
        let length = client.stream.read(&mut part).await.unwrap();
        assert_ne!(length, 0, "closed before {count} more");
        count -= part[..length].iter().filter(|&&byte| byte == b'x').count();
    }
}

/// hyper has taken all of the answer, and holds the last byte back until there is room for it.
#[test]
fn a_goodbye_does_not_cut_what_a_window_is_awaited_for() {
    for stalls in [false, true] {
        run(async {
            let mut client = http2(75, "x", WINDOW + 1);
            client.send([BEGIN, GET].concat()).await;
            read_content(&mut client, WINDOW).await;
            client.worker.begin_to_drain();
            if stalls {
                let ended = timeout(Duration::from_secs(100), client.read_all()).await;
                assert!(ended.is_ok(), "not for ever");
                return;
            }
            sleep(Duration::from_secs(50)).await;
            client.send(MORE).await;
            read_content(&mut client, 1).await;
            let ended = timeout(Duration::from_secs(10), client.read_all()).await;
            assert!(ended.is_ok(), "then it is idle");
        });
    }
}

/// All of the answer is with the kernel, which would forget it where the client speaks after we have closed.
#[test]
fn a_goodbye_does_not_cut_what_the_kernel_has_for_a_client_that_reads() {
    run(async {
        let (mut stream, accepted) = super::timeouts::tcp(1 << 20);
        let listen = ListenerConfig {
            http2: true,
            ..listener()
        };
        let client = connect_over(
            |_| Layered::new(accepted, |stream| Some(stream.as_fd())),
            Settings::default(),
            listen,
            |_| async { text(&"x".repeat(WINDOW)) },
        );
        stream.write_all(&[BEGIN, GET].concat()).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(client.outcome(), Some(Outcome::Sent));
        client.worker.shed();
        for _ in 0..5 {
            sleep(Duration::from_secs(3)).await;
            super::timeouts::take_a_little(&mut stream, &client);
        }
        assert_ne!(format!("{:?}", client.connection.transport), "Closed");
        assert!(!client.connection.is_being_shed());
        sleep(Duration::from_secs(15)).await;
        assert_eq!(format!("{:?}", client.connection.transport), "Closed");
    });
}

/// hyper takes the last piece of a body before there is room for it, too.
#[test]
fn a_client_that_makes_no_room_for_the_last_piece_is_cut() {
    run(async {
        let mut client = http2(75, "x", WINDOW + 100);
        client.send([BEGIN, GET].concat()).await;
        read_content(&mut client, WINDOW).await;
        assert_eq!(client.outcome(), None);
        sleep(Duration::from_secs(61)).await;
        let cut = Outcome::Cut(crate::connection::Cut::SendTimeout);
        assert_eq!(client.outcome(), Some(cut));
    });
}

/// As over HTTP/1, see there.
#[test]
fn the_minimum_rate_counts_time_in_which_the_client_is_waited_for() {
    const PIECE: &[u8] = b"\0\0\x01\0\0\0\0\0\x01a";
    run(async {
        let settings = Settings {
            limits: Limits {
                client_body_min_rate: 100,
                ..Limits::default()
            },
            ..Settings::default()
        };
        let listen = ListenerConfig {
            http2: true,
            ..listener()
        };
        let serve = |request| async {
            super::timeouts::pause_amid_body(request).await;
            ok()
        };
        let mut client = connect(settings, listen, serve);
        client.send([BEGIN, POST].concat()).await;
        for wait in [30, 1020] {
            sleep(Duration::from_secs(wait)).await;
            client.send(PIECE).await;
        }
        sleep(Duration::from_secs(5)).await;
        assert_eq!(client.outcome(), None);
        sleep(Duration::from_secs(20)).await;
        let cut = Outcome::Cut(crate::connection::Cut::BodyTimeout);
        assert_eq!(client.outcome(), Some(cut));
    });
}

/// A body of so many bytes, and no end.
fn endless(length: usize) -> Response<AnyBody> {
    let piece = Frame::data(Bytes::from("x".repeat(length)));
    let body = http_body_util::StreamBody::new(Endless(Some(piece)));
    Response::new(Box::pin(body))
}

/// The frames of it.
struct Endless(Option<Frame<Bytes>>);

impl futures_core::Stream for Endless {
    type Item = std::io::Result<Frame<Bytes>>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0.take() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => Poll::Pending,
        }
    }
}

/// A stream that goes both ways at once: whatever moves one way, the time of the other runs.
#[test]
fn a_stream_waits_for_its_body_and_for_room_at_once() {
    const END: &[u8] = b"\0\0\x01\0\x01\0\0\0\x01a";
    for (stalled, cut) in [
        ("body", crate::connection::Cut::BodyTimeout),
        ("room", crate::connection::Cut::SendTimeout),
    ] {
        run(async move {
            let listen = ListenerConfig {
                http2: true,
                ..listener()
            };
            let serve = move |mut request: RequestBody| async move {
                tokio::task::spawn_local(async move {
                    while let Some(Ok(_)) = poll_fn(|cx| request.poll_data(cx)).await {}
                });
                sleep(Duration::from_secs(1)).await;
                endless(if stalled == "room" { 2 * WINDOW } else { 1 })
            };
            let mut client = connect(Settings::default(), listen, serve);
            client.send([BEGIN, POST].concat()).await;
            if stalled == "room" {
                read_content(&mut client, WINDOW).await;
                client.send(END).await;
            }
            sleep(Duration::from_secs(65)).await;
            assert_eq!(client.outcome(), Some(Outcome::Cut(cut)));
        });
    }
}

/// RFC 9110 §9.3.2: whatever body a service has for it.
#[test]
fn an_answer_to_head_is_a_head() {
    const HEAD: &[u8] = b"\0\0\x0b\x01\x05\0\0\0\x01\x42\x04HEAD\x86\x84\x41\x01a";
    for request in [GET, HEAD] {
        run(async move {
            let mut client = http2(1, "x", 5);
            client.send([BEGIN, request].concat()).await;
            let wire = client.read_all().await;
            assert_eq!(wire.contains("xxxxx"), request == GET, "{wire:?}");
            // The length that it would have, as RFC 7541 §6.2.2 and appendix B write a 5.
            let length = wire.contains("\x0f\x0d\u{fffd}o");
            assert!(length || request == GET, "{wire:?}");
        });
    }
}
