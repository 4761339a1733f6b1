//! Percent-encoding and HTML entities (nginx: `ngx_escape_uri`, `ngx_escape_html`).

use std::borrow::Cow;

/// Where escaped bytes are going to stand, which decides what must be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// The path of a URI: slashes, `&`, `+`, `;` and `'` stay.
    Uri,
    /// One argument of a query: `&`, `+` and `;` go as well.
    Args,
    /// One component: all but letters, digits and `-._~` (RFC 3986 §2.3).
    UriComponent,
    /// A link inside an HTML attribute: `'` goes, `?` stays.
    Html,
    /// The URL of a `Refresh` field or element: nothing is escaped twice.
    Refresh,
    /// A key of memcached: spaces, control bytes and `%`.
    Memcached,
}

type Table = [bool; 256];

impl Escape {
    const fn table(self) -> &'static Table {
        match self {
            Escape::Uri => &URI,
            Escape::Args => &ARGS,
            Escape::UriComponent => &URI_COMPONENT,
            Escape::Html => &HTML,
            Escape::Refresh => &REFRESH,
            Escape::Memcached => &MEMCACHED,
        }
    }
}

static URI: Table = beyond_ascii_and(b"\"#%<>?\\^`{|}");
static ARGS: Table = beyond_ascii_and(b"\"#%&+;<>?\\^`{|}");
static URI_COMPONENT: Table = beyond_ascii_and(b"!\"#$%&'()*+,/:;<=>?@[\\]^`{|}");
static HTML: Table = beyond_ascii_and(b"\"#%'<>\\^`{|}");
// nginx escapes the tilde here and leaves the closing brace.
static REFRESH: Table = beyond_ascii_and(b"\"'<>\\^`{|~");
static MEMCACHED: Table = controls_and(b"%");

/// Control bytes, the space, and `others`.
const fn controls_and(others: &[u8]) -> Table {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        table[byte] = true;
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// Control bytes, the space, DEL, everything that is not ASCII, and `others`.
const fn beyond_ascii_and(others: &[u8]) -> Table {
    let mut table = controls_and(others);
    let mut byte = 0x7f;
    while byte < 256 {
        table[byte] = true;
        byte += 1;
    }
    table
}

/// Appends `bytes` to `out`, those that may not stand there as `%` and two capital digits.
pub fn escape(kind: Escape, bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let table = kind.table();
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| table[usize::from(byte)]) {
        let byte = rest[at];
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[
            b'%',
            HEX[usize::from(byte >> 4)],
            HEX[usize::from(byte & 15)],
        ]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// `bytes` with those escaped that may not stand there; lent as they are if none must be.
pub fn escaped(kind: Escape, bytes: &[u8]) -> Cow<'_, [u8]> {
    let table = kind.table();
    if !bytes.iter().any(|&byte| table[usize::from(byte)]) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + 16);
    escape(kind, bytes, &mut out);
    Cow::Owned(out)
}

/// Appends `bytes` to `out` with `<`, `>`, `&` and `"` as entities.
pub fn escape_html(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Escape, escape, escape_html, escaped};

    /// The printable ASCII bytes that a kind escapes.
    fn printable(kind: Escape) -> String {
        (b'!'..=b'~')
            .filter(|&byte| matches!(escaped(kind, &[byte]), Cow::Owned(_)))
            .map(char::from)
            .collect()
    }

    #[test]
    fn escapes_what_nginx_escapes() {
        assert_eq!(printable(Escape::Uri), "\"#%<>?\\^`{|}");
        assert_eq!(printable(Escape::Args), "\"#%&+;<>?\\^`{|}");
        assert_eq!(
            printable(Escape::UriComponent),
            "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}"
        );
        assert_eq!(printable(Escape::Html), "\"#%'<>\\^`{|}");
        assert_eq!(printable(Escape::Refresh), "\"'<>\\^`{|~");
        assert_eq!(printable(Escape::Memcached), "%");
        for kind in [
            Escape::Uri,
            Escape::Args,
            Escape::UriComponent,
            Escape::Html,
            Escape::Refresh,
        ] {
            assert_eq!(escaped(kind, b"\0 \x7f\xff"), &b"%00%20%7F%FF"[..]);
        }
        assert_eq!(
            escaped(Escape::Memcached, b"\0 \x7f\xff"),
            &b"%00%20\x7f\xff"[..]
        );
    }

    #[test]
    fn appends_in_place() {
        let mut out = b"/x".to_vec();
        escape(Escape::Uri, "/ä b/c".as_bytes(), &mut out);
        assert_eq!(out, b"/x/%C3%A4%20b/c");
        let mut out = Vec::new();
        escape_html(b"<a href=\"?a&b\">'", &mut out);
        assert_eq!(out, b"&lt;a href=&quot;?a&amp;b&quot;&gt;'");
    }
}
