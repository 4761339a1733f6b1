//! Regular expressions: nginx's messages, the meaning of `$`, captures, limits.

use super::{Captures, Regex, Slot, pattern};

fn regex(pattern: &str) -> Regex {
    Regex::compile(pattern.as_bytes(), false).unwrap()
}

#[test]
fn complains_as_nginx_does() {
    // Releases of PCRE2 differ in where they point and in some words; these are stable.
    for (pattern, message) in [
        (
            "(",
            "pcre2_compile() failed: missing closing parenthesis in \"(\"",
        ),
        (
            "a)$b",
            "pcre2_compile() failed: unmatched closing parenthesis in \"a)$b\" at \")$b\"",
        ),
        (
            "[a$",
            "pcre2_compile() failed: missing terminating ] for character class in \"[a$\"",
        ),
        (
            "$a**",
            "pcre2_compile() failed: quantifier does not follow a repeatable item in \"$a**\" at \"*\"",
        ),
        (
            "a\\",
            "pcre2_compile() failed: \\ at end of pattern in \"a\\\"",
        ),
    ] {
        let error = Regex::compile(pattern.as_bytes(), false).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn dollar_is_the_very_end() {
    for (pattern, translated) in [
        (r"\.php$", r"\.php\z"),
        (r"^/(a|b$)/$", r"^/(a|b\z)/\z"),
        (r"a\$b", r"a\$b"),
        (r"a\\$", r"a\\\z"),
        (r"[$]$", r"[$]\z"),
        (r"[]$]$", r"[]$]\z"),
        (r"[^]$]$", r"[^]$]\z"),
        (r"[[:alpha:]$]$", r"[[:alpha:]$]\z"),
        (r"[\]$]$", r"[\]$]\z"),
        (r"[[$]$", r"[[$]\z"),
        (r"\Qa$\E$", r"\Qa$\E\z"),
        (r"\Qa$", r"\Qa$"),
        (r"\c$$", r"\c$\z"),
        (r"(?i)a$", r"(?i)a\z"),
        (r"(?m)a$", r"(?m)a$"),
        (r"(?xi:a$)", r"(?xi:a$)"),
        (r"(?<mx>a)$", r"(?<mx>a)\z"),
        (r"(?!m)$", r"(?!m)\z"),
        ("ä$", r"ä\z"),
        ("[a$", "[a$"),
    ] {
        assert_eq!(pattern::anchor_dollars(pattern), translated, "{pattern}");
    }
    assert!(regex(r"\.php$").is_match(b"/a.php").unwrap());
    assert!(!regex(r"\.php$").is_match(b"/a.php\n").unwrap());
    assert!(regex("(?m)a$").is_match(b"a\nb").unwrap());
}

#[test]
fn takes_bytes_that_are_not_text() {
    let latin = Regex::compile(b"^/\xe4[\xf6]$", false).unwrap();
    assert!(latin.is_match(b"/\xe4\xf6").unwrap());
    assert!(!latin.is_match("/äö".as_bytes()).unwrap());
    assert_eq!(latin.source(), b"^/\xe4[\xf6]$");
    assert!(regex("^/ä$").is_match("/ä".as_bytes()).unwrap());
    assert!(regex("^/.$").is_match(b"/\xff").unwrap());
}

#[test]
fn knows_look_around_and_case() {
    let dotfile = regex(r"/\.(?!well-known).*");
    assert!(dotfile.is_match(b"/.env").unwrap());
    assert!(!dotfile.is_match(b"/.well-known/acme").unwrap());
    assert!(
        Regex::compile(b"\\.PHP$", true)
            .unwrap()
            .is_match(b"/a.php")
            .unwrap()
    );
    assert!(!regex("\\.PHP$").is_match(b"/a.php").unwrap());
}

#[test]
fn captures_groups_and_names() {
    let mut named = regex(r"^/(?<user>\w+)(/x)?/(?<file>.*)$");
    assert_eq!(
        named
            .names()
            .iter()
            .map(|group| &*group.name)
            .collect::<Vec<_>>(),
        ["file", "user"]
    );
    named.bind(|name| Slot(u32::from(name == "user")));
    let mut captures = Captures::new();
    assert!(named.captures(b"/bob/a.txt", &mut captures).unwrap());
    assert_eq!(captures.group(1), b"bob");
    assert_eq!(captures.group(2), b"");
    assert_eq!(captures.group(3), b"a.txt");
    assert_eq!(captures.group(4), b"");
    assert_eq!(captures.group(0), b"");
    let mut set = Vec::new();
    captures.take_named(|slot, value| set.push((slot, value.to_vec())));
    assert_eq!(
        set,
        [(Slot(0), b"a.txt".to_vec()), (Slot(1), b"bob".to_vec())]
    );
    captures.take_named(|_, _| panic!("taken before"));

    // A failed match leaves them, one without groups empties them.
    assert!(!named.captures(b"nothing", &mut captures).unwrap());
    assert_eq!(captures.group(1), b"bob");
    assert!(regex("b").captures(b"abc", &mut captures).unwrap());
    assert_eq!(captures.group(1), b"");
}

#[test]
fn escapes_captures_of_escaped_uris() {
    let mut captures = Captures::new();
    assert!(regex("^/(.*)").captures(b"/a b&c", &mut captures).unwrap());
    let mut out = Vec::new();
    captures.append_escaped(1, false, &mut out);
    out.push(b'|');
    captures.append_escaped(1, true, &mut out);
    assert_eq!(out, b"a b&c|a%20b%26c");
}

#[test]
fn no_match_takes_long() {
    let long = [b"/".as_slice(), &b"a".repeat(8000), b"!"].concat();
    for pattern in ["^/(a+)+$", "^/(a|aa)+$", "^/(a|a?)+$"] {
        let regex = regex(pattern);
        let error = regex.captures(&long, &mut Captures::new()).unwrap_err();
        assert_eq!(error.code, -47, "{pattern}");
        assert_eq!(regex.is_match(&long).unwrap_err(), error);
        // Without the odd byte at its end the subject matches at once.
        assert!(regex.is_match(&long[..60]).unwrap());
    }
    let error = regex("^/(a+)+$")
        .is_match(b"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "pcre2_match() failed: -47 on \"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\" using \"^/(a+)+$\""
    );
}

#[test]
fn long_subjects_outgrow_the_stack_of_compiled_code() {
    let long = [b"/".as_slice(), &b"ab".repeat(4000)].concat();
    let mut captures = Captures::new();
    assert!(
        regex("^/((?:a|b)(c)?)*$")
            .captures(&long, &mut captures)
            .unwrap()
    );
    assert_eq!(captures.group(1), b"b");
}
