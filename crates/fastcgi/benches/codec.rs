//! Our codec and the `fastcgi-client` crate on the same exchange: seventeen parameters, no body,
//! a small page and a large one as PHP-FPM sends them. `cargo xtask bench codec`.
//!
//! Each round writes a request into memory and reads the answer from memory, so that only the
//! codecs are compared. Ours also parses the CGI head, which the other leaves to its caller.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(
    clippy::unwrap_used,
    reason = "a bench stops where an expectation fails"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use portunus_fastcgi::{
    BeginRequest, EndRequest, Event, HeadParser, Params, ProtocolStatus, RecordType,
    ResponseDecoder, stream,
};

const ROUNDS: u32 = 20_000;
/// Each codec has so many turns, one after the other.
const TURNS: usize = 5;

/// Names and values of nginx's `fastcgi_params`, near enough.
const PAIRS: [(&str, &str); 17] = [
    ("QUERY_STRING", "page=2&sort=name"),
    ("REQUEST_METHOD", "GET"),
    ("CONTENT_TYPE", ""),
    ("CONTENT_LENGTH", ""),
    ("SCRIPT_NAME", "/index.php"),
    ("REQUEST_URI", "/articles?page=2&sort=name"),
    ("DOCUMENT_URI", "/index.php"),
    ("DOCUMENT_ROOT", "/var/www/html/public"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REQUEST_SCHEME", "https"),
    ("GATEWAY_INTERFACE", "CGI/1.1"),
    ("REMOTE_ADDR", "203.0.113.7"),
    ("SERVER_NAME", "example.org"),
    ("REDIRECT_STATUS", "200"),
    ("SCRIPT_FILENAME", "/var/www/html/public/index.php"),
    (
        "HTTP_ACCEPT",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    (
        "HTTP_USER_AGENT",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
];

/// An answer as FPM sends it: records of 8 KiB, then the end.
fn answer(size: usize) -> Vec<u8> {
    let mut stdout =
        b"X-Powered-By: PHP/8.4\r\nContent-type: text/html; charset=UTF-8\r\n\r\n".to_vec();
    stdout.resize(stdout.len() + size, b'x');
    let mut wire = Vec::new();
    for chunk in stdout.chunks(8184) {
        stream::encode(RecordType::Stdout, 1, chunk, &mut wire);
    }
    EndRequest {
        app_status: 0,
        protocol_status: ProtocolStatus::Complete,
    }
    .encode(1, &mut wire);
    wire
}

fn ours(wire: &[u8], size: usize, input: &mut BytesMut, out: &mut Vec<u8>) {
    let mut params = Params::default();
    PAIRS
        .iter()
        .for_each(|(name, value)| params.push(name.as_bytes(), value.as_bytes()));
    out.clear();
    BeginRequest::responder(true).encode(1, out);
    stream::encode_all(RecordType::Params, 1, params.as_bytes(), out);
    stream::encode_end(RecordType::Stdin, 1, out);
    black_box(&out);

    let (mut decoder, mut parser, mut body) =
        (ResponseDecoder::new(1), HeadParser::default(), None);
    // As a socket would give it: at most 16 KiB at a time.
    let mut reads = wire.chunks(16 * 1024);
    loop {
        match decoder.decode(input).unwrap() {
            Event::Need => {
                input.reserve(16 * 1024);
                input.put_slice(reads.next().unwrap());
            }
            Event::Stdout(bytes) => match &mut body {
                None => body = parser.push(bytes).unwrap().map(|(_, rest)| rest.len()),
                Some(length) => *length += bytes.len(),
            },
            Event::End(_) => break,
            Event::Stderr(_) | Event::StdoutEnd => {}
        }
    }
    assert_eq!(body, Some(size));
}

async fn theirs(wire: &[u8], size: usize) {
    let mut params = fastcgi_client::Params::default();
    for (name, value) in PAIRS {
        params = params.custom(name, value);
    }
    let connection = tokio::io::join(wire, tokio::io::sink());
    let request = fastcgi_client::Request::new(params, fastcgi_client::io::empty());
    let client = fastcgi_client::Client::new_tokio(connection);
    let response = client.execute_once(request).await.unwrap();
    assert!(black_box(response.stdout).unwrap().len() > size);
}

fn per_round(mut round: impl FnMut()) -> Duration {
    (0..ROUNDS / 10).for_each(|_| round());
    let started = Instant::now();
    (0..ROUNDS).for_each(|_| round());
    started.elapsed() / ROUNDS
}

/// The middle one of some turns.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    println!("| page | portunus-fastcgi | fastcgi-client | ratio |");
    println!("|---|---:|---:|---:|");
    for size in [20, 30_000] {
        let wire = answer(size);
        let (mut input, mut out) = (BytesMut::new(), Vec::new());
        let (mut ours_took, mut theirs_took) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            ours_took.push(per_round(|| ours(&wire, size, &mut input, &mut out)));
            theirs_took.push(per_round(|| runtime.block_on(theirs(&wire, size))));
        }
        let (ours, theirs) = (median(ours_took), median(theirs_took));
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("| {size} bytes | {ours:?} | {theirs:?} | {ratio:.3} |");
    }
}
