//! What is found in pages, however they are cut into pieces.

use proptest::prelude::*;

use super::*;

/// Everything that a body gives, text joined.
fn events(pieces: &[&[u8]]) -> Vec<Result<RawCommand, String>> {
    let mut parser = Parser::new(255);
    let (mut all, mut text) = (Vec::new(), Vec::new());
    let flush = |text: &mut Vec<u8>, all: &mut Vec<_>| {
        if !text.is_empty() {
            all.push(Err(String::from_utf8_lossy(text).into_owned()));
            text.clear();
        }
    };
    for piece in pieces {
        let mut at = 0;
        while let Some(event) = parser.next(piece, &mut at) {
            match event {
                Event::Text(range) => text.extend_from_slice(&piece[range]),
                Event::Held(held) => text.extend_from_slice(held),
                Event::Command(command) => {
                    flush(&mut text, &mut all);
                    all.push(Ok(command));
                }
                Event::Broken(complaint) => {
                    flush(&mut text, &mut all);
                    all.push(Err(format!("!{complaint}")));
                }
            }
        }
    }
    text.extend_from_slice(parser.finish());
    flush(&mut text, &mut all);
    all
}

fn command(name: &str, parameters: &[(&str, &str)]) -> Result<RawCommand, String> {
    let pair = |(name, value): &(&str, &str)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    Ok(RawCommand {
        name: name.into(),
        parameters: parameters.iter().map(pair).collect(),
    })
}

fn text(text: &str) -> Result<RawCommand, String> {
    Err(text.to_owned())
}

#[test]
fn commands_stand_in_text() {
    let page =
        b"a<b<!--#echo var=\"x\" default='\"y\\'' -->c<!--#endif--><!-- # --><<!--#else\n-->d<!-";
    assert_eq!(
        events(&[page]),
        [
            text("a<b"),
            command("echo", &[("var", "x"), ("default", "\"y\\'")]),
            text("c"),
            command("endif", &[]),
            text("<!-- # --><"),
            command("else", &[]),
            text("d<!-"),
        ]
    );
}

#[test]
fn what_is_wrong_is_said_in_nginx_words() {
    for (page, complaint) in [
        (
            "<!--#echo var-->",
            "unexpected \"-\" symbol after \"var\" parameter in \"echo\" SSI command",
        ),
        (
            "<!--#echo var x-->",
            "unexpected \"x\" symbol after \"var\" parameter in \"echo\" SSI command",
        ),
        (
            "<!--#echo var=x-->",
            "unexpected \"x\" symbol before value of \"var\" parameter in \"echo\" SSI command",
        ),
        (
            "<!--#echo var=\"x\"y -->",
            "unexpected \"y\" symbol after \"x\" value of \"var\" parameter in \"echo\" SSI command",
        ),
        (
            "<!--#if -x-->",
            "unexpected \"x\" symbol in \"if\" SSI command",
        ),
        (
            "<!--#aaaaaaaaaabbbbbbbbbbccccccccccdddd-->",
            "the \"aaaaaaaaaabbbbbbbbbbccccccccccddd...\" SSI command is too long",
        ),
    ] {
        let found = events(&[page.as_bytes(), b"t"]);
        assert_eq!(found, [text(&format!("!{complaint}")), text("t")], "{page}");
    }
}

