//! Clients that are too slow.

use std::future::poll_fn;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use tokio::time::{Instant, sleep};

use crate::connection::{Cut, Outcome};
use crate::io::RequestBody;
use crate::settings::{Limits, Settings};
use crate::tests::{
    AnyBody, Client, PIPE, connect, connect_over, listener, ok, pass_body_by, plain, run,
};
use crate::tls::Layered;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Collects the request body, then answers with its length.
fn collecting(limits: Limits) -> Client {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    connect(settings, listener(), |request| async move {
        match request.collect().await {
            Ok(body) => crate::tests::text(&body.to_bytes().len().to_string()),
            Err(error) => {
                let mut answer = crate::tests::text(&error.to_string());
                *answer.status_mut() = http::StatusCode::BAD_REQUEST;
                answer
            }
        }
    })
}

#[test]
fn silent_clients_are_let_go_without_a_word() {
    run(async {
        let begin = Instant::now();
        let mut client = plain();
        assert_eq!(client.read_all().await, "");
        assert_eq!(begin.elapsed().as_secs(), 60);
        assert!(client.record.borrow().broken.is_empty());
    });
}

#[test]
fn the_time_for_a_head_is_absolute() {
    run(async {
        let mut client = plain();
        sleep(seconds(30)).await;
        let begin = Instant::now();
        client.send("GET / HTTP/1.1\r\nX-A: ").await;
        for _ in 0..59 {
            sleep(seconds(1)).await;
            client.send("a").await;
        }
        assert_eq!(client.read_all().await, "");
        assert_eq!(begin.elapsed().as_secs(), 60);
        assert_eq!(client.record.borrow().broken, [408]);
        assert_eq!(
            client.record.borrow().log,
            ["client timed out (110: Connection timed out) while reading client request headers"]
        );
    });
}

#[test]
fn a_head_may_take_its_time_within_the_limit() {
    run(async {
        let mut client = plain();
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" {
            client.send([*byte]).await;
            sleep(seconds(1)).await;
        }
        assert!(client.read_until("ok").await.contains("200 OK"));
    });
}

#[test]
fn a_body_may_pause_but_not_for_long() {
    run(async {
        let mut client = collecting(Limits::default());
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            .await;
        for byte in b"abc" {
            sleep(seconds(50)).await;
            client.send([*byte]).await;
        }
        let begin = Instant::now();
        assert_eq!(client.read_all().await, "");
        assert_eq!(begin.elapsed().as_secs(), 60);
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::BodyTimeout)));
    });
}

/// What nobody waits for cannot be late: the body has been given up, or is looked at in passing while something else is
/// waited for.
#[test]
fn the_time_for_a_body_runs_while_somebody_waits_for_it() {
    for gives_up in [true, false] {
        run(async {
            let serve = move |request| async move {
                pass_body_by(request, gives_up).await;
                ok()
            };
            let mut client = connect(Settings::default(), listener(), serve);
            client
                .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
                .await;
            let answer = tokio::time::timeout(seconds(3600), client.read_until("ok")).await;
            assert!(answer.is_ok());
        });
    }
}

#[test]
fn a_body_below_the_minimum_rate_is_cut() {
    run(async {
        let limits = Limits {
            client_body_min_rate: 100,
            ..Limits::default()
        };
        let mut client = collecting(limits);
        let begin = Instant::now();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
            .await;
        while client.outcome().is_none() {
            client.send("a").await;
            sleep(seconds(1)).await;
        }
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::BodyTimeout)));
        assert!(
            (58..65).contains(&begin.elapsed().as_secs()),
            "{:?}",
            begin.elapsed()
        );
    });
}

/// The client is not to blame for time in which the service has other things to do than to read its body.
pub(super) async fn pause_amid_body(mut request: RequestBody) {
    let first = poll_fn(|cx| request.poll_data(cx)).await;
    assert!(matches!(first, Some(Ok(_))));
    sleep(seconds(1000)).await;
    while let Some(data) = poll_fn(|cx| request.poll_data(cx)).await {
        data.unwrap();
    }
}

#[test]
fn the_minimum_rate_counts_time_in_which_the_client_is_waited_for() {
    run(async {
        let limits = Limits {
            client_body_min_rate: 100,
            ..Limits::default()
        };
        let settings = Settings {
            limits,
            ..Settings::default()
        };
        let mut client = connect(settings, listener(), |request| async move {
            pause_amid_body(request).await;
            ok()
        });
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
            .await;
        for wait in [30, 1020] {
            sleep(seconds(wait)).await;
            client.send("a").await;
        }
        // Fifty seconds of waiting are over, and two bytes earn no more than the sixty that everybody has.
        sleep(seconds(5)).await;
        assert_eq!(client.outcome(), None);
        sleep(seconds(10)).await;
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::BodyTimeout)));
    });
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    run(async {
        let mut client = connect(Settings::default(), listener(), |_| async {
            let body = Full::new(Bytes::from(vec![b'x'; 100_000]));
            Response::new(
                Box::pin(body.map_err(|never| -> std::io::Error { match never {} })) as AnyBody,
            )
        });
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        sleep(seconds(59)).await;
        assert_eq!(client.outcome(), None);
        client.read_until("\r\n\r\nxxxxxxxxx").await;
        sleep(seconds(59)).await;
        assert_eq!(
            client.outcome(),
            None,
            "taking a little starts the time anew"
        );
        sleep(seconds(2)).await;
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::SendTimeout)));
        assert!(client.read_all().await.len() < 100_000);
    });
}

