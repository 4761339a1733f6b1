//! Real sockets: binding, accepting, workers, files.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "what cannot be set up has failed"
)]

mod common;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use common::{Answering, Frames, ask, connect, inet, local, read_all, serve, wait};
use http::{Request, Response};
use portunus_server::{BindError, ListenAddress, ListenerConfig, Listeners, RequestBody};

const CLOSE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn hello(request: RequestBody) -> Answering {
    let connection = request.exchange().connection();
    let text = format!("hello {} {:?}", connection.tag(), connection.local_inet());
    Box::pin(async move { Response::new(Frames::text(text)) })
}

#[test]
fn a_busy_address_is_tried_again_and_then_given_up() {
    let first = Listeners::bind(vec![local()], None, 1).unwrap();
    let (_, address) = first.addresses().next().unwrap();
    let taken = ListenerConfig::new(address.clone(), 0);
    let error = Listeners::bind(vec![taken], None, 1).unwrap_err();
    assert_eq!(error.to_string(), "still could not bind()");
    let BindError::StillBusy { last } = error else {
        panic!("{error}")
    };
    assert_eq!(
        last.to_string(),
        format!("bind() to {address} failed (98: Address already in use)")
    );
}

#[test]
fn what_waiting_does_not_mend_is_told_at_once() {
    let nowhere = ListenerConfig::new(ListenAddress::Inet("192.0.2.1:0".parse().unwrap()), 0);
    let error = Listeners::bind(vec![local(), nowhere], None, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bind() to 192.0.2.1:0 failed (99: Cannot assign requested address)"
    );
}

#[test]
fn several_listeners_several_workers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut each = local();
    (each.tag, each.reuseport) = (1, true);
    let mut any = ListenerConfig::new(ListenAddress::Inet("0.0.0.0:0".parse().unwrap()), 2);
    any.deferred = true;
    let unix = ListenerConfig::new(ListenAddress::Unix(path.clone()), 3);
    let handle = serve(vec![local(), each, any, unix], 2, hello);
    for (tag, address) in handle.addresses().iter().take(3).enumerate() {
        for _ in 0..4 {
            let mut address = inet(address);
            address.set_ip([127, 0, 0, 1].into());
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(CLOSE.as_bytes()).unwrap();
            let answer = read_all(stream);
            assert!(
                answer.ends_with(&format!("hello {tag} Some({address})")),
                "{answer}"
            );
        }
    }
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(CLOSE.as_bytes()).unwrap();
    assert!(read_all(stream).ends_with("hello 3 None"));
    let stats = handle.stats();
    assert_eq!(
        (stats.accepted, stats.handled, stats.requests),
        (13, 13, 13)
    );
    wait(handle.stop_now());
    handle.join();
}

fn file(request: RequestBody) -> Answering {
    Box::pin(async move {
        let exchange = request.exchange();
        assert!(exchange.can_send_file());
        let path = request.exchange().fields()["x-path"].to_str().unwrap();
        let file = std::fs::File::open(path).unwrap();
        let length = request.exchange().fields()["x-length"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        Response::new(Frames::file(exchange, file, length))
    })
}

#[test]
fn files_go_out_whole_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let handle = serve(vec![local()], 1, file);
    let mut requests = String::new();
    let mut expected = Vec::new();
    for (number, length) in [1_usize, 4096, 100_000, 5_000_000].into_iter().enumerate() {
        let data: Vec<u8> = (0..length)
            .map(|at| b'a' + ((at / 7 + number) % 26) as u8)
            .collect();
        let path = dir.path().join(number.to_string());
        std::fs::write(&path, &data).unwrap();
        let path = path.display();
        requests += &format!(
            "GET /{number} HTTP/1.1\r\nHost: a\r\nX-Path: {path}\r\nX-Length: {length}\r\n\r\n"
        );
        expected.push(data);
    }
    let mut stream = connect(&handle);
    stream.write_all(requests.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let wire = read_all(stream);
    let mut rest = wire.as_str();
    for data in expected {
        let (head, after) = rest.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", data.len())),
            "{head}"
        );
        assert!(after.as_bytes().starts_with(&data));
        rest = &after[data.len()..];
    }
    assert_eq!(rest, "");
    wait(handle.stop_now());
}

#[test]
fn a_file_that_is_too_short_cuts_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("short");
    std::fs::write(&path, "abc").unwrap();
    let handle = serve(vec![local()], 1, file);
    let path = path.display();
    let answer = ask(
        &handle,
        &format!("GET / HTTP/1.1\r\nHost: a\r\nX-Path: {path}\r\nX-Length: 9\r\n\r\n"),
    );
    assert!(
        answer.contains("Content-Length: 9\r\n") && answer.ends_with("\r\n\r\nabc"),
        "{answer}"
    );
    wait(handle.stop_now());
}

#[test]
fn too_many_connections_are_refused_and_idle_ones_make_room() {
    let handle = serve(vec![local()], 1, hello);
    let mut idle = Vec::new();
    for _ in 0..120 {
        let mut stream = connect(&handle);
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut byte = [0];
        std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
        idle.push(stream);
    }
    assert!(handle.stats().active <= 100);
    assert!(ask(&handle, CLOSE).contains("200 OK"));
    wait(handle.stop_now());
}

#[test]
fn http2_by_prior_knowledge_beside_http1() {
    let mut config = local();
    config.http2 = true;
    let handle = serve(vec![config], 1, hello);
    assert!(ask(&handle, CLOSE).starts_with("HTTP/1.1 200"));
    let address = inet(&handle.addresses()[0]);
    let answer = wait(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("http://{address}/x"));
        let request = request
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = http_body_util::BodyExt::collect(body)
            .await
            .unwrap()
            .to_bytes();
        (head.version, String::from_utf8_lossy(&body).into_owned())
    });
    assert_eq!(answer.0, http::Version::HTTP_2);
    assert!(answer.1.starts_with("hello 0"));
    assert!(wait(handle.drain(Some(Duration::from_secs(10)))));
}
