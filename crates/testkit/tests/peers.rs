//! The servers and peers themselves: nginx, PHP-FPM and the scripted application, with each other.

use std::time::Duration;

use portunus_testkit::{
    FastCgiPeer, Gate, Launch, PhpFpmOptions, Program, Server, Step, TempTree, exchange,
};

const TIME: Duration = Duration::from_secs(10);

/// nginx before a FastCGI application.
fn nginx_before(pass: &str) -> Server {
    let config = "
        server {
            listen 127.0.0.1:%%PORT_0%%;
            location / {
                fastcgi_pass %%PASS%%;
                fastcgi_param SCRIPT_FILENAME %%ROOT%%$uri;
                fastcgi_param REQUEST_METHOD $request_method;
                fastcgi_param CONTENT_LENGTH $content_length;
                fastcgi_param HTTP_X_TWICE one;
                fastcgi_param HTTP_X_TWICE two;
            }
        }";
    Launch::new(Program::nginx(), config)
        .with("PASS", pass)
        .start()
        .expect("nginx starts")
}

#[test]
fn nginx_serves_files_and_stops() {
    let tree = TempTree::new().unwrap().file("a.txt", "hello").unwrap();
    let config = "server { listen 127.0.0.1:%%PORT_0%%; location /bad { return 418 %%PORT_0%%; } }";
    let mut server = Launch::new(Program::nginx(), config)
        .root(tree.path())
        .start()
        .unwrap();

    let response = exchange(server.address(0), "GET /a.txt HTTP/1.1").unwrap();
    assert_eq!(
        (response.status(), response.text().as_str()),
        (200, "hello")
    );
    assert_eq!(
        response.field("Last-Modified"),
        Some("Sat, 03 Feb 2024 04:05:06 GMT")
    );
    let response = exchange(server.address(0), "GET /bad HTTP/1.1").unwrap();
    assert_eq!(response.text(), server.port(0).to_string());
    assert!(exchange(server.address(0), "GET /none HTTP/1.1").is_ok_and(|one| one.status() == 404));
    assert!(server.stop().unwrap().success());
    assert!(server.log().contains("No such file or directory"));
}

#[test]
fn a_broken_configuration_tells_why() {
    let error = Launch::new(Program::nginx(), "bogus;").start().unwrap_err();
    assert!(
        error.to_string().contains("unknown directive \"bogus\""),
        "{error}"
    );
    let error = Launch::new(Program::at("/none/nginx"), "")
        .start()
        .unwrap_err();
    assert!(
        error.to_string().contains("apt-get install nginx"),
        "{error}"
    );
}

#[test]
fn php_fpm_runs_scripts_over_tcp_and_unix_sockets() {
    let tree = TempTree::new().unwrap();
    tree.write(
        "a.php",
        "<?php echo getenv('WHO'), file_get_contents('php://input');",
    )
    .unwrap();
    let options = PhpFpmOptions::default().children(1).line("env[WHO] = test");
    for options in [options.clone(), options.unix_socket()] {
        let mut fpm = options.start().unwrap();
        let config = "
            server {
                listen 127.0.0.1:%%PORT_0%%;
                location / {
                    fastcgi_pass %%FPM%%;
                    fastcgi_param SCRIPT_FILENAME %%ROOT%%$uri;
                    fastcgi_param REQUEST_METHOD $request_method;
                }
            }";
        let launch = Launch::new(Program::nginx(), config).root(tree.path());
        let server = launch.with("FPM", fpm.pass()).start().unwrap();
        let response = exchange(server.address(0), "GET /a.php HTTP/1.1").unwrap();
        assert_eq!(response.text(), "test");
        assert!(fpm.stop().unwrap().success());
    }
}

#[test]
fn the_scripted_peer_answers_and_tells_what_it_got() {
    let script = Step::answer("Content-Type: text/plain\nX-A: b", "hello");
    let peer = FastCgiPeer::start(vec![script]).unwrap();
    let server = nginx_before(&peer.address().to_string());

    let response = exchange(server.address(0), "GET /x HTTP/1.1").unwrap();
    assert_eq!(
        (response.status(), response.text().as_str()),
        (200, "hello")
    );
    assert_eq!(response.field("X-A"), Some("b"));
    let requests = peer.wait_for_requests(1, TIME);
    assert_eq!(requests[0].param("REQUEST_METHOD").as_deref(), Some("GET"));
    assert_eq!(requests[0].param("HTTP_X_TWICE").as_deref(), Some("two"));
    assert!(!requests[0].keep_connection);
}

#[test]
fn the_scripted_peer_fails_as_it_is_told() {
    let scripts = vec![
        vec![Step::Request, Step::Reset],
        vec![Step::Request, Step::Overloaded],
        vec![
            Step::Request,
            Step::Raw(b"\x01\x06\0".to_vec()),
            Step::Close,
        ],
    ];
    let peer = FastCgiPeer::start(scripts).unwrap();
    let mut server = nginx_before(&peer.address().to_string());
    for expected in [
        "Connection reset by peer",
        "unexpected FastCGI record: 3",
        "upstream prematurely closed connection",
    ] {
        let response = exchange(server.address(0), "GET /x HTTP/1.1").unwrap();
        assert_eq!(response.status(), 502);
        // The error log comes through a pipe, after the answer perhaps.
        server.process().wait_for_output(expected, TIME).unwrap();
    }
    assert_eq!(peer.connections(), 3);
}

#[test]
fn a_gate_holds_the_answer() {
    let gate = Gate::default();
    let mut script = Step::answer("Status: 201", "");
    script.insert(1, Step::Wait(gate.clone()));
    let peer = FastCgiPeer::start(vec![script]).unwrap();
    let server = nginx_before(&peer.address().to_string());
    let address = server.address(0);

    let client = std::thread::spawn(move || exchange(address, "GET /x HTTP/1.1"));
    assert_eq!(peer.wait_for_requests(1, TIME).len(), 1);
    assert!(!client.is_finished());
    gate.open();
    assert_eq!(client.join().unwrap().unwrap().status(), 201);
}
