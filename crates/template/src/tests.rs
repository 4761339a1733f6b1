//! Templates against the messages and results of nginx, and against a model written the slow way.

use proptest::prelude::*;

use super::{Captures, CompileError, Template, Variables};

/// Appends `<name>` for variables, `(n)` for captures and `[n]` for escaped ones.
struct Marks;

impl Variables<String> for Marks {
    fn append(&mut self, variable: &String, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("<{variable}>").as_bytes());
    }
    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("({number})").as_bytes());
    }
    fn append_capture_escaped(&mut self, number: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("[{number}]").as_bytes());
    }
}

fn compile(source: &[u8]) -> Result<Template<String>, CompileError<String>> {
    Template::compile(source, |name| {
        let name = String::from_utf8_lossy(name).into_owned();
        if name == "nosuch" {
            Err(format!("unknown \"{name}\" variable"))
        } else {
            Ok(name)
        }
    })
}

fn expanded(source: &str, captures: Captures) -> String {
    let mut out = Vec::new();
    compile(source.as_bytes())
        .unwrap()
        .expand_with(captures, &mut Marks, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn expands_as_nginx_reads_it() {
    for (source, expected) in [
        ("", ""),
        ("plain ? text", "plain ? text"),
        ("$uri", "<uri>"),
        ("${uri}", "<uri>"),
        ("$uri$is_args$args", "<uri><is_args><args>"),
        ("/a/${arg_x}y$z.", "/a/<arg_x>y<z>."),
        ("$1", "(1)"),
        ("$10", "(1)0"),
        ("$9$1a", "(9)(1)a"),
        // A zero is no capture, so it begins a name.
        ("$0", "<0>"),
        ("$01", "<01>"),
        // Between braces a digit is a name.
        ("${1}", "<1>"),
        (
            "$http_user_agent-$remote_addr",
            "<http_user_agent>-<remote_addr>",
        ),
        ("}{a}", "}{a}"),
    ] {
        assert_eq!(expanded(source, Captures::Raw), expected, "{source}");
    }
    assert_eq!(expanded("/$1?a=$2&$b", Captures::Escaped), "/[1]?a=[2]&<b>");
    assert_eq!(expanded("$3", Captures::Escaped), "[3]");
}

#[test]
fn complains_as_nginx_does() {
    for (source, message) in [
        ("$", "invalid variable name"),
        ("a$", "invalid variable name"),
        ("$-", "invalid variable name"),
        ("$$uri", "invalid variable name"),
        ("${", "invalid variable name"),
        ("${}", "invalid variable name"),
        (
            "${uri",
            "the closing bracket in \"uri\" variable is missing",
        ),
        (
            "${u-ri}",
            "the closing bracket in \"u\" variable is missing",
        ),
        ("${-}", "the closing bracket in \"\" variable is missing"),
        ("x $nosuch", "unknown \"nosuch\" variable"),
        ("$nosuch ${", "unknown \"nosuch\" variable"),
    ] {
        assert_eq!(
            compile(source.as_bytes()).unwrap_err().to_string(),
            message,
            "{source}"
        );
    }
}

#[test]
fn tells_what_it_is() {
    let literal = compile(b"text").unwrap();
    assert_eq!(literal.as_literal(), Some(&b"text"[..]));
    assert!(!literal.has_captures());
    assert_eq!(literal.variables().count(), 0);
    assert!(compile(b"").unwrap().is_empty());
    assert_eq!(
        Template::<()>::literal(*b"$1").as_literal(),
        Some(&b"$1"[..])
    );

    let single = compile(b"${uri}").unwrap();
    assert_eq!(single.as_variable().map(String::as_str), Some("uri"));
    assert_eq!(single.as_literal(), None);

    let mixed = compile(b"$a-$1-$b$a").unwrap();
    assert!(mixed.has_captures());
    assert_eq!(mixed.variables().collect::<Vec<_>>(), ["a", "b", "a"]);
    assert_eq!(mixed.to_string(), "$a-$1-$b$a");
    assert_eq!(
        format!("{mixed:?}"),
        r#"Template("$a-$1-$b$a", ["a", "b", "a"])"#
    );
}

#[test]
fn evaluate_lends_literals_and_reuses_the_buffer() {
    let mut scratch = b"old".to_vec();
    assert_eq!(
        compile(b"text").unwrap().evaluate(&mut Marks, &mut scratch),
        b"text"
    );
    assert_eq!(scratch, b"old");
    assert_eq!(
        compile(b"a$b").unwrap().evaluate(&mut Marks, &mut scratch),
        b"a<b>"
    );
}

proptest! {
    /// Writing parts down with braces and reading them back changes nothing.
    #[test]
    fn parts_survive_compilation(parts in prop::collection::vec(
        prop_oneof![
            "[a-z/?=&.{} ]{1,6}".prop_map(|text| (text.clone(), text)),
            "[A-Za-z0-9_]{1,6}".prop_map(|name| (format!("${{{name}}}"), format!("<{name}>"))),
            (1..=9u8).prop_map(|number| (format!("${number}"), format!("({number})"))),
        ],
        0..8,
    )) {
        prop_assume!(parts.iter().all(|(source, _)| !source.contains("nosuch")));
        let source: String = parts.iter().map(|(source, _)| source.as_str()).collect();
        let value: String = parts.iter().map(|(_, value)| value.as_str()).collect();
        prop_assert_eq!(expanded(&source, Captures::Raw), value);
    }

    /// Any bytes either compile or are refused; nothing panics.
    #[test]
    fn any_bytes_are_taken_or_refused(source in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(template) = compile(&source) {
            let mut out = Vec::new();
            template.expand(&mut Marks, &mut out);
            prop_assert_eq!(template.source(), &source[..]);
        }
    }
}
