//! Answers on their way out: spelling, versions, panics.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody};

use std::sync::Arc;
use std::task::Poll;

use crate::connection::{Cut, Outcome};
use crate::settings::Settings;
use crate::spelling::{Names, Spelling};
use crate::tests::{AnyBody, connect, listener, ok, run, text};

#[test]
fn field_names_are_spelled_as_the_operator_wrote_them() {
    run(async {
        let settings = Settings {
            spelling: Arc::new(Spelling::new([&b"X-URI"[..]])),
            ..Settings::default()
        };
        let client = connect(settings, listener(), |request| async move {
            request.exchange().spell(Names::new([&b"x-PHP"[..]]));
            let mut answer = ok();
            for name in ["x-uri", "etag", "content-type", "x-php"] {
                answer
                    .headers_mut()
                    .append(name, http::HeaderValue::from_static("v"));
            }
            answer
        });
        let (answer, _) = client.ask("GET / HTTP/1.0\r\n\r\n").await;
        for line in [
            "X-URI: v",
            "ETag: v",
            "Content-Type: v",
            "x-PHP: v",
            "Content-Length: 2",
            "Date: ",
        ] {
            assert!(
                answer.contains(&format!("\r\n{line}")),
                "{line} in {answer}"
            );
        }
    });
}

#[test]
fn a_spelling_lasts_for_one_answer() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            if request.exchange().target() == b"/odd" {
                request.exchange().spell(Names::new([&b"sErVeR"[..]]));
            }
            let mut answer = ok();
            let server = http::HeaderValue::from_static("a");
            answer.headers_mut().insert("server", server);
            answer
        });
        let (answer, _) = client
            .ask("GET /odd HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        assert_eq!(
            (
                answer.matches("\r\nsErVeR:").count(),
                answer.matches("\r\nServer:").count()
            ),
            (1, 1)
        );
    });
}

/// Two chunks without a length.
fn stream() -> Response<AnyBody> {
    let frames =
        ["ab", "cd"].map(|part| http_body::Frame::data(Bytes::from_static(part.as_bytes())));
    let mut frames = frames.into_iter();
    let body = StreamBody::new(futures(move || frames.next().map(Ok)));
    Response::new(Box::pin(body))
}

/// A stream of what `next` yields.
fn futures<T>(
    next: impl FnMut() -> Option<T> + Unpin,
) -> impl futures_core::Stream<Item = T> + Unpin {
    struct From<F>(F);
    impl<T, F: FnMut() -> Option<T> + Unpin> futures_core::Stream for From<F> {
        type Item = T;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<T>> {
            Poll::Ready((self.0)())
        }
    }
    From(next)
}

#[test]
fn answers_without_a_length_end_by_version() {
    run(async {
        let serve = || connect(Settings::default(), listener(), |_| async { stream() });
        let (answer, _) = serve().ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(
            answer.contains("Transfer-Encoding: chunked")
                && answer.ends_with("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
            "{answer}"
        );
        let (answer, _) = serve()
            .ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .await;
        assert!(
            answer.contains("Connection: close") && answer.ends_with("\r\n\r\nabcd"),
            "{answer}"
        );
        let (answer, record) = serve().ask("GET /\r\n").await;
        assert_eq!(answer, "abcd", "HTTP/0.9 has no head");
        assert_eq!(record.borrow().ended, [(Outcome::Sent, 7, 4)]);
    });
}

#[test]
fn heads_only_for_head_requests() {
    run(async {
        let client = connect(Settings::default(), listener(), |_| async { text("hello") });
        let (answer, _) = client
            .ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        assert_eq!(answer.matches("Content-Length: 5").count(), 2);
        assert_eq!(answer.matches("hello").count(), 1);
    });
}

#[test]
fn a_panic_ends_one_request_with_a_page_and_a_line() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            assert!(request.exchange().target() != b"/panic", "told to");
            ok()
        });
        let (answer, record) = client
            .ask("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /panic HTTP/1.1\r\nHost: a\r\n\r\n")
            .await;
        assert!(
            answer.contains("HTTP/1.1 500 Internal Server Error"),
            "{answer}"
        );
        assert!(answer.ends_with("</html>\r\n") && answer.contains("Connection: close"));
        assert_eq!(
            record.borrow().log,
            ["request 2 of this connection panicked: told to"]
        );
    });
}

