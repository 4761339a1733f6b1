//! Malformed, ambiguous and unusual HTTP/1 requests against a running server: what must be refused
//! is, what must be taken is, and whatever becomes of one, the request behind it is never taken for
//! something else.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::hostile::Verdict;
use portunus_testkit::{Connection, Launch, Program, Server, unescape};

/// `client_body_timeout` of the servers below.
const BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// Longer than any row may take: the time-out of the body, and room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What surely arrives together with the head.
const AT_ONCE: usize = 16 << 10;

/// Port 0 takes in the body before it answers, for it has to pass it on; port 1 answers at once and
/// has to get rid of the body afterwards; port 2 is what port 0 asks.
const CONFIG: &str = "
    client_body_timeout 2s;
    client_header_timeout 2s;
    client_max_body_size 1m;
    log_format line '$request';
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location / { proxy_pass http://127.0.0.1:%%PORT_2%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / { return 200 origin; }
        location /smuggled { return 200 smuggled; }
        location /marker { return 200 '<$arg_r>'; }
        location /moved { return 301 /; }
        location /empty { return 204; }
        location /gif { empty_gif; }
        location /file.txt { root %%TMP%%; }
    }
    server {
        listen 127.0.0.1:%%PORT_2%%;
        access_log %%TMP%%/origin.log line;
        location / { return 200 origin; }
        location /smuggled { return 200 smuggled; }
        location /marker { return 200 '<$arg_r>'; }
        location /moved { return 301 /; }
        location /empty { return 204; }
        location /gif { empty_gif; }
        location /file.txt { root %%TMP%%; }
    }";

/// Rows that must be refused and are not, each with its reason.
const KNOWN: &[(&str, &str)] = &[];

#[derive(Debug)]
struct Row {
    verdict: Verdict,
    rule: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
}

/// What became of a row.
#[derive(Debug)]
struct Fate {
    /// The final statuses, in order.
    statuses: Vec<u16>,
    /// How often the request behind it was answered.
    markers: usize,
    /// Something inside a body was taken for a request.
    smuggled: bool,
    /// The connection did not end by itself in time.
    hung: bool,
    received: String,
}

impl Fate {
    /// The row itself was taken: the first final answer is no error.
    fn accepted(&self) -> bool {
        self.statuses.first().is_some_and(|status| *status < 400)
    }
}

fn rows() -> Vec<Row> {
    let lines = include_str!("malformed.txt").lines();
    let rows = lines.filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let columns: Vec<&str> = line.splitn(4, '\t').collect();
        let [verdict, rule, name, bytes] = columns[..] else {
            unreachable!("a row needs four columns: {line}");
        };
        let verdict = Verdict::parse(verdict).expect("a verdict that is known");
        Row {
            verdict,
            rule,
            name,
            bytes: unescape(bytes),
        }
    })
    .collect()
}

