//! Server names: nginx's precedence, its messages, and a slow model.

use proptest::prelude::*;

use super::{ServerId, ServerName, ServerNames};
use crate::Captures;

fn names(names: &[&str]) -> (ServerNames, Vec<String>) {
    let parsed = names.iter().zip(0..).map(|(name, server)| {
        (
            ServerName::parse(name.as_bytes()).unwrap(),
            ServerId(server),
        )
    });
    let (names, ignored) = ServerNames::new(parsed);
    (names, ignored.iter().map(ToString::to_string).collect())
}

fn find(names: &ServerNames, host: &str) -> Option<u32> {
    names
        .find(host.as_bytes(), &mut Captures::new())
        .unwrap()
        .map(|server| server.0)
}

#[test]
fn prefers_as_nginx_does() {
    let (names, ignored) = names(&[
        r"~^www\d+\.example\.com$", // 0
        "www.example.*",            // 1
        "*.example.com",            // 2
        "www.example.com",          // 3
        "*.com",                    // 4
        ".example.org",             // 5
        "www.*",                    // 6
        r"~\.net$",                 // 7
        "",                         // 8
        "*.a.example.com",          // 9
    ]);
    assert!(ignored.is_empty());
    for (host, server) in [
        ("www.example.com", Some(3)),
        ("ftp.example.com", Some(2)),
        ("www1.example.com", Some(2)),
        ("x.y.example.com", Some(2)),
        ("x.a.example.com", Some(9)),
        ("a.example.com", Some(2)),
        // A star stands for a label at least, so the domain itself falls to the shorter one.
        ("example.com", Some(4)),
        (".example.com", Some(2)),
        ("com", None),
        ("example.org", Some(5)),
        ("x.example.org", Some(5)),
        ("www.example.net", Some(1)),
        ("www.example.de.x", Some(1)),
        ("www.other.de", Some(6)),
        ("www.example", Some(6)),
        ("x.net", Some(7)),
        ("www", None),
        ("", Some(8)),
    ] {
        assert_eq!(find(&names, host), server, "{host}");
    }
}

#[test]
fn regex_names_capture() {
    let (names, _) = names(&[r"~^(?<sub>[a-z]+)\.(.+)$"]);
    let mut captures = Captures::new();
    assert_eq!(
        names.find(b"www.example.com", &mut captures).unwrap(),
        Some(ServerId(0))
    );
    assert_eq!(
        (captures.group(1), captures.group(2)),
        (&b"www"[..], &b"example.com"[..])
    );
    assert!(!names.is_empty());
    assert!(ServerNames::default().is_empty());
}

#[test]
fn first_of_equal_names_counts() {
    let (found, ignored) = names(&[
        "a.b", "A.B", "*.c", ".c", "c", "d.*", "d.*", ".e", "e", "*.e",
    ]);
    assert_eq!(ignored, ["a.b", ".c", "c", "d.*", "e", "*.e"]);
    assert_eq!(find(&found, "a.b"), Some(0));
    assert_eq!(find(&found, "x.c"), Some(2));
    // nginx, too, leaves this name to nobody: the ignored ".c" has reserved it.
    assert_eq!(find(&found, "c"), None);
    assert_eq!(find(&found, "e"), Some(7));
}

#[test]
fn complains_as_nginx_does() {
    for (name, message) in [
        ("*", "server name \"*\" is invalid"),
        ("*.", "server name \"*.\" is invalid"),
        ("*a.b", "server name \"*a.b\" is invalid"),
        (".", "server name \".\" is invalid"),
        ("a.*.b", "invalid server name or wildcard \"a.*.b\""),
        ("*.a.*", "invalid server name or wildcard \"*.a.*\""),
        ("a..b", "invalid server name or wildcard \"a..b\""),
        ("a*", "invalid server name or wildcard \"a*\""),
        ("~", "empty regex in server name \"~\""),
    ] {
        assert_eq!(
            ServerName::parse(name.as_bytes()).unwrap_err().to_string(),
            message
        );
    }
    assert!(
        ServerName::parse(b"~(")
            .unwrap_err()
            .to_string()
            .starts_with("pcre2_compile() failed")
    );
    assert!(ServerName::is_suspicious(b"http://a"));
    for name in ["a.b", ".a.b", "*.a.b", "a.b.*", "~^a$", ""] {
        assert_eq!(
            ServerName::parse(name.as_bytes()).unwrap().to_string(),
            name
        );
    }
}

#[test]
fn many_dots_cost_little() {
    let (names, _) = names(&["*.a.b", "x.y.*"]);
    let host = "a.".repeat(4000);
    assert_eq!(find(&names, &format!("{host}b")), Some(0));
    assert_eq!(find(&names, &host), None);
    assert_eq!(find(&names, &format!("x.y.{host}c")), Some(1));
}

/// Looks at every name for every host.
fn model(names: &[String], host: &str) -> Option<u32> {
    let position = |best: Option<(usize, usize)>| best.map(|(_, at)| u32::try_from(at).unwrap());
    if let Some(at) = names.iter().position(|name| name == host) {
        return Some(u32::try_from(at).unwrap());
    }
    let head = names.iter().enumerate().filter_map(|(at, name)| {
        let domain = name
            .strip_prefix('*')
            .or_else(|| name.starts_with('.').then_some(name))?;
        let itself = name.starts_with('.') && host == &domain[1..];
        (host.ends_with(domain) || itself).then_some((domain.len(), usize::MAX - at))
    });
    let tail = names.iter().enumerate().filter_map(|(at, name)| {
        let prefix = name.strip_suffix('*')?;
        host.starts_with(prefix)
            .then_some((prefix.len(), usize::MAX - at))
    });
    let best = head.max().or_else(|| tail.max());
    position(best.map(|(length, at)| (length, usize::MAX - at)))
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        configured in prop::collection::hash_set(r"(\*\.|\.)?([ab]\.){0,2}[ab]|([ab]\.){1,3}\*", 0..8),
        host in r"([ab]\.){0,3}[ab]",
    ) {
        let mut configured: Vec<String> = configured.into_iter().collect();
        configured.sort();
        let references: Vec<&str> = configured.iter().map(String::as_str).collect();
        let (built, ignored) = names(&references);
        prop_assume!(ignored.is_empty());
        prop_assert_eq!(find(&built, &host), model(&configured, &host), "{:?}", configured);
    }
}
