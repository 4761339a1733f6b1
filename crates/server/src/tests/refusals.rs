//! The table of requests in `requests.txt`: what is taken, what is refused, and by which rule.

use http::Response;
use http_body_util::BodyExt;

use crate::io::RequestBody;
use crate::settings::Settings;
use crate::tests::{AnyBody, connect, listener, run, text};

/// Answers `<METHOD target body>`, or `<METHOD target !>` for a body that broke off.
async fn describe(request: RequestBody) -> Response<AnyBody> {
    let method = request.exchange().method().clone();
    let target = String::from_utf8_lossy(request.exchange().target()).into_owned();
    let body = match request.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(_) => "!".to_owned(),
    };
    text(&format!("<{method} {target} {body}>"))
}

/// One line of the table.
struct Case<'t> {
    line: usize,
    expected: Vec<&'t str>,
    rule: &'t str,
    request: Vec<u8>,
}

fn cases(table: &str) -> Vec<Case<'_>> {
    let lines = table.lines().enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let mut parts = line.splitn(3, '\t');
            let mut part = || parts.next().unwrap_or_else(|| panic!("line {}", index + 1));
            let (expected, rule, request) = (part(), part(), part());
            Case {
                line: index + 1,
                expected: expected.split("; ").collect(),
                rule,
                request: unescape(request),
            }
        })
        .collect()
}

/// `\r \n \t \\ \xHH`, and `{text*N}` for a repetition.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'\\', [code, after @ ..]) => {
                rest = after;
                out.push(match code {
                    b'r' => b'\r',
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'x' => {
                        rest = &after[2..];
                        u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap()
                    }
                    other => *other,
                });
            }
            (b'{', _) => {
                let end = after.iter().position(|&b| b == b'}').unwrap();
                let inner = std::str::from_utf8(&after[..end]).unwrap();
                let (what, count) = inner.rsplit_once('*').unwrap();
                let what = unescape(what);
                (0..count.parse::<usize>().unwrap()).for_each(|_| out.extend_from_slice(&what));
                rest = &after[end + 1..];
            }
            _ => out.push(byte),
        }
    }
    out
}

/// The answers in what came back: status, and what the service saw.
fn answers(wire: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in wire.split("HTTP/1.1 ").skip(1) {
        let status = &part[..3];
        match (status, part.find('<'), part.rfind('>')) {
            ("100", ..) => {}
            ("200", Some(start), Some(end)) => found.push(format!("200 {}", &part[start + 1..end])),
            _ => found.push(status.to_owned()),
        }
    }
    found
}

#[test]
fn requests_are_taken_and_refused_by_the_book() {
    let table = include_str!("requests.txt");
    let mut wrong = Vec::new();
    let all = cases(table);
    assert!(all.len() >= 200, "{} cases", all.len());
    for case in &all {
        // However the bytes arrive, the answer is the same.
        for step in [usize::MAX, 7, 1] {
            if step == 1 && case.request.len() > 2000 {
                continue;
            }
            run(async {
                let mut client = connect(Settings::default(), listener(), describe);
                let pieces = case.request.chunks(step.min(case.request.len().max(1)));
                for piece in pieces {
                    // A refused client may find the connection closed.
                    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, piece).await;
                    tokio::task::yield_now().await;
                }
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await;
                let begin = tokio::time::Instant::now();
                let wire = client.read_all().await;
                let found = answers(&wire);
                let expected: Vec<_> = case
                    .expected
                    .iter()
                    .copied()
                    .filter(|&e| e != "closed")
                    .collect();
                // A body that breaks the coding with its first bytes is refused before a service
                // sees it, one that does so later is broken off.
                let at_once = step == usize::MAX && case.rule.contains("chunks:");
                if at_once && expected == ["200 POST / !"] && found == ["400"] {
                    return;
                }
                if found != expected || begin.elapsed().as_secs() > 60 {
                    let Case { line, rule, .. } = case;
                    wrong.push(format!(
                        "line {line} by {step}, {rule}: {found:?}, not {expected:?}"
                    ));
                }
            });
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
