//! The whole server before a FastCGI application that breaks down in every way: what clients get for
//! it, and that no later client gets anything of it. The pool's own table is in `crates/fpm/tests`.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::{
    Connection, Error, FastCgiPeer, Gate, Launch, PhpFpmOptions, Program, Response, Script, Server,
    Step, TempTree, unescape,
};

use Outcome::{Cut, Fails, Whole};
use Step::{
    Close, Drain, End, Overloaded, Params, Raw, RawFor, Repeat, Request, Reset, Stderr, Stdout,
    When,
};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    /// A page of the server's own, with this status.
    Fails(u16),
    /// The client can see that the answer is not whole.
    Cut,
    /// PHP's answer: this status, this body.
    Whole(u16, String),
}

fn launch(config: String) -> Launch {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
}

fn serve(directives: &str, peers: &[SocketAddr]) -> Server {
    let config = format!(
        "upstream group {{ server %%PEER_0%%; server %%PEER_1%% backup; }}
         server {{
             listen 127.0.0.1:%%PORT_0%%;
             access_log %%TMP%%/access.log;
             location / {{
                 fastcgi_param SCRIPT_NAME $fastcgi_script_name;
                 fastcgi_pass %%PEER_0%%;
                 fastcgi_read_timeout 10s;
                 {directives}
             }}
             location /group/ {{ fastcgi_pass group; }}
         }}"
    );
    let peer = |at: usize| peers.get(at).or(peers.last()).expect("a peer").to_string();
    launch(config)
        .with("PEER_0", peer(0))
        .with("PEER_1", peer(1))
        .start()
        .expect("it starts")
}

