//! Status line and fields.

use std::time::Instant;

use super::Connection;
use crate::error::Error;

/// A field as it came: name in its spelling, value without the blanks around it.
pub type Field = (String, Vec<u8>);

/// Status line and fields of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The minor version: HTTP/1.0 or HTTP/1.1.
    pub minor: u8,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: Vec<u8>,
    /// The fields in their order.
    pub fields: Vec<Field>,
}

impl Head {
    /// The value of the first field of a name, whatever its case; `None` too if it is not UTF-8.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.values(name)
            .next()
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The values of all fields of a name, whatever its case.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self
            .fields
            .iter()
            .filter(move |(one, _)| one.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice())
    }
}

impl Connection {
    pub(super) fn read_head(&mut self, deadline: Instant) -> Result<Head, Error> {
        let line = self.take_line("waiting for an answer", deadline)?;
        let Some((minor, status, reason)) = status_line(&line) else {
            return Err(Error::Malformed {
                reason: "not a status line",
                received: line,
            });
        };
        let reason = reason.to_vec();
        let fields = self.read_fields(deadline)?;
        Ok(Head {
            minor,
            status,
            reason,
            fields,
        })
    }

    /// Reads fields up to the empty line.
    pub(super) fn read_fields(&mut self, deadline: Instant) -> Result<Vec<Field>, Error> {
        let mut fields = Vec::new();
        loop {
            let line = self.take_line("reading fields", deadline)?;
            if line.is_empty() {
                return Ok(fields);
            }
            match field(&line) {
                Some(field) => fields.push(field),
                None => {
                    return Err(Error::Malformed {
                        reason: "not a field",
                        received: line,
                    });
                }
            }
        }
    }
}

/// RFC 9112 §4.
fn status_line(line: &[u8]) -> Option<(u8, u16, &[u8])> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let [minor @ b'0'..=b'1', b' ', a, b, c, rest @ ..] = rest else {
        return None;
    };
    let digits = [*a, *b, *c];
    let status = std::str::from_utf8(&digits).ok()?.parse().ok()?;
    // The blank is not optional, but nginx leaves it out where an application gave no reason.
    let reason = if rest.is_empty() {
        rest
    } else {
        rest.strip_prefix(b" ")?
    };
    let sound = digits.iter().all(u8::is_ascii_digit) && reason.iter().all(|byte| is_text(*byte));
    sound.then_some((minor - b'0', status, reason))
}

/// RFC 9112 §5, RFC 9110 §5.
fn field(line: &[u8]) -> Option<Field> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let sound = !name.is_empty() && name.iter().all(is_token) && value.iter().all(|b| is_text(*b));
    let name = std::str::from_utf8(name).ok().filter(|_| sound)?;
    Some((name.to_owned(), value.trim_ascii().to_vec()))
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || !byte.is_ascii_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_read_strictly() {
        assert_eq!(
            status_line(b"HTTP/1.1 404 Not Found"),
            Some((1, 404, &b"Not Found"[..]))
        );
        assert_eq!(status_line(b"HTTP/1.0 200 "), Some((0, 200, &b""[..])));
        for bad in [
            "HTTP/1.1 404x",
            "HTTP/1.1  404 x",
            "HTTP/2 200 OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1 2000",
        ] {
            assert_eq!(status_line(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn fields_keep_their_spelling() {
        assert_eq!(
            field(b"X-uRi:  /a b\t"),
            Some(("X-uRi".into(), b"/a b".to_vec()))
        );
        for bad in [" a: b", "a : b", ": b", "a", "a: \x01"] {
            assert_eq!(field(bad.as_bytes()), None, "{bad}");
        }
    }
}
