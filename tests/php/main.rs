//! The whole server before a FastCGI application that breaks down in every way: what clients get for
//! it, and that no later client gets anything of it. The pool's own table is in `crates/fpm/tests`.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::{
    Connection, FastCgiPeer, Gate, Launch, PhpFpmOptions, Program, Server, Step, TempTree,
};

use rustix::process::geteuid;

mod client;
mod faults;
mod nobody;
mod pool;

use Step::{Close, End, Params, Request, Stdout};
use client::Outcome::{Fails, Whole};
use client::{ask, get};
use nobody::Nobody;

const PATIENCE: Duration = Duration::from_secs(20);

fn launch(config: String) -> Launch {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
}

/// Starts us in front of two peers, or of one that stands for both.
fn start(config: String, peers: &[SocketAddr]) -> Server {
    let peer = |at: usize| peers.get(at).or(peers.last()).expect("a peer").to_string();
    launch(config)
        .with("PEER_0", peer(0))
        .with("PEER_1", peer(1))
        .start()
        .expect("it starts")
}

fn serve(directives: &str, peers: &[SocketAddr]) -> Server {
    let config = format!(
        "upstream group {{ server %%PEER_0%%; server %%PEER_1%% backup; }}
         server {{
             listen 127.0.0.1:%%PORT_0%%;
             access_log %%TMP%%/access.log;
             error_log %%TMP%%/error.log warn;
             location / {{
                 fastcgi_param SCRIPT_NAME $fastcgi_script_name;
                 fastcgi_pass %%PEER_0%%;
                 fastcgi_read_timeout 10s;
                 {directives}
             }}
             location /group/ {{ fastcgi_pass group; }}
         }}"
    );
    start(config, peers)
}

/// A master process with one location, and with directives of its own in front.
fn serve_alone(main: &str, directives: &str) -> Server {
    let config = format!(
        "{main}
         daemon off;
         pid %%TMP%%/pid;
         events {{}}
         http {{
             client_body_temp_path %%TMP%%;
             access_log off;
             server {{
                 listen 127.0.0.1:%%PORT_0%%;
                 location / {{ {directives} }}
             }}
         }}"
    );
    launch(config).start().expect("it starts")
}

fn out(text: &str) -> Step {
    Stdout(text.as_bytes().to_vec())
}

const HEAD: &str = "Content-Type: text/plain\r\n\r\n";

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
fn a_cut_answer_does_not_look_whole_where_only_its_end_tells_its_length() {
    let script = vec![Request, out(HEAD), out("part"), Close];
    let peer = FastCgiPeer::start(vec![script]).expect("a peer");
    for directives in ["", "chunked_transfer_encoding off;"] {
        let server = serve(
            &format!("fastcgi_buffering off; {directives}"),
            &[peer.address()],
        );
        let version = match directives {
            "" => "1.0",
            _ => "1.1",
        };
        let client = Connection::open(server.address(0)).expect("it listens");
        let request = format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n");
        let answer = client
            .with_patience(PATIENCE)
            .exchange(request.as_bytes(), "GET");
        assert!(answer.is_err(), "{answer:?}");
    }
}

#[test]
fn a_socket_that_may_not_be_opened_is_a_502() {
    let tree = TempTree::new().expect("a directory");
    let socket = tree.path().join("fpm.sock");
    let _listener = UnixListener::bind(&socket).expect("a socket");
    std::fs::set_permissions(&socket, Permissions::from_mode(0o000)).expect("it is ours");
    // Root may do everything, so it must not stay root.
    let user = match geteuid().is_root() {
        true => "user nobody nogroup;",
        false => "",
    };
    let main = format!("{user} error_log %%TMP%%/denied.log;");
    let server = serve_alone(&main, &format!("fastcgi_pass unix:{};", socket.display()));
    assert_eq!(ask(server.address(0)), Fails(502));
    wait_for(&server, "denied.log", "(13: Permission denied)");
}

