//! Stored answers as an operator meets them: PHP that is stopped, sessions, many clients at once,
//! restarts, files that a script removes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use portunus_testkit::{
    Connection, FastCgiPeer, Gate, Launch, PhpFpm, PhpFpmOptions, Program, Response, Server, Step,
    TempTree, exchange,
};
use rustix::process::Signal;

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn portunus(config: &str) -> Launch {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
}

fn get(server: &Server, target: &str) -> Response {
    get_with(server.address(0), target, "")
}

fn get_with(address: SocketAddr, target: &str, fields: &str) -> Response {
    let head = format!("GET {target} HTTP/1.1\n{fields}");
    exchange(address, &head).expect("an answer")
}

/// What the store had to do with it, and the body.
fn seen(response: &Response) -> (&str, String) {
    (response.field("X-Cache").unwrap_or("-"), response.text())
}

/// All files below a directory.
fn files(below: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(below) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

/// Waits for something that another process does, which gives no event to wait for.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// A page that counts how often it was made, and a login.
fn application() -> TempTree {
    TempTree::new()
        .and_then(|tree| {
            tree.file(
                "index.php",
                r#"<?php
                $file = __DIR__ . '/count';
                $count = (int) @file_get_contents($file) + 1;
                file_put_contents($file, $count);
                header('Content-Type: text/plain');
                if (isset($_GET['expires'])) header('X-Accel-Expires: ' . $_GET['expires']);
                if (isset($_GET['login'])) setcookie('laravel_session', 'abc');
                $name = isset($_COOKIE['laravel_session']) ? 'user' : 'guest';
                echo "page $count for $name";"#,
            )
        })
        .expect("a directory")
}

fn before_php(fpm: &PhpFpm, tree: &TempTree, rules: &str) -> Server {
    let config = format!(
        "fastcgi_cache_path %%TMP%%/cache levels=1:2 keys_zone=one:1m;
        fastcgi_cache_key \"$scheme$request_method$host$request_uri\";
        server {{
            listen 127.0.0.1:%%PORT_0%%;
            add_header X-Cache $upstream_cache_status always;
            location / {{
                fastcgi_pass {};
                fastcgi_param SCRIPT_FILENAME %%ROOT%%/index.php;
                fastcgi_param QUERY_STRING $query_string;
                fastcgi_param REQUEST_METHOD $request_method;
                fastcgi_connect_timeout 300ms;
                fastcgi_cache one;
                fastcgi_cache_valid 200 1m;
                {rules}
            }}
        }}",
        fpm.pass()
    );
    portunus(&config)
        .root(tree.path())
        .start()
        .expect("a server")
}

#[test]
fn stale_answers_are_served_while_fpm_is_stopped() {
    let (mut fpm, tree) = (
        PhpFpmOptions::default().start().expect("PHP-FPM"),
        application(),
    );
    let rules = "fastcgi_cache_use_stale error timeout updating http_500 http_503;";
    let server = before_php(&fpm, &tree, rules);
    // Fresh for a minute, and out of date since 1970.
    assert_eq!(
        seen(&get(&server, "/fresh")),
        ("MISS", "page 1 for guest".into())
    );
    let old = "/old?expires=@60";
    assert_eq!(
        seen(&get(&server, old)),
        ("MISS", "page 2 for guest".into())
    );
    assert_eq!(
        seen(&get(&server, old)),
        ("EXPIRED", "page 3 for guest".into())
    );
    fpm.stop().expect("it stops");
    for _ in 0..3 {
        assert_eq!(
            seen(&get(&server, "/fresh")),
            ("HIT", "page 1 for guest".into())
        );
        let stale = get(&server, old);
        assert_eq!(stale.status(), 200);
        assert_eq!(seen(&stale), ("STALE", "page 3 for guest".into()));
    }
    // Refused until the time for connecting is over.
    assert!(matches!(get(&server, "/never").status(), 502 | 504));
}

#[test]
fn sessions_go_around_the_store() {
    let (fpm, tree) = (
        PhpFpmOptions::default().start().expect("PHP-FPM"),
        application(),
    );
    let rules =
        "fastcgi_cache_bypass $cookie_laravel_session; fastcgi_no_cache $cookie_laravel_session;";
    let server = before_php(&fpm, &tree, rules);
    let user = "Cookie: XSRF-TOKEN=x; laravel_session=abc";
    let ask = |fields: &str| seen_of(&get_with(server.address(0), "/", fields));
    assert_eq!(ask(user), ("BYPASS".into(), "page 1 for user".into()));
    assert_eq!(ask(""), ("MISS".into(), "page 2 for guest".into()));
    assert_eq!(ask(""), ("HIT".into(), "page 2 for guest".into()));
    assert_eq!(ask(user), ("BYPASS".into(), "page 3 for user".into()));
    assert_eq!(ask(""), ("HIT".into(), "page 2 for guest".into()));
    // What sets a cookie is for one client.
    for number in [4, 5] {
        let login = get(&server, "/?login=1");
        assert!(login.field("Set-Cookie").is_some());
        assert_eq!(seen(&login), ("MISS", format!("page {number} for guest")));
    }
}

fn seen_of(response: &Response) -> (String, String) {
    let (status, text) = seen(response);
    (status.to_owned(), text)
}

#[test]
fn one_of_many_asks_and_all_get_the_answer() {
    let gate = Gate::default();
    let answer = b"Content-Type: text/plain\r\nCache-Control: max-age=60\r\n\r\nonce".to_vec();
    let script = vec![
        Step::Request,
        Step::Wait(gate.clone()),
        Step::Stdout(answer),
        Step::End(0),
    ];
    let peer = FastCgiPeer::start(vec![script]).expect("a peer");
    let config = format!(
        "fastcgi_cache_path %%TMP%%/cache keys_zone=one:1m;
        server {{
            listen 127.0.0.1:%%PORT_0%%;
            add_header X-Cache $upstream_cache_status;
            fastcgi_cache one; fastcgi_cache_key $uri;
            fastcgi_cache_lock on; fastcgi_cache_lock_timeout 30s; fastcgi_cache_lock_age 30s;
            location / {{ fastcgi_pass {}; }}
        }}",
        peer.address()
    );
    let server = portunus(&config).start().expect("a server");
    let mut clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = Connection::open(server.address(0)).expect("a connection");
            client
                .send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .expect("sent");
            client
        })
        .collect();
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    gate.open();
    let mut misses = 0;
    for client in &mut clients {
        let response = client.read_response("GET").expect("an answer");
        assert_eq!(response.text(), "once");
        misses += usize::from(response.field("X-Cache") == Some("MISS"));
    }
    assert_eq!((misses, peer.requests().len()), (1, 1));
}

