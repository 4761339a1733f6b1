//! When a connection is kept and when it is closed.

use std::time::Duration;

use crate::connection::Outcome;
use crate::settings::{Limits, Settings};
use crate::tests::{Client, connect, listener, ok, plain, run};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn with_limits(limits: Limits) -> Client {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    connect(settings, listener(), |_| async { ok() })
}

#[test]
fn connection_fields_rule_by_version() {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a\r\n", "keep-alive"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
            "close",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nconnection: Upgrade, CLOSE\r\n",
            "close",
        ),
        ("GET / HTTP/1.0\r\n", "close"),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n", "keep-alive"),
    ];
    for (head, expected) in cases {
        run(async {
            let (answer, record) = plain().ask(format!("{head}\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(
                answer.contains(&format!("\r\nConnection: {expected}\r\n")),
                "{head}: {answer}"
            );
            assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
            let length = answer.len() as u64;
            assert_eq!(
                record.borrow().ended,
                [(Outcome::Sent, head.len() as u64 + 2, length)]
            );
        });
    }
}

#[test]
fn idle_connections_are_closed_after_the_time_out_and_not_before() {
    run(async {
        let mut client = with_limits(Limits {
            keepalive_timeout: Duration::from_secs(10),
            ..Limits::default()
        });
        for _ in 0..3 {
            client.send(GET).await;
            client.read_until("\r\n\r\nok").await;
            tokio::time::sleep(Duration::from_millis(9_900)).await;
        }
        client.send(GET).await;
        client.read_until("\r\n\r\nok").await;
        let before = tokio::time::Instant::now();
        assert_eq!(client.read_all().await, "");
        assert_eq!(before.elapsed().as_secs(), 10);
    });
}

#[test]
fn a_connection_ends_after_its_last_allowed_request() {
    run(async {
        let client = with_limits(Limits {
            keepalive_requests: 2,
            ..Limits::default()
        });
        let (answers, record) = client.ask([GET, GET, GET].concat()).await;
        assert_eq!(answers.matches("200 OK").count(), 2);
        assert!(
            answers.contains("Connection: keep-alive") && answers.contains("Connection: close")
        );
        assert_eq!(record.borrow().ended.len(), 2);
    });
}

#[test]
fn keep_alive_field_and_age() {
    run(async {
        let limits = Limits {
            keepalive_header: Some(9),
            keepalive_time: Duration::from_secs(60),
            ..Limits::default()
        };
        let mut client = with_limits(limits);
        client.send(GET).await;
        assert!(
            client
                .read_until("ok")
                .await
                .contains("\r\nKeep-Alive: timeout=9\r\n")
        );
        tokio::time::sleep(Duration::from_secs(61)).await;
        client.send(GET).await;
        let last = client.read_all().await;
        assert!(
            last.contains("Connection: close") && !last.contains("Keep-Alive:"),
            "{last}"
        );
    });
}

#[test]
fn draining_closes_idle_connections_and_finishes_the_others() {
    run(async {
        let mut idle = plain();
        idle.send(GET).await;
        idle.read_until("ok").await;
        idle.worker.drain(|_| true);
        assert_eq!(idle.read_all().await, "");

        let mut busy = connect(Settings::default(), listener(), |_| async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            ok()
        });
        busy.send(GET).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        busy.worker.drain(|_| true);
        let answer = busy.read_all().await;
        assert!(
            answer.contains("Connection: close") && answer.ends_with("ok"),
            "{answer}"
        );

        let fresh = plain();
        tokio::task::yield_now().await;
        fresh.worker.drain(|_| true);
        let (answer, _) = fresh.ask(GET).await;
        assert!(answer.contains("Connection: close"), "{answer}");
    });
}

#[test]
fn stopping_ends_everything_at_once() {
    run(async {
        let mut client = connect(Settings::default(), listener(), |_| std::future::pending());
        client.send(GET).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.worker.stop();
        assert_eq!(client.read_all().await, "");
        assert_eq!(client.outcome(), Some(Outcome::Cut(crate::Cut::Stopped)));
    });
}

#[test]
fn a_shorter_keepalive_of_the_location_rules() {
    run(async {
        let mut client = connect(Settings::default(), listener(), |request| async move {
            let exchange = request.exchange();
            let limits = Limits {
                keepalive_timeout: Duration::from_secs(1),
                ..exchange.limits()
            };
            exchange.set_limits(limits);
            ok()
        });
        client.send(GET).await;
        client.read_until("ok").await;
        let before = tokio::time::Instant::now();
        assert_eq!(client.read_all().await, "");
        assert_eq!(before.elapsed().as_secs(), 1);
    });
}

#[test]
fn an_idle_connection_is_kept_for_its_least_time_and_no_longer() {
    let least = Duration::from_secs(10);
    for shed in [false, true] {
        run(async {
            let mut client = with_limits(Limits {
                keepalive_min_timeout: least,
                ..Limits::default()
            });
            client.send(GET).await;
            client.read_until("ok").await;
            let begin = tokio::time::Instant::now();
            match shed {
                true => client.worker.shed(),
                false => client.worker.begin_to_drain(),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.send(GET).await;
            let answer = client.read_until("ok").await;
            assert!(answer.contains("Connection: keep-alive"), "{answer}");
            if shed {
                tokio::time::sleep(least).await;
                client.worker.shed();
            }
            assert_eq!(client.read_all().await, "");
            assert_eq!(begin.elapsed().as_secs(), 11);
        });
    }
}
