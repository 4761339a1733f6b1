//! HUP: nothing is lost, nothing grows, and what is wrong changes nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use portunus_testkit::{Connection, FastCgiPeer, Gate, Step, exchange};
use rustix::process::Signal;

use crate::{PATIENCE, Result, descriptors, figure, launch, rewrite, status, whole};

const RELOADS: usize = 13;

/// Tells clients to end when it goes.
struct End<'f>(&'f AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// HUP 13 times under load, keep-alive and fresh clients.
#[test]
fn thirteen_reloads_under_load_lose_nothing() -> Result {
    let generation = |number: usize| {
        whole(
            "error_log %%TMP%%/error.log notice;\nworker_processes 2;",
            // A slow machine serves more on a kept connection than the usual thousand before it is through.
            &format!(
                "keepalive_requests 1000000;
                server {{
                    listen 127.0.0.1:%%PORT_0%%;
                    location / {{ return 200 generation{number}; }}
                }}"
            ),
        )
    };
    let mut server = launch(generation(0)).start()?;
    let address = server.address(0);
    let (over, served, failed) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let count = |answer: Result<u16>| match answer {
        Ok(200) => served.fetch_add(1, Relaxed),
        Ok(_) | Err(_) => failed.fetch_add(1, Relaxed),
    };
    let figures = thread::scope(|scope| -> Result<_> {
        // However this ends, the clients end as well.
        let _end = End(&over);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut connection = Connection::open(address).expect("it listens");
                while !over.load(Relaxed) {
                    let answer = connection.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET");
                    count(answer.map(|answer| answer.status()));
                }
            });
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    count(status(address, "/"));
                }
            });
        }
        let mut figures = Vec::new();
        for number in 1..=RELOADS {
            rewrite(&server, &generation(number));
            server.process().signal(Signal::HUP)?;
            let expected = format!("generation{number}");
            while exchange(address, "GET / HTTP/1.1")?.text() != expected {
                thread::yield_now();
            }
            let process = server.process();
            figures.push((
                descriptors(process),
                figure(process, "VmRSS"),
                figure(process, "Threads"),
            ));
        }
        Ok(figures)
    })?;
    let (served, failed) = (served.into_inner(), failed.into_inner());
    println!("{served} served, {failed} failed; descriptors, KiB, threads after each: {figures:?}");
    assert_eq!(failed, 0);
    assert!(served > RELOADS);
    let (first, last) = (figures[2], figures[RELOADS - 1]);
    // Clients come and go while they are counted.
    assert!(last.0 <= first.0 + 8, "descriptors grow: {figures:?}");
    assert!(last.1 <= first.1 + 2048, "memory grows: {figures:?}");
    assert_eq!(last.2, first.2, "threads grow: {figures:?}");
    Ok(())
}

#[test]
fn a_bad_configuration_changes_nothing() -> Result {
    let good = whole(
        "error_log stderr info;",
        "server { listen 127.0.0.1:%%PORT_0%%; return 200 good; }",
    );
    let mut server = launch(good).start()?;
    let taken = portunus_testkit::Port::reserve()?;
    let busy = format!("server {{ listen {}; }}", taken.address());
    let file = server.folder().join("nginx.conf");
    let unknown = format!(
        "] PID: unknown directive \"nonsense\" in {}:8",
        file.display()
    )
    .replace("PID", &format!("{}#0", server.process().pid()));
    let cases = [
        (
            "server { listen 127.0.0.1:%%PORT_0%%; nonsense; }",
            unknown.as_str(),
        ),
        (
            "server { listen 127.0.0.1:%%PORT_0%%; location ~ ( { } }",
            "the new configuration has errors",
        ),
        (busy.as_str(), "still could not bind()"),
    ];
    for (http, line) in cases {
        rewrite(&server, &whole("error_log stderr info;", http));
        server.process().signal(Signal::HUP)?;
        server.process().wait_for_output(line, PATIENCE)?;
        assert_eq!(
            exchange(server.address(0), "GET / HTTP/1.1")?.text(),
            "good"
        );
    }
    // The log tells how the story ended, be it well.
    rewrite(
        &server,
        &whole(
            "error_log stderr info;",
            "server { listen 127.0.0.1:%%PORT_0%%; return 200 new; }",
        ),
    );
    server.process().signal(Signal::HUP)?;
    let line = "the new configuration is in force";
    server.process().wait_for_output(line, PATIENCE)?;
    assert_eq!(server.process().output().matches(line).count(), 1);
    assert_eq!(exchange(server.address(0), "GET / HTTP/1.1")?.text(), "new");
    Ok(())
}

