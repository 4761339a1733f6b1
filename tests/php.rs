//! The whole server before a FastCGI application that breaks down in every way: what clients get for
//! it, and that no later client gets anything of it. The pool's own table is in `crates/fpm/tests`.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use portunus_testkit::{
    Connection, Error, FastCgiPeer, Gate, Launch, Program, Response, Script, Server, Step,
};

use Outcome::{Cut, Fails, Whole};
use Step::{Close, End, Overloaded, Params, Raw, Request, Reset, Stderr, Stdout};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq)]
enum Outcome {
    /// A page of the server's own, with this status.
    Fails(u16),
    /// The client can see that the answer is not whole.
    Cut,
    /// This body.
    Whole(String),
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
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
        .with("PEER_0", peer(0))
        .with("PEER_1", peer(1))
        .start()
        .expect("it starts")
}

fn out(text: &str) -> Step {
    Stdout(text.as_bytes().to_vec())
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";
const END: &[u8] = b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";

/// More than the server waits for before it passes an answer on.
fn large() -> Step {
    Stdout(vec![b'x'; 200_000])
}

#[rustfmt::skip] // A table: one line, one fault.
fn faults() -> Vec<(&'static str, Script, Outcome)> {
    let head = |text: &str| vec![out(text), out("\r\n\r\nbody"), End(0)];
    let raw = |bytes: &[u8]| Raw(bytes.to_vec());
    let whole = || Whole("body".to_owned());
    vec![
        ("closed without a word", vec![Close], Fails(502)),
        ("reset without a word", vec![Reset], Fails(502)),
        ("closed in a record header", vec![raw(b"\x01\x06\0"), Close], Fails(502)),
        ("closed in the head", vec![out("Content-Ty"), Close], Fails(502)),
        ("closed after the head", vec![out(HEAD), Close], Fails(502)),
        ("closed in a small body", vec![out(HEAD), out("part"), Close], Fails(502)),
        ("closed in a large body", vec![out(HEAD), large(), Close], Cut),
        ("reset in a large body", vec![out(HEAD), large(), Reset], Cut),
        ("garbage in a large body", vec![out(HEAD), large(), raw(b"garbage!"), End(0)], Cut),
        ("overloaded in a large body", vec![out(HEAD), large(), Overloaded], Cut),
        ("short of a large length", vec![out("Content-Length: 300000\r\n\r\n"), large(), End(0)], Cut),
        ("closed in its end", vec![out(HEAD), out("all"), raw(&END[..15]), Close], Fails(502)),
        ("HTTP", vec![raw(b"HTTP/1.1 200 OK\r\n\r\n")], Fails(502)),
        ("another version", vec![raw(b"\x02\x06\0\x01\0\x01\0\0x")], Fails(502)),
        ("another type", vec![raw(b"\x01\x63\0\x01\0\x01\0\0x")], Fails(502)),
        ("another id", vec![raw(b"\x01\x06\0\x07\0\x01\0\0x")], Fails(502)),
        ("another length", vec![raw(b"\x01\x03\0\x01\0\x02\0\0xx")], Fails(502)),
        ("overloaded", vec![Overloaded], Fails(503)),
        ("nothing at all", vec![End(0)], Fails(502)),
        ("only stderr", vec![Stderr(b"PHP Fatal error".to_vec()), End(255)], Fails(502)),
        ("no colon", head("no colon"), Fails(502)),
        ("CR in a field", head("A: 1\rB: 2"), Fails(502)),
        ("NUL in a field", head("A: 1\x002"), Fails(502)),
        ("escape in a field", head("A: \x1b[2J"), Fails(502)),
        ("status 101", head("Status: 101 Switching"), Fails(502)),
        ("status 999", head("Status: 999"), Fails(502)),
        ("oversize head", vec![out(&format!("A: {}\r\n", "x".repeat(300_000))), End(0)], Fails(502)),
        ("length of letters", head("Content-Length: many"), Fails(502)),
        ("two lengths", head("Content-Length: 4\r\nContent-Length: 4"), Fails(502)),
        ("shorter than its length", head("Content-Length: 10"), Fails(502)),
        ("longer than its length", head("Content-Length: 2"), Whole("bo".to_owned())),
        ("bytes after the end", vec![out(HEAD), out("body"), End(0), raw(b"stray")], whole()),
        ("another answer after the end", vec![out(HEAD), out("body"), End(0), out(HEAD), out("other"), End(0)], whole()),
        ("stderr in the middle", vec![out("A: 1"), Stderr(b"w".to_vec()), out("\r\n\r\nbody"), End(0)], whole()),
        ("LF only", vec![out("A: 1\n\nbody"), End(0)], whole()),
    ]
}

fn get(address: SocketAddr, target: &str) -> Result<Response, Error> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    Connection::open(address)?.exchange(request.as_bytes(), "GET")
}

fn ask(address: SocketAddr) -> Outcome {
    match get(address, "/index.php") {
        Err(_) => Cut,
        Ok(answer) if answer.status() == 200 => Whole(answer.text()),
        Ok(answer) => Fails(answer.status()),
    }
}

#[test]
fn every_fault_has_its_answer() {
    for (name, script, expected) in faults() {
        // A GET of which nothing was answered is asked again, three times at most; six is a multiple of any number of tries.
        let mut scripts = vec![[vec![Params], script].concat(); 6];
        scripts.push(Step::answer("A: 1", "good"));
        let peer = FastCgiPeer::start(scripts).expect("a peer");
        let server = serve("", &[peer.address()]);
        assert_eq!(ask(server.address(0)), expected, "{name}");
        while peer.connections() < 6 {
            assert_eq!(ask(server.address(0)), expected, "{name}, again");
        }
        assert_eq!(
            ask(server.address(0)),
            Whole("good".to_owned()),
            "after {name}"
        );
    }
}

/// Until the file has that text; the server writes its log when it pleases.
fn wait_for(server: &Server, text: &str) {
    let begun = Instant::now();
    let log = || std::fs::read_to_string(server.folder().join("access.log")).unwrap_or_default();
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
    wait_for(&server, "\" 499 ");
    gate.open();
    assert_eq!(
        first.read_response("GET").expect("an answer").text(),
        "first"
    );
    assert_eq!(ask(server.address(0)), Whole("next".to_owned()));
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
