//! nginx's messages, what is printed, and what the log is told. What programs do is in `cases`.

use portunus_template::Variables;

use super::{
    Condition, FileTest, NewArgs, Note, Program, Return, Rewrite, RewriteContext, RewriteFailure,
    RewriteOutcome, Step,
};
use crate::{Captures, LocationId, Slot};

fn resolve(name: &[u8]) -> Result<String, String> {
    let name = String::from_utf8_lossy(name).into_owned();
    if name == "uri" {
        Ok(name)
    } else {
        Err(format!("unknown \"{name}\" variable"))
    }
}

fn rewrite(arguments: &[&str]) -> Result<Rewrite<String>, String> {
    let flag = arguments.get(2).map(|flag| flag.as_bytes());
    Rewrite::compile(
        arguments[0].as_bytes(),
        arguments[1].as_bytes(),
        flag,
        resolve,
    )
    .map_err(|error| error.to_string())
}

#[test]
fn conditions_complain_as_nginx_does() {
    for (words, message) in [
        ("()", "invalid condition \")\""),
        ("( )", "invalid condition \")\""),
        ("(x)", "invalid condition \"x\""),
        ("$a", "invalid condition \"$a\""),
        ("($uri", "invalid condition \"$uri\""),
        ("($uri = )", "invalid condition \"$uri\""),
        ("($uri = a b)", "invalid condition \"$uri\""),
        ("($uri == a)", "unexpected \"==\" in condition"),
        ("($uri -f)", "invalid condition \"$uri\""),
        ("(-f)", "invalid condition \"-f\""),
        ("(-f $uri x)", "invalid condition \"-f\""),
        ("(-q $uri)", "invalid condition \"-q\""),
        ("(!-q $uri)", "invalid condition \"!-q\""),
        ("(!$uri)", "invalid condition \"!$uri\""),
        ("(! -f $uri)", "invalid condition \"!\""),
        ("($)", "invalid condition \"$\""),
        ("($uri = $)", "invalid variable name"),
        (
            "(-f ${uri)",
            "the closing bracket in \"uri\" variable is missing",
        ),
        ("($uri=a)", "unknown \"uri=a\" variable"),
    ] {
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        assert_eq!(
            Condition::compile(&words, resolve).unwrap_err().to_string(),
            message
        );
    }
    let error = Condition::compile(&[b"($uri", b"~", b"()"], resolve).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("pcre2_compile() failed: missing closing parenthesis")
    );
    for words in ["( $uri = a )", "($uri ~* \\.php$ )", "(-f $uri )", "($uri)"] {
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        assert!(Condition::compile(&words, resolve).is_ok());
    }
}

#[test]
fn rewrites_complain_as_nginx_does() {
    for (arguments, message) in [
        (&["a", ""][..], "empty replacement"),
        (&["(", "", "x"], "empty replacement"),
        (&["a", "b", "never"], "invalid parameter \"never\""),
        (&["a", "b", "LAST"], "invalid parameter \"LAST\""),
        (&["a", "$", "never"], "invalid parameter \"never\""),
        (&["a", "$"], "invalid variable name"),
        (&["a", "b?$"], "invalid variable name"),
        (
            &["a", "b?${x"],
            "the closing bracket in \"x\" variable is missing",
        ),
        (&["a", "$b?$"], "unknown \"b\" variable"),
    ] {
        assert_eq!(rewrite(arguments).unwrap_err(), message, "{arguments:?}");
    }
    assert!(
        rewrite(&["(", "b", "never"])
            .unwrap_err()
            .starts_with("pcre2_compile() failed: ")
    );
}

#[test]
fn returns_complain_as_nginx_does() {
    for (code, text, message) in [
        ("1000", None, "invalid return code \"1000\""),
        ("x", None, "invalid return code \"x\""),
        (
            "99999999999999999999",
            None,
            "invalid return code \"99999999999999999999\"",
        ),
        ("-1", None, "invalid return code \"-1\""),
        ("", None, "invalid return code \"\""),
        ("http://a", Some("b"), "invalid return code \"http://a\""),
        ("ftp://a", None, "invalid return code \"ftp://a\""),
        ("200", Some("$"), "invalid variable name"),
        ("http://$x", None, "unknown \"x\" variable"),
    ] {
        let text = text.map(str::as_bytes);
        let error = Return::compile(code.as_bytes(), text, resolve).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(Return::compile(b"0200", None, resolve).unwrap().status, 200);
}

/// A request that notes what happens to it.
#[derive(Default)]
struct Noting {
    uri: Vec<u8>,
    args: Vec<u8>,
    captures: Captures,
    notes: Vec<String>,
}

impl Variables<String> for Noting {
    fn append(&mut self, _: &String, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.uri);
    }
    fn append_capture(&mut self, number: u8, out: &mut Vec<u8>) {
        self.captures.append(number, out);
    }
}