#[test]
fn services_may_take_as_long_as_they_like() {
    run(async {
        let mut client = connect(Settings::default(), listener(), |_| async {
            sleep(seconds(10_000)).await;
            ok()
        });
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(client.read_until("ok").await.contains("200"));
    });
}

#[test]
fn rates_are_kept() {
    run(async {
        let limits = Limits {
            limit_rate: 1000,
            limit_rate_after: 2000,
            ..Limits::default()
        };
        let settings = Settings {
            limits,
            ..Settings::default()
        };
        let mut client = connect(settings, listener(), |_| async {
            let body = Full::new(Bytes::from(vec![b'x'; 12_000]));
            Response::new(
                Box::pin(body.map_err(|never| -> std::io::Error { match never {} })) as AnyBody,
            )
        });
        let begin = Instant::now();
        client
            .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await;
        let answer = client.read_all().await;
        assert_eq!(answer.matches('x').count(), 12_000);
        assert!(
            (8..12).contains(&begin.elapsed().as_secs()),
            "{:?}",
            begin.elapsed()
        );
    });
}

#[test]
fn lingering_ends_when_the_client_falls_silent_or_after_its_time() {
    run(async {
        let mut client = plain();
        let begin = Instant::now();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9999\r\n\r\n")
            .await;
        assert!(client.read_all().await.ends_with("ok"));
        assert_eq!(begin.elapsed().as_secs(), 0, "the answer does not wait");
        sleep(seconds(4)).await;
        client.send("x").await;
        sleep(seconds(4)).await;
        client.send("x").await;
        sleep(seconds(6)).await;
        assert!(
            tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"x")
                .await
                .is_err()
        );
    });
}

/// A task that has done much in one turn is not let near a timer either: it has to be set all the same.
#[test]
fn a_time_out_that_begins_at_the_end_of_a_long_turn_holds() {
    run(async {
        let mut client = connect(Settings::default(), listener(), |request| async move {
            while tokio::task::coop::has_budget_remaining() {
                tokio::task::consume_budget().await;
            }
            let _ = request.collect().await;
            ok()
        });
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
            .await;
        let begin = Instant::now();
        let ended = tokio::time::timeout(seconds(3600), client.read_all()).await;
        assert_eq!(ended.ok(), Some(String::new()));
        assert_eq!(begin.elapsed().as_secs(), 60);
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::BodyTimeout)));
    });
}

/// What encryption has taken is not sent yet.
#[test]
fn a_client_that_does_not_take_what_is_encrypted_for_it_is_cut_off() {
    run(async {
        let mut client = connect_over(
            |pipe| {
                Layered::new(tokio::io::BufWriter::with_capacity(64 << 10, pipe), |_| {
                    None
                })
            },
            Settings::default(),
            listener(),
            |_| async { crate::tests::text(&"x".repeat(PIPE * 2)) },
        );
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        sleep(seconds(59)).await;
        assert_eq!(client.outcome(), None);
        sleep(seconds(2)).await;
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::SendTimeout)));
    });
}

/// A client's socket with room for little, and the server's, which sends with a buffer of so many bytes.
pub(super) fn tcp(buffer: usize) -> (std::net::TcpStream, tokio::net::TcpStream) {
    let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = std::net::TcpStream::connect(listening.local_addr().unwrap()).unwrap();
    let (accepted, _) = listening.accept().unwrap();
    for end in [&stream, &accepted] {
        end.set_nonblocking(true).unwrap();
    }
    let room = socket2::SockRef::from(&stream).set_recv_buffer_size(8 << 10);
    room.unwrap();
    let room = socket2::SockRef::from(&accepted).set_send_buffer_size(buffer);
    room.unwrap();
    (stream, tokio::net::TcpStream::from_std(accepted).unwrap())
}

/// Takes bytes until the server's kernel has heard of it.
pub(super) fn take_a_little(stream: &mut std::net::TcpStream, client: &Client) {
    let taken = || client.connection.transport.backlog().unwrap().acknowledged;
    let before = taken();
    while taken() == before {
        match stream.read(&mut [0; 512]) {
            Ok(length) => assert_ne!(length, 0, "closed"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        std::thread::yield_now();
    }
}

/// What encryption has taken goes out as the client takes it, which only the kernel knows.
#[test]
fn a_client_that_takes_what_is_encrypted_for_it_little_by_little_is_not_cut_off() {
    run(async {
        let (mut stream, accepted) = tcp(8 << 10);
        let buffered = tokio::io::BufWriter::with_capacity(2 << 20, accepted);
        let client = connect_over(
            |_| Layered::new(buffered, |stream| Some(stream.get_ref().as_fd())),
            Settings::default(),
            listener(),
            |_| async { crate::tests::text(&"x".repeat(1 << 20)) },
        );
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        for _ in 0..20 {
            sleep(seconds(25)).await;
            take_a_little(&mut stream, &client);
        }
        assert_eq!(client.outcome(), None);
        // Once it takes nothing more, it has its time from when that was last looked at.
        sleep(seconds(2 * 60)).await;
        assert_eq!(client.outcome(), Some(Outcome::Cut(Cut::SendTimeout)));
    });
}
