//! The directives of the pool, from the configuration to FPM: lanes, the queue's bounds, reuse, members of groups.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread;

use portunus_testkit::{Connection, FastCgiPeer, Gate, Script, Server, Step};

use crate::Step::{End, Request, Stdout};
use crate::nobody::Nobody;
use crate::{HEAD, PATIENCE, ask, get, out, start};

/// Answers at once, as often as it is asked.
fn prompt() -> Script {
    vec![
        Request,
        out(HEAD),
        out("prompt"),
        End(0),
        Step::RepeatIfKept,
    ]
}

/// Answers its first request when the gate is open.
fn gated(gate: &Gate) -> Script {
    vec![
        Request,
        Step::Wait(gate.clone()),
        out(HEAD),
        out("gated"),
        End(0),
        Step::RepeatIfKept,
    ]
}

fn serve(locations: &str, peers: &[SocketAddr]) -> Server {
    let config = format!(
        "fastcgi_param SCRIPT_NAME $uri;
         upstream group {{ server %%PEER_0%% max_conns=1; server %%PEER_1%% backup; }}
         server {{ listen 127.0.0.1:%%PORT_0%%; {locations} }}"
    );
    start(config, peers)
}

/// Asks, and leaves the answer for later.
fn begin(server: &Server, target: &str) -> Connection {
    let connection = Connection::open(server.address(0)).expect("it listens");
    let mut connection = connection.with_patience(PATIENCE);
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    connection.send(request.as_bytes()).expect("it is taken");
    connection
}

fn names(peer: &FastCgiPeer) -> Vec<String> {
    let requests = peer.requests();
    let names = requests.iter().map(|request| request.param("SCRIPT_NAME"));
    names.map(Option::unwrap_or_default).collect()
}

#[test]
fn a_lane_leaves_room_for_others() {
    let gate = Gate::default();
    let peer = FastCgiPeer::start(vec![gated(&gate), prompt()]).expect("a peer");
    let locations = "fastcgi_pool_size 2;
         location / { fastcgi_pass %%PEER_0%%; }
         location /slow/ { fastcgi_lane slow 1; fastcgi_pass %%PEER_0%%; }";
    let server = serve(locations, &[peer.address()]);
    let mut first = begin(&server, "/slow/1");
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    let mut second = begin(&server, "/slow/2");
    for turn in 0..3 {
        let answer = get(server.address(0), "/quick").expect("an answer");
        assert_eq!(answer.text(), "prompt", "{turn}");
    }
    assert_eq!(names(&peer), ["/slow/1", "/quick", "/quick", "/quick"]);
    gate.open();
    for slow in [&mut first, &mut second] {
        assert_eq!(slow.read_response("GET").expect("an answer").status(), 200);
    }
    assert_eq!(names(&peer).last().map(String::as_str), Some("/slow/2"));
}

#[test]
fn who_waits_too_long_is_told_when_to_come_again() {
    let gate = Gate::default();
    let peer = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
    let locations = "location / {
         fastcgi_pool_size 1; fastcgi_queue_timeout 50ms; fastcgi_pass %%PEER_0%%;
     }";
    let server = serve(locations, &[peer.address()]);
    let mut first = begin(&server, "/");
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    let answer = get(server.address(0), "/").expect("an answer");
    assert_eq!(
        (answer.status(), answer.field("retry-after")),
        (503, Some("1"))
    );
    gate.open();
    assert_eq!(
        first.read_response("GET").expect("an answer").text(),
        "gated"
    );
    assert_eq!(peer.requests().len(), 1);
}

#[test]
fn locations_share_the_slots_of_their_fpm_whatever_they_say_of_waiting() {
    let gate = Gate::default();
    let peer = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
    let locations = "fastcgi_pool_size 1;
         location / { fastcgi_pass %%PEER_0%%; }
         location /hasty/ { fastcgi_queue_timeout 50ms; fastcgi_pass %%PEER_0%%; }
         location /alone/ { fastcgi_queue_depth 0; fastcgi_reuse off; fastcgi_pass %%PEER_0%%; }";
    let server = serve(locations, &[peer.address()]);
    let mut first = begin(&server, "/");
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    let mut patient = begin(&server, "/2");
    for target in ["/hasty/", "/alone/"] {
        let answer = get(server.address(0), target).expect("an answer");
        assert_eq!(answer.status(), 503, "{target}");
    }
    gate.open();
    for client in [&mut first, &mut patient] {
        let answer = client.read_response("GET").expect("an answer");
        assert_eq!(answer.text(), "gated");
    }
    assert_eq!(names(&peer), ["/", "/2"]);
}