#[test]
fn parameters_are_checked() {
    let read = |page: &str| {
        let raw = events(&[page.as_bytes()]).remove(0).unwrap();
        let verb = Verb::of(&raw.name).map_err(|error| error.to_string())?;
        verb.read(raw).map_err(|error| error.to_string())
    };
    assert_eq!(
        read("<!--#include virtual='/a' wait='YES' stub='s' -->"),
        Ok(Command::Include(Include {
            target: b"/a".to_vec(),
            wait: true,
            set: None,
            stub: Some(b"s".to_vec()),
        }))
    );
    for (page, complaint) in [
        ("<!--#print -->", "invalid SSI command: \"print\""),
        (
            "<!--#echo -->",
            "mandatory \"var\" parameter is absent in \"echo\" SSI command",
        ),
        (
            "<!--#else x='y'-->",
            "invalid parameter name: \"x\" in \"else\" SSI command",
        ),
        (
            "<!--#set var='a' var='b' -->",
            "duplicate \"var\" parameter in \"set\" SSI command",
        ),
        (
            "<!--#include -->",
            "no parameter in \"include\" SSI command",
        ),
        (
            "<!--#include file='a' wait='no' -->",
            "\"wait\" cannot be used with file=\"a\"",
        ),
        (
            "<!--#include virtual='a' wait='on' -->",
            "invalid value \"on\" in the \"wait\" parameter",
        ),
        (
            "<!--#include virtual='a' file='b' -->",
            "inclusion may be either virtual=\"a\" or file=\"b\"",
        ),
        (
            "<!--#include virtual='a' set='b' stub='c'-->",
            "\"set\" and \"stub\" cannot be used together in \"include\" SSI command",
        ),
    ] {
        assert_eq!(read(page), Err(complaint.to_owned()), "{page}");
    }
}

#[test]
fn variables_are_expanded() {
    let value = |name: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(b"<");
        out.extend_from_slice(name);
        out.extend_from_slice(b">");
    };
    let expanded = |text: &str| {
        expand(text.as_bytes(), value)
            .map(|text| String::from_utf8(text).unwrap())
            .map_err(|error| error.to_string())
    };
    assert_eq!(expanded("a$B_1/${c}d").unwrap(), "a<b_1>/<c>d");
    assert_eq!(
        expanded("\\$a \\' \\\" \\\\ \\n \\").unwrap(),
        "$a ' \" \\ \\n "
    );
    assert_eq!(
        expanded("a$").unwrap_err(),
        "invalid variable name in \"a$\""
    );
    assert_eq!(
        expanded("$-").unwrap_err(),
        "invalid variable name in \"$-\""
    );
    assert_eq!(
        expanded("${ab").unwrap_err(),
        "the closing bracket in \"ab\" variable is missing"
    );
}

#[test]
fn expressions_are_taken_apart() {
    let parse = |text: &str| Expression::parse(text.as_bytes());
    let expression = |left: &str, negative, right| {
        Ok(Expression {
            left: left.into(),
            right,
            negative,
        })
    };
    assert_eq!(parse("$Arg_V"), expression("$arg_v", false, None));
    assert_eq!(
        parse("$a = B c"),
        expression("$a", false, Some(Operand::Text(b"B c".to_vec())))
    );
    assert_eq!(
        parse("$a!=/^x\\/y/"),
        expression("$a", true, Some(Operand::Pattern(b"^x\\/y".to_vec())))
    );
    assert_eq!(
        parse("$a = \\/x"),
        expression("$a", false, Some(Operand::Text(b"/x".to_vec())))
    );
    for text in ["$a < 1", "$a = /x", "$a ! x", "-a"] {
        assert_eq!(
            parse(text).unwrap_err().to_string(),
            format!("invalid expression in \"{text}\"")
        );
    }
}

#[test]
fn a_command_becomes_text_again() {
    let raw = command("if", &[("expr", "$a = b")]).unwrap();
    let mut out = Vec::new();
    raw.append_to(&mut out);
    assert_eq!(out, b"<!--#if expr=\"$a = b\" -->");
    assert_eq!(events(&[&out]), [Ok(raw)]);
}

proptest! {
    /// Where a page is cut makes no difference.
    #[test]
    fn pieces_do_not_matter(
        page in "(<!--#|<|!|-|#|-->|e|x=|\"| |echo var='a' -->|\\\\){0,24}",
        cuts in prop::collection::vec(0..100_usize, 0..6),
    ) {
        let page = page.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(page.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&page[from..cut]);
            from = cut;
        }
        pieces.push(&page[from..]);
        prop_assert_eq!(events(&pieces), events(&[page]));
    }
}
