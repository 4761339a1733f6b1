//! A cheap test that most subjects fail before PCRE is asked.

use memchr::memmem::Finder;

use super::pattern::{class_length, escape_length, has_settings};

/// Bytes that every subject must hold for the pattern to match.
///
/// One variant per place. A pattern for which none can be told safely has no prefilter.
#[derive(Debug)]
pub(super) enum Prefilter {
    /// At the start, as in `^/blog/`.
    Start(Box<[u8]>),
    /// At the end, as in `\.php$`.
    End(Box<[u8]>),
    /// Anywhere, as in `/\.(?!well-known)`.
    Within(Box<Finder<'static>>),
}

/// A piece of the pattern outside of all groups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Literal(u8),
    /// `^` in the first place.
    Start,
    /// `$` in the last place.
    End,
    /// Anything else.
    Other,
}

impl Prefilter {
    /// What can be told of `pattern`, in which case counts and `$` means the very end.
    pub(super) fn of(pattern: &str) -> Option<Prefilter> {
        let pieces = pieces(pattern)?;
        let literals = |pieces: &[Piece]| -> Box<[u8]> {
            let literal = |piece: &Piece| match piece {
                Piece::Literal(byte) => Some(*byte),
                _ => None,
            };
            pieces.iter().map_while(literal).collect()
        };
        if let [rest @ .., Piece::End] = &pieces[..] {
            let start = rest
                .iter()
                .rposition(|piece| !matches!(piece, Piece::Literal(_)));
            let end = literals(&rest[start.map_or(0, |at| at + 1)..]);
            if !end.is_empty() {
                return Some(Prefilter::End(end));
            }
        }
        if let [Piece::Start, rest @ ..] = &pieces[..] {
            let start = literals(rest);
            // A slash alone begins every URI.
            if start.len() > 1 {
                return Some(Prefilter::Start(start));
            }
        }
        let runs = pieces
            .split(|piece| !matches!(piece, Piece::Literal(_)))
            .map(literals);
        let longest = runs
            .max_by_key(|run| run.len())
            .filter(|run| run.len() > 1)?;
        Some(Prefilter::Within(Box::new(
            Finder::new(&longest).into_owned(),
        )))
    }

    /// Whether `subject` may match.
    #[inline]
    pub(super) fn admits(&self, subject: &[u8]) -> bool {
        match self {
            Prefilter::Start(start) => subject.starts_with(start),
            Prefilter::End(end) => subject.ends_with(end),
            Prefilter::Within(finder) => finder.find(subject).is_some(),
        }
    }
}

/// The pieces of the pattern, or none if it holds anything that is not plain enough.
fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    if has_settings(pattern, "imsxnJU") || pattern.contains("(*") || pattern.contains("\\Q") {
        return None;
    }
    if !pattern.is_ascii() {
        return None;
    }
    let mut pieces = Vec::new();
    let mut depth = 0_u32;
    let mut rest = pattern;
    while let Some(&first) = rest.as_bytes().first() {
        let (piece, length) = match first {
            b'\\' => escape_piece(rest)?,
            b'[' => (Piece::Other, class_length(rest)),
            b'(' => {
                depth += 1;
                (Piece::Other, 1)
            }
            b')' => {
                depth = depth.checked_sub(1)?;
                (Piece::Other, 1)
            }
            b'|' if depth == 0 => return None,
            b'^' if pieces.is_empty() => (Piece::Start, 1),
            b'$' if rest.len() == 1 && depth == 0 => (Piece::End, 1),
            b'?' | b'*' | b'{' => {
                // What stands before it may be missing.
                if let Some(last) = pieces.last_mut() {
                    *last = Piece::Other;
                }
                // A count is no text.
                let length = if first == b'{' {
                    rest.find('}').map_or(1, |at| at + 1)
                } else {
                    1
                };
                (Piece::Other, length)
            }
            b'.' | b'^' | b'$' | b'+' | b'|' | b'}' => (Piece::Other, 1),
            byte => (Piece::Literal(byte), 1),
        };
        pieces.push(if depth == 0 { piece } else { Piece::Other });
        rest = &rest[length..];
    }
    Some(pieces)
}

/// An escaped character, or none if it may take more than itself.
fn escape_piece(rest: &str) -> Option<(Piece, usize)> {
    match *rest.as_bytes().get(1)? {
        byte if byte.is_ascii_punctuation() => Some((Piece::Literal(byte), 2)),
        b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b'b' | b'B' | b'h' | b'H' | b'v' | b'V' => {
            Some((Piece::Other, escape_length(rest)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Prefilter;
    use crate::regex::{Captures, Regex};

    fn told(pattern: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match Prefilter::of(pattern) {
            None => "-".to_owned(),
            Some(Prefilter::Start(start)) => format!("^{}", text(&start)),
            Some(Prefilter::End(end)) => format!("{}$", text(&end)),
            Some(Prefilter::Within(finder)) => text(finder.needle()),
        }
    }

    #[test]
    fn tells_what_must_be_there() {
        for (pattern, expected) in [
            (r"\.php$", ".php$"),
            (r"^/blog/([^/]+)/(\d+)\.php$", ".php$"),
            (r"^/blog/(.*)$", "^/blog/"),
            (r"/\.(?!well-known).*", "/."),
            (r"[^/]\.php(/|$)", ".php"),
            (r"\.(css|js)$", "-"),
            (r"^/(.*)$", "-"),
            (r"^/ab?", "^/a"),
            (r"^/a{2}b", "-"),
            (r"^/xa{2}b", "^/x"),
            (r"^/abc*d", "^/ab"),
            (r"^/ab+c", "^/ab"),
            (r"ab{0}c$", "c$"),
            (r"a|b$", "-"),
            (r"(a|b)cd$", "cd$"),
            (r"(?i)abc$", "-"),
            (r"(?<i>x)abc$", "abc$"),
            (r"(?:abc)$", "-"),
            (r"ab\x41cd$", "-"),
            (r"ab\1cd$", "-"),
            (r"ab\dcd$", "cd$"),
            (r"\Qab\E", "-"),
            (r"ab[cd]ef", "ef"),
            ("^/ä/b", "-"),
            ("", "-"),
        ] {
            assert_eq!(told(pattern), expected, "{pattern}");
        }
    }

    proptest! {
        /// A subject that the prefilter turns away does not match.
        #[test]
        fn turns_nothing_away_that_matches(
            pattern in r"(\^)?([ab.]|\\\.|\\w|[ab][?*+]|\([ab]\|?[ab]?\)[?*]?|\[ab\]|a\{0,2\}){0,6}\$?",
            subject in "[ab.]{0,8}",
        ) {
            if let (Some(prefilter), Ok(regex)) =
                (Prefilter::of(&pattern), Regex::compile(pattern.as_bytes(), false))
                && !prefilter.admits(subject.as_bytes())
            {
                let engine = &regex.engine;
                prop_assert!(!engine.is_match(subject.as_bytes()).unwrap(), "{} {}", pattern, subject);
                prop_assert!(!regex.captures(subject.as_bytes(), &mut Captures::new()).unwrap());
            }
        }
    }
}
