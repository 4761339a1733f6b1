//! Substitution, held against a slow model, cut at every place.

use proptest::prelude::*;

use super::*;

fn rules(pairs: &[(&str, &str)]) -> Vec<Substitution> {
    pairs
        .iter()
        .map(|(pattern, replacement)| Substitution {
            pattern: pattern.as_bytes().to_vec(),
            replacement: replacement.as_bytes().to_vec(),
        })
        .collect()
}

fn run(pairs: &[(&str, &str)], once: bool, text: &[u8], piece: usize) -> String {
    let mut substitutor = Substitutor::new(rules(pairs), once).unwrap();
    let mut out = Vec::new();
    for piece in text.chunks(piece.max(1)) {
        substitutor.push(piece, &mut out);
    }
    substitutor.finish(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn text_is_replaced_wherever_it_is_cut() {
    for piece in 1..20 {
        let all = run(&[("foo", "bar")], false, b"a FOO fofoo foo", piece);
        assert_eq!(all, "a bar fobar bar");
        let once = run(&[("foo", "bar")], true, b"a FOO fofoo foo", piece);
        assert_eq!(once, "a bar fofoo foo");
    }
}

#[test]
fn each_pattern_is_replaced_once() {
    let pairs = [("aa", "1"), ("bb", "2")];
    assert_eq!(run(&pairs, true, b"bb aa bb aa", 4), "2 1 bb aa");
}

#[test]
fn an_unfinished_match_comes_out_at_the_end() {
    assert_eq!(run(&[("abc", "x")], false, b"ab", 1), "ab");
    assert_eq!(run(&[("abcd", "x"), ("bc", "y")], false, b"abc", 1), "abc");
}

#[test]
fn nothing_to_look_for_is_no_filter() {
    assert!(Substitutor::new(rules(&[("", "x")]), true).is_none());
}

/// At each place the first rule that matches there; one that the end cuts off keeps others from being tried.
fn model(pairs: &[(&str, &str)], text: &[u8]) -> String {
    let (mut out, mut at) = (Vec::new(), 0);
    'places: while at < text.len() {
        for (pattern, replacement) in pairs {
            let (end, rest) = (at + pattern.len(), &text[at..]);
            if end > text.len() && pattern.as_bytes()[..rest.len()].eq_ignore_ascii_case(rest) {
                out.extend_from_slice(rest);
                break 'places;
            }
            if text
                .get(at..end)
                .is_some_and(|t| t.eq_ignore_ascii_case(pattern.as_bytes()))
            {
                out.extend_from_slice(replacement.as_bytes());
                at = end;
                continue 'places;
            }
        }
        out.push(text[at]);
        at += 1;
    }
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn pieces_make_no_difference(text in "[abAB]{0,40}", piece in 1_usize..8) {
        let pairs = [("aba", "1"), ("ab", "2"), ("bb", "3")];
        prop_assert_eq!(
            run(&pairs, false, text.as_bytes(), piece),
            model(&pairs, text.as_bytes())
        );
    }
}
