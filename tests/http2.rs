//! HTTP/2 without encryption, with `curl` as the client: what the gate asks of a head, and what goes
//! to a server behind us.

use std::process::{Command, Stdio};

use portunus_testkit::{Launch, Program, Server};

type Result<T = ()> = std::result::Result<T, portunus_testkit::Error>;

const CONFIG: &str = "
    server {
        listen 127.0.0.1:%%PORT_0%%;
        http2 on;
        client_max_body_size 100k;
        location / {
            return 200 \"$http_x_under|$http_host|$request_method\";
        }
        location /streamed {
            proxy_pass http://127.0.0.1:%%PORT_1%%;
            proxy_request_buffering off;
        }
    }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        server_name under.test;
        http2 on;
        underscores_in_headers on;
        location / {
            return 200 \"$http_x_under|$http_host\";
        }
    }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        server_name one.test;
    }
    server {
        listen 127.0.0.1:%%PORT_1%%;
        location / {
            proxy_pass http://127.0.0.1:%%PORT_1%%/told?$http_transfer_encoding;
        }
        location /told {
            return 200 \"$args|$http_transfer_encoding|$content_length\";
        }
    }";

/// Status and body that curl gets over HTTP/2; `input` is its standard input.
fn curl(server: &Server, target: &str, more: &[&str], input: &[u8]) -> String {
    use std::io::Write as _;
    let url = format!("http://127.0.0.1:{}{target}", server.port(0));
    let mut child = Command::new("curl")
        .args(["-sS", "--max-time", "15", "--http2-prior-knowledge"])
        .args(["-w", "|%{http_code}"])
        .args(more)
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("curl can be run");
    let mut stdin = child.stdin.take().expect("it was asked for");
    // A refused body is not read to its end.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("curl ends");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn start() -> Result<Server> {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), CONFIG).start()
}

#[test]
fn heads_are_judged() -> Result {
    let server = start()?;
    let host = format!("127.0.0.1:{}", server.port(0));
    assert_eq!(
        curl(&server, "/", &["-H", "X_Under: 1"], b""),
        format!("|{host}|GET|200"),
        "a name that passes for another is left out"
    );
    let under = ["-H", "X_Under: 1", "-H", "Host: under.test"];
    assert_eq!(curl(&server, "/", &under, b""), "1|under.test|200");
    let trace = curl(&server, "/", &["-X", "TRACE", "-o", "/dev/null"], b"");
    assert_eq!(trace, "|405");
    let elsewhere = ["-H", "Host: one.test", "-o", "/dev/null"];
    assert_eq!(curl(&server, "/", &elsewhere, b""), "|421");
    Ok(())
}

/// A body that nobody knows the length of must not run on into the next request of a kept
/// connection (RFC 9112 §6.3).
#[test]
fn a_streamed_body_is_framed() -> Result {
    let server = start()?;
    let send = ["-X", "POST", "-T", "-"];
    let answer = curl(&server, "/streamed", &send, b"hello");
    // All of it may have come with the head; then its length is known.
    assert!(
        ["chunked||5|200", "||5|200"].contains(&&*answer),
        "{answer}"
    );
    let long = vec![b'x'; 200 << 10];
    // Over HTTP/1, for older curls lose an answer that comes with a reset of its stream.
    let send = ["--http1.1", "-X", "POST", "-T", "-", "-o", "/dev/null"];
    let refused = curl(&server, "/streamed", &send, &long);
    assert!(refused.ends_with("|413"), "{refused}");
    Ok(())
}
