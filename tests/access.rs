//! Limits and access where requests overlap, or wait for somebody else: what the conformance cases,
//! one request after the other, cannot show.

use std::time::Duration;

use portunus_testkit::{Connection, FastCgiPeer, Gate, Launch, Program, Server, Step, exchange};
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(20);

type Result<T = ()> = std::result::Result<T, portunus_testkit::Error>;

fn serve(config: &str, peer: &FastCgiPeer) -> Result<Server> {
    Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
        .with("PEER", peer.address().to_string())
        .start()
}

/// A peer that answers every request once the gate is open.
fn gated(gate: &Gate) -> Result<FastCgiPeer> {
    let mut script = Step::answer("Content-Type: text/plain", "done");
    script.insert(1, Step::Wait(gate.clone()));
    FastCgiPeer::start(vec![script])
}

fn status(server: &Server, path: &str) -> Result<u16> {
    Ok(exchange(server.address(0), &format!("GET {path} HTTP/1.1"))?.status())
}

/// Sends a request that the peer holds back.
fn hold(server: &Server, peer: &FastCgiPeer, path: &str) -> Result<Connection> {
    let before = peer.requests().len();
    let mut connection = Connection::open(server.address(0))?;
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let seen = peer.wait_for_requests(before + 1, PATIENCE);
    assert_eq!(seen.len(), before + 1);
    Ok(connection)
}

#[test]
fn a_key_has_as_many_requests_at_work_as_it_may() -> Result {
    let gate = Gate::default();
    let peer = gated(&gate)?;
    let config = "
        limit_conn_zone $arg_k zone=by_key:1m;
        server {
            listen 127.0.0.1:%%PORT_0%%;
            error_log stderr info;
            add_header X-Status $limit_conn_status always;
            location /held { limit_conn by_key 1; fastcgi_pass %%PEER%%; }
            location /quick { limit_conn by_key 1; limit_conn_status 429; limit_conn_log_level warn; try_files /x =204; }
            location /two { limit_conn by_key 2; try_files /x =204; }
            location /dry { limit_conn by_key 1; limit_conn_dry_run on; try_files /x =204; }
        }";
    let mut server = serve(config, &peer)?;
    let mut held = hold(&server, &peer, "/held?k=a")?;
    let refused = exchange(server.address(0), "GET /quick?k=a HTTP/1.1")?;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.field("x-status"), Some("REJECTED"));
    let line = "limiting connections by zone \"by_key\"";
    server.process().wait_for_output(line, PATIENCE)?;
    assert!(server.log().contains("[warn]"));
    let dry = exchange(server.address(0), "GET /dry?k=a HTTP/1.1")?;
    assert_eq!(dry.status(), 204);
    assert_eq!(dry.field("x-status"), Some("REJECTED_DRY_RUN"));
    let line = "limiting connections, dry run, by zone \"by_key\"";
    server.process().wait_for_output(line, PATIENCE)?;
    assert_eq!(status(&server, "/two?k=a")?, 204);
    assert_eq!(status(&server, "/quick?k=b")?, 204);
    assert_eq!(status(&server, "/quick")?, 204);
    gate.open();
    assert_eq!(held.read_response("GET")?.status(), 200);
    drop(held);
    // The ticket comes back with the end of the answer, which the client may see a moment before.
    let free = |_: &u16| status(&server, "/quick?k=a").is_ok_and(|status| status == 204);
    assert!((0..1000).any(|try_| free(&try_)));
    Ok(())
}

