//! Everything a FastCGI application can do wrong, and what the client must get for it.
//!
//! One table: what the peer does after it has read the request, and what comes of it. An
//! answer either fails with its status, or is cut (the body ends in an error), or is whole.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use portunus_fastcgi::HeadLimits;
use portunus_fpm::{Address, Body, Options, Pool, PoolConfig, Request, Size};
use portunus_testkit::{FastCgiPeer, Gate, Script, Step};
use support::{collect, params, request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use Outcome::{Cut, Fails, Whole};
use Step::{Close, End, Overloaded, Params, Raw, Reset, Stderr, Stdout};

#[derive(Debug, PartialEq)]
enum Outcome {
    /// No head: this status, and this in the log.
    Fails(u16, &'static str),
    /// A head, then a body that does not end well.
    Cut,
    /// This body, complete.
    Whole(&'static str),
}

/// How the request is made.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Buffered,
    Streamed,
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";

fn out(text: impl AsRef<[u8]>) -> Step {
    Stdout(text.as_ref().to_vec())
}

/// The start of an END_REQUEST record, so far as `length` bytes of it go.
fn end_bytes(length: usize) -> Step {
    Raw(b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0"[..length].to_vec())
}

fn raw(bytes: &[u8]) -> Step {
    Raw(bytes.to_vec())
}

/// What each peer does once it has the parameters, and what that has to lead to, in both modes.
fn faults() -> Vec<(&'static str, Script, Outcome)> {
    let mut table = Vec::new();
    table.extend(closed_at_every_point());
    table.extend(broken_records());
    table.extend(broken_heads());
    table.extend(wrong_lengths());
    table.extend(odd_but_whole());
    table
}

#[rustfmt::skip] // A table: one line, one fault.
fn closed_at_every_point() -> Vec<(&'static str, Script, Outcome)> {
    let closed = || {
        Fails(
            502,
            "upstream prematurely closed connection while reading response header",
        )
    };
    vec![
        ("closed without a word", vec![Close], closed()),
        ("reset without a word", vec![Reset], Fails(502, "recv() failed (104: Connection reset by peer)")),
        ("closed in a record header", vec![raw(b"\x01\x06\0\x01"), Close], closed()),
        ("closed after a record header", vec![raw(b"\x01\x06\0\x01\0\x10\0\0"), Close], closed()),
        ("closed in the head", vec![out("Content-Type: te"), Close], closed()),
        ("closed before the empty line", vec![out("Content-Type: text/plain\r\n"), Close], closed()),
        ("closed after stderr", vec![Stderr(b"oops".to_vec()), Close], closed()),
        ("closed after the head", vec![out(HEAD), Close], Cut),
        ("closed in the body", vec![out(HEAD), out("part"), Close], Cut),
        ("reset in the body", vec![out(HEAD), out("part"), Reset], Cut),
        ("closed in a body record", vec![out(HEAD), raw(b"\x01\x06\0\x01\0\x10\0\0part"), Close], Cut),
        ("closed in padding", vec![out(HEAD), raw(b"\x01\x06\0\x01\0\x04\x08\0partpad"), Close], Cut),
        ("closed after stdout ended", vec![out(HEAD), out("all"), raw(b"\x01\x06\0\x01\0\0\0\0"), Close], Cut),
        ("closed in the header of the end", vec![out(HEAD), out("all"), end_bytes(5), Close], Cut),
        ("closed after the header of the end", vec![out(HEAD), out("all"), end_bytes(8), Close], Cut),
        ("closed one byte before the end", vec![out(HEAD), out("all"), end_bytes(15), Close], Cut),
        ("closed right after the end", vec![out(HEAD), out("all"), end_bytes(16), Close], Whole("all")),
        ("reset after stderr in the body", vec![out(HEAD), out("part"), Stderr(b"oops".to_vec()), Reset], Cut),
    ]
}

#[rustfmt::skip] // A table: one line, one fault.
fn broken_records() -> Vec<(&'static str, Script, Outcome)> {
    let body = |bytes: &[u8]| vec![out(HEAD), out("part"), raw(bytes), End(0)];
    vec![
        ("HTTP", vec![raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")], Fails(502, "unsupported FastCGI protocol version: 72")),
        ("version 0", vec![raw(b"\0\x06\0\x01\0\x01\0\0x")], Fails(502, "unsupported FastCGI protocol version: 0")),
        ("version 2", vec![raw(b"\x02\x06\0\x01\0\x01\0\0x")], Fails(502, "unsupported FastCGI protocol version: 2")),
        ("type 0", vec![raw(b"\x01\0\0\x01\0\x01\0\0x")], Fails(502, "invalid FastCGI record type: 0")),
        ("type begin", vec![raw(b"\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0")], Fails(502, "invalid FastCGI record type: 1")),
        ("type stdin", vec![raw(b"\x01\x05\0\x01\0\x01\0\0x")], Fails(502, "invalid FastCGI record type: 5")),
        ("type values", vec![raw(b"\x01\x0a\0\0\0\0\0\0")], Fails(502, "invalid FastCGI record type: 10")),
        ("type unknown", vec![raw(b"\x01\x0b\0\0\0\x08\0\0\0\0\0\0\0\0\0\0")], Fails(502, "invalid FastCGI record type: 11")),
        ("type 255", vec![raw(b"\x01\xff\0\x01\0\x01\0\0x")], Fails(502, "invalid FastCGI record type: 255")),
        ("id 0", vec![raw(b"\x01\x06\0\0\0\x01\0\0x")], Fails(502, "unexpected FastCGI request id: 0")),
        ("id of another", vec![raw(b"\x01\x06\0\x02\0\x01\0\0x")], Fails(502, "unexpected FastCGI request id: 2")),
        ("id high byte", vec![raw(b"\x01\x06\x01\x01\0\x01\0\0x")], Fails(502, "unexpected FastCGI request id: 257")),
        ("short end", vec![raw(b"\x01\x03\0\x01\0\x04\0\0\0\0\0\0")], Fails(502, "invalid length: 4")),
        ("empty end", vec![raw(b"\x01\x03\0\x01\0\0\0\0")], Fails(502, "invalid length: 0")),
        ("long end", vec![raw(b"\x01\x03\0\x01\0\x10\0\0")], Fails(502, "invalid length: 16")),
        ("end of another", vec![raw(b"\x01\x03\0\x02\0\x08\0\0\0\0\0\0\0\0\0\0")], Fails(502, "request id: 2")),
        ("garbage in the body", body(b"garbage, nothing but garbage"), Cut),
        ("version in the body", body(b"\x02\x06\0\x01\0\x01\0\0x"), Cut),
        ("type in the body", body(b"\x01\x09\0\x01\0\x01\0\0x"), Cut),
        ("id in the body", body(b"\x01\x06\0\x07\0\x01\0\0x"), Cut),
        ("end of another in the body", body(b"\x01\x03\0\x02\0\x08\0\0\0\0\0\0\0\0\0\0"), Cut),
        ("length in the body", body(b"\x01\x03\0\x01\0\x09\0\0"), Cut),
        ("body after its end", body(b"\x01\x06\0\x01\0\0\0\0\x01\x06\0\x01\0\x01\0\0x"), Cut),
        ("overloaded", vec![Overloaded], Fails(503, "protocol status 2")),
        ("cannot multiplex", vec![raw(b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x01\0\0\0")], Fails(502, "protocol status 1")),
        ("unknown role", vec![raw(b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x03\0\0\0")], Fails(502, "protocol status 3")),
        ("overloaded after the head", vec![out(HEAD), out("part"), Overloaded], Cut),
    ]
}

#[rustfmt::skip] // A table: one line, one fault.
fn broken_heads() -> Vec<(&'static str, Script, Outcome)> {
    let head = |text: &[u8]| vec![out(text), out("\r\n\r\nbody"), End(0)];
    let bad = || Fails(502, "upstream sent invalid header");
    let status = || Fails(502, "upstream sent invalid status");
    vec![
        ("nothing at all", vec![End(0)], Fails(502, "upstream prematurely closed FastCGI stdout")),
        ("stdout ended at once", vec![raw(b"\x01\x06\0\x01\0\0\0\0"), End(0)], Fails(502, "upstream prematurely closed FastCGI stdout")),
        ("a head without its end", vec![out("A: 1\r\n"), End(0)], Fails(502, "upstream prematurely closed FastCGI stdout")),
        ("only stderr", vec![Stderr(b"PHP Fatal error".to_vec()), End(255)], Fails(502, "upstream prematurely closed FastCGI stdout")),
        ("forbidden stderr", vec![Stderr(b"this is forbidden.".to_vec()), out(HEAD), End(0)], Fails(502, "fastcgi_catch_stderr")),
        ("forbidden stderr in pieces", vec![Stderr(b"this is forb".to_vec()), Stderr(b"idden.".to_vec()), out(HEAD), End(0)], Fails(502, "fastcgi_catch_stderr")),
        ("no colon", head(b"no colon"), bad()),
        ("no name", head(b": value"), bad()),
        ("space in a name", head(b"A B: 1"), bad()),
        ("space after a name", head(b"A : 1"), bad()),
        ("folded", head(b"A: 1\r\n 2"), bad()),
        ("CR in a value", head(b"A: 1\rB: 2"), bad()),
        ("NUL in a value", head(b"A: 1\x002"), bad()),
        ("NUL in a name", head(b"A\0: 1"), bad()),
        ("escape in a value", head(b"A: \x1b[2J"), bad()),
        ("DEL in a value", head(b"A: \x7f"), bad()),
        ("high byte in a name", head(b"\xc3\xa4: 1"), bad()),
        ("status 0", head(b"Status: 000"), status()),
        ("status 100", head(b"Status: 100 Continue"), status()),
        ("status 101", head(b"Status: 101 Switching Protocols"), status()),
        ("status 199", head(b"Status: 199"), status()),
        ("status 600", head(b"Status: 600"), status()),
        ("status 999", head(b"Status: 999"), status()),
        ("status of two digits", head(b"Status: 20"), status()),
        ("status of four digits", head(b"Status: 2000"), status()),
        ("status of letters", head(b"Status: OK"), status()),
        ("empty status", head(b"Status:"), status()),
        ("NUL in the reason", head(b"Status: 200 O\0K"), status()),
        ("oversize head", vec![out(format!("A: {}", "x".repeat(70_000))), End(0)], Fails(502, "upstream sent too big header")),
        ("head without end", vec![out("A: 1\r\n".repeat(12_000))], Fails(502, "upstream sent too big header")),
        ("too many fields", head("A: 1\r\n".repeat(101).as_bytes()), Fails(502, "too many header lines")),
    ]
}

#[rustfmt::skip] // A table: one line, one fault.
fn wrong_lengths() -> Vec<(&'static str, Script, Outcome)> {
    let length = |value: &str, body: &str| {
        vec![
            out(format!("Content-Length: {value}\r\n\r\n")),
            out(body),
            End(0),
        ]
    };
    vec![
        ("length not a number", length("many", "body"), Fails(502, "invalid \"Content-Length\" header")),
        ("negative length", length("-1", "body"), Fails(502, "invalid \"Content-Length\" header")),
        ("length beyond all files", length("99999999999999999999", "body"), Fails(502, "invalid \"Content-Length\" header")),
        ("two lengths", length("4\r\nContent-Length: 4", "body"), Fails(502, "duplicate header line")),
        ("length and coding", length("4\r\nTransfer-Encoding: chunked", "body"), Fails(502, "at the same time")),
        ("unknown coding", vec![out("Transfer-Encoding: gzip\r\n\r\n"), End(0)], Fails(502, "unknown \"Transfer-Encoding\"")),
        ("shorter than its length", length("10", "body"), Cut),
        ("empty with a length", length("10", ""), Cut),
        ("stdout ended short of its length", vec![out("Content-Length: 9\r\n\r\n"), out("body"), raw(b"\x01\x06\0\x01\0\0\0\0")], Cut),
        ("longer than its length", length("2", "body"), Whole("bo")),
        ("a body where none may be", vec![out("Status: 204 No Content\r\n\r\n"), out("body"), End(0)], Whole("")),
        ("exactly its length", length("4", "body"), Whole("body")),
    ]
}

#[rustfmt::skip] // A table: one line, one fault.
fn odd_but_whole() -> Vec<(&'static str, Script, Outcome)> {
    let whole: Vec<u8> = [
        &b"\x01\x06\0\x01\0\x20\x07\0"[..],
        HEAD.as_bytes(),
        b"body",
        &[0; 7],
    ]
    .concat();
    let drip = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|&byte| Raw(vec![byte]))
            .collect::<Script>()
    };
    let flood = (0..200).flat_map(|_| [Stderr(vec![b'e'; 4000])]);
    vec![
        ("padding", vec![Raw(whole.clone()), End(0)], Whole("body")),
        ("drip", [drip(&whole), vec![End(0)]].concat(), Whole("body")),
        ("bytes after the end", vec![out(HEAD), out("body"), End(0), raw(b"stray")], Whole("body")),
        ("another answer after the end", vec![out(HEAD), out("body"), End(0), out(HEAD), out("other"), End(0)], Whole("body")),
        ("stderr flood", flood.chain([out(HEAD), out("body"), End(0)]).collect(), Whole("body")),
        ("stderr in the middle", vec![out("A: 1"), Stderr(b"w".to_vec()), out("\r\n\r\nbo"), Stderr(b"w".to_vec()), out("dy"), End(0)], Whole("body")),
        ("empty stderr", vec![raw(b"\x01\x07\0\x01\0\0\0\0"), out(HEAD), out("body"), End(0)], Whole("body")),
        ("exit status", vec![out(HEAD), out("body"), End(255)], Whole("body")),
        ("no fields", vec![out("\nbody"), End(0)], Whole("body")),
        ("LF only", vec![out("A: 1\nB: 2\n\nbody"), End(0)], Whole("body")),
        ("head in two records", vec![out("Content-Ty"), out("pe: a/b\r\n\r"), out("\nbody"), End(0)], Whole("body")),
        ("padding of the end never comes", vec![out(HEAD), out("body"), raw(b"\x01\x03\0\x01\0\x08\xff\0\0\0\0\0\0\0\0\0"), Step::Drain], Whole("body")),
    ]
}

fn options(mode: Mode) -> Arc<Options> {
    Arc::new(Options {
        read_timeout: Duration::from_secs(10),
        buffering: mode == Mode::Buffered,
        head: HeadLimits {
            bytes: 64 * 1024,
            fields: 100,
        },
        catch_stderr: vec!["forbidden".into()],
        ..Options::default()
    })
}

fn pool(peer: &FastCgiPeer) -> Pool {
    Pool::new(PoolConfig::new(
        Address::Tcp(peer.address()),
        Size::Fixed(1),
    ))
}

async fn run(pool: &Pool, mode: Mode, body: Body, idempotent: bool) -> Outcome {
    let options = options(mode);
    let params = params("POST", "", None);
    let request = Request {
        body,
        idempotent,
        ..request(&params, &options)
    };
    match pool.send(request).await {
        Err(failed) => {
            assert_eq!(
                failed.error.retry_after().is_some(),
                failed.error.status() == 503
            );
            Fails(failed.error.status().as_u16(), failed.to_string().leak())
        }
        Ok(answer) => match collect(answer.body).await {
            Ok(body) => Whole(String::from_utf8(body.to_vec()).unwrap().leak()),
            Err(_) => Cut,
        },
    }
}

fn agrees(found: &Outcome, expected: &Outcome, mode: Mode) -> bool {
    match (found, expected, mode) {
        (Fails(status, message), Fails(expected, part), _) => {
            status == expected && message.contains(part)
        }
        // A buffered answer that is cut before anything of it was passed on is a 502, or 503.
        (Fails(status, _), Cut, Mode::Buffered) => [502, 503].contains(status),
        _ => found == expected,
    }
}

#[tokio::test]
async fn every_fault_has_its_answer() {
    let table = faults();
    assert!(table.len() >= 60, "{}", table.len());
    for mode in [Mode::Buffered, Mode::Streamed] {
        for (name, script, expected) in faults() {
            let script = [vec![Params], script].concat();
            let good = [Step::answer("A: 1", "good"), vec![Step::Repeat]].concat();
            let peer = FastCgiPeer::start(vec![script, good]).unwrap();
            let pool = pool(&peer);
            let found = run(&pool, mode, Body::Empty, false).await;
            assert!(
                agrees(&found, &expected, mode),
                "{name}: {found:?} instead of {expected:?}"
            );
            // The slot is free, and no later request gets anything of this answer.
            let next = run(&pool, mode, Body::Empty, true).await;
            assert_eq!(next, Whole("good"), "after {name}");
            assert_eq!(
                peer.connections(),
                2,
                "{name}: the connection was used again"
            );
        }
    }
}

/// The same faults, met by a request that waited in line and got the connection of the one before it.
#[tokio::test]
async fn every_fault_in_line_has_its_answer() {
    for mode in [Mode::Buffered, Mode::Streamed] {
        // The id of another request is, on this connection, its own.
        let faults = faults().into_iter();
        for (name, script, expected) in faults.filter(|(name, ..)| !name.contains("another")) {
            let first = Step::answer("A: 1", "first");
            let good = [Step::answer("A: 1", "good"), vec![Step::Repeat]].concat();
            let peer =
                FastCgiPeer::start(vec![[first, vec![Params], script].concat(), good]).unwrap();
            let pool = pool(&peer);
            let get = || run(&pool, mode, Body::Empty, true);
            let (first, found) = tokio::join!(get(), get());
            assert_eq!(first, Whole("first"), "before {name}");
            // It may have been tried again; and records that name the request before are no answer to this one.
            let is_known = agrees(&found, &expected, mode)
                || found == Whole("good")
                || matches!(found, Fails(502, _))
                || (found == Cut && mode == Mode::Streamed);
            assert!(is_known, "{name}: {found:?} instead of {expected:?}");
            assert_eq!(get().await, Whole("good"), "after {name}");
        }
    }
}

#[tokio::test]
async fn a_hang_up_on_a_kept_connection_costs_no_get() {
    let answer = || Step::answer("A: 1", "good");
    for end in [Close, Reset] {
        // Answers once, reads a second request and hangs up on it; then all is well.
        let first = [answer(), vec![Params, end]].concat();
        let peer = FastCgiPeer::start(vec![first, answer()]).unwrap();
        let pool = pool(&peer);
        assert_eq!(
            run(&pool, Mode::Buffered, Body::Empty, true).await,
            Whole("good")
        );
        assert_eq!(
            run(&pool, Mode::Buffered, Body::Empty, true).await,
            Whole("good")
        );
        assert_eq!(peer.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_post_is_never_sent_twice() {
    let peer = FastCgiPeer::start(vec![vec![Params, Close]]).unwrap();
    let pool = pool(&peer);
    let found = run(&pool, Mode::Buffered, Body::Bytes("x".into()), false).await;
    assert!(matches!(found, Fails(502, _)));
    assert_eq!(peer.requests().len(), 1);
}

/// So many GETs show that workers are prompt, so that they are not asked any more before each request.
const TRUSTED: usize = 40;

/// A pool that trusts a peer, which goes on like that on its first connection, and answers on others.
async fn trusting(then: Script) -> (FastCgiPeer, Pool) {
    let answers = (0..TRUSTED).flat_map(|_| Step::answer("A: 1", "good"));
    let good = [Step::answer("A: 1", "good"), vec![Step::Repeat]].concat();
    let first = answers.chain(then).collect();
    let peer = FastCgiPeer::start(vec![first, good]).unwrap();
    let pool = pool(&peer);
    pool.meet_fpm();
    for _ in 0..TRUSTED {
        let got = run(&pool, Mode::Buffered, Body::Empty, true).await;
        assert_eq!(got, Whole("good"));
    }
    assert_eq!(peer.connections(), 1);
    (peer, pool)
}

#[tokio::test]
async fn a_post_takes_a_kept_connection_whose_worker_waits() {
    let (peer, pool) = trusting([Step::answer("A: 1", "post"), vec![Close]].concat()).await;
    let found = run(&pool, Mode::Buffered, Body::Bytes("x".into()), false).await;
    assert_eq!((found, peer.connections()), (Whole("post"), 1));
}

/// It has served its last request, or has not come back from the one before.
#[tokio::test]
async fn a_post_leaves_a_kept_connection_whose_worker_does_not_wait() {
    let gate = Gate::default();
    for then in [
        vec![Step::Question, Close],
        vec![Step::Question, Reset],
        vec![Step::Wait(gate.clone())],
    ] {
        let (peer, pool) = trusting(then).await;
        let found = run(&pool, Mode::Buffered, Body::Bytes("x".into()), false).await;
        assert_eq!((found, peer.connections()), (Whole("good"), 2));
        let requests = peer.requests();
        assert_eq!(requests.len(), TRUSTED + 1, "sent once");
        assert_eq!(requests.last().unwrap().stdin, b"x");
        gate.open();
    }
}

#[tokio::test]
async fn a_get_is_tried_twice_and_no_more() {
    let peer = FastCgiPeer::start(vec![vec![Params, Close]]).unwrap();
    let pool = pool(&peer);
    assert!(matches!(
        run(&pool, Mode::Buffered, Body::Empty, true).await,
        Fails(502, _)
    ));
    assert_eq!(peer.requests().len(), 2);
}

/// However soon its worker is lost: it may have run twice.
#[tokio::test]
async fn a_get_that_is_reset_twice_is_not_tried_again_where_fpm_stays() {
    let lost = || vec![Params, Reset];
    let good = Step::answer("A: 1", "good");
    let peer = FastCgiPeer::start(vec![lost(), lost(), good]).unwrap();
    let found = run(&pool(&peer), Mode::Buffered, Body::Empty, true).await;
    let expected = Fails(502, "recv() failed");
    assert!(agrees(&found, &expected, Mode::Buffered), "{found:?}");
    assert_eq!(peer.requests().len(), 2);
}

/// The worker that takes the third connection ends before it has read anything.
#[tokio::test]
async fn a_third_try_is_for_an_fpm_that_hangs_up_unasked() {
    let lost = || vec![Params, Reset];
    let good = Step::answer("A: 1", "good");
    let peer = FastCgiPeer::start(vec![lost(), lost(), vec![Close], good]).unwrap();
    let found = run(&pool(&peer), Mode::Buffered, Body::Empty, true).await;
    assert_eq!(found, Whole("good"));
    assert_eq!(peer.requests().len(), 3);
}

/// An FPM that ends gracefully keeps the second try in its backlog until its last worker is done, and then
/// refuses connections.
#[tokio::test]
async fn a_third_try_is_also_for_an_fpm_that_refuses_connections_meanwhile() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let fpm = async move {
        // Closed with the request unread, a connection is reset.
        let lost = async || {
            let (connection, _) = listener.accept().await.unwrap();
            connection.readable().await.unwrap();
            connection
        };
        drop(lost().await);
        let second = lost().await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        drop((second, listener));
        tokio::time::sleep(Duration::from_millis(50)).await;
        let listener = TcpListener::bind(address).await.unwrap();
        let (mut third, _) = listener.accept().await.unwrap();
        assert!(third.read(&mut [0; 1024]).await.unwrap() > 0);
        let answer =
            b"\x01\x06\0\x01\0\x0c\0\0A: 1\r\n\r\ngood\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
        third.write_all(answer).await.unwrap();
    };
    let pool = Pool::new(PoolConfig::new(Address::Tcp(address), Size::Fixed(1)));
    let get = run(&pool, Mode::Buffered, Body::Empty, true);
    let (found, ()) = tokio::join!(get, fpm);
    assert_eq!(found, Whole("good"));
}

/// nginx does not start its timer anew for each piece of a head either.
#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_and_each_piece_of_a_body_again() {
    let slowly = Duration::from_secs(8);
    let whole = b"\x01\x06\0\x01\0\x08\0\0A: 1\r\n\r\n";
    let end = b"\x01\x06\0\x01\0\x01\0\0x\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
    for (cut, found, seconds) in [(4, Fails(504, "timed out"), 10), (16, Whole("xx"), 24)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        let fpm = async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.readable().await.unwrap();
            let pieces = [&whole[..cut], &whole[cut..], &end[..9], end];
            for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
                tokio::time::sleep(slowly).await;
                // Nobody listens any more where the time is up.
                let _ = connection.write_all(piece).await;
            }
        };
        let pool = Pool::new(PoolConfig::new(address, Size::Fixed(1)));
        let began = tokio::time::Instant::now();
        let get = async {
            let answer = run(&pool, Mode::Streamed, Body::Empty, true).await;
            (answer, began.elapsed().as_secs())
        };
        let ((answer, took), ()) = tokio::join!(get, fpm);
        assert!(agrees(&answer, &found, Mode::Streamed), "{answer:?}");
        assert_eq!(took, seconds);
    }
}

#[tokio::test]
async fn who_is_in_haste_does_not_wait_for_a_restart() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = PoolConfig::new(Address::Tcp(closed.local_addr().unwrap()), Size::Fixed(1));
    drop(closed);
    config.restart_patience = Duration::from_secs(3600);
    let options = Arc::new(Options {
        connect_timeout: Duration::from_secs(3600),
        ..Options::default()
    });
    let pool = Pool::new(config);
    let request = request(&[], &options);
    let failure = pool.send(request).hasty().await.unwrap_err();
    assert!(matches!(failure.error, portunus_fpm::Error::Connect { .. }));
    assert_eq!(pool.load().active, 0);
}

#[tokio::test]
async fn a_get_that_was_answered_in_part_is_not_tried_again() {
    let peer = FastCgiPeer::start(vec![vec![Params, out("A: 1\r\n"), Close]]).unwrap();
    let pool = pool(&peer);
    assert!(matches!(
        run(&pool, Mode::Buffered, Body::Empty, true).await,
        Fails(502, _)
    ));
    assert_eq!(peer.requests().len(), 1);
}

/// So does Symfony with files that the server is to send.
#[tokio::test]
async fn an_answer_to_be_had_elsewhere_may_have_no_body_whatever_its_length() {
    let head = "X-Accel-Redirect: /file\r\nContent-Length: 10\r\n\r\n";
    for mode in [Mode::Buffered, Mode::Streamed] {
        for body in ["", "body"] {
            let script = vec![Params, out([head, body].concat()), End(0)];
            let peer = FastCgiPeer::start(vec![script]).unwrap();
            let found = run(&pool(&peer), mode, Body::Empty, true).await;
            assert_eq!(found, Whole(""));
        }
    }
}

#[tokio::test]
async fn an_early_answer_counts_though_the_body_is_not_read() {
    let large = Bytes::from(vec![b'x'; 8_000_000]);
    for end in [vec![End(0)], vec![End(0), Close], vec![End(0), Step::Drain]] {
        let script = [vec![Params, out(HEAD), out("early")], end].concat();
        let peer = FastCgiPeer::start(vec![script]).unwrap();
        let found = run(
            &pool(&peer),
            Mode::Buffered,
            Body::Bytes(large.clone()),
            false,
        )
        .await;
        assert_eq!(found, Whole("early"));
    }
}

#[tokio::test]
async fn everything_small_comes_in_one_write() {
    // The peer's decoder would take any chunking; a peer that reads once would not.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let pool = Pool::new(PoolConfig::new(
        Address::Tcp(listener.local_addr().unwrap()),
        Size::Fixed(1),
    ));
    let peer = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).unwrap();
        let mut answer = Vec::new();
        portunus_fastcgi::stream::encode(
            portunus_fastcgi::RecordType::Stdout,
            1,
            b"\n",
            &mut answer,
        );
        answer.extend_from_slice(b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0");
        stream.write_all(&answer).unwrap();
        buffer[..read].to_vec()
    });
    assert_eq!(
        run(&pool, Mode::Buffered, Body::Bytes("foobar".into()), false).await,
        Whole("")
    );
    let read = peer.await.unwrap();
    assert!(read.ends_with(b"\x01\x05\0\x01\0\x06\0\0foobar\x01\x05\0\x01\0\0\0\0"));
}