#[test]
fn an_answer_that_breaks_off_is_not_stored() {
    let head = "Content-Type: text/plain\r\nCache-Control: max-age=60\r\n\r\n";
    let broken = vec![
        Step::Request,
        Step::Stdout([head.as_bytes(), &vec![b'x'; 400_000][..]].concat()),
        Step::Close,
    ];
    let whole = Step::answer(
        "Content-Type: text/plain\nCache-Control: max-age=60",
        "whole",
    );
    let peer = FastCgiPeer::start(vec![broken, whole]).expect("a peer");
    let (server, mut client) = asked_for_x(&peer);
    assert!(
        client.read_response("GET").is_err(),
        "it is cut off, not ended"
    );
    assert_eq!(seen(&get(&server, "/x")), ("MISS", "whole".into()));
    assert_eq!(seen(&get(&server, "/x")), ("HIT", "whole".into()));
}

/// A server that stores what `peer` answers, and a client that has asked it for `/x`.
fn asked_for_x(peer: &FastCgiPeer) -> (Server, Connection) {
    let config = format!(
        "fastcgi_cache_path %%TMP%%/cache keys_zone=one:1m;
        server {{
            listen 127.0.0.1:%%PORT_0%%;
            add_header X-Cache $upstream_cache_status;
            location / {{ fastcgi_pass {}; fastcgi_cache one; fastcgi_cache_key $uri; }}
        }}",
        peer.address()
    );
    let server = portunus(&config).start().expect("a server");
    let mut client = Connection::open(server.address(0)).expect("a connection");
    client
        .send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("sent");
    (server, client)
}

