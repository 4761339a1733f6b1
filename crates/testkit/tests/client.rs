//! The raw client against a peer that sends exactly what it is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use portunus_testkit::{Connection, Error, Framing, exchange};

/// Takes one connection, reads what one read gives, sends the answer and closes.
fn serve(answer: &'static [u8]) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).expect("a request");
        request.truncate(read);
        stream.write_all(answer).expect("the client reads");
        request
    });
    (address, peer)
}

fn read(answer: &'static [u8], method: &str) -> Result<portunus_testkit::Response, Error> {
    let (address, peer) = serve(answer);
    let mut connection = Connection::open(address)?;
    let response = connection.exchange(b"x", method);
    peer.join().expect("the peer");
    response
}

#[test]
fn every_framing_is_read() {
    let response = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "GET").unwrap();
    assert_eq!(
        (response.framing, response.text().as_str()),
        (Framing::Length, "hi")
    );

    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\na\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n";
    let response = read(chunked, "GET").unwrap();
    assert_eq!(
        (response.framing, response.text().as_str()),
        (Framing::Chunked, "hi0123456789")
    );
    assert_eq!(response.trailers, [("X-T".to_owned(), b"1".to_vec())]);

    let response = read(b"HTTP/1.0 200 OK\r\n\r\nto the end", "GET").unwrap();
    assert_eq!((response.framing, response.head.minor), (Framing::Close, 0));
    assert_eq!(response.text(), "to the end");

    let response = read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD").unwrap();
    assert_eq!((response.framing, response.body.len()), (Framing::None, 0));
}

#[test]
fn interim_answers_are_kept_apart() {
    let response = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
        "PUT",
    );
    let response = response.unwrap();
    assert_eq!((response.status(), response.interim[0].status), (204, 100));
    assert_eq!(response.field("a"), Some("b"));
}

#[test]
fn what_is_cut_is_an_error() {
    let error = read(b"", "GET").unwrap_err();
    assert!(matches!(error, Error::Closed { received, .. } if received.is_empty()));
    let answers: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ];
    for answer in answers {
        let error = read(answer, "GET").unwrap_err();
        assert!(
            matches!(error, Error::Closed { .. }),
            "{}: {error}",
            answer.escape_ascii()
        );
    }
}

#[test]
fn what_is_malformed_is_an_error() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\nA: b\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
    ];
    for answer in answers {
        let error = read(answer, "GET").unwrap_err();
        assert!(
            matches!(error, Error::Malformed { .. }),
            "{}: {error}",
            answer.escape_ascii()
        );
    }
}

#[test]
fn patience_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connection = Connection::open(address).unwrap();
    let mut connection = connection.with_patience(Duration::from_millis(20));
    assert!(matches!(
        connection.read_response("GET"),
        Err(Error::TimedOut { .. })
    ));
    assert!(
        !connection
            .is_closed_within(Duration::from_millis(20))
            .unwrap()
    );
}

#[test]
fn a_short_request_is_completed() {
    let (address, peer) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    exchange(address, "GET /a HTTP/1.1\nX: y").unwrap();
    let request = String::from_utf8(peer.join().unwrap()).unwrap();
    assert_eq!(
        request,
        "GET /a HTTP/1.1\r\nX: y\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
}
