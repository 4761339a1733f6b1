//! One word of a directive: what was written, and what it says.

use std::borrow::Cow;
use std::fmt;

use crate::source::Span;

/// A name or an argument, quotes and escapes undone. Any bytes: nginx asks for no encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub value: Box<[u8]>,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Whether it was written in quotes of either kind.
    pub quoted: bool,
}

impl Word {
    /// The value if it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.value).ok()
    }

    /// The value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.value
    }

    /// The value as nginx's messages show it: up to the first NUL byte, since it prints `%s`.
    #[must_use]
    pub fn message_text(&self) -> Cow<'_, str> {
        let end = memchr::memchr(0, &self.value).unwrap_or(self.value.len());
        String::from_utf8_lossy(self.value.get(..end).unwrap_or_default())
    }
}

impl PartialEq<str> for Word {
    fn eq(&self, other: &str) -> bool {
        *self.value == *other.as_bytes()
    }
}

impl PartialEq<&str> for Word {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quotes = if self.quoted { "\"" } else { "" };
        write!(f, "{quotes}{}{quotes}", self.value.escape_ascii())
    }
}

/// Undoes nginx's escapes: `\"`, `\'`, `\\`, `\t`, `\r`, `\n`; before any other byte a backslash
/// stays (so that `\.` reaches the regular expression).
///
/// nginx: `ngx_conf_read_token`, copying of a found word.
pub(crate) fn unescape(raw: &[u8]) -> Box<[u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return raw.into();
    }

    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        let (byte, after) = match rest {
            [] => break,
            [b'\\', byte @ (b'"' | b'\'' | b'\\'), after @ ..] => (*byte, after),
            [b'\\', b't', after @ ..] => (b'\t', after),
            [b'\\', b'r', after @ ..] => (b'\r', after),
            [b'\\', b'n', after @ ..] => (b'\n', after),
            [byte, after @ ..] => (*byte, after),
        };
        value.push(byte);
        rest = after;
    }
    value.into_boxed_slice()
}

/// Writes a value so that it is read back as the same word: bare where that is safe, else in double
/// quotes.
///
/// ```
/// use portunus_conf_syntax::quote;
///
/// assert_eq!(quote(b"$uri/"), b"$uri/");
/// assert_eq!(quote(br#"say "hi";"#), br#""say \"hi\";""#);
/// ```
#[must_use]
pub fn quote(value: &[u8]) -> Vec<u8> {
    if !value.is_empty() && value.iter().all(|byte| is_bare(*byte)) {
        return value.to_vec();
    }

    let mut written = Vec::with_capacity(value.len() + 2);
    written.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            written.push(b'\\');
        }
        written.push(*byte);
    }
    written.push(b'"');
    written
}

/// Whether a byte means nothing but itself, wherever in a word it stands.
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"$_-./:=?&%,+@~^*|!<>()[]".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_escapes_are_undone() {
        assert_eq!(*unescape(br#"\"\'\\\t\r\n"#), *b"\"'\\\t\r\n");
        assert_eq!(*unescape(br"\.php\d\$ \;\"), *br"\.php\d\$ \;\");
        assert_eq!(*unescape(br"\\n"), *br"\n");
    }

    #[test]
    fn quoting_is_used_only_where_it_is_needed() {
        assert_eq!(quote(b""), b"\"\"");
        assert_eq!(quote(b"a b"), b"\"a b\"");
        assert_eq!(quote(br"\.php$"), br#""\\.php$""#);
    }
}
