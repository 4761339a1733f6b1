//! Locations: nginx's choice, its messages, and a slow model.

use proptest::prelude::*;

use super::{Found, Location, LocationError, LocationId, LocationMatch, Locations, model};
use crate::Captures;

/// `location`s written as in a configuration: `(text, passes on, inner)`.
type Written<'a> = (&'a str, bool, Vec<(&'a str, bool)>);

/// Numbers the locations in the order of writing, outer before inner.
fn numbered(written: &[Written<'_>]) -> Vec<Location> {
    let mut next = 0;
    let mut location = |text: &str, redirects_to_slash, inner| {
        let (modifier, name) = match text.split_once(' ') {
            Some((modifier, name)) => (Some(modifier.as_bytes()), name),
            None => (None, text),
        };
        let matcher = LocationMatch::parse(modifier, name.as_bytes()).unwrap();
        assert_eq!(matcher.to_string(), text);
        next += 1;
        Location {
            id: LocationId(next - 1),
            matcher,
            redirects_to_slash,
            inner,
        }
    };
    written
        .iter()
        .map(|(text, redirects, inner)| {
            let mut outer = location(text, *redirects, Vec::new());
            outer.inner = inner
                .iter()
                .map(|(text, redirects)| location(text, *redirects, Vec::new()))
                .collect();
            outer
        })
        .collect()
}

fn locations(written: &[Written<'_>]) -> Result<Locations, Vec<LocationError>> {
    Locations::new(numbered(written))
}

fn find(locations: &Locations, uri: &str) -> String {
    let found = locations
        .find(uri.as_bytes(), &mut Captures::new())
        .unwrap();
    match found {
        Found { location: None, .. } => "-".to_owned(),
        Found {
            location: Some(id),
            redirect_to_slash: true,
        } => format!("{}/", id.0),
        Found {
            location: Some(id), ..
        } => id.0.to_string(),
    }
}

fn check(written: &[Written<'_>], expected: &[(&str, &str)]) {
    let built = locations(written).unwrap();
    for (uri, location) in expected {
        assert_eq!(find(&built, uri), *location, "{uri}");
    }
}

fn plain(text: &str) -> Written<'_> {
    (text, false, Vec::new())
}

#[test]
fn chooses_as_nginx_does() {
    check(
        &[
            plain("= /"),                   // 0
            plain("/"),                     // 1
            plain("/documents/"),           // 2
            plain("^~ /images/"),           // 3
            plain(r"~* \.(gif|jpg|jpeg)$"), // 4
            plain("= /exact"),              // 5
            plain("/exact"),                // 6
            plain("~ ^/documents/(x|y)"),   // 7
            plain("@named"),                // 8
        ],
        &[
            ("/", "0"),
            ("/index.html", "1"),
            ("/documents/document.html", "2"),
            ("/documents", "1"),
            ("/images/1.gif", "3"),
            ("/documents/1.JPG", "4"),
            ("/documents/x.jpg", "4"),
            ("/documents/x", "7"),
            ("/exact", "5"),
            ("/exact/", "6"),
            ("/exactly", "6"),
            ("@named", "-"),
            ("", "-"),
        ],
    );
    let built = locations(&[plain("@b"), plain("@a"), plain("@b")]).unwrap();
    assert_eq!(built.named(b"@a"), Some(LocationId(1)));
    assert_eq!(built.named(b"@b"), Some(LocationId(0)));
    assert_eq!(built.named(b"@c"), None);
    assert_eq!(find(&Locations::default(), "/"), "-");
}

#[test]
fn searches_inside_before_around() {
    check(
        &[
            (
                "/a/",
                false,
                vec![(r"~ \.php$", false), ("/a/b/", false), ("= /a/c", false)],
            ), // 0 1 2 3
            plain(r"~ \.php$"),                                            // 4
            ("^~ /s/", false, vec![(r"~ \.php$", false)]),                 // 5 6
            ("/n/", false, vec![("^~ /n/x/", false)]),                     // 7 8
            ("~ ^/r/", false, vec![(r"~ \.gif$", false), ("~ .", false)]), // 9 10 11
        ],
        &[
            ("/a/x", "0"),
            ("/a/x.php", "1"),
            ("/a/b/x", "2"),
            ("/a/b/x.php", "1"),
            ("/a/c", "3"),
            ("/x.php", "4"),
            ("/s/x.php", "6"),
            ("/s/x.gif", "5"),
            // The inner prefix forbids only what stands beside it.
            ("/n/x/a.php", "4"),
            ("/n/x/a", "8"),
            ("/r/a.gif", "10"),
            ("/r/a", "11"),
            ("/r/a.php", "4"),
        ],
    );
}

#[test]
fn redirects_to_the_slash() {
    check(
        &[
            ("/proxy/", true, Vec::new()),             // 0
            plain("/"),                                // 1
            plain("~ ."),                              // 2
            ("= /both/", true, Vec::new()),            // 3
            plain("/both/"),                           // 4
            ("/taken/", true, Vec::new()),             // 5
            plain("= /taken"),                         // 6
            ("/prefix/", true, Vec::new()),            // 7
            plain("/prefix"),                          // 8
            ("/pro-", true, Vec::new()),               // 9
            plain("/static/"),                         // 10
            ("/in/", false, vec![("/in/ner/", true)]), // 11 12
        ],
        &[
            ("/proxy", "0/"),
            ("/proxy/", "2"),
            ("/prox", "2"),
            ("/both", "3/"),
            ("/both/", "3"),
            ("/taken", "6"),
            ("/prefix", "2"),
            ("/pro", "2"),
            ("/static", "2"),
            ("/in/ner", "12/"),
        ],
    );
    let built = locations(&[("/ä%b/", true, Vec::new())]).unwrap();
    assert_eq!(find(&built, "/ä%b"), "0/");
    assert_eq!(
        built.redirect_path(LocationId(0)),
        Some(&b"/%C3%A4%25b/"[..])
    );
    assert_eq!(built.redirect_path(LocationId(1)), None);
}

#[test]
fn regexes_capture_and_inner_ones_last() {
    let built = locations(&[("~ ^/(a)(b)", false, vec![("~ (b)$", false)])]).unwrap();
    let mut captures = Captures::new();
    assert_eq!(
        built.find(b"/abab", &mut captures).unwrap().location,
        Some(LocationId(1))
    );
    assert_eq!(
        (captures.group(1), captures.group(2)),
        (&b"b"[..], &b""[..])
    );
    assert_eq!(
        built.find(b"/abx", &mut captures).unwrap().location,
        Some(LocationId(0))
    );
    assert_eq!(
        (captures.group(1), captures.group(2)),
        (&b"a"[..], &b"b"[..])
    );
}

#[test]
fn names_inside_a_regex_are_never_found() {
    let inner = vec![("/b.txt", true), ("= /b", false), ("~ t$", false)];
    let built = locations(&[("~ /b", false, inner)]).unwrap();
    for (uri, id) in [("/b", 0), ("/b.txt", 3), ("/b.tx", 0)] {
        let found = built.find(uri.as_bytes(), &mut Captures::new()).unwrap();
        assert_eq!(found.location, Some(LocationId(id)), "{uri}");
    }
}

#[test]
fn complains_as_nginx_does() {
    let duplicates =
        locations(&[plain("/a"), plain("^~ /a"), plain("= /a"), plain("= /a")]).unwrap_err();
    assert_eq!(
        duplicates,
        [1, 3].map(|second| LocationError::Duplicate {
            name: "/a".into(),
            second: LocationId(second)
        })
    );
    assert_eq!(duplicates[0].to_string(), "duplicate location \"/a\"");

    let parse = |text: &str| LocationMatch::parse(None, text.as_bytes()).unwrap();
    for (inner, outer, message) in [
        ("/a/b", "/a", None),
        ("~ x", "/a", None),
        ("=/a", "/a", None),
        (
            "/a",
            "=/a",
            Some("location \"/a\" cannot be inside the exact location \"/a\""),
        ),
        (
            "/a",
            "@a",
            Some("location \"/a\" cannot be inside the named location \"@a\""),
        ),
        (
            "@b",
            "/a",
            Some("named location \"@b\" can be on the server level only"),
        ),
        (
            "/b",
            "/a",
            Some("location \"/b\" is outside location \"/a\""),
        ),
        (
            "/a",
            "~^/a",
            Some("location \"/a\" is outside location \"^/a\""),
        ),
    ] {
        let result = parse(inner).check_inside(&parse(outer));
        assert_eq!(
            result.err().map(|error| error.to_string()).as_deref(),
            message,
            "{inner} in {outer}"
        );
    }
    let modifier = LocationMatch::parse(Some(b"!~"), b"/a").unwrap_err();
    assert_eq!(modifier.to_string(), "invalid location modifier \"!~\"");
    for (text, display) in [
        ("=/a", "= /a"),
        ("^~/a", "^~ /a"),
        ("~a", "~ a"),
        ("~*a", "~* a"),
        ("/a", "/a"),
        ("@a", "@a"),
    ] {
        assert_eq!(parse(text).to_string(), display);
    }
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        written in prop::collection::vec(
            (r"(= |\^~ )?/[ab/-]{0,4}/?|~ [ab]{1,2}\$?", any::<bool>()), 0..12,
        ),
        uri in "/[ab/-]{0,5}",
    ) {
        let references: Vec<Written<'_>> =
            written.iter().map(|(text, redirects)| (text.as_str(), *redirects, Vec::new())).collect();
        // Those with duplicates are refused.
        if let Ok(built) = Locations::new(numbered(&references)) {
            let found = built.find(uri.as_bytes(), &mut Captures::new()).unwrap();
            prop_assert_eq!(found, model::find(&numbered(&references), uri.as_bytes()));
        }
    }
}
