//! A cheap test that most subjects fail before PCRE is asked, and that tells all there is to tell of a pattern like
//! `\.php$`.

use memchr::memmem::Finder;

use super::pattern::{class_length, escape_length, has_settings};

/// Bytes that every subject must hold for the pattern to match. A pattern for which none can be told safely has no
/// prefilter.
#[derive(Debug)]
pub(super) struct Prefilter {
    bytes: Bytes,
    /// The pattern asks for nothing else.
    is_all: bool,
}

/// One variant per place.
#[derive(Debug)]
enum Bytes {
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
        let bytes = Bytes::of(&pieces)?;
        let only = match (&bytes, &pieces[..]) {
            (Bytes::End(_), [only @ .., Piece::End])
            | (Bytes::Start(_), [Piece::Start, only @ ..])
            | (Bytes::Within(_), only) => only,
            _ => return None,
        };
        let is_literal = |piece: &Piece| matches!(piece, Piece::Literal(_));
        let is_all = only.iter().all(is_literal);
        Some(Prefilter { bytes, is_all })
    }

    /// Whether `subject` may match.
    #[inline]
    pub(super) fn admits(&self, subject: &[u8]) -> bool {
        match &self.bytes {
            Bytes::Start(start) => subject.starts_with(start),
            Bytes::End(end) => subject.ends_with(end),
            Bytes::Within(finder) => finder.find(subject).is_some(),
        }
    }

    /// Whether what may match does.
    #[inline]
    pub(super) fn decides(&self) -> bool {
        self.is_all
    }
}

impl Bytes {
    fn of(pieces: &[Piece]) -> Option<Bytes> {
        let literals = |pieces: &[Piece]| -> Box<[u8]> {
            let literal = |piece: &Piece| match piece {
                Piece::Literal(byte) => Some(*byte),
                _ => None,
            };
            pieces.iter().map_while(literal).collect()
        };
        if let [rest @ .., Piece::End] = pieces {
            let start = rest
                .iter()
                .rposition(|piece| !matches!(piece, Piece::Literal(_)));
            let end = literals(&rest[start.map_or(0, |at| at + 1)..]);
            if !end.is_empty() {
                return Some(Bytes::End(end));
            }
        }
        if let [Piece::Start, rest @ ..] = pieces {
            let start = literals(rest);
            // A slash alone begins every URI.
            if start.len() > 1 {
                return Some(Bytes::Start(start));
            }
        }
        let runs = pieces
            .split(|piece| !matches!(piece, Piece::Literal(_)))
            .map(literals);
        let longest = runs
            .max_by_key(|run| run.len())
            .filter(|run| run.len() > 1)?;
        Some(Bytes::Within(Box::new(Finder::new(&longest).into_owned())))
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

    use super::{Bytes, Prefilter};
    use crate::regex::{Captures, Regex};

    fn told(pattern: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Some(prefilter) = Prefilter::of(pattern) else {
            return "-".to_owned();
        };
        let told = match &prefilter.bytes {
            Bytes::Start(start) => format!("^{}", text(start)),
            Bytes::End(end) => format!("{}$", text(end)),
            Bytes::Within(finder) => text(finder.needle()),
        };
        told + if prefilter.decides() { " only" } else { "" }
    }

    #[test]
    fn tells_what_must_be_there() {
        for (pattern, expected) in [
            (r"\.php$", ".php$ only"),
            (r"^/blog", "^/blog only"),
            (r"^/a$", "/a$"),
            (r"/blog", "/blog only"),
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
        /// A subject that the prefilter turns away does not match, and one that it decides on does.
        #[test]
        fn says_what_pcre_says(
            pattern in r"(\^)?([ab.]|\\\.|\\w|[ab][?*+]|\([ab]\|?[ab]?\)[?*]?|\[ab\]|a\{0,2\}){0,6}\$?",
            subject in "[ab.]{0,8}",
        ) {
            if let (Some(prefilter), Ok(regex)) =
                (Prefilter::of(&pattern), Regex::compile(pattern.as_bytes(), false))
            {
                let admitted = prefilter.admits(subject.as_bytes());
                let matches = regex.engine.is_match(subject.as_bytes()).unwrap();
                prop_assert!(admitted || !matches, "{} {}", pattern, subject);
                prop_assert!(!admitted || !prefilter.decides() || matches, "{} {}", pattern, subject);
                prop_assert_eq!(regex.captures(subject.as_bytes(), &mut Captures::new()).unwrap(), matches);
            }
        }
    }
}