#[test]
fn what_a_client_did_not_wait_for_is_stored() {
    let gate = Gate::default();
    let head = b"Content-Type: text/plain\r\nCache-Control: max-age=60\r\n\r\nfirst ".to_vec();
    let script = vec![
        Step::Request,
        Step::Stdout(head),
        Step::Wait(gate.clone()),
        Step::Stdout(b"second".to_vec()),
        Step::End(0),
    ];
    let peer = FastCgiPeer::start(vec![script]).expect("a peer");
    let (server, client) = asked_for_x(&peer);
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    drop(client);
    gate.open();
    eventually("the entry is there", || {
        !files(&server.folder().join("cache")).is_empty()
    });
    assert_eq!(seen(&get(&server, "/x")), ("HIT", "first second".into()));
    assert_eq!(peer.requests().len(), 1);
}

/// A server in front of itself, whose store is where we say.
fn in_front_of_files(store: &Path, tree: &TempTree) -> Launch {
    let config = format!(
        "proxy_cache_path {} levels=2:2 keys_zone=one:1m;
        server {{
            listen 127.0.0.1:%%PORT_0%%;
            add_header X-Cache $upstream_cache_status;
            include %%TMP%%/edition.conf;
            location / {{
                proxy_pass http://127.0.0.1:%%PORT_1%%;
                proxy_cache one; proxy_cache_key $uri; proxy_cache_valid 200 1h;
            }}
        }}
        server {{ listen 127.0.0.1:%%PORT_1%%; location / {{ }} }}",
        store.display()
    );
    let edition = "location = /edition { return 200 one; }";
    portunus(&config)
        .file("edition.conf", edition)
        .root(tree.path())
}

#[test]
fn entries_outlive_reload_and_restart_and_go_with_their_files() {
    let large = "x".repeat(300_000);
    let tree = TempTree::new()
        .and_then(|tree| tree.file("small", "small"))
        .and_then(|tree| tree.file("large", &large))
        .expect("a directory");
    let place = TempTree::new().expect("a directory");
    let store = place.path().join("store");
    let launch = in_front_of_files(&store, &tree);
    let mut server = launch.start().expect("a server");
    for (name, text) in [("/small", "small"), ("/large", &large)] {
        assert_eq!(seen(&get(&server, name)), ("MISS", text.into()));
        assert_eq!(seen(&get(&server, name)), ("HIT", text.into()));
    }
    for name in ["small", "large"] {
        fs::remove_file(tree.path().join(name)).expect("the origin is gone");
    }
    let edition = server.folder().join("edition.conf");
    fs::write(edition, "location = /edition { return 200 two; }").expect("it is written");
    server.process().signal(Signal::HUP).expect("it reloads");
    eventually("it has reloaded", || {
        get(&server, "/edition").text() == "two"
    });
    assert_eq!(seen(&get(&server, "/small")), ("HIT", "small".into()));
    server.stop().expect("it stops");

    let server = launch.start().expect("a server");
    assert_eq!(seen(&get(&server, "/small")), ("HIT", "small".into()));
    assert_eq!(seen(&get(&server, "/large")), ("HIT", large.clone()));
    let range = get_with(server.address(0), "/large", "Range: bytes=299998-");
    assert_eq!((range.status(), range.text()), (206, "xx".into()));

    // As scripts do: `grep -rl "KEY: /small" | xargs rm`.
    let of_small = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(12).any(|part| part == b"KEY: /small\n")
    };
    let found: Vec<_> = files(&store).into_iter().filter(of_small).collect();
    assert_eq!(found.len(), 1);
    fs::remove_file(&found[0]).expect("it is removed");
    assert_eq!(get(&server, "/small").status(), 404);
    // A file that was cut short is not passed off as the answer.
    let other = files(&store).pop().expect("the large one");
    let bytes = fs::read(&other).expect("it is readable");
    fs::write(&other, &bytes[..bytes.len() - 1]).expect("it is cut");
    assert_eq!(get(&server, "/large").status(), 404);
}
