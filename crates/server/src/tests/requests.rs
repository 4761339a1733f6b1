//! What a service learns about a request.

use std::rc::Rc;

use bytes::Bytes;

use crate::connection::{Exchange, ProxiedAddresses};
use crate::settings::Settings;
use crate::tests::{connect, listener, run, text};

fn show(exchange: &Rc<Exchange>) -> String {
    let bytes = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    let optional = |part: Option<&[u8]>| part.map_or("-".to_owned(), bytes);
    format!(
        "<{}|{}|{}|{}|{}|{}|{}>",
        bytes(exchange.request_line()),
        exchange.method(),
        bytes(exchange.target()),
        optional(exchange.authority()),
        optional(exchange.host_field()),
        exchange.version(),
        exchange.is_pipelined(),
    )
}

#[test]
fn the_raw_request_is_there_as_the_client_wrote_it() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            text(&show(request.exchange()))
        });
        let (answers, record) = client
            .ask(concat!(
                "GET  /a%20b?x=<y>#frag  HTTP/1.1 \r\nHost: EXAMPLE.com:80\r\n\r\n",
                "\r\nPOST http://Host.example:8080?q HTTP/1.1\nhost: other\nContent-Length: 2\n\nxy",
                "OPTIONS http://h HTTP/1.2\r\nHost: h\r\n\r\n",
                "HEAD /\u{e4} HTTP/1.0\r\n\r\n",
            ))
            .await;
        let expected = [
            "<GET  /a%20b?x=<y>#frag  HTTP/1.1 |GET|/a%20b?x=<y>#frag|-|EXAMPLE.com:80|1001|false>",
            "<POST http://Host.example:8080?q HTTP/1.1|POST|?q|Host.example:8080|other|1001|true>",
            "<OPTIONS http://h HTTP/1.2|OPTIONS|/|h|h|1002|true>",
        ];
        for part in expected {
            assert!(answers.contains(part), "{part}\nin\n{answers}");
        }
        assert_eq!(answers.matches("200 OK").count(), 4);
        let lengths: Vec<u64> = record
            .borrow()
            .ended
            .iter()
            .map(|(_, received, _)| *received)
            .collect();
        assert_eq!(
            lengths,
            [59, 72, 38, 21],
            "request lengths, empty lines before not counted"
        );
    });
}

#[test]
fn raw_fields_keep_their_spelling() {
    run(async {
        let client = connect(Settings::default(), listener(), |request| async move {
            let exchange = request.exchange();
            let raw = Bytes::copy_from_slice(exchange.raw_fields());
            text(&format!(
                "{:?} {:?}",
                raw,
                request.exchange().fields().get("x-odd")
            ))
        });
        let (answer, _) = client
            .ask("GET / HTTP/1.1\r\nHost: a\r\nX-oDd: 1\r\nbad_one: 2\r\n\r\n")
            .await;
        assert!(
            answer.contains(r#"b"Host: a\r\nX-oDd: 1\r\nbad_one: 2\r\n\r\n" Some("1")"#),
            "{answer}"
        );
    });
}

#[test]
fn invalid_names_are_left_out_and_logged() {
    run(async {
        let names = |settings: Settings| async move {
            let client = connect(settings, listener(), |request| async move {
                let names: Vec<&str> = request
                    .exchange()
                    .fields()
                    .keys()
                    .map(http::HeaderName::as_str)
                    .collect();
                text(&format!("<{}>", names.join(" ")))
            });
            client
                .ask("GET / HTTP/1.1\r\nHost: a\r\na_b: 1\r\nc.d: 2\r\ne<f: 3\r\n\r\n")
                .await
        };
        let (answer, record) = names(Settings::default()).await;
        assert!(answer.contains("<host>"), "{answer}");
        assert_eq!(record.borrow().log.len(), 3);
        assert_eq!(
            record.borrow().log[0],
            "client sent invalid header line: \"a_b: 1\""
        );
        let (answer, _) = names(Settings {
            underscores_in_headers: true,
            ..Settings::default()
        })
        .await;
        assert!(answer.contains("<host a_b>"), "{answer}");
    });
}

#[test]
fn a_proxy_protocol_header_comes_first() {
    run(async {
        let mut listen = listener();
        listen.proxy_protocol = true;
        let mut client = connect(Settings::default(), listen.clone(), |request| async move {
            let connection = request.exchange().connection();
            text(&format!(
                "{:?}",
                connection
                    .proxied()
                    .map(|proxied: &ProxiedAddresses| proxied.source)
            ))
        });
        for byte in b"PROXY TCP4 1.2.3.4 5.6.7.8 90 80\r\nGET / HTTP/1.0\r\n\r\n" {
            client.send([*byte]).await;
        }
        assert!(client.read_all().await.ends_with("Some(1.2.3.4:90)"));

        let client = connect(Settings::default(), listen, |_| async { text("never") });
        let (answer, record) = client.ask("GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!(answer, "");
        assert_eq!(record.borrow().log, ["broken PROXY protocol header"]);
    });
}

#[test]
fn a_refusal_is_logged_once_with_what_was_being_read() {
    run(async {
        let lines = [
            (
                "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
                "client sent invalid request while reading client request line",
            ),
            (
                "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
                "client sent TRACE method while reading client request headers",
            ),
        ];
        for (request, line) in lines {
            let client = connect(Settings::default(), listener(), |_| async { text("") });
            let (_, record) = client.ask(request).await;
            assert_eq!(record.borrow().log, [line]);
        }
    });
}

#[test]
fn more_fields_than_usual_are_fine_up_to_the_limit() {
    run(async {
        let head = |count: usize| {
            let fields: String = (0..count).map(|n| format!("x-{n}: {n}\r\n")).collect();
            format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
        };
        let count = || {
            connect(Settings::default(), listener(), |request| async move {
                text(&format!("<{}>", request.exchange().fields().len()))
            })
        };
        let (answer, _) = count().ask([head(5), head(700), head(6)].concat()).await;
        for part in ["<6>", "<701>", "<7>"] {
            assert!(answer.contains(part), "{part} in {answer}");
        }
        let (answer, record) = count().ask(head(1000)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(record.borrow().refused, [494]);
    });
}