/// What only a start can decide is not passed over in silence; the pid file moves, as nginx's does.
#[test]
fn a_reload_says_what_it_does_not_change() -> Result {
    let server_block = "server { listen 127.0.0.1:%%PORT_0%%; return 200 ok; }";
    let config = whole("error_log stderr notice; worker_processes 1;", server_block);
    let mut server = launch(config.clone()).start()?;
    let changed = config
        .replace("%%TMP%%/pid", "%%TMP%%/moved")
        .replace("worker_processes 1", "worker_processes 2")
        .replace("worker_connections 512", "worker_connections 100");
    rewrite(&server, &changed);
    server.process().signal(Signal::HUP)?;
    for name in ["worker_processes", "worker_connections"] {
        let line = format!(
            "[warn] {}#0: \"{name}\" has changed, which takes effect at the next start",
            server.process().pid()
        );
        server.process().wait_for_output(&line, PATIENCE)?;
    }
    let (old, moved) = (server.folder().join("pid"), server.folder().join("moved"));
    let text = std::fs::read_to_string(&moved).expect("it is there");
    assert_eq!(text, format!("{}\n", server.process().pid()));
    assert!(!old.exists());
    rewrite(
        &server,
        &changed.replace("%%TMP%%/moved", "%%TMP%%/none/pid"),
    );
    server.process().signal(Signal::HUP)?;
    let line =
        "none/pid\" failed (2: No such file or directory); the old configuration stays in force";
    server.process().wait_for_output(line, PATIENCE)?;
    assert!(moved.exists());
    assert!(server.stop()?.success());
    assert!(!moved.exists());
    Ok(())
}

#[test]
fn a_listener_that_is_gone_drains() -> Result {
    let gate = Gate::default();
    let mut script = Step::answer("Content-Type: text/plain", "done");
    script.insert(1, Step::Wait(gate.clone()));
    let peer = FastCgiPeer::start(vec![script])?;
    let server_on = |port: &str| {
        format!(
            "server {{ listen 127.0.0.1:{port}; location / {{ fastcgi_pass {}; }} location /quick {{ return 200 ok; }} }}",
            peer.address()
        )
    };
    let two = [server_on("%%PORT_0%%"), server_on("%%PORT_1%%")].concat();
    let mut server = launch(whole("", &two)).start()?;
    let mut busy = Connection::open(server.address(1))?;
    busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    let mut idle = Connection::open(server.address(1))?;
    assert_eq!(
        idle.exchange(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n", "GET")?
            .status(),
        200
    );
    rewrite(&server, &whole("", &server_on("%%PORT_0%%")));
    server.process().signal(Signal::HUP)?;
    assert_eq!(idle.read_to_end()?, b"");
    // The socket goes in the same turn as the idle connection, and a moment after it.
    let gone = |_: &u32| Connection::open(server.address(1)).is_err();
    assert!((0..10_000).any(|try_| gone(&try_)));
    assert_eq!(status(server.address(0), "/quick")?, 200);
    gate.open();
    let answer = busy.read_response("GET")?;
    assert_eq!(
        (answer.status(), answer.field("connection")),
        (200, Some("close"))
    );
    Ok(())
}

#[test]
fn a_request_in_flight_is_answered_by_the_rules_it_began_with() -> Result {
    let gate = Gate::default();
    let mut script = Step::answer("Content-Type: text/plain", "done");
    script.insert(1, Step::Wait(gate.clone()));
    let peer = FastCgiPeer::start(vec![script])?;
    let generation = |name: &str| {
        let http = format!(
            "server {{
                listen 127.0.0.1:%%PORT_0%%;
                add_header X-Generation {name};
                location / {{ fastcgi_pass {}; }}
                location /quick {{ return 200 {name}; }}
            }}",
            peer.address()
        );
        whole("", &http)
    };
    let mut server = launch(generation("old")).start()?;
    let mut busy = Connection::open(server.address(0))?;
    busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
    assert_eq!(peer.wait_for_requests(1, PATIENCE).len(), 1);
    rewrite(&server, &generation("new"));
    server.process().signal(Signal::HUP)?;
    while exchange(server.address(0), "GET /quick HTTP/1.1")?.text() != "new" {
        thread::yield_now();
    }
    gate.open();
    assert_eq!(
        busy.read_response("GET")?.field("x-generation"),
        Some("old")
    );
    let again = busy.exchange(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n", "GET")?;
    assert_eq!(again.text(), "new");
    Ok(())
}