/// An answer that its client does not read is in a file where `fastcgi_temp_path` says, and FPM is free.
#[test]
fn what_outgrows_memory_is_where_it_is_wanted() {
    let large = [HEAD.as_bytes(), &vec![b'x'; 16 << 20]].concat();
    let script = vec![Request, Stdout(large), End(0)];
    let peer = FastCgiPeer::start(vec![script]).expect("a peer");
    let mut server = serve(
        "fastcgi_temp_path %%TMP%%/answers; fastcgi_max_temp_file_size 100m;",
        &[peer.address()],
    );
    let mut client = Connection::open(server.address(0)).expect("it listens");
    client
        .send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("it is taken");
    let folder = server.folder().join("answers");
    let open = format!("/proc/{}/fd", server.process().pid());
    let is_there = || {
        let files = std::fs::read_dir(&open).expect("it runs").flatten();
        let mut paths = files.filter_map(|file| std::fs::read_link(file.path()).ok());
        paths.any(|path| path.starts_with(&folder))
    };
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < PATIENCE, "no file below {folder:?}");
        std::thread::yield_now();
    }
    let answer = client.read_response("GET").expect("an answer");
    assert_eq!(answer.body.len(), 16 << 20);
}

/// Laravel's own fields are told apart by case in tests and in clients that should know better.
#[test]
fn php_spells_its_fields_and_says_who_and_when() {
    let head = "X-RateLimit-Limit: 60\r\nx-lower: 1\r\ncontent-type: text/plain\r\nServer: PHP\r\n\
                Date: Sat, 03 Feb 2024 04:05:06 GMT\r\nDate: again\r\n\r\n";
    let peer = FastCgiPeer::start(vec![vec![Request, out(head), out("x"), End(0)]]);
    let peer = peer.expect("a peer");
    let server = serve("", &[peer.address()]);
    let mut client = TcpStream::connect(server.address(0)).expect("it listens");
    client
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .expect("it is taken");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("an answer");
    let mut lines: Vec<_> = answer.lines().collect();
    lines.sort_unstable();
    let expected = [
        "",
        "Connection: close",
        "Content-Type: text/plain",
        "Date: Sat, 03 Feb 2024 04:05:06 GMT",
        "HTTP/1.1 200 OK",
        "Server: PHP",
        "X-RateLimit-Limit: 60",
        "x",
        "x-lower: 1",
    ];
    assert_eq!(lines, expected);
    wait_for(
        &server,
        "error.log",
        "duplicate header line: \"Date: again\"",
    );
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

#[test]
fn nobody_else_is_asked_once_it_is_too_late() {
    let silent = FastCgiPeer::start(vec![vec![Request, Step::Drain]]).expect("a peer");
    let backup = FastCgiPeer::start(vec![Step::answer("A: 1", "backup")]).expect("a peer");
    let config = "upstream group { server %%PEER_0%% max_fails=0; server %%PEER_1%% backup; }
         server {
             listen 127.0.0.1:%%PORT_0%%;
             fastcgi_read_timeout 60ms;
             location /late/ { fastcgi_next_upstream_timeout 50ms; fastcgi_pass group; }
             location /soon/ { fastcgi_next_upstream_timeout 60s; fastcgi_pass group; }
         }";
    let server = start(config.to_owned(), &[silent.address(), backup.address()]);
    let status = |target| get(server.address(0), target).expect("an answer").status();
    assert_eq!([status("/late/"), status("/soon/")], [504, 200]);
    assert_eq!(backup.requests().len(), 1);
}

#[test]
fn a_body_that_nobody_has_seen_goes_to_the_next() {
    let nobody = Nobody::new("refused");
    let backup = FastCgiPeer::start(vec![Step::answer("A: 1", "backup")]).expect("a peer");
    // Not all of the body has been read when the first member is asked.
    let config = "upstream group { server %%NOBODY%% max_fails=0; server %%PEER_0%% backup; }
         server {
             listen 127.0.0.1:%%PORT_0%%;
             client_body_buffer_size 4;
             location / { fastcgi_request_buffering off; fastcgi_pass group; }
         }";
    let server = launch(config.to_owned())
        .with("NOBODY", &nobody.address)
        .with("PEER_0", backup.address().to_string())
        .start()
        .expect("it starts");
    let mut client = Connection::open(server.address(0)).expect("it listens");
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n";
    client.send(head.as_bytes()).expect("it is taken");
    let answer = client.exchange(b"0123456789", "POST").expect("an answer");
    assert_eq!(answer.text(), "backup");
    assert_eq!(backup.requests()[0].stdin, b"0123456789");
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
    let directives = format!(
        "fastcgi_pass {relay};
         fastcgi_pool_status {};
         fastcgi_param SCRIPT_FILENAME {};
         fastcgi_param REQUEST_METHOD $request_method;",
        PhpFpmOptions::STATUS,
        script.display(),
    );
    let server = serve_alone("error_log %%TMP%%/learned.log info;", &directives);
    wait_for(&server, "learned.log", "has 3 workers");
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| assert_eq!(ask(server.address(0)), Whole(200, "slow".to_owned())));
        }
    });
}