fn out(text: &str) -> Step {
    Stdout(text.as_bytes().to_vec())
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";

/// A row of the table.
struct Fault {
    name: &'static str,
    buffered: Vec<Outcome>,
    streamed: Vec<Outcome>,
    steps: Vec<&'static str>,
}

fn faults() -> Vec<Fault> {
    let lines = include_str!("php-faults.txt").lines();
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
        Some((status, body)) => Whole(status.parse().expect("a status"), body.to_owned()),
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

/// An application that breaks down in the way of the row whenever it is asked, except for `?good`.
fn breaking(fault: &Fault) -> FastCgiPeer {
    let good = format!("A: 1\r\n\r\ngood, not {}", fault.name);
    let well = When("good", vec![out(&good), End(0), Repeat]);
    let whole = [vec![Request, well], script(fault)].concat();
    FastCgiPeer::start(vec![whole]).expect("a peer")
}

/// One server for the whole table: each row has two locations and an application of its own.
fn table_server(faults: &[Fault], peers: &[FastCgiPeer]) -> Server {
    let mut locations = String::new();
    for (number, (fault, peer)) in faults.iter().zip(peers).enumerate() {
        let patience = match fault.steps.last() {
            Some(&"hang") => "300ms",
            _ => "10s",
        };
        for mode in ["on", "off"] {
            locations += &format!(
                "location /{number}/{mode}/ {{
                     fastcgi_pass {};
                     fastcgi_buffering {mode};
                     fastcgi_read_timeout {patience};
                     fastcgi_buffer_size 4k;
                     fastcgi_max_temp_file_size 100m;
                     fastcgi_param QUERY_STRING $query_string;
                     fastcgi_catch_stderr forbidden;
                     fastcgi_pool_size 2;
                 }}\n",
                peer.address(),
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

/// A client that keeps its connection for as long as the server does.
struct Client {
    address: SocketAddr,
    kept: Option<Connection>,
}

impl Client {
    fn ask(&mut self, method: &str, target: &str) -> Outcome {
        let length = match method {
            "POST" => "Content-Length: 0\r\n",
            _ => "",
        };
        let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{length}\r\n");
        let open = || Connection::open(self.address).expect("it listens");
        let connection = self.kept.take().unwrap_or_else(open);
        let mut connection = connection.with_patience(PATIENCE);
        match connection.exchange(request.as_bytes(), method) {
            Err(Error::Closed { .. }) => Cut,
            Err(error) => unreachable!("{target}: {error}"),
            Ok(answer) => {
                if answer.field("connection") != Some("close") {
                    self.kept = Some(connection);
                }
                judge(&answer)
            }
        }
    }
}

/// Whose answer it is.
fn judge(answer: &Response) -> Outcome {
    let text = answer.text();
    if text.is_empty() || text.contains("<hr><center>") {
        Fails(answer.status())
    } else {
        Whole(answer.status(), text)
    }
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
    for (mode, expected) in [("on", &fault.buffered), ("off", &fault.streamed)] {
        let bad = format!("/{number}/{mode}/?bad");
        let good = format!("/{number}/{mode}/?good");
        let well = [Whole(200, format!("good, not {}", fault.name))];
        // A POST has a connection of its own and one try; a GET, the kept one first, then others.
        for method in ["POST", "GET"] {
            expect("GET", &good, &well);
            expect(method, &bad, expected);
            expect(method, &bad, expected);
            expect("GET", &good, &well);
            let probe = format!("/probe/{number}/{mode}/{method}");
            expect("GET", &probe, &[Whole(200, probe.clone())]);
        }
    }
    wrong
}

#[test]
fn every_fault_has_its_answer() {
    let faults = faults();
    assert!(faults.len() >= 100, "only {} rows", faults.len());
    let peers: Vec<_> = faults.iter().map(breaking).collect();
    let server = table_server(&faults, &peers);
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

fn get(address: SocketAddr, target: &str) -> Result<Response, Error> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    Connection::open(address)?.exchange(request.as_bytes(), "GET")
}

fn ask(address: SocketAddr) -> Outcome {
    match get(address, "/index.php") {
        Err(_) => Cut,
        Ok(answer) => judge(&answer),
    }
}

/// Until that log has that text; the server writes it when it pleases.
fn wait_for(server: &Server, log: &str, text: &str) {
    let begun = Instant::now();
    let log = || std::fs::read_to_string(server.folder().join(log)).unwrap_or_default();
    while !log().contains(text) {
        assert!(begun.elapsed() < PATIENCE, "{text} is not in {}", log());
        std::thread::yield_now();
    }
}

#[test]
fn who_leaves_the_line_is_never_served() {
    let gate = Gate::default();
    let slow = [
        vec![Request, Step::Wait(gate.clone())],
        vec![out(HEAD), out("first"), End(0)],
    ];
    let peer =
        FastCgiPeer::start(vec![slow.concat(), Step::answer("A: 1", "next")]).expect("a peer");
    let server = serve("fastcgi_pool_size 1;", &[peer.address()]);
    let open = || {
        let mut connection = Connection::open(server.address(0)).expect("it listens");
        let request = b"GET /index.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        connection.send(request).expect("it is taken");
        connection
    };
    let mut first = open();
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    drop(open());
    wait_for(&server, "access.log", "\" 499 ");
    gate.open();
    assert_eq!(
        first.read_response("GET").expect("an answer").text(),
        "first"
    );
    assert_eq!(ask(server.address(0)), Whole(200, "next".to_owned()));
    assert_eq!(peer.requests().len(), 2, "the one in between was not asked");
}

#[test]
fn a_backup_is_asked_when_no_other_answers() {
    let broken = FastCgiPeer::start(vec![vec![Params, Close]]).expect("a peer");
    let backup = FastCgiPeer::start(vec![Step::answer("A: 1", "backup")]).expect("a peer");
    let server = serve("", &[broken.address(), backup.address()]);
    for _ in 0..3 {
        let answer = get(server.address(0), "/group/").expect("an answer");
        assert_eq!(answer.text(), "backup");
    }
    // Once on a fresh connection, once more because it is a GET, then it is spared.
    assert_eq!(broken.requests().len(), 2);
}

/// Passes connections on to FPM, which is then out of reach as it would be in another container.
fn relay(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let pass = move |client: TcpStream| {
        let fpm = TcpStream::connect(to).expect("FPM listens");
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = std::io::copy(&mut &client, &mut &fpm);
                let _ = fpm.shutdown(Shutdown::Write);
            });
            let _ = std::io::copy(&mut &fpm, &mut &client);
            let _ = client.shutdown(Shutdown::Write);
        });
    };
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || pass(client));
        }
    });
    address
}

#[test]
fn workers_of_an_fpm_out_of_reach_are_counted_by_its_status_page() {
    let fpm = PhpFpmOptions::default().children(3).start().expect("FPM");
    let relay = relay(fpm.address().expect("a TCP one"));
    let folder = TempTree::new().expect("a folder");
    let script = folder
        .write("slow.php", "<?php usleep(20000); echo 'slow';")
        .expect("a script");
    let config = format!(
        "daemon off;
         pid %%TMP%%/pid;
         error_log %%TMP%%/learned.log info;
         events {{}}
         http {{
             client_body_temp_path %%TMP%%;
             access_log off;
             server {{
                 listen 127.0.0.1:%%PORT_0%%;
                 location / {{
                     fastcgi_pass {relay};
                     fastcgi_pool_status {};
                     fastcgi_param SCRIPT_FILENAME {};
                     fastcgi_param REQUEST_METHOD $request_method;
                 }}
             }}
         }}",
        PhpFpmOptions::STATUS,
        script.display(),
    );
    let server = launch(config).start().expect("it starts");
    wait_for(&server, "learned.log", "has 3 workers");
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| assert_eq!(ask(server.address(0)), Whole(200, "slow".to_owned())));
        }
    });
}
