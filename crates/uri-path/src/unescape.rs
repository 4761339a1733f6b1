//! Lenient decoding of escapes (nginx: `ngx_unescape_uri`).

use crate::normalise::hex_value;

/// How far to decode and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unescape {
    /// Every escape, to the end.
    All,
    /// Every escape, up to and including the first `?`, be it escaped or not.
    Uri,
    /// As [`Unescape::Uri`], but only escapes of bytes that may stand in a URI
    /// (those above `%` and below DEL); the others stay as they are.
    Redirect,
}

/// Appends `bytes` to `out` with escapes decoded; returns how many of `bytes` were taken.
///
/// The first `?` ends the work where `kind` says so; the caller copies the rest if it wants it.
/// Of a malformed escape the `%` is dropped with the digits before the fault, and with a second
/// byte that is no digit: `%zz` gives `zz`, `%1z2` gives `2`.
pub fn unescape(kind: Unescape, bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let stops_at_query = kind != Unescape::All;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'%' {
            out.push(byte);
            if byte == b'?' && stops_at_query {
                return at;
            }
            continue;
        }
        let Some(&first) = bytes.get(at) else { break };
        at += 1;
        let Some(high) = hex_value(first) else {
            out.push(first);
            continue;
        };
        let Some(&second) = bytes.get(at) else { break };
        at += 1;
        let Some(low) = hex_value(second) else {
            continue;
        };
        let decoded = high << 4 | low;
        if kind == Unescape::Redirect && !(b'&'..0x7f).contains(&decoded) {
            out.extend_from_slice(&[b'%', first, second]);
            continue;
        }
        out.push(decoded);
        if decoded == b'?' && stops_at_query {
            return at;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::{Unescape, unescape};

    #[test]
    fn decodes_as_nginx_does() {
        for (kind, source, expected, rest) in [
            (Unescape::All, "a%20b?c%3fd", "a b?c?d", ""),
            (Unescape::All, "%2F%2f%C3%a4", "//\u{e4}", ""),
            (Unescape::All, "%zz%1z2%", "zz2", ""),
            (Unescape::All, "x%4", "x", ""),
            (Unescape::Uri, "a%20b?c%20d", "a b?", "c%20d"),
            (Unescape::Uri, "a%3Fb%20", "a?", "b%20"),
            (
                Unescape::Redirect,
                "/a%20%2f%25%7e%7f%C3x",
                "/a%20/%25~%7f%C3x",
                "",
            ),
            (Unescape::Redirect, "%26%0d%0a?%26", "&%0d%0a?", "%26"),
            (Unescape::Redirect, "%3f%41", "?", "%41"),
        ] {
            let mut out = Vec::new();
            let taken = unescape(kind, source.as_bytes(), &mut out);
            assert_eq!(out, expected.as_bytes(), "{source}");
            assert_eq!(&source[taken..], rest, "{source}");
        }
    }
}
