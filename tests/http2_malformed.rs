//! Malformed, ambiguous and unusual HTTP/2 requests against a running server that passes them on in
//! HTTP/1: what must be refused is, what must be taken is, and nothing that stands in a field or a
//! body becomes a request behind us.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use portunus_testkit::hostile::Verdict;
use portunus_testkit::hostile::frames::{
    END_HEADERS, END_STREAM, Kind, PREFACE, put_frame, put_literal, take_frame,
};
use portunus_testkit::{Launch, Program, Server, unescape};

const PATIENCE: Duration = Duration::from_secs(20);

/// The largest frame that a server must take. RFC 9113 §4.2.
const FRAME: usize = 16 << 10;

const CONFIG: &str = "
    client_body_timeout 2s;
    client_max_body_size 1m;
    log_format line '<$request|$http_transfer_encoding|$content_length>';
    server {
        listen 127.0.0.1:%%PORT_0%%;
        http2 on;
        location / {
            proxy_pass http://127.0.0.1:%%PORT_1%%;
            proxy_request_buffering %%BUFFERING%%;
            proxy_http_version 1.1;
            proxy_set_header Connection '';
        }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        access_log %%TMP%%/origin.log line;
        location / { return 200 origin; }
    }";

/// Rows that must be refused and are not, each with its reason.
const KNOWN: &[(&str, &str)] = &[
    (
        "trailers with a pseudo-field",
        "the library drops trailers that nobody asks for",
    ),
    (
        "trailers with a method",
        "the library drops trailers that nobody asks for",
    ),
];

#[derive(Debug)]
struct Row {
    verdict: Verdict,
    rule: &'static str,
    name: &'static str,
    head: Vec<u8>,
    body: Vec<Vec<u8>>,
    trailers: Option<Vec<u8>>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It was answered with a status that begins with this digit.
    Answered(u8),
    /// Its stream was reset, with this code.
    Reset(u32),
    /// The connection was ended.
    Ended,
    /// Nothing happened in time.
    Hung,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("http2_malformed.txt").lines();
    let rows = lines.filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let mut columns = line.split('\t');
        let mut next = || columns.next();
        let (Some(verdict), Some(rule), Some(name), Some(head)) = (next(), next(), next(), next())
        else {
            unreachable!("a row needs four columns: {line}");
        };
        let verdict = Verdict::parse(verdict).expect("a verdict that is known");
        let body = next().filter(|body| !body.is_empty());
        let pieces = body.into_iter().flat_map(|body| body.split(" | "));
        Row {
            verdict,
            rule,
            name,
            head: block(head),
            body: pieces.map(|piece| unescape(piece.trim())).collect(),
            trailers: next().map(block),
        }
    })
    .collect()
}

/// Fields as a block, nothing indexed. RFC 7541 §6.2.2.
fn block(fields: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for field in fields.split(" | ") {
        let (name, value) = field.split_once('=').expect("a name and a value");
        put_literal(&mut block, &unescape(name), &unescape(value));
    }
    block
}

fn put_block(out: &mut Vec<u8>, block: &[u8], end: u8) {
    let mut pieces = block.chunks(FRAME).peekable();
    let (mut kind, mut flags) = (Kind::Headers, end);
    while let Some(piece) = pieces.next() {
        let last = if pieces.peek().is_none() {
            END_HEADERS
        } else {
            0
        };
        put_frame(out, kind, flags | last, 1, piece);
        (kind, flags) = (Kind::Continuation, 0);
    }
}

fn bytes_of(row: &Row) -> Vec<u8> {
    let mut out = PREFACE.to_vec();
    put_frame(&mut out, Kind::Settings, 0, 0, &[]);
    let alone = row.body.is_empty() && row.trailers.is_none();
    put_block(&mut out, &row.head, if alone { END_STREAM } else { 0 });
    for (number, piece) in row.body.iter().enumerate() {
        let is_last = number + 1 == row.body.len() && row.trailers.is_none();
        let flags = if is_last { END_STREAM } else { 0 };
        put_frame(&mut out, Kind::Data, flags, 1, piece);
    }
    if let Some(trailers) = &row.trailers {
        put_block(&mut out, trailers, END_STREAM);
    }
    out
}