#[test]
fn what_a_group_says_of_its_pools_holds() {
    for pass in ["group", "$to"] {
        let gate = Gate::default();
        let peer = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
        let config = format!(
            "upstream group {{
                 server %%PEER_0%%; fastcgi_pool_size 1; fastcgi_queue_depth 1; fastcgi_queue_timeout 50ms;
             }}
             fastcgi_pool_size 9;
             server {{
                 listen 127.0.0.1:%%PORT_0%%; set $to group; fastcgi_queue_timeout 60s;
                 location / {{ fastcgi_pass {pass}; }}
             }}"
        );
        let server = start(config, &[peer.address()]);
        let mut first = begin(&server, "/");
        assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
        let answer = get(server.address(0), "/").expect("an answer");
        assert_eq!(answer.status(), 503, "{pass}");
        gate.open();
        assert_eq!(first.read_response("GET").expect("an answer").status(), 200);
        assert_eq!(peer.requests().len(), 1);
    }
}

/// In front of a group of which only the first member is asked.
fn serve_pair(directives: &str, peer: &FastCgiPeer) -> Server {
    let config = format!(
        "upstream pair {{ server %%PEER_0%%; server %%PEER_1%% down; }}
         server {{ listen 127.0.0.1:%%PORT_0%%; {directives} location / {{ fastcgi_pass pair; }} }}"
    );
    start(config, &[peer.address()])
}

#[test]
fn a_member_that_is_only_busy_is_not_spared() {
    let gate = Gate::default();
    let peer = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
    let directives = "fastcgi_pool_size 1; fastcgi_queue_timeout 50ms;";
    let server = serve_pair(directives, &peer);
    let mut first = begin(&server, "/");
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    for _ in 0..2 {
        let answer = get(server.address(0), "/").expect("an answer");
        assert_eq!(answer.status(), 503);
    }
    gate.open();
    let answer = first.read_response("GET").expect("an answer");
    assert_eq!(answer.text(), "gated");
    let answer = get(server.address(0), "/").expect("an answer");
    assert_eq!(answer.text(), "gated");
}

#[test]
fn a_member_is_not_spared_for_what_a_client_breaks() {
    let peer = FastCgiPeer::start(vec![vec![Step::Params, Step::Drain], prompt()]);
    let peer = peer.expect("a peer");
    let server = serve_pair("fastcgi_request_buffering off;", &peer);
    let mut client = Connection::open(server.address(0)).expect("it listens");
    client
        .send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\npart")
        .expect("it is taken");
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    client.finish_sending().expect("it is open");
    assert_eq!(
        client.read_response("POST").expect("an answer").status(),
        400
    );
    let answer = get(server.address(0), "/").expect("an answer");
    assert_eq!(answer.text(), "prompt");
}

#[test]
fn what_is_said_of_a_pool_holds_for_addresses_in_variables() {
    let gate = Gate::default();
    let peer = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
    let locations = "set $to %%PEER_0%%; fastcgi_pool_size 1; fastcgi_queue_timeout 50ms;
         location / { fastcgi_pass $to; }
         location /more/ { fastcgi_pool_size 2; fastcgi_lane slow 1; fastcgi_pass $to; }";
    let server = serve(locations, &[peer.address()]);
    let mut held = Vec::new();
    for target in ["/", "/more/"] {
        held.push(begin(&server, target));
        assert_eq!(
            peer.wait_for_requests(held.len(), PATIENCE).len(),
            held.len()
        );
        let answer = get(server.address(0), target).expect("an answer");
        assert_eq!(answer.status(), 503, "{target}");
    }
    gate.open();
    for client in &mut held {
        assert_eq!(
            client.read_response("GET").expect("an answer").text(),
            "gated"
        );
    }
}

