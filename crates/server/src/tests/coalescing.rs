//! Clients whose requests have stood in line, and for whose next one nobody is woken.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use super::whole::body_of_answer as answer;
use super::*;
use crate::coalesce::HOLD;
use crate::server::ServerHandle;
use crate::tls::Tls;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// A client whose first requests have stood in line, so that the next one comes unannounced.
fn held_client(serve: fn(RequestBody) -> Answer) -> (ServerHandle, TcpStream) {
    let (handle, release) = whole::held(Tls::default(), Settings::default(), serve);
    release.send(()).unwrap();
    let mut client = whole::ask_with(&handle, GET.as_bytes());
    let mut quiet = answer(&mut client);
    assert_eq!(quiet, "false: ;", "nobody knows it yet");
    // On a machine that has no time for the client it does not come at once.
    for _ in 0..10_000 {
        client.write_all(GET.as_bytes()).unwrap();
        quiet = answer(&mut client);
        if quiet == "true: ;" {
            return (handle, client);
        }
    }
    panic!("{quiet}");
}

/// Says whether the kernel keeps to itself what comes, and what the body was.
fn serve(mut request: RequestBody) -> Answer {
    let exchange = Rc::clone(request.exchange());
    exchange.note_line(HOLD);
    Box::pin(async move {
        let mut body = Vec::new();
        while let Some(data) = poll_fn(|cx| request.poll_data(cx)).await {
            body.extend_from_slice(&data.unwrap());
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let quiet = exchange.connection().transport.is_quiet();
        text(&format!("{quiet}: {body};"))
    })
}

#[test]
fn what_comes_in_pieces_arrives() {
    let (_handle, mut client) = held_client(serve);
    for cut in 1..GET.len() {
        client.write_all(&GET.as_bytes()[..cut]).unwrap();
        // The server may have read this or not.
        std::thread::yield_now();
        client.write_all(&GET.as_bytes()[cut..]).unwrap();
        answer(&mut client);
    }
}

#[test]
fn bodies_are_announced() {
    let (_handle, mut client) = held_client(serve);
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    client.write_all(post.as_bytes()).unwrap();
    // It waits for the body now.
    let mut interim = [0; 25];
    client.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"bo").unwrap();
    std::thread::yield_now();
    client.write_all(b"dy").unwrap();
    assert_eq!(answer(&mut client), "false: body;");
}

#[test]
fn requests_that_come_together_are_all_answered() {
    let (_handle, mut client) = held_client(serve);
    for _ in 0..20 {
        client.write_all(GET.repeat(5).as_bytes()).unwrap();
        for _ in 0..5 {
            answer(&mut client);
        }
    }
}

#[test]
fn the_last_request_of_a_connection_is_answered_and_its_end_is_seen() {
    let (handle, mut client) = held_client(serve);
    client.write_all(GET.as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    answer(&mut client);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    let drained = handle.drain(Some(Duration::from_secs(20)));
    assert!(whole::runtime().block_on(drained));
}

#[test]
fn who_has_asked_already_when_the_server_goes_is_answered() {
    for _ in 0..20 {
        let (handle, mut client) = held_client(serve);
        client.write_all(GET.as_bytes()).unwrap();
        let drained = handle.drain(Some(Duration::from_secs(20)));
        assert!(whole::runtime().block_on(drained));
        answer(&mut client);
    }
}

#[test]
fn whoever_does_not_stand_in_line_any_more_is_announced() {
    let (_handle, mut client) = held_client(|request| {
        let exchange = Rc::clone(request.exchange());
        let answer = serve(request);
        if exchange.connection().transport.is_quiet() {
            exchange.note_line(HOLD / 2);
        }
        answer
    });
    let mut ask = || {
        client.write_all(GET.as_bytes()).unwrap();
        answer(&mut client)
    };
    // What is there already when the server looks needs no announcement.
    let announced = (0..10_000).any(|_| ask() == "false: ;");
    assert!(announced);
}

/// What a client has sent before the answer that closes its connection must not reset that.
#[test]
fn an_answer_that_ends_the_connection_arrives_whole() {
    const LARGE: usize = 3 << 20;
    for _ in 0..5 {
        let (_handle, mut client) = held_client(|request| {
            let exchange = Rc::clone(request.exchange());
            if exchange.target() != b"/last" {
                return serve(request);
            }
            exchange.disable_keep_alive();
            Box::pin(async move {
                let connection = exchange.connection();
                // Mostly nobody has been told of the next request; now and then it came with this one.
                while !connection.transport.has_unread() && connection.pending.borrow().is_empty() {
                    tokio::task::yield_now().await;
                }
                text(&".".repeat(LARGE))
            })
        });
        let last = "GET /last HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(last.as_bytes()).unwrap();
        // It comes on its own once the server has begun with the one before, or is about to.
        std::thread::yield_now();
        client.write_all(GET.as_bytes()).unwrap();
        let (mut answer, mut piece) = (0, vec![0; 32 << 10]);
        loop {
            match client.read(&mut piece).unwrap() {
                0 => break,
                length => answer += length,
            }
            std::thread::yield_now();
        }
        assert!(answer > LARGE, "{answer}");
    }
}
