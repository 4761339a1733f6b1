//! Targets against results taken from nginx, and against a slow model.

use std::borrow::Cow;

use proptest::prelude::*;

use super::{Target, TargetError};
use crate::model;

fn parse(target: &str) -> Result<Target<'_>, TargetError> {
    Target::parse(target.as_bytes(), true)
}

#[test]
fn normalises_as_nginx_does() {
    for (target, path, args) in [
        ("/", "/", ""),
        ("/a/b.php?c=d", "/a/b.php", "c=d"),
        ("/a?b?c", "/a", "b?c"),
        ("/a?", "/a", ""),
        ("/a#b?c", "/a", ""),
        ("/a?b#c", "/a", "b"),
        ("/a?#", "/a", ""),
        ("/a%20b", "/a b", ""),
        ("/a%2Fb%2f/c", "/a/b/c", ""),
        ("//a///b//", "/a/b/", ""),
        ("/./a/./b/.", "/a/b/", ""),
        ("/a/../b", "/b", ""),
        ("/a/..", "/", ""),
        ("/a/b/..?x", "/a/", "x"),
        ("/a/.#x", "/a/", ""),
        ("/a/b/../../c", "/c", ""),
        ("/a//../b", "/b", ""),
        ("/a/%2e%2e/b", "/b", ""),
        ("/a/.%2E/b", "/b", ""),
        ("/a%2f..%2fb", "/b", ""),
        ("/a/...", "/a/...", ""),
        ("/a/..b/.c", "/a/..b/.c", ""),
        ("/a%25%32%65", "/a%2e", ""),
        ("/a%3Fb%23c%25d", "/a?b#c%d", ""),
        ("/%3f/..", "/", ""),
        ("/.%23", "/.#", ""),
        ("/a+b%2B", "/a+b+", ""),
        ("/+./x", "/+./x", ""),
        ("/a%0d%0a", "/a\r\n", ""),
        ("/a\\..\\b", "/a\\..\\b", ""),
        ("/\u{e4}", "/\u{e4}", ""),
        ("/a:b@c;d=e,f", "/a:b@c;d=e,f", ""),
    ] {
        let parsed = parse(target).unwrap();
        assert_eq!(
            parsed.path.escape_ascii().to_string(),
            path.as_bytes().escape_ascii().to_string()
        );
        assert_eq!(parsed.args, args.as_bytes(), "{target}");
        assert_eq!(parsed.raw, target.as_bytes());
        assert!(parsed.raw_is_path);
    }
}

#[test]
fn keeps_slashes_if_told() {
    for (target, path) in [
        ("//a///b//", "//a///b//"),
        ("/a//../b", "/a/b"),
        ("//..", "/"),
        ("/.//a", "//a"),
        ("/a/./b", "/a/b"),
    ] {
        let parsed = Target::parse(target.as_bytes(), false).unwrap();
        assert_eq!(parsed.path, target_bytes(path), "{target}");
    }
}

fn target_bytes(path: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(path.as_bytes())
}

#[test]
fn refuses_what_nginx_refuses() {
    for (target, error) in [
        ("", TargetError::Form),
        ("*", TargetError::Form),
        ("foo", TargetError::Form),
        ("?a", TargetError::Form),
        ("http:/a", TargetError::Form),
        ("http//a/", TargetError::Form),
        ("1http://a/", TargetError::Form),
        ("http://a_b/", TargetError::Form),
        ("http://u@a/", TargetError::Form),
        ("http://a#b", TargetError::Form),
        ("http://a:x/", TargetError::Form),
        ("http://[::1/", TargetError::Form),
        ("http://[::1]x/", TargetError::Form),
        ("a:80", TargetError::Form),
        ("/..", TargetError::AboveRoot),
        ("/../a", TargetError::AboveRoot),
        ("/a/../..", TargetError::AboveRoot),
        ("/a/../../b?c", TargetError::AboveRoot),
        ("/%2e%2e/", TargetError::AboveRoot),
        ("/..#", TargetError::AboveRoot),
        ("/%", TargetError::BadEscape),
        ("/%2", TargetError::BadEscape),
        ("/%zz", TargetError::BadEscape),
        ("/%2?a", TargetError::BadEscape),
        ("/%00", TargetError::Nul),
        ("/a%00.php", TargetError::Nul),
        ("/a b", TargetError::UnescapedByte),
        ("/a\tb", TargetError::UnescapedByte),
        ("/a\x7f", TargetError::UnescapedByte),
        ("/a?b\0", TargetError::UnescapedByte),
        ("/a#b\x01", TargetError::UnescapedByte),
    ] {
        assert_eq!(parse(target).unwrap_err(), error, "{target}");
    }
    assert!(parse("/?%zz%00").is_ok());
    assert_eq!(
        Target::parse_path(b"http://a/", true),
        Err(TargetError::Form)
    );
}