#[test]
fn an_answer_that_fails_midway_never_looks_whole() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            let panics = request.exchange().target() == b"/panic";
            let mut frames =
                vec![Ok(http_body::Frame::data(Bytes::from_static(b"part")))].into_iter();
            let body = StreamBody::new(futures(move || {
                frames.next().or_else(|| {
                    assert!(!panics, "told to");
                    Some(Err(std::io::Error::other("broken")))
                })
            }));
            Response::new(Box::pin(body) as AnyBody)
        });
        let (answer, record) = client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
        assert_eq!(record.borrow().ended[0].0, Outcome::Cut(Cut::AnswerFailed));
    });
}

#[test]
fn upgrades_are_announced() {
    run(async {
        let client = connect(Settings::default(), listener(), |_| async {
            let mut answer = ok().map(|_| {
                Box::pin(
                    http_body_util::Empty::new()
                        .map_err(|never| -> std::io::Error { match never {} }),
                ) as AnyBody
            });
            *answer.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
            answer
                .headers_mut()
                .insert("upgrade", http::HeaderValue::from_static("x"));
            answer
        });
        let (answer, _) = client
            .ask("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
            "{answer}"
        );
        assert!(answer.contains("\r\nConnection: upgrade\r\n"), "{answer}");
    });
}

#[test]
fn fields_behind_ready_lines_keep_their_order_and_their_date() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            let exchange = request.exchange();
            let mut ready = exchange.ready_fields();
            ready.field("Server", b"s");
            ready.date();
            ready.connection();
            let more = [
                (http::header::SET_COOKIE, "a"),
                (http::header::CONNECTION, "no"),
                (http::header::DATE, "today"),
                (http::header::CONTENT_LENGTH, "2"),
                (http::header::SET_COOKIE, "b"),
            ];
            let more = more.map(|(name, value)| (name, http::HeaderValue::from_static(value)));
            ready.follow_with(Vec::from(more).into());
            exchange.begin_with(ready);
            ok()
        });
        let (answer, _) = client.ask("GET / HTTP/1.0\r\n\r\n").await;
        let head = answer.split("\r\n\r\n").next().unwrap_or_default();
        let lines: Vec<&str> = head.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "Server: s",
                "Connection: close",
                "Set-Cookie: a",
                "Date: today",
                "Content-Length: 2",
                "Set-Cookie: b"
            ]
        );
    });
}

#[test]
fn ready_lines_stand_where_nginx_has_them() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            let exchange = request.exchange();
            let mut ready = exchange.ready_fields();
            ready.field("Server", b"s");
            ready.date();
            ready.content_length(2);
            ready.connection();
            ready.field("ETag", b"e");
            exchange.begin_with(ready);
            let mut answer = ok();
            for (name, value) in [("x-a", "1"), ("content-length", "7")] {
                let value = http::HeaderValue::from_static(value);
                answer.headers_mut().append(name, value);
            }
            answer
        });
        let (answer, _) = client.ask("GET / HTTP/1.0\r\n\r\n").await;
        let names: Vec<&str> = answer
            .lines()
            .filter_map(|line| Some(line.split_once(": ")?.0))
            .collect();
        assert_eq!(
            names,
            [
                "Server",
                "Date",
                "Content-Length",
                "Connection",
                "ETag",
                "X-A"
            ]
        );
        assert!(answer.contains("Content-Length: 2\r\n"), "{answer}");
    });
}
