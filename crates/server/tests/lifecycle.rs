//! Reload, drain, stop.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "what cannot be set up has failed"
)]

mod common;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use common::{Answering, Frames, ask, connect, inet, local, read_all, serve, wait};
use http::Response;
use portunus_server::{ListenerConfig, Listeners, RequestBody};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CLOSE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn ok(_: RequestBody) -> Answering {
    Box::pin(async { Response::new(Frames::text("ok")) })
}

/// Answers when the body has come.
fn wait_for_body(request: RequestBody) -> Answering {
    Box::pin(async move {
        ENTERED.fetch_add(1, SeqCst);
        let body = http_body_util::BodyExt::collect(request).await;
        Response::new(Frames::text(format!("{}", body.unwrap().to_bytes().len())))
    })
}

static ENTERED: AtomicUsize = AtomicUsize::new(0);

fn read_until(stream: &mut impl Read, end: &str) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
}

#[test]
fn draining_finishes_what_is_in_flight_and_closes_the_rest() {
    for workers in [1, 2] {
        let handle = serve(vec![local()], workers, wait_for_body);
        let mut busy = Vec::new();
        let mut idle: Vec<_> = (0..4).map(|_| connect(&handle)).collect();
        for stream in &mut idle {
            stream.write_all(GET.as_bytes()).unwrap();
            read_until(stream, "\r\n\r\n0");
        }
        ENTERED.store(0, SeqCst);
        for _ in 0..8 {
            let mut stream = connect(&handle);
            stream
                .write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na")
                .unwrap();
            busy.push(stream);
        }
        while ENTERED.load(SeqCst) < 8 {
            std::thread::yield_now();
        }
        let draining = handle.clone();
        let drained =
            std::thread::spawn(move || wait(draining.drain(Some(Duration::from_secs(20)))));
        for stream in idle {
            assert_eq!(read_all(stream), "");
        }
        for mut stream in busy {
            stream.write_all(b"bc").unwrap();
            let answer = read_all(stream);
            assert!(
                answer.contains("Connection: close") && answer.ends_with("\r\n\r\n3"),
                "{answer}"
            );
        }
        assert!(drained.join().unwrap(), "nothing had to be ended by force");
        handle.join();
        assert_eq!(handle.stats().active, 0);
    }
}

#[test]
fn draining_has_an_end() {
    let handle = serve(vec![local()], 1, |_| Box::pin(std::future::pending()));
    let mut stream = connect(&handle);
    stream.write_all(GET.as_bytes()).unwrap();
    while handle.stats().requests == 0 {
        std::thread::yield_now();
    }
    assert!(!wait(handle.drain(Some(Duration::from_millis(50)))));
    assert_eq!(read_all(stream), "");
    handle.join();
}

#[test]
fn connections_in_the_accept_queue_are_served_before_the_end() {
    let handle = serve(vec![local()], 1, ok);
    let streams: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = connect(&handle);
            stream.write_all(CLOSE.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert!(wait(handle.drain(Some(Duration::from_secs(20)))));
    for stream in streams {
        assert!(read_all(stream).ends_with("ok"));
    }
}

#[test]
fn a_reload_keeps_what_stays_opens_what_is_new_and_drains_what_goes() {
    let handle = serve(vec![local(), local()], 2, ok);
    let stays = inet(&handle.addresses()[0]);
    let mut kept = std::net::TcpStream::connect(stays).unwrap();
    let mut gone = std::net::TcpStream::connect(inet(&handle.addresses()[1])).unwrap();
    for stream in [&mut kept, &mut gone] {
        stream.write_all(GET.as_bytes()).unwrap();
        read_until(stream, "\r\n\r\nok");
    }
    let old = handle.listeners();
    let (_, address) = old.addresses().next().unwrap();
    let mut again = ListenerConfig::new(address.clone(), 7);
    again.backlog = 100;
    let mut new = local();
    new.tag = 8;
    let listeners = Listeners::bind(vec![again, new], Some(&old), 2).unwrap();
    drop(old);
    handle.reload(listeners);
    assert_eq!(
        read_all(gone),
        "",
        "idle connections of a removed listener are closed"
    );
    kept.write_all(CLOSE.as_bytes()).unwrap();
    assert!(read_all(kept).ends_with("ok"));
    for address in handle.addresses() {
        let mut stream = std::net::TcpStream::connect(inet(&address)).unwrap();
        stream.write_all(CLOSE.as_bytes()).unwrap();
        assert!(read_all(stream).ends_with("ok"));
    }
    assert!(ask(&handle, CLOSE).ends_with("ok"));
    assert!(wait(handle.drain(Some(Duration::from_secs(20)))));
}

#[test]
fn reloading_again_and_again_loses_nobody() {
    let handle = serve(vec![local()], 2, ok);
    let config = ListenerConfig::new(handle.addresses()[0].clone(), 0);
    let clients = handle.clone();
    let asking = std::thread::spawn(move || {
        (0..300)
            .filter(|_| ask(&clients, CLOSE).ends_with("ok"))
            .count()
    });
    for round in 0..13 {
        let mut config = config.clone();
        config.tag = round;
        let listeners = Listeners::bind(vec![config], Some(&handle.listeners()), 2).unwrap();
        handle.reload(listeners);
        std::thread::yield_now();
    }
    assert_eq!(asking.join().unwrap(), 300);
    wait(handle.stop_now());
}