/// Sends a row on a connection of its own and waits for what becomes of it.
fn play(server: &Server, row: &Row) -> Fate {
    let mut stream = TcpStream::connect(server.address(0)).expect("the server listens");
    (stream.set_read_timeout(Some(PATIENCE))).expect("a socket takes a time-out");
    // It may have been refused before all has been sent.
    let _ = stream.write_all(&bytes_of(row));
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        while let Some((kind, _, number, payload)) = take_frame(&mut received) {
            match kind {
                1 if number == 1 => return Fate::Answered(status_class(&payload)),
                3 if number == 1 => {
                    let code = payload.first_chunk().copied().unwrap_or_default();
                    return Fate::Reset(u32::from_be_bytes(code));
                }
                7 => return Fate::Ended,
                _ => {}
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Fate::Ended,
            Ok(length) => received.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Fate::Ended;
            }
            Err(_) => return Fate::Hung,
        }
    }
}

/// The first digit of the status, which comes first in a block: an index of the static table, or a
/// literal, whose digits are told apart by their codes (RFC 7541, appendices A and B).
fn status_class(block: &[u8]) -> u8 {
    // A change of the table's size may come before it.
    let start = block.iter().position(|byte| byte & 0xe0 != 0x20);
    match block.get(start.unwrap_or_default()..).unwrap_or_default() {
        [0x88..=0x8a, ..] => 2,
        [0x8b, ..] => 3,
        [0x8c | 0x8d, ..] => 4,
        [0x8e, ..] => 5,
        [0x48 | 0x08 | 0x18, length, first, ..] if *length < 0x80 => first - b'0',
        [0x48 | 0x08 | 0x18, _, first, ..] => match first >> 2 {
            0b01_1001 => 3,
            0b01_1010 => 4,
            0b01_1011 => 5,
            code if code >> 1 == 0b00010 => 2,
            _ => 0,
        },
        _ => 0,
    }
}

/// Plays all rows; what is wrong, a line each.
fn play_all(server: &Server, rows: &[Row]) -> Vec<String> {
    let judge = |row: &Row| {
        let fate = play(server, row);
        let taken = matches!(fate, Fate::Answered(2 | 3));
        let wrong = match row.verdict {
            _ if fate == Fate::Hung || fate == Fate::Answered(0) => true,
            Verdict::Reject => taken && !KNOWN.iter().any(|(name, _)| *name == row.name),
            Verdict::Accept => !taken,
            Verdict::Either => false,
        };
        wrong.then(|| format!("{} ({}): {fate:?}", row.name, row.rule))
    };
    std::thread::scope(|scope| {
        let players: Vec<_> = rows
            .chunks(rows.len().div_ceil(8))
            .map(|rows| scope.spawn(move || rows.iter().filter_map(judge).collect::<Vec<_>>()))
            .collect();
        let complaints = players.into_iter();
        complaints
            .flat_map(|player| player.join().expect("a player does not panic"))
            .collect()
    })
}

#[test]
fn malformed_requests_are_refused_and_nothing_in_them_becomes_one() {
    let rows = rows();
    for buffering in ["on", "off"] {
        let launch = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), CONFIG);
        let mut server = launch
            .with("BUFFERING", buffering)
            .start()
            .expect("it starts");
        let wrong = play_all(&server, &rows);
        assert!(
            wrong.is_empty(),
            "buffering {buffering}:\n{}",
            wrong.join("\n")
        );
        server.stop().expect("it ends");
        let origin = std::fs::read_to_string(server.folder().join("origin.log")).expect("a log");
        assert!(!origin.contains("smuggled"), "{origin}");
    }
    println!("{} rows", rows.len());
}
