//! TERM, QUIT, INT: what becomes of requests in flight, and in which order things end.

use std::thread;
use std::time::Duration;

use portunus_testkit::{
    Connection, FastCgiPeer, Gate, PhpFpm, PhpFpmOptions, Server, Step, TempTree, exchange,
};
use rustix::process::Signal;

use crate::{PATIENCE, Result, launch, rewrite, status, whole};

fn php() -> Result<(TempTree, PhpFpm, Server)> {
    let root =
        TempTree::new()?.file("slow.php", "<?php usleep(700000); echo 'done', $_GET['n'];")?;
    let fpm = PhpFpmOptions::default().children(8).start()?;
    let config = whole(
        "",
        &format!(
            "server {{
                listen 127.0.0.1:%%PORT_0%%;
                root %%ROOT%%;
                location ~ \\.php$ {{
                    fastcgi_pass {};
                    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
                    fastcgi_param QUERY_STRING $query_string;
                    fastcgi_param REQUEST_METHOD $request_method;
                }}
            }}
            server {{ listen 127.0.0.1:%%PORT_1%%; location / {{ stub_status; }} }}",
            fpm.pass()
        ),
    );
    let server = launch(config).root(root.path()).start()?;
    Ok((root, fpm, server))
}

/// The row of the issue: 8 PHP requests in flight, none lost, exit code 0 within the deadline.
#[test]
fn php_requests_in_flight_are_answered() -> Result {
    for signal in [Signal::TERM, Signal::QUIT] {
        let (_root, _fpm, mut server) = php()?;
        let address = server.address(0);
        let ask = |number: usize| {
            let mut connection = Connection::open(address)?;
            let head = format!("GET /slow.php?n={number} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            connection.send(head.as_bytes())?;
            Ok(connection)
        };
        let mut asked = (0..8).map(ask).collect::<Result<Vec<_>>>()?;
        // They are with PHP when the server says that eight are being answered.
        while server_stats(&server)? < 9 {
            thread::yield_now();
        }
        let started = std::time::Instant::now();
        server.process().signal(signal)?;
        // Nobody new is kept waiting for a server that ends.
        while Connection::open(address).is_ok() {
            assert!(started.elapsed() < PATIENCE);
        }
        for (number, connection) in asked.iter_mut().enumerate() {
            let answer = connection.read_response("GET")?;
            assert_eq!(
                (answer.status(), answer.text()),
                (200, format!("done{number}"))
            );
            assert_eq!(answer.field("connection"), Some("close"));
        }
        let ended = server.process().wait_for_end(PATIENCE)?;
        assert_eq!(ended.code(), Some(0), "{}", server.log());
        // The default deadline is 8 s; the requests themselves take 0.7.
        assert!(started.elapsed() < Duration::from_secs(8));
        println!(
            "{signal:?}: 8 of 8 answered, exit code 0 after {:?}",
            started.elapsed()
        );
    }
    Ok(())
}

/// Requests that are being answered, this one included.
fn server_stats(server: &Server) -> Result<u64> {
    let answer = exchange(server.address(1), "GET /status HTTP/1.1")?;
    let text = answer.text();
    let number = text
        .split("Writing: ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    Ok(number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default())
}

#[test]
fn health_turns_before_anything_else_does() -> Result {
    let config = whole(
        "shutdown_delay 1500ms;",
        "server {
            listen 127.0.0.1:%%PORT_0%%;
            location = /health { health; }
            location / { return 200 served; }
        }",
    );
    let mut server = launch(config).start()?;
    let address = server.address(0);
    assert_eq!(status(address, "/health")?, 200);
    let mut kept = Connection::open(address)?;
    let ask = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(kept.exchange(ask, "GET")?.text(), "ok\n");
    server.process().signal(Signal::TERM)?;
    while status(address, "/health")? == 200 {
        thread::yield_now();
    }
    // Everything else goes on as before, for clients that have not heard of it yet.
    let answer = exchange(address, "GET /health HTTP/1.1")?;
    assert_eq!((answer.status(), answer.text().as_str()), (503, "ending\n"));
    assert_eq!(kept.exchange(ask, "GET")?.status(), 503);
    assert_eq!(exchange(address, "GET / HTTP/1.1")?.text(), "served");
    assert_eq!(server.process().wait_for_end(PATIENCE)?.code(), Some(0));
    Ok(())
}

/// What `portunus healthcheck` says, and whether it exits with 0.
fn health(server: &Server) -> (bool, String) {
    health_with(server, &[])
}

fn health_with(server: &Server, options: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portunus"));
    command
        .arg("healthcheck")
        .args(options)
        .arg("-c")
        .arg(server.folder().join("nginx.conf"));
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

#[test]
fn healthcheck_follows_health() -> Result {
    let config = whole(
        "shutdown_delay 60s; worker_shutdown_timeout 60s;",
        "server { listen 127.0.0.1:%%PORT_0%%; return 404; }
        server {
            listen *:%%PORT_1%% proxy_protocol;
            server_name _ .b second.example;
            location / { location /up { health; } return 500; }
        }",
    );
    let mut server = launch(config).start()?;
    let url = format!("http://127.0.0.1:{}/up", server.port(1));
    assert_eq!(
        health(&server),
        (true, format!("healthy: 200 from {url}\n"))
    );
    server.process().signal(Signal::TERM)?;
    while health(&server).0 {
        thread::yield_now();
    }
    assert_eq!(
        health(&server),
        (false, format!("unhealthy: 503 from {url}\n"))
    );
    Ok(())
}

/// Without `health` any answer will do, and PHP is not asked for it.
#[test]
fn healthcheck_without_health_asks_no_php() -> Result {
    let peer = FastCgiPeer::start(vec![])?;
    let http = format!(
        "server {{ listen 127.0.0.1:%%PORT_0%%; location / {{ fastcgi_pass {}; }} }}",
        peer.address()
    );
    let mut server = launch(whole("", &http)).start()?;
    let (well, said) = health(&server);
    assert!(well && said.contains(" answers; "), "{said}");
    assert!(peer.requests().is_empty());
    server.stop()?;
    let (well, said) = health(&server);
    assert!(!well && said.starts_with("unhealthy: "), "{said}");
    Ok(())
}

/// With `--fpm` a worker has to answer, whether it knows a `ping.path` or not.
#[test]
fn healthcheck_may_ask_php() -> Result {
    let mut fpm = PhpFpmOptions::default().start()?;
    let address = fpm.address().expect("a TCP one");
    let deaf = FastCgiPeer::start(vec![vec![Step::Close]])?;
    let http = |more: &str| {
        format!(
            "upstream php {{ server {address}; server {} down; }}
             server {{
                 listen 127.0.0.1:%%PORT_0%%;
                 location / {{ fastcgi_pass php; location /dynamic {{ fastcgi_pass $arg_x; }} }}
                 {more}
             }}",
            deaf.address()
        )
    };
    let server = launch(whole("", &http(""))).start()?;
    let (well, said) = health_with(&server, &["--fpm"]);
    assert!(well && said.contains("answers"), "{said}");
    let with_deaf = format!("location /deaf {{ fastcgi_pass {}; }}", deaf.address());
    rewrite(&server, &whole("", &http(&with_deaf)));
    let (well, said) = health_with(&server, &["--fpm"]);
    assert!(
        !well && said.contains(&deaf.address().to_string()),
        "{said}"
    );
    rewrite(&server, &whole("", &http("")));
    fpm.stop()?;
    let (well, said) = health_with(&server, &["--fpm"]);
    assert!(!well && said.contains("cannot be reached"), "{said}");
    assert!(health(&server).0, "the server itself is well");
    Ok(())
}

/// A server with one request that nobody answers.
fn stuck(main: &str) -> Result<(Server, Connection, FastCgiPeer, Gate)> {
    let gate = Gate::default();
    let mut script = Step::answer("Content-Type: text/plain", "done");
    script.insert(1, Step::Wait(gate.clone()));
    let peer = FastCgiPeer::start(vec![script])?;
    let config = whole(
        main,
        &format!(
            "error_log stderr info;
            server {{
                listen 127.0.0.1:%%PORT_0%%;
                location / {{ fastcgi_pass {}; }}
            }}",
            peer.address()
        ),
    );
    let server = launch(format!("error_log stderr info;\n{config}")).start()?;
    let mut connection = Connection::open(server.address(0))?;
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    Ok((server, connection, peer, gate))
}

#[test]
fn a_second_signal_and_int_stop_at_once() -> Result {
    for signals in [
        &[Signal::INT][..],
        &[Signal::TERM, Signal::TERM],
        &[Signal::QUIT, Signal::TERM],
        &[Signal::TERM, Signal::INT],
    ] {
        let (mut server, mut connection, _peer, gate) = stuck("worker_shutdown_timeout 60s;")?;
        for (number, signal) in signals.iter().enumerate() {
            if number > 0 {
                // Two of a kind that arrive together are one.
                server
                    .process()
                    .wait_for_output("gracefully shutting down", PATIENCE)?;
            }
            server.process().signal(*signal)?;
        }
        let ended = server.process().wait_for_end(PATIENCE)?;
        assert_eq!(ended.code(), Some(0), "{signals:?}");
        assert_eq!(connection.read_to_end()?, b"", "{signals:?}");
        gate.open();
    }
    Ok(())
}

#[test]
fn the_deadline_ends_what_does_not_end() -> Result {
    let (mut server, mut connection, _peer, gate) = stuck("worker_shutdown_timeout 300ms;")?;
    server.process().signal(Signal::TERM)?;
    assert_eq!(server.process().wait_for_end(PATIENCE)?.code(), Some(0));
    assert!(
        server.log().contains("requests were cut off after 300ms"),
        "{}",
        server.log()
    );
    assert_eq!(connection.read_to_end()?, b"");
    gate.open();
    Ok(())
}

#[test]
fn signals_without_a_meaning_are_named() -> Result {
    let config = whole(
        "error_log stderr info;",
        "server { listen 127.0.0.1:%%PORT_0%%; return 200 ok; }",
    );
    let mut server = launch(config).start()?;
    for (signal, name) in [(Signal::USR2, "SIGUSR2"), (Signal::WINCH, "SIGWINCH")] {
        server.process().signal(signal)?;
        let line = format!("({name}) received, ignored");
        server.process().wait_for_output(&line, PATIENCE)?;
    }
    assert_eq!(status(server.address(0), "/")?, 200);
    Ok(())
}
