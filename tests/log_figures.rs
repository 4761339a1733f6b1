//! The figures of access logs, line by line what nginx writes of the same clients: bytes sent and
//! received, requests of a connection, pipelining, and whether it took long.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use portunus_testkit::hostile::frames::{
    END_HEADERS, END_STREAM, Kind, PREFACE, put_frame, request_block, take_frame,
};
use portunus_testkit::{Connection, Launch, Program, Server, TempTree, unescape};

type Result<T = ()> = std::result::Result<T, portunus_testkit::Error>;

const PATIENCE: Duration = Duration::from_secs(20);

/// Port 0 is plain, port 1 over TLS, port 2 HTTP/2; what port 3 would answer, the test does.
const CONFIG: &str = "
    %%PRODUCT%%
    server_tokens off;
    client_header_timeout 1s;
    client_body_timeout 1s;
    keepalive_timeout 10s;
    proxy_http_version 1.0;
    proxy_set_header Connection close;
    lingering_timeout 100ms;
    client_max_body_size 10k;
    client_header_buffer_size 1k;
    large_client_header_buffers 2 1k;
    map $request_time $took { ~^0\\.[0-4] short; default long; }
    log_format figures '$request|$status|$bytes_sent|$body_bytes_sent|$request_length|$pipe|$connection_requests|$took';
    log_format streams 'h2 $request|$status|$body_bytes_sent|$pipe|$connection_requests|$took';
    ssl_certificate %%ROOT%%/tls.crt;
    ssl_certificate_key %%ROOT%%/tls.key;
    server {
        listen 127.0.0.1:%%PORT_0%%;
        listen 127.0.0.1:%%PORT_1%% ssl;
        access_log %%TMP%%/figures.log figures;
        location /return { return 200 text; }
        location /long { return 200 %%LONG%%; }
        location /empty { return 204; }
        location /moved { return 301 /elsewhere; }
        location /gone { return 410; }
        location /silent { return 444; }
        location /page { error_page 404 /return; }
        location /ok { error_page 404 =200 /return; }
        location /included { ssi on; ssi_types text/plain; }
        location /body { proxy_pass http://%%ORIGIN%%; }
        location /streamed { proxy_pass http://%%ORIGIN%%; proxy_buffering off; }
        location /tunnel {
            proxy_pass http://%%ORIGIN%%;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
        }
        location /local { proxy_pass http://127.0.0.1:%%PORT_0%%/return; }
        location /denied { deny all; }
        location /password { auth_basic realm; auth_basic_user_file %%TMP%%/none; }
    }
    server {
        listen 127.0.0.1:%%PORT_2%% http2;
        access_log %%TMP%%/figures.log streams;
        location /return { return 200 text; }
        location /empty { return 204; }
        location /long { return 200 %%LONG%%; }
    }";

/// What clients send on port 0 and port 1, all at once, and how many lines are written of it; they
/// read until the end.
const TALKS: &[(usize, &str)] = &[
    (
        1,
        r"GET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (1, r"GET /return HTTP/1.0\r\n\r\n"),
    (
        1,
        r"GET /return HTTP/1.1\r\nHost: a\r\nX-Long: {x*500}\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"\r\n\r\nGET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (1, r"GET /return HTTP/1.1\nHost: a\nConnection: close\n\n"),
    (
        1,
        r"GET /return?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET http://a/return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"HEAD /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"HEAD /file.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /file.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (1, r"GET /large.bin HTTP/1.0\r\n\r\n"),
    (
        1,
        r"GET /file.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=1-3\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /file.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=900-\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /file.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-3\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /file.txt HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /file.txt HTTP/1.1\r\nHost: a\r\nIf-Match: x\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /included.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (1, r"GET /included.txt HTTP/1.0\r\n\r\n"),
    (
        1,
        r"HEAD /included.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /moved HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /gone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /missing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /denied HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /password HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /silent HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"GET /folder HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        2,
        r"GET /local HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    // Bodies.
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n{x*5000}",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    (
        1,
        r"POST /file.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ),
    (
        1,
        r"GET /return HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ),
    (
        2,
        r"POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ),
    (
        2,
        r"POST /local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
    ),
    (
        2,
        r"POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n{x*5000}",
    ),
    (
        2,
        r"POST /local HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
    ),
    // Several on a connection.
    (
        3,
        r"GET /return HTTP/1.1\r\nHost: a\r\n\r\nGET /file.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        3,
        r"GET /return HTTP/1.1\r\nHost: a\r\n\r\n\r\nHEAD /file.txt HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\nGET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        2,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        2,
        r"POST /return HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        3,
        r"POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        2,
        r"GET /return HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /return HTTP/1.0\r\n\r\n",
    ),
    (
        1,
        r"GET /return HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /lost HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    (
        2,
        r"GET /included.txt HTTP/1.1\r\nHost: a\r\n\r\nGET /missing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ),
    (
        2,
        r"GET /return HTTP/1.1\r\nHost: a\r\n\r\nG@T / HTTP/1.1\r\n\r\n",
    ),
    (
        2,
        r"GET /return HTTP/1.1\r\nHost: a\r\n\r\nGET /return HTTP/1.1\r\n\r\n",
    ),
    (
        2,
        r"GET /return HTTP/1.1\r\nHost: a\r\n\r\nGET /return HTTP/1.1\r\nHost: a\r\nX: {x*2000}\r\n\r\n",
    ),
    (
        2,
        r"GET /empty HTTP/1.1\r\nHost: a\r\n\r\nGET /silent HTTP/1.1\r\nHost: a\r\n\r\n",
    ),
    // Refused.
    (1, r"G@T /return HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"GET /return HTTP/1.1\r\n\r\n"),
    (1, r"GET /return HTTP/1.1\r\nHost: a b\r\n\r\n"),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    (1, r"GET return HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"GET /../x HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"GET /return HTTP/2.0\r\nHost: a\r\n\r\n"),
    (1, r"GET /return HTTP/1.x\r\nHost: a\r\n\r\n"),
    (1, r"GET /{x*3000} HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\nX: {x*3000}\r\n\r\n"),
    (
        1,
        r"GET /return HTTP/1.1\r\nHost: a\r\nA: {a*900}\r\nB: {b*900}\r\nC: {c*900}\r\nConnection: close\r\n\r\n",
    ),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\nX\x00: y\r\n\r\n"),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n"),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    ),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n",
    ),
    (
        1,
        r"POST /local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ),
    (
        1,
        r"POST /local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n",
    ),
    (1, r"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"TRACE /return HTTP/1.1\r\nHost: a\r\n\r\n"),
    (1, r"GET /return\r\n"),
    // Waited for in vain.
    (1, r"GET /ret"),
    (1, r"GET /return HTTP/1.1\r\n"),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\nX: y"),
    (
        1,
        r"POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    ),
    (
        1,
        r"POST /local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ),
    (2, r"GET /return HTTP/1.1\r\nHost: a\r\n\r\nGET /ret"),
];

/// What clients send before they close their end, port 0 only.
const BROKEN_OFF: &[(usize, &str)] = &[
    (1, r"GET /ret"),
    (1, r"GET /return HTTP/1.1\r\n"),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\nX"),
    (
        1,
        r"POST /local HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    ),
    (
        1,
        r"POST /local HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ),
    (1, r"GET /return HTTP/1.1\r\nHost: a\r\n\r\n"),
    (2, r"GET /return HTTP/1.1\r\nHost: a\r\n\r\nGET /ret"),
    (
        1,
        r"POST /return HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
    ),
];

/// Talks whose lines differ, with the reasons.
const KNOWN: &[(&str, &str)] = &[
    (
        "GET /../x ",
        "a head is read whole before its path is looked at",
    ),
    ("CONNECT ", "405, as in newer versions"),
    (
        "GET /{x*3000} ",
        "of a line too long all is logged that has come",
    ),
];

/// A server, its log, and how many lines that must have by now.
struct Played {
    server: Server,
    expected: usize,
}

impl Played {
    fn lines(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.server.folder().join("figures.log"));
        let log = log.unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Waits for the lines of what has been played, and takes them.
    fn lines_of(&mut self, count: usize) -> Vec<String> {
        let file = self.server.folder().join("figures.log");
        let (before, after) = (self.expected, self.expected + count);
        let written = || {
            let text = std::fs::read(&file).unwrap_or_default();
            text.iter().filter(|byte| **byte == b'\n').count() >= after
        };
        // Lines that are missing show in what is compared.
        let _ = self.server.process().wait_until(PATIENCE, written);
        let mut lines = self.lines().split_off(before);
        self.expected = before + lines.len();
        // One request on behalf of another is written first here and last there.
        lines.sort();
        lines
    }
}

fn talk(address: SocketAddr, bytes: &[u8], breaks_off: bool) -> Result {
    let mut connection = Connection::open(address)?.with_patience(PATIENCE);
    connection.send(bytes)?;
    if breaks_off {
        connection.finish_sending()?;
    }
    match connection.read_to_end() {
        // A reset says that the end has come, too.
        Ok(_) | Err(portunus_testkit::Error::Closed { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn talk_over_tls(server: &Server, bytes: &[u8]) {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-ign_eof", "-no_ticket", "-connect"])
        .arg(format!("127.0.0.1:{}", server.port(1)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl can be run");
    let mut stdin = child.stdin.take().expect("it was asked for");
    stdin.write_all(bytes).expect("it reads");
    child.wait().expect("it ends");
    drop(stdin);
}

/// Asks and goes away while somebody else is waited for.
fn leave(server: &Server, origin: &TcpListener, request: &str, part: Option<&[u8]>) {
    let mut client = TcpStream::connect(server.address(0)).expect("it listens");
    client.write_all(request.as_bytes()).expect("it reads");
    let (mut upstream, _) = origin.accept().expect("somebody comes");
    let mut buffer = [0; 4096];
    assert!(upstream.read(&mut buffer).expect("a request") > 0);
    if let Some(part) = part {
        upstream.write_all(part).expect("it reads");
        let mut received = Vec::new();
        while !received.ends_with(b"part") {
            let length = client.read(&mut buffer).expect("an answer");
            assert!(length > 0);
            received.extend_from_slice(&buffer[..length]);
        }
    }
    drop(client);
    // The server lets go of the other side when it has noticed.
    while upstream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}

/// Bytes both ways behind a change of protocols.
fn tunnel(server: &Server, origin: &TcpListener) {
    let mut client = TcpStream::connect(server.address(0)).expect("it listens");
    let request =
        b"GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nearly";
    client.write_all(request).expect("it reads");
    let (mut upstream, _) = origin.accept().expect("somebody comes");
    let mut buffer = [0; 4096];
    let mut received = Vec::new();
    while !received.ends_with(b"early") {
        if received.ends_with(b"\r\n\r\n") {
            let answer =
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nwelcome";
            upstream.write_all(answer).expect("it reads");
        }
        let length = upstream.read(&mut buffer).expect("a request");
        assert!(length > 0);
        received.extend_from_slice(&buffer[..length]);
    }
    upstream.write_all(b" and goodbye").expect("it reads");
    drop(upstream);
    let mut received = Vec::new();
    client.read_to_end(&mut received).expect("an answer");
    assert!(received.ends_with(b"welcome and goodbye"));
}

/// Requests over HTTP/2, one after the other.
fn streams(server: &Server, targets: &[(&str, &str)]) {
    let mut stream = TcpStream::connect(server.address(2)).expect("it listens");
    let mut out = PREFACE.to_vec();
    put_frame(&mut out, Kind::Settings, 0, 0, &[]);
    stream.write_all(&out).expect("it reads");
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    for (number, (method, target)) in (0_u32..).zip(targets) {
        let (id, mut out) = (2 * number + 1, Vec::new());
        let block = request_block(method, "a", target);
        put_frame(
            &mut out,
            Kind::Headers,
            END_HEADERS | END_STREAM,
            id,
            &block,
        );
        stream.write_all(&out).expect("it reads");
        'answer: loop {
            while let Some((kind, flags, stream, _)) = take_frame(&mut received) {
                if stream == id && kind < 2 && flags & END_STREAM != 0 {
                    break 'answer;
                }
            }
            let length = stream.read(&mut buffer).expect("an answer");
            assert!(length > 0, "{method} {target}");
            received.extend_from_slice(&buffer[..length]);
        }
    }
}

fn make_certificate(tree: &TempTree) {
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args([
            "-nodes", "-days", "30", "-subj", "/CN=a", "-keyout", "tls.key",
        ])
        .args(["-out", "tls.crt"])
        .current_dir(tree.path())
        .output()
        .expect("openssl can be run");
    assert!(output.status.success(), "{output:?}");
}

/// Both servers, and what they do not agree on.
struct Pair {
    ours: Played,
    theirs: Played,
    wrong: Vec<String>,
}

impl Pair {
    fn start(tree: &TempTree, origin: SocketAddr) -> Self {
        let start = |program: Program, product: &str| {
            let launch = Launch::new(program, CONFIG)
                .root(tree.path())
                .with("PRODUCT", product)
                .with("LONG", "l".repeat(3000))
                .with("ORIGIN", origin.to_string());
            Played {
                server: launch.start().expect("it starts"),
                expected: 0,
            }
        };
        let ours = Program::at(env!("CARGO_BIN_EXE_portunus"));
        Self {
            ours: start(ours, "server_product nginx;"),
            theirs: start(Program::nginx(), ""),
            wrong: Vec::new(),
        }
    }

    fn compare(&mut self, what: &str, count: usize, play: impl Fn(&Server)) {
        play(&self.ours.server);
        play(&self.theirs.server);
        let (our, their) = (self.ours.lines_of(count), self.theirs.lines_of(count));
        if our.len() != count || their.len() != count {
            let message = format!("{what}: ours {our:?}, theirs {their:?}");
            self.wrong.push(message);
        }
        for (our, their) in our.iter().zip(&their) {
            let is_known = KNOWN.iter().any(|(talk, _)| what.starts_with(talk));
            if our != their && !is_known {
                self.wrong.push(format!("{what}:\n  {our}\n  {their}"));
            }
        }
    }

    fn talk(&mut self, what: &str, (count, text): (usize, &str), breaks_off: bool) {
        let bytes = unescape(text);
        let what = format!("{what}{text}");
        self.compare(&what, count, |server| {
            talk(server.address(0), &bytes, breaks_off).expect(&what);
        });
        if text.ends_with("Connection: close\\r\\n\\r\\n") {
            let what = format!("over TLS: {what}");
            self.compare(&what, count, |server| talk_over_tls(server, &bytes));
        }
    }

    fn leave(&mut self, what: &str, origin: &TcpListener, target: &str, part: Option<&[u8]>) {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        self.compare(what, 1, |server| leave(server, origin, &request, part));
    }
}

/// Every fourth of the talks, so that those which wait wait side by side.
fn talks(tree: &TempTree, turn: usize) -> Vec<String> {
    let mut pair = Pair::start(tree, ([127, 0, 0, 1], 1).into());
    for row in TALKS.iter().skip(turn).step_by(TURNS) {
        pair.talk("", *row, false);
    }
    for row in BROKEN_OFF.iter().skip(turn).step_by(TURNS) {
        pair.talk("broken off: ", *row, true);
    }
    pair.wrong
}

const TURNS: usize = 4;

fn others(tree: &TempTree) -> Vec<String> {
    let origin = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut pair = Pair::start(tree, origin.local_addr().expect("it is bound"));
    pair.compare("plain to TLS", 1, |server| {
        let request = b"GET /return HTTP/1.1\r\nHost: a\r\n\r\n";
        talk(server.address(1), request, false).expect("an end");
    });
    let part = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\npart";
    pair.leave("left while waiting", &origin, "/body", None);
    pair.leave("left on the way", &origin, "/streamed", Some(part));
    pair.compare("tunnel", 1, |server| tunnel(server, &origin));
    let targets = [
        ("GET", "/return"),
        ("HEAD", "/return"),
        ("GET", "/empty"),
        ("GET", "/missing"),
        ("GET", "/long"),
        ("GET", "/file.txt"),
    ];
    pair.compare("HTTP/2", 6, |server| streams(server, &targets));
    pair.wrong
}

#[test]
fn figures_are_nginx_s() -> Result {
    let tree = TempTree::new()?;
    make_certificate(&tree);
    tree.write("file.txt", "content of a file")?;
    tree.write("included.txt", "before <!--# echo var=\"uri\" --> after")?;
    tree.write("folder/index.html", "index")?;
    tree.write("large.bin", vec![b'l'; 3 << 20])?;
    let wrong = std::thread::scope(|scope| {
        let tree = &tree;
        let mut players: Vec<_> = (0..TURNS)
            .map(|turn| scope.spawn(move || talks(tree, turn)))
            .collect();
        players.push(scope.spawn(move || others(tree)));
        let wrong = players.into_iter();
        let wrong = wrong.flat_map(|player| player.join().expect("a player does not panic"));
        wrong.collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