/// The same of a client that does not wait for the head: what has come by then, and what comes with PHP's next word.
#[test]
fn what_php_has_said_to_a_client_that_leaves_is_logged() {
    for is_early in [true, false] {
        let (early, late) = (Gate::default(), Gate::default());
        let script = vec![
            Request,
            Step::Wait(early.clone()),
            Step::Stderr(b"some trouble".to_vec()),
            Step::Wait(late.clone()),
            Close,
        ];
        let peer = FastCgiPeer::start(vec![script]).expect("a peer");
        let server = serve("", &[peer.address()]);
        let mut client = Connection::open(server.address(0)).expect("it listens");
        let request = b"GET /early.php HTTP/1.1\r\nHost: a\r\n\r\n";
        client.send(request).expect("it is taken");
        assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
        if is_early {
            early.open();
        }
        drop(client);
        wait_for(&server, "access.log", "\" 499 ");
        early.open();
        let line = "FastCGI sent in stderr: \"some trouble\" while reading response header from upstream, \
                    client: 127.0.0.1, server: , request: \"GET /early.php HTTP/1.1\", upstream: \"fastcgi://";
        wait_for(&server, "error.log", line);
        late.open();
    }
}

/// What PHP writes to stderr belongs into the log with its request, be that over: the client has all that it was
/// promised, or has gone and PHP is to go on.
#[test]
fn what_php_says_after_its_request_is_logged_with_it() {
    let long = "x".repeat(1 << 20);
    let short = "Content-Length: 4\r\n\r\nbody".to_owned();
    let promised = format!("Content-Length: {}\r\n\r\n{long}", long.len());
    for (directives, answer, is_left) in [
        ("fastcgi_buffering off;", &short, false),
        ("fastcgi_buffering on;", &promised, false),
        (
            "fastcgi_buffering off; fastcgi_ignore_client_abort on;",
            &HEAD.to_owned(),
            true,
        ),
        (
            "fastcgi_buffering on; fastcgi_ignore_client_abort on;",
            &HEAD.to_owned(),
            true,
        ),
    ] {
        let (left, over) = (Gate::default(), Gate::default());
        let said = |text: &str| Step::Stderr(text.as_bytes().to_vec());
        let body = vec![out("begun"), Step::Wait(left.clone()), out(&long)];
        let script = [
            vec![Request, out(answer)],
            if is_left { body } else { Vec::new() },
            vec![
                Step::Wait(over.clone()),
                said("one thing"),
                said(", another"),
                End(0),
            ],
        ];
        let peer = FastCgiPeer::start(vec![script.concat()]).expect("a peer");
        let server = serve(directives, &[peer.address()]);
        let mut client = Connection::open(server.address(0)).expect("it listens");
        let request = b"GET /late.php HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.send(request).expect("it is taken");
        if is_left {
            // What has come and is not read makes the end a reset.
            client.stream().peek(&mut [0]).expect("an answer begins");
            drop(client);
            left.open();
        } else {
            client.read_response("GET").expect("an answer");
        }
        wait_for(&server, "access.log", "GET /late.php");
        over.open();
        let line = "FastCGI sent in stderr: \"one thing, another\" while reading upstream, client: 127.0.0.1, \
                    server: , request: \"GET /late.php HTTP/1.1\", upstream: \"fastcgi://";
        wait_for(&server, "error.log", line);
    }
}