#[test]
fn a_delayed_request_is_served_and_says_so() -> Result {
    let peer = FastCgiPeer::start(vec![Step::answer("Content-Type: text/plain", "done")])?;
    let config = "
        limit_req_zone $arg_k zone=by_key:1m rate=20r/s;
        server {
            listen 127.0.0.1:%%PORT_0%%;
            error_log stderr info;
            location / { limit_req zone=by_key burst=5; fastcgi_pass %%PEER%%; add_header X-Status $limit_req_status; }
        }";
    let mut server = serve(config, &peer)?;
    let mut connections = Vec::new();
    for _ in 0..3 {
        let mut connection = Connection::open(server.address(0))?;
        connection.send(b"GET /?k=a HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        connections.push(connection);
    }
    let mut seen = Vec::new();
    for connection in &mut connections {
        let response = connection.read_response("GET")?;
        assert_eq!(response.status(), 200);
        seen.extend(response.field("x-status").map(str::to_owned));
    }
    assert!(seen.contains(&"DELAYED".to_owned()), "{seen:?}");
    let line = "delaying request, excess: ";
    server.process().wait_for_output(line, PATIENCE)?;
    Ok(())
}

#[test]
fn what_a_zone_has_counted_outlives_a_reload() -> Result {
    let peer = FastCgiPeer::start(vec![Step::answer("Content-Type: text/plain", "done")])?;
    let config = "
        limit_req_zone $arg_k zone=by_key:1m rate=1r/m;
        server {
            listen 127.0.0.1:%%PORT_0%%;
            error_log stderr info;
            location / { limit_req zone=by_key; try_files /x =204; }
            include generation.conf;
        }";
    let mut server = Launch::new(Program::at(env!("CARGO_BIN_EXE_portunus")), config)
        .file("generation.conf", "location /generation { return 200 1; }")
        .with("PEER", peer.address().to_string())
        .start()?;
    assert_eq!(status(&server, "/?k=a")?, 204);
    assert_eq!(status(&server, "/?k=a")?, 503);
    let generation = server.folder().join("generation.conf");
    std::fs::write(generation, "location /generation { return 200 2; }")
        .expect("a file can be written");
    server.process().signal(Signal::HUP)?;
    let address = server.address(0);
    let reloaded = || {
        exchange(address, "GET /generation HTTP/1.1").is_ok_and(|response| response.text() == "2")
    };
    server.process().wait_until(PATIENCE, reloaded)?;
    assert_eq!(status(&server, "/?k=a")?, 503);
    assert_eq!(status(&server, "/?k=b")?, 204);
    Ok(())
}

#[test]
fn php_decides_for_auth_request() -> Result {
    let head = "Status: 401\nWWW-Authenticate: Bearer realm=\"a\"\nWWW-Authenticate: Basic realm=\"b\"\nX-User: nobody";
    let refusing = Step::answer(head, "INVISIBLE");
    let allowing = Step::answer("Status: 204\nX-User: ann", "");
    let peer = FastCgiPeer::start(vec![refusing, allowing])?;
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%%;
            error_log stderr info;
            location / { auth_request /auth; auth_request_set $user $upstream_http_x_user; add_header X-User $user always; try_files /x =202; }
            location = /auth { internal; fastcgi_pass %%PEER%%; fastcgi_param METHOD $request_method; fastcgi_param WANTED $request_uri; fastcgi_param SCRIPT_NAME $uri; }
        }";
    let server = serve(config, &peer)?;
    let refused = exchange(
        server.address(0),
        "POST /secret?a=1 HTTP/1.1\nContent-Length: 0",
    )?;
    assert_eq!(refused.status(), 401);
    let challenges: Vec<_> = refused.head.values("www-authenticate").collect();
    assert_eq!(
        challenges,
        [&b"Bearer realm=\"a\""[..], b"Basic realm=\"b\""]
    );
    assert_eq!(refused.field("x-user"), Some("nobody"));
    assert!(!refused.text().contains("INVISIBLE"));
    let request = &peer.wait_for_requests(1, PATIENCE)[0];
    assert_eq!(request.param("METHOD").as_deref(), Some("POST"));
    assert_eq!(request.param("WANTED").as_deref(), Some("/secret?a=1"));
    assert_eq!(request.param("SCRIPT_NAME").as_deref(), Some("/auth"));
    let allowed = exchange(server.address(0), "GET /secret HTTP/1.1")?;
    assert_eq!(allowed.status(), 202);
    assert_eq!(allowed.field("x-user"), Some("ann"));
    Ok(())
}