impl RewriteContext<String> for Noting {
    fn uri(&self) -> &[u8] {
        &self.uri
    }
    fn args(&self) -> &[u8] {
        &self.args
    }
    fn captures(&mut self) -> &mut Captures {
        &mut self.captures
    }
    fn rewrite_uri(&mut self, uri: Vec<u8>, args: NewArgs) {
        self.uri = uri;
        self.args = match args {
            NewArgs::Put(args) => args,
            NewArgs::Kept | NewArgs::Dropped => Vec::new(),
        };
    }
    fn set(&mut self, variable: &String, value: Vec<u8>) {
        self.notes.push(format!(
            "set {variable}={}",
            String::from_utf8_lossy(&value)
        ));
    }
    fn bind(&mut self, slot: Slot, value: &[u8]) {
        self.notes.push(format!(
            "bind {}={}",
            slot.0,
            String::from_utf8_lossy(value)
        ));
    }
    fn enter(&mut self, location: LocationId) {
        self.notes.push(format!("enter {}", location.0));
    }
    fn test_file(&mut self, test: FileTest, path: &[u8]) -> bool {
        self.notes
            .push(format!("{test:?} {}", String::from_utf8_lossy(path)));
        true
    }
    fn wants_notes(&self) -> bool {
        true
    }
    fn note(&mut self, note: Note<'_>) {
        self.notes.push(note.to_string());
    }
}

fn program() -> Program<String> {
    let condition = |words: &[&[u8]]| Condition::compile(words, resolve).unwrap();
    let step = |arguments| Step::Rewrite(Box::new(rewrite(arguments).unwrap()));
    let inner = vec![
        step(&["^/(?<all>.*)$", "/x/$1?a=b"]),
        step(&["^/x/a", "http://h$uri?"]),
    ];
    let mut program = Program {
        steps: vec![
            step(&["^/none", "/none", "break"]),
            Step::If {
                condition: condition(&[b"($uri", b"!~*", b"NO(.)$)"]),
                location: Some(LocationId(7)),
                steps: vec![Step::Set {
                    name: "x".into(),
                    variable: "x".into(),
                    value: portunus_template::Template::compile(b"-$uri", resolve).unwrap(),
                }],
            },
            Step::If {
                condition: condition(&[b"(-f", b"$uri)"]),
                location: None,
                steps: inner,
            },
            Step::Return(Return::compile(b"200", Some(b"never"), resolve).unwrap()),
            Step::Break,
        ],
    };
    program.each_regex(&mut |regex| regex.bind(|_| Slot(3)));
    program
}

#[test]
fn logs_as_nginx_does() {
    let mut request = Noting {
        uri: b"/a".to_vec(),
        ..Noting::default()
    };
    let outcome = program().run(&mut request);
    assert_eq!(
        outcome,
        RewriteOutcome::Redirect {
            status: 302,
            location: b"http://h/x/a".to_vec()
        }
    );
    assert_eq!(
        request.notes,
        [
            "\"^/none\" does not match \"/a\"",
            "\"NO(.)$\" does not match \"/a\"",
            "enter 7",
            "set x=-/a",
            "File /a",
            "\"^/(?<all>.*)$\" matches \"/a\"",
            "bind 3=a",
            "rewritten data: \"/x/a\", args: \"a=b\"",
            "\"^/x/a\" matches \"/x/a\"",
            "rewritten redirect: \"http://h/x/a\"",
        ]
    );
}

#[test]
fn prints_itself() {
    assert_eq!(
        program().to_string(),
        r#"rewrite "^/none" "/none" break;
if ($uri !~* NO(.)$) {
    set $x "-$uri";
}
if (-f $uri) {
    rewrite "^/(?<all>.*)$" "/x/$1?a=b";
    rewrite "^/x/a" "http://h$uri?" redirect;
}
return 200 "never";
break;
"#
    );
    assert!(Program::<String>::default().is_empty());
}

#[test]
fn fails_on_endless_matches_and_empty_uris() {
    let run = |rewrite: Rewrite<String>, uri: &[u8]| {
        let program = Program {
            steps: vec![Step::Rewrite(Box::new(rewrite))],
        };
        program.run(&mut Noting {
            uri: uri.to_vec(),
            ..Noting::default()
        })
    };
    let empty = run(rewrite(&["^", "$1"]).unwrap(), b"/a");
    assert_eq!(empty, RewriteOutcome::Failed(RewriteFailure::EmptyUri));
    let subject = [&b"/"[..], &b"a".repeat(400), b"!"].concat();
    match run(rewrite(&["^/(a|a?)+$", "/x"]).unwrap(), &subject) {
        RewriteOutcome::Failed(failure) => {
            let message = failure.to_string();
            assert!(
                message.starts_with("pcre2_match() failed: -47 on \"/aaa"),
                "{message}"
            );
            assert!(message.ends_with("a!\" using \"^/(a|a?)+$\""), "{message}");
        }
        other => panic!("it ended: {other:?}"),
    }
}
