//! Request bodies: read, not read, broken, and what comes after them.

use std::rc::Rc;
use std::time::Duration;

use http::Response;
use http_body_util::BodyExt;

use crate::connection::{Cut, Outcome};
use crate::io::RequestBody;
use crate::settings::Settings;
use crate::tests::{AnyBody, Client, connect, listener, plain, run, text};

async fn echo(request: RequestBody) -> Response<AnyBody> {
    let length = request.exchange().fields().get("content-length").cloned();
    match request.collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            text(&format!("[{}|{length:?}]", String::from_utf8_lossy(&body)))
        }
        Err(error) => text(&format!("[{error}]")),
    }
}

fn echoing() -> Client {
    connect(Settings::default(), listener(), echo)
}

#[test]
fn bodies_end_where_they_say_and_the_next_request_begins() {
    run(async {
        let (answers, _) = echoing()
            .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                  POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n\
                  GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        let expected = ["[abc|Some(\"3\")]", "[def|None]", "[|None]"];
        for part in expected {
            assert!(answers.contains(part), "{part} in {answers}");
        }
        assert_eq!(answers.matches("200 OK").count(), 3);
    });
}

#[test]
fn bodies_nobody_reads_are_thrown_away_and_the_connection_is_kept() {
    run(async {
        let mut client = plain();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            .await;
        client.read_until("ok").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        client
            .send("defghijGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .await;
        assert!(client.read_all().await.contains("200 OK"));
        assert_eq!(client.connection.requests(), 2);
    });
}

#[test]
fn continue_is_sent_when_the_body_is_asked_for() {
    run(async {
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n";
        let mut client = echoing();
        client.send(head).await;
        assert_eq!(
            client.read_until("\r\n\r\n").await,
            "HTTP/1.1 100 Continue\r\n\r\n"
        );
        client.send("abc").await;
        assert!(client.read_until("]").await.starts_with("HTTP/1.1 200 OK"));

        // An answer that does not want the body, as nginx: first the 100 all the same.
        let mut client = plain();
        client.send(head).await;
        let answer = client.read_until("ok").await;
        assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    });
}

#[test]
fn broken_bodies_are_told_and_end_the_connection() {
    run(async {
        let mut client = echoing();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (answer, _) = client.ask("zz\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(
            answer.ends_with("[client sent invalid chunked body]"),
            "{answer}"
        );
        assert!(answer.contains("Connection: close"));

        let (answer, _) = echoing()
            .ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
            .await;
        assert!(
            answer.ends_with("[client prematurely closed connection]"),
            "{answer}"
        );
    });
}

#[test]
fn services_learn_that_the_client_has_gone() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            let connection = Rc::clone(request.exchange().connection());
            connection.peer_closed().await;
            text("gone")
        });
        let (answer, record) = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(
            answer.ends_with("gone"),
            "a client that has only closed its side still reads"
        );
        assert_eq!(record.borrow().ended[0].0, Outcome::Sent);
    });
}

#[test]
fn a_client_that_is_gone_for_good_cuts_the_answer() {
    run(async {
        let mut client = connect(Settings::default(), listener(), |_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            text(&"x".repeat(100_000))
        });
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let Client { stream, record, .. } = client;
        drop(stream);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(record.borrow().ended[0].0, Outcome::Cut(Cut::ClientClosed));
    });
}

#[test]
fn large_bodies_flow_both_ways_at_once() {
    run(async {
        // The answer begins while the request is still coming, and neither fits into the pipe.
        let mut client = connect(Settings::default(), listener(), |request| async move {
            let body = request.map_err(std::io::Error::other);
            Response::new(Box::pin(body) as AnyBody)
        });
        let length = 300_000;
        client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")).await;
        let (mut read, mut write) = tokio::io::split(client.stream);
        let data = vec![b'x'; length];
        let sending = async {
            tokio::io::AsyncWriteExt::write_all(&mut write, &data)
                .await
                .unwrap();
        };
        let mut answer = Vec::new();
        let reading = async {
            tokio::io::AsyncReadExt::read_to_end(&mut read, &mut answer)
                .await
                .unwrap()
        };
        tokio::join!(sending, reading);
        assert_eq!(answer.iter().filter(|&&byte| byte == b'x').count(), length);
    });
}