#[test]
fn only_so_many_wait() {
    let gate = Gate::default();
    let peer = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
    let locations = "location / {
         fastcgi_pool_size 1; fastcgi_queue_depth 1; fastcgi_queue_timeout 60s; fastcgi_pass %%PEER_0%%;
     }";
    let server = serve(locations, &[peer.address()]);
    let mut first = begin(&server, "/");
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    let (say, hear) = channel();
    thread::scope(|scope| {
        for _ in 0..2 {
            let (say, address) = (say.clone(), server.address(0));
            scope.spawn(move || say.send(get(address, "/").expect("an answer").status()));
        }
        // One of the two has no place.
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(503));
        gate.open();
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(200));
    });
    assert_eq!(first.read_response("GET").expect("an answer").status(), 200);
}

/// How many connections two requests take, the first with a body.
fn connections(reuse: &str) -> (usize, Vec<bool>) {
    let peer = FastCgiPeer::start(vec![prompt()]).expect("a peer");
    let directives =
        format!("fastcgi_pool_size 1; fastcgi_reuse {reuse}; fastcgi_pass %%PEER_0%%;");
    let server = serve(&format!("location / {{ {directives} }}"), &[peer.address()]);
    let mut client = Connection::open(server.address(0)).expect("it listens");
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    for (method, request) in [
        ("POST", &post[..]),
        ("GET", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let answer = client.exchange(request, method).expect("an answer");
        assert_eq!(answer.text(), "prompt", "{method}");
    }
    let kept = peer
        .requests()
        .iter()
        .map(|one| one.keep_connection)
        .collect();
    (peer.connections(), kept)
}

#[test]
fn connections_are_used_again_as_it_is_written() {
    assert_eq!(connections("off"), (2, vec![false, false]));
    assert_eq!(connections("always"), (1, vec![true, true]));
    // PHP of an unknown version may have left a part of the body unread.
    assert_eq!(connections("safe").0, 2);
}

#[test]
fn a_member_gets_no_more_than_its_connections() {
    let gate = Gate::default();
    let member = FastCgiPeer::start(vec![gated(&gate)]).expect("a peer");
    let backup = FastCgiPeer::start(vec![prompt()]).expect("a peer");
    let locations = "location / { fastcgi_pass group; }";
    let server = serve(locations, &[member.address(), backup.address()]);
    let mut first = begin(&server, "/1");
    assert_eq!(member.wait_for_requests(1, PATIENCE).len(), 1);
    assert_eq!(
        get(server.address(0), "/2").expect("an answer").text(),
        "prompt"
    );
    gate.open();
    assert_eq!(
        first.read_response("GET").expect("an answer").text(),
        "gated"
    );
    assert_eq!((names(&member).len(), names(&backup).len()), (1, 1));
    let _ = ask(server.address(0));
    assert_eq!((names(&member).len(), names(&backup).len()), (2, 1));
}

/// What PHP said stays in memory until the client takes it: how fast is what the configuration says.
#[test]
fn an_answer_keeps_to_its_rate() {
    let large = [HEAD.as_bytes(), &[b'x'; 96 << 10]].concat();
    let script = vec![Request, Stdout(large), End(0), Step::RepeatIfKept];
    let peer = FastCgiPeer::start(vec![script]).expect("a peer");
    let locations = "location / { fastcgi_pass %%PEER_0%%; limit_rate 64k; }
         location /after/ { fastcgi_pass %%PEER_0%%; limit_rate 1k; limit_rate_after 1m; }";
    let server = serve(locations, &[peer.address()]);
    let begun = std::time::Instant::now();
    let answer = get(server.address(0), "/").expect("an answer");
    assert_eq!(answer.body.len(), 96 << 10);
    assert!(begun.elapsed().as_millis() >= 400, "{:?}", begun.elapsed());
    // At that rate it would take longer than the client waits.
    let answer = get(server.address(0), "/after/").expect("an answer");
    assert_eq!(answer.body.len(), 96 << 10);
}

#[test]
fn a_name_in_a_variable_is_looked_up_where_there_is_a_resolver() {
    let peer = FastCgiPeer::start(vec![prompt()]);
    let peer = peer.expect("a peer");
    let port = peer.address().port();
    let locations = format!(
        "location / {{ set $to localhost:{port}; fastcgi_pass $to; }}
         location /found/ {{ resolver 127.0.0.1; set $to localhost:{port}; fastcgi_pass $to; }}
         location /lost/ {{ resolver 127.0.0.1; set $to nobody.invalid:{port}; fastcgi_pass $to; }}"
    );
    let server = serve(&locations, &[peer.address()]);
    for (target, status) in [
        ("/", 502),
        ("/found/1", 200),
        ("/found/2", 200),
        ("/lost/", 502),
    ] {
        let answer = get(server.address(0), target).expect("an answer");
        assert_eq!(answer.status(), status, "{target}");
    }
    assert_eq!(names(&peer), ["/found/1", "/found/2"]);
}

/// Two containers, one of which lacks the application: the log says more than that the script is unknown.
#[test]
fn a_script_that_only_we_see_is_told_of_once() {
    let unknown = || {
        Script::from([
            Request,
            Step::Stderr(b"Primary script unknown\n".to_vec()),
            Stdout(b"Status: 404 Not Found\r\n\r\nFile not found.\n".to_vec()),
            End(0),
        ])
    };
    let peer = FastCgiPeer::start(vec![unknown(), unknown(), unknown()]).expect("a peer");
    let directives = format!(
        "fastcgi_param SCRIPT_FILENAME %%TMP%%$uri; fastcgi_pass {};",
        peer.address()
    );
    let main = "error_log %%TMP%%/error.log warn; worker_processes 1;";
    let mut server = crate::serve_alone(main, &directives);
    std::fs::write(server.folder().join("here.php"), "").expect("a file");
    for path in ["/missing.php", "/here.php", "/here.php"] {
        let answer = get(server.address(0), path).expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
    let path = server.folder().join("error.log");
    let here = format!(
        "{}/here.php\" is here, and PHP-FPM does not",
        server.folder().display()
    );
    assert!(server.stop().expect("it ends").success());
    let log = std::fs::read_to_string(path).expect("it was written");
    let with = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(with("Primary script unknown"), 3, "{log}");
    assert_eq!((with(&here), with("is here, and")), (1, 1), "{log}");
}

/// An FPM that nobody can look into is told of, once, unless its size is written down.
#[test]
fn a_size_that_cannot_be_learned_is_told_of() {
    let peer = FastCgiPeer::start(vec![prompt(), prompt()]).expect("a peer");
    let address = peer.address();
    let directives = format!("fastcgi_pass {address};");
    let mut server = crate::serve_alone("error_log stderr notice;", &directives);
    let line = format!("how many workers PHP-FPM at {address} has cannot be learned");
    server
        .process()
        .wait_for_output(&line, PATIENCE)
        .expect("it is told");
    assert_eq!(server.process().output().matches(&line).count(), 1);
}

/// Every request that failed has its line, in nginx's words. What to look at is said once.
#[test]
fn an_outage_is_explained_once() {
    for (kind, remedy) in [
        ("missing", "is this path \"listen\" of its pool?"),
        ("refused", "is this address \"listen\" of its pool?"),
        ("full", "its listen.backlog is full"),
    ] {
        let nobody = Nobody::new(kind);
        let address = &nobody.address;
        let mut server = crate::serve_alone(
            "error_log %%TMP%%/error.log warn;",
            &format!("fastcgi_pass {address}; fastcgi_connect_timeout 4s;"),
        );
        for _ in 0..2 {
            let answer = get(server.address(0), "/").expect("an answer");
            assert_eq!(answer.status(), 502, "{kind}");
        }
        let path = server.folder().join("error.log");
        // What is left of the log is written at the end.
        assert!(server.stop().expect("it ends").success());
        let log = std::fs::read_to_string(path).expect("it was written");
        let with = |text: &str| log.lines().filter(|line| line.contains(text)).count();
        assert_eq!(with("while connecting to upstream"), 2, "{log}");
        let told = format!(
            "[warn] {}#0: PHP-FPM at {address} takes no connections: ",
            server.process().pid()
        );
        assert_eq!((with(&told), with(remedy)), (1, 1), "{log}");
    }
}