/// Sends a row with one more request behind it, and reads until the server closes.
fn play(server: &Server, port: usize, number: usize, row: &Row) -> Fate {
    let marker = format!("GET /marker?r={number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let bytes = [row.bytes.as_slice(), marker.as_bytes()].concat();
    let connection = Connection::open(server.address(port)).expect("the server listens");
    let mut connection = connection.with_patience(PATIENCE);
    let result = connection.while_sending(&bytes, Connection::read_to_end);
    let (received, hung) = match result {
        Ok(received) => (received, false),
        Err(portunus_testkit::Error::Closed { received, .. }) => (received, false),
        Err(portunus_testkit::Error::TimedOut { received, .. }) => (received, true),
        // A reset destroys what was on its way: no answer that could be told from none.
        Err(_) => (Vec::new(), false),
    };
    let text = String::from_utf8_lossy(&received).into_owned();
    let statuses = text.match_indices("HTTP/1.").filter_map(|(at, _)| {
        let status = text.get(at + 9..at + 12)?.parse().ok()?;
        (status >= 200).then_some(status)
    });
    Fate {
        statuses: statuses.collect(),
        markers: text.matches(&format!("<{number}>")).count(),
        smuggled: text.contains("smuggled"),
        hung,
        received: text,
    }
}

/// All rows on one port, several at a time.
fn play_all(server: &Server, port: usize, rows: &[Row]) -> Vec<Fate> {
    let next = AtomicUsize::new(0);
    let mut fates: Vec<(usize, Fate)> = thread::scope(|scope| {
        let player = || {
            let turns = std::iter::repeat_with(|| next.fetch_add(1, Relaxed));
            let mine = turns.take_while(|number| *number < rows.len());
            mine.map(|number| (number, play(server, port, number, &rows[number])))
                .collect::<Vec<_>>()
        };
        let players: Vec<_> = (0..16).map(|_| scope.spawn(player)).collect();
        let fates = players.into_iter();
        fates
            .flat_map(|player| player.join().expect("a player does not panic"))
            .collect()
    });
    fates.sort_by_key(|(number, _)| *number);
    fates.into_iter().map(|(_, fate)| fate).collect()
}

/// What holds for every row, whatever its verdict: nothing inside it becomes a request, the request
/// behind it is answered once or not at all, and after a refusal not at all.
fn complaints(row: &Row, fate: &Fate) -> Option<&'static str> {
    let incomplete = row.name.starts_with("incomplete");
    match fate {
        Fate { hung: true, .. } => Some("hangs"),
        Fate { smuggled: true, .. } => Some("smuggles"),
        Fate { markers: 2.., .. } => Some("answers the next request twice"),
        Fate { markers: 1, .. } if !fate.accepted() => Some("goes on after a refusal"),
        Fate { markers: 1, .. } if incomplete => Some("takes a body for a request"),
        Fate { statuses, .. } if statuses.len() > 2 => Some("answers more than was asked"),
        Fate {
            statuses, markers, ..
        } if statuses.len() == 2 && *markers == 0 && statuses[1] < 400 => {
            Some("answers something else than the next request")
        }
        _ => None,
    }
}

#[test]
fn malformed_requests_are_refused_and_never_shift_the_next_one() {
    let rows = rows();
    assert!(rows.len() >= 200, "only {} rows", rows.len());
    let program = Program::at(env!("CARGO_BIN_EXE_portunus"));
    let mut server = Launch::new(program, CONFIG).start().expect("it starts");
    std::fs::write(server.folder().join("file.txt"), "content").expect("a file of ours");

    let begun = Instant::now();
    for port in [0, 1] {
        let fates = play_all(&server, port, &rows);
        let mut wrong = Vec::new();
        let (mut must_reject, mut refused) = (0, 0);
        for (row, fate) in rows.iter().zip(&fates) {
            // What is answered before its body has come cannot be refused for its body.
            let late = row.name.starts_with("incomplete") || row.bytes.len() > AT_ONCE;
            let judged = port == 0 || !late;
            let known = KNOWN.iter().any(|(name, _)| *name == row.name);
            let verdict = match row.verdict {
                Verdict::Reject if judged => {
                    must_reject += 1;
                    refused += usize::from(!fate.accepted());
                    (fate.accepted() && !known).then_some("is taken")
                }
                Verdict::Accept => (!fate.accepted()).then_some("is refused"),
                Verdict::Reject | Verdict::Either => None,
            };
            for complaint in [verdict, complaints(row, fate)].into_iter().flatten() {
                let (name, rule, received) = (row.name, row.rule, fate.received.escape_debug());
                wrong.push(format!("{name} {complaint} ({rule}): {received}"));
            }
        }
        assert!(wrong.is_empty(), "port {port}:\n{}", wrong.join("\n"));
        println!("port {port}: {refused} of {must_reject} refused that must be");
        assert!(
            refused * 100 >= must_reject * 97,
            "{refused} of {must_reject}"
        );
    }
    println!(
        "{} rows on two ports in {:.1} s, body time-out {} s",
        rows.len(),
        begun.elapsed().as_secs_f64(),
        BODY_TIMEOUT.as_secs(),
    );

    server.stop().expect("it ends");
    let origin = std::fs::read_to_string(server.folder().join("origin.log")).expect("a log");
    assert!(!origin.contains("smuggled"), "{origin}");
}