#[test]
fn splits_absolute_form() {
    for (target, authority, raw, path, args) in [
        ("http://a/b?c", "a", "/b?c", "/b", "c"),
        ("HTTP://A:80", "A:80", "/", "/", ""),
        ("http://a", "a", "/", "/", ""),
        ("http://a:/x", "a:", "/x", "/x", ""),
        ("http://[::1]:8080/x/..", "[::1]:8080", "/x/..", "/", ""),
        ("http:///x", "", "/x", "/x", ""),
        ("a+b-c.d1://a.b-c/", "a.b-c", "/", "/", ""),
    ] {
        let parsed = parse(target).unwrap();
        assert_eq!(parsed.authority, Some(authority.as_bytes()), "{target}");
        assert_eq!(parsed.raw, raw.as_bytes(), "{target}");
        assert_eq!(&*parsed.path, path.as_bytes(), "{target}");
        assert_eq!(parsed.args, args.as_bytes(), "{target}");
    }
    let empty_path = parse("http://a?b=c").unwrap();
    assert_eq!(
        (&*empty_path.path, empty_path.args),
        (&b"/"[..], &b"b=c"[..])
    );
    assert_eq!(empty_path.raw, b"?b=c");
    assert!(!empty_path.raw_is_path);
}

#[test]
fn knows_extension_and_escapes() {
    for (target, extension) in [
        ("/a.php", "php"),
        ("/a.php?b.c", "php"),
        ("/a%2ephp", "php"),
        ("/a.b/c", ""),
        ("/.env", ""),
        ("/.a.php", "php"),
        ("/..gz", ""),
        ("/a.php/.", ""),
        ("/a/b.c/../d.e", "e"),
        ("/a%20b.Gz", "Gz"),
    ] {
        assert_eq!(
            parse(target).unwrap().extension(),
            extension.as_bytes(),
            "{target}"
        );
    }
    for (target, escapes) in [
        ("/a", false),
        ("/a?%20+", false),
        ("/a%41", true),
        ("/a+", true),
        ("/%2b", true),
        ("/.a", false),
    ] {
        assert_eq!(parse(target).unwrap().has_escapes, escapes, "{target}");
    }
}

#[test]
fn lends_what_needs_no_change() {
    assert!(matches!(
        parse("/a/b.c+d:e?f").unwrap().path,
        Cow::Borrowed(_)
    ));
    assert!(matches!(parse("/a?b#c").unwrap().path, Cow::Owned(_)));
}

proptest! {
    #[test]
    fn agrees_with_the_model(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "/", "/", ".", "..", "a", "b.c", "%2e", "%2F", "%25", "%3f", "%23", "%00", "%4", "+",
                "?", "#", "%41", "\\",
            ]),
            0..10,
        ),
        merge in any::<bool>(),
    ) {
        let target = format!("/{}", parts.concat());
        let parsed = Target::parse(target.as_bytes(), merge).ok().map(|target| target.path.into_owned());
        prop_assert_eq!(parsed, model::normalised(target.as_bytes(), merge), "{}", target);
    }

    /// What was normalised once stays as it is when it is escaped and parsed again.
    #[test]
    fn is_stable(target in "/[a-c./%+2eEfF]{0,14}") {
        if let Ok(parsed) = Target::parse(target.as_bytes(), true) {
            let again = crate::escaped(crate::Escape::Uri, &parsed.path).into_owned();
            prop_assert_eq!(&Target::parse(&again, true).unwrap().path, &parsed.path);
        }
    }

    /// The borrowed fast path says the same as the builder.
    #[test]
    fn fast_path_agrees(target in "/[a-b./+?]{0,14}") {
        let parsed = Target::parse(target.as_bytes(), true);
        let slow = crate::normalise::normalise(target.as_bytes(), true);
        match (parsed, slow) {
            (Ok(parsed), Ok(slow)) => {
                prop_assert_eq!(&*parsed.path, &slow.path[..]);
                prop_assert_eq!(parsed.has_escapes, slow.has_escapes);
                let extension = slow.extension.map_or(&b""[..], |start| &slow.path[start..]);
                prop_assert_eq!(parsed.extension(), extension);
            }
            (parsed, slow) => prop_assert_eq!(parsed.err(), slow.err()),
        }
    }
}
