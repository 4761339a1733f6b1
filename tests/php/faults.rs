//! The table of faults, played against the whole server.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use portunus_testkit::{FastCgiPeer, Script, Server, Step, unescape};

use Step::{
    Close, Drain, End, Overloaded, Raw, RawFor, Repeat, Request, Reset, Stderr, Stdout, When,
};

use crate::client::{
    Client, Outcome,
    Outcome::{Cut, Fails, Whole},
};
use crate::nobody::Nobody;
use crate::{launch, out};

/// A row of the table.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    buffered: Vec<Outcome>,
    streamed: Vec<Outcome>,
    steps: Vec<&'static str>,
}

impl Fault {
    fn is_nobody(&self) -> bool {
        self.steps[0].starts_with("nobody ")
    }
}

fn faults() -> Vec<Fault> {
    let lines = include_str!("faults.txt").lines();
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let mut columns = line.split('\t');
        let mut column = || {
            columns
                .next()
                .expect("a row has outcomes, a name and steps")
        };
        Fault {
            buffered: column().split('|').map(outcome).collect(),
            streamed: column().split('|').map(outcome).collect(),
            name: column(),
            steps: columns.collect(),
        }
    })
    .collect()
}

fn outcome(text: &str) -> Outcome {
    match text.split_once(' ') {
        Some((status, body)) => {
            let body = String::from_utf8(unescape(body)).expect("a text");
            Whole(status.parse().expect("a status"), body)
        }
        None if text == "cut" => Cut,
        None => Fails(text.parse().expect("a status")),
    }
}

/// What the application of a row does once it has read a request.
fn script(fault: &Fault) -> Script {
    let step = |text: &&str| {
        let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
        let bytes = unescape(argument);
        match word {
            "out" => vec![Stdout(bytes)],
            "err" => vec![Stderr(bytes)],
            "raw" => vec![RawFor(bytes)],
            "drip" => drip(argument),
            "end" => vec![End(argument.parse().unwrap_or(0))],
            "overloaded" => vec![Overloaded],
            "close" => vec![Close],
            "reset" => vec![Reset],
            "hang" => vec![Drain],
            "nobody" => vec![],
            other => unreachable!("{other} in {}", fault.name),
        }
    };
    fault.steps.iter().flat_map(step).collect()
}

fn drip(text: &str) -> Script {
    let mut steps = Script::new();
    for piece in text.split_inclusive("<id>") {
        let (plain, id) = match piece.strip_suffix("<id>") {
            Some(plain) => (plain, "<id>"),
            None => (piece, ""),
        };
        let bytes = unescape(plain);
        steps.extend(bytes.into_iter().map(|byte| Raw(vec![byte])));
        steps.push(RawFor(id.into()));
    }
    steps
}

/// Who is asked in a row.
enum Asked {
    Peer(FastCgiPeer),
    Nobody(Nobody),
}

impl Asked {
    /// What stands after `fastcgi_pass`.
    fn address(&self) -> String {
        match self {
            Self::Peer(peer) => peer.address().to_string(),
            Self::Nobody(nobody) => nobody.address.clone(),
        }
    }
}

/// An application that breaks down in the way of the row whenever it is asked, except for `?good`.
fn breaking(fault: &Fault) -> Asked {
    if let Some(kind) = fault
        .steps
        .first()
        .and_then(|step| step.strip_prefix("nobody "))
    {
        return Asked::Nobody(Nobody::new(kind));
    }
    let good = format!("A: 1\r\n\r\ngood, not {}", fault.name);
    let well = When("good", vec![out(&good), End(0), Repeat]);
    let whole = [vec![Request, well], script(fault)].concat();
    Asked::Peer(FastCgiPeer::start(vec![whole]).expect("a peer"))
}

/// One server for the whole table: each row has two locations and an application of its own.
fn table_server(faults: &[Fault], asked: &[Asked]) -> Server {
    let mut locations = String::new();
    for (number, (fault, asked)) in faults.iter().zip(asked).enumerate() {
        let patience = match fault.steps.last() {
            Some(&"hang") => "300ms",
            _ => "10s",
        };
        for mode in ["on", "off"] {
            locations += &format!(
                "location /{number}/{mode}/ {{
                     fastcgi_pass {};
                     fastcgi_buffering {mode};
                     fastcgi_connect_timeout 300ms;
                     fastcgi_read_timeout {patience};
                     fastcgi_buffer_size 4k;
                     fastcgi_max_temp_file_size 100m;
                     fastcgi_param QUERY_STRING $query_string;
                     fastcgi_catch_stderr forbidden;
                     fastcgi_pool_size 2;
                 }}\n",
                asked.address(),
            );
        }
    }
    let config = format!(
        "server {{
             listen 127.0.0.1:%%PORT_0%%;
             location /probe/ {{ return 200 $uri; }}
             {locations}
         }}"
    );
    launch(config).start().expect("it starts")
}

/// All that is asked for one row, and what is wrong with the answers.
fn play(server: &Server, number: usize, fault: &Fault) -> Vec<String> {
    let mut client = Client {
        address: server.address(0),
        kept: None,
    };
    let mut wrong = Vec::new();
    let mut expect = |method: &str, target: &str, expected: &[Outcome]| {
        let found = client.ask(method, target);
        if !expected.contains(&found) {
            let name = fault.name;
            wrong.push(format!(
                "{name}: {method} {target}: {found:?}, not {expected:?}"
            ));
        }
    };
    for (mode, expected) in [("on", &fault.buffered[..]), ("off", &fault.streamed[..])] {
        let bad = format!("/{number}/{mode}/?bad");
        let good = format!("/{number}/{mode}/?good");
        let well = [Whole(200, format!("good, not {}", fault.name))];
        // Where there is nobody, nobody is well.
        let well = if fault.is_nobody() { expected } else { &well };
        // A POST has a connection of its own and one try; a GET, the kept one first, then others.
        for method in ["POST", "GET"] {
            expect("GET", &good, well);
            expect(method, &bad, expected);
            expect(method, &bad, expected);
            expect("GET", &good, well);
            let probe = format!("/probe/{number}/{mode}/{method}");
            expect("GET", &probe, &[Whole(200, probe.clone())]);
        }
        // A body that is not wanted disturbs nobody either.
        if let [Whole(status, _)] = expected[..] {
            expect("HEAD", &bad, &[Fails(status)]);
            expect("HEAD", &bad, &[Fails(status)]);
            expect("GET", &good, well);
        }
    }
    wrong
}

#[test]
fn every_fault_has_its_answer() {
    let faults = faults();
    assert!(faults.len() >= 150, "only {} rows", faults.len());
    let asked: Vec<_> = faults.iter().map(breaking).collect();
    let server = table_server(&faults, &asked);
    let next = AtomicUsize::new(0);
    let player = || {
        let turns = std::iter::repeat_with(|| next.fetch_add(1, Relaxed));
        let mine = turns.take_while(|number| *number < faults.len());
        mine.flat_map(|number| play(&server, number, &faults[number]))
            .collect::<Vec<_>>()
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let players: Vec<_> = (0..8).map(|_| scope.spawn(player)).collect();
        let found = players.into_iter();
        found
            .flat_map(|player| player.join().expect("a player does not panic"))
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
