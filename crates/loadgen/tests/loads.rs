//! Loads against a scripted server in the same process.

use std::net::SocketAddr;
use std::time::Duration;

use portunus_loadgen::{Arrival, Outcome, Plan, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers the first `count` requests of every connection, then closes it.
async fn server(answer: &'static [u8], count: usize) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                for _ in 0..count {
                    if !matches!(stream.read(&mut buffer).await, Ok(1..)) {
                        return;
                    }
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    address
}

fn brief(address: SocketAddr) -> Plan {
    Plan {
        duration: Duration::from_millis(100),
        ..Plan::get(address, "/")
    }
}

#[tokio::test]
async fn kept_connections_are_used_again_and_answers_counted() {
    let address = server(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        usize::MAX,
    )
    .await;
    let mut plan = brief(address);
    plan.arrival = Arrival::Closed { clients: 4 };
    plan.expected.length = Some(2);
    let report = run(plan).await;
    assert_eq!(report.failed(), 0, "{}", report.to_json());
    assert!(report.count(Outcome::Good) > 4, "{}", report.to_json());
    assert_eq!(report.body_bytes, 2 * report.count(Outcome::Good));
}

#[tokio::test]
async fn the_open_loop_begins_as_many_as_it_should() {
    let address = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", usize::MAX).await;
    let mut plan = brief(address);
    plan.arrival = Arrival::Open { per_second: 200.0 };
    let report = run(plan).await;
    assert_eq!((report.begun(), report.count(Outcome::Good)), (20, 20));
}

#[tokio::test]
async fn a_connection_closed_behind_our_back_is_a_reset() {
    let address = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1).await;
    let report = run(brief(address)).await;
    assert!(report.count(Outcome::Good) > 0 && report.count(Outcome::Reset) > 0);
    let fresh = run(Plan {
        fresh_connections: true,
        ..brief(address)
    })
    .await;
    assert_eq!(fresh.failed(), 0, "{}", fresh.to_json());
}

#[tokio::test]
async fn clients_lose_their_patience() {
    let address = server(b"", usize::MAX).await;
    let mut plan = brief(address);
    plan.patience = Some(Duration::from_millis(20));
    let report = run(plan).await;
    assert!(report.count(Outcome::Abandoned) > 0, "{}", report.to_json());
    assert_eq!(report.count(Outcome::Good), 0);
}

#[tokio::test]
async fn the_end_of_the_load_is_nobody_s_fault() {
    let address = server(b"", usize::MAX).await;
    let plan = Plan {
        grace: Duration::ZERO,
        ..brief(address)
    };
    let report = run(plan).await;
    assert_eq!((report.count(Outcome::Unfinished), report.failed()), (1, 0));
}
