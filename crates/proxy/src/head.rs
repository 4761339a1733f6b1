//! The head of an answer, read by nginx's rules.
//!
//! Source: nginx, `ngx_http_parse_status_line`, `ngx_http_parse_header_line`,
//! `ngx_http_proxy_process_header` and the handlers of single fields in ngx_http_upstream.c.

use bytes::{Bytes, BytesMut};

use crate::error::Error;

/// One field of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as the server spells it.
    pub name: Bytes,
    /// The value without the blanks around it.
    pub value: Bytes,
}

/// The head of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The status; three digits.
    pub status: u16,
    /// The reason phrase, which may be empty.
    pub reason: Bytes,
    /// Fields in their order.
    pub fields: Vec<Field>,
    /// `Content-Length`.
    pub content_length: Option<u64>,
    /// `Transfer-Encoding: chunked`.
    pub chunked: bool,
    /// The server will close, or speaks HTTP/1.0.
    pub close: bool,
    /// Length of the head on the wire.
    pub size: usize,
}

impl Head {
    /// Takes a head off the front of `input`, interim ones dropped; `None` when more is needed.
    ///
    /// # Errors
    /// In nginx's words.
    pub(crate) fn take(input: &mut BytesMut) -> Result<Option<Self>, Error> {
        loop {
            let Some(end) = find_end(input)? else {
                return Ok(None);
            };
            let bytes = input.split_to(end).freeze();
            let head = Self::parse(&bytes)?;
            // A protocol switch ends HTTP; all other 1xx are followed by the real answer.
            if !matches!(head.status, 100..=199) || head.status == 101 {
                return Ok(Some(head));
            }
        }
    }

    /// Fields behind a chunked body, up to the empty line.
    ///
    /// # Errors
    /// In nginx's words.
    pub(crate) fn trailers(bytes: &Bytes) -> Result<Vec<Field>, Error> {
        let lines = Lines { bytes, at: 0 };
        lines
            .take_while(|line| !line.is_empty())
            .map(|line| field(&line))
            .collect()
    }

    fn parse(bytes: &Bytes) -> Result<Self, Error> {
        let mut lines = Lines { bytes, at: 0 };
        let line = lines.next().unwrap_or_default();
        let (minor, status, reason) = status_line(&line).ok_or_else(no_valid_header)?;
        let mut head = Self {
            status,
            reason: line.slice_ref(reason),
            close: minor == 0,
            size: bytes.len(),
            ..Self::default()
        };
        if status == 103 && minor == 0 {
            return Err(Error::head(
                "upstream sent HTTP/1.0 response with early hints",
            ));
        }
        for line in lines {
            if line.is_empty() {
                break;
            }
            let field = field(&line)?;
            head.note(&field)?;
            head.fields.push(field);
        }
        Ok(head)
    }

    /// Fields that govern the transfer.
    fn note(&mut self, field: &Field) -> Result<(), Error> {
        let (name, value) = (&field.name, &field.value);
        if name.eq_ignore_ascii_case(b"content-length") {
            self.refuse_duplicate(field)?;
            let length = std::str::from_utf8(value)
                .ok()
                .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = length.and_then(|text| text.parse::<i64>().ok());
            let length = length.and_then(|length| u64::try_from(length).ok());
            self.content_length = Some(length.ok_or_else(|| {
                Error::head(format!(
                    "upstream sent invalid \"Content-Length\" header: \"{}\"",
                    show(field)
                ))
            })?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.refuse_duplicate(field)?;
            if !value.eq_ignore_ascii_case(b"chunked") {
                let value = String::from_utf8_lossy(value);
                return Err(Error::head(format!(
                    "upstream sent unknown \"Transfer-Encoding\": \"{value}\""
                )));
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"connection") {
            self.close |= contains(value, b"close");
        }
        Ok(())
    }

    fn refuse_duplicate(&self, field: &Field) -> Result<(), Error> {
        let same = |known: &&Field| known.name.eq_ignore_ascii_case(&field.name);
        if let Some(known) = self.fields.iter().find(same) {
            return Err(Error::head(format!(
                "upstream sent duplicate header line: \"{}\", previous value: \"{}\"",
                show(field),
                show(known)
            )));
        }
        if self.chunked || self.content_length.is_some() {
            return Err(Error::head(
                "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
            ));
        }
        Ok(())
    }
}

fn no_valid_header() -> Error {
    Error::head("upstream sent no valid HTTP/1.0 header")
}

fn show(field: &Field) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}: {}", text(&field.name), text(&field.value))
}

fn contains(value: &[u8], word: &[u8]) -> bool {
    value
        .windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}

/// Where the head ends: behind an empty line, which may end in LF alone. What cannot begin a head
/// is refused at once.
fn find_end(input: &[u8]) -> Result<Option<usize>, Error> {
    let begin = &input[..input.len().min(5)];
    if begin != &b"HTTP/"[..begin.len()] {
        return Err(no_valid_header());
    }
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', &input[from..]) {
        let next = from + at + 1;
        match &input[next..] {
            [b'\n', ..] => return Ok(Some(next + 1)),
            [b'\r', b'\n', ..] => return Ok(Some(next + 2)),
            _ => from = next,
        }
    }
    Ok(None)
}

/// Lines without their ends.
struct Lines<'b> {
    bytes: &'b Bytes,
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let rest = &self.bytes[self.at..];
        let length = memchr::memchr(b'\n', rest)?;
        let line = &rest[..length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.at += length + 1;
        Some(self.bytes.slice_ref(line))
    }
}

/// Minor version, status and reason phrase of `HTTP/1.1 200 OK`.
fn status_line(line: &[u8]) -> Option<(u32, u16, &[u8])> {
    let rest = line.strip_prefix(b"HTTP/")?;
    let space = rest.iter().position(|byte| *byte == b' ')?;
    let (major, minor) = std::str::from_utf8(&rest[..space]).ok()?.split_once('.')?;
    let number = |text: &str| {
        let digits =
            !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok())?
    };
    let (major, minor) = (number(major)?, number(minor)?);
    let rest = rest[space..].trim_ascii_start();
    let (code, tail) = rest.split_at_checked(3)?;
    let code = std::str::from_utf8(code).ok().and_then(number)?;
    let separated = matches!(tail.first(), None | Some(b' ' | b'.'));
    let modern = major > 1 || (major == 1 && minor >= 1);
    let status = u16::try_from(code)
        .ok()
        .filter(|_| separated && major > 0)?;
    // Differs: nginx passes control bytes on.
    let reason = tail.strip_prefix(b" ").unwrap_or_default();
    let printable = reason.iter().all(|byte| !byte.is_ascii_control());
    let reason = if printable { reason } else { &[] };
    Some((u32::from(modern), status, reason))
}

fn field(line: &Bytes) -> Result<Field, Error> {
    let invalid = |at: usize| {
        let begin = String::from_utf8_lossy(&line[..at]).into_owned();
        let byte = line.get(at).copied().unwrap_or_default();
        Error::head(format!(
            "upstream sent invalid header: \"{begin}\\x{byte:02x}...\""
        ))
    };
    let end = line
        .iter()
        .position(|byte| *byte == b':')
        .unwrap_or(line.len());
    let bad = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    if let Some(at) = line[..end].iter().position(bad) {
        return Err(invalid(at));
    }
    if end == 0 {
        return Err(invalid(0));
    }
    if let Some(at) = memchr::memchr(0, line) {
        return Err(invalid(at));
    }
    let value = line.get(end + 1..).unwrap_or_default();
    let blank = |byte: &u8| *byte == b' ';
    let from = value
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(value.len());
    let to = value
        .iter()
        .rposition(|byte| !blank(byte))
        .map_or(from, |at| at + 1);
    Ok(Field {
        name: line.slice(..end),
        value: line.slice_ref(&value[from..to]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> Result<Option<Head>, String> {
        let mut input = BytesMut::from(text);
        Head::take(&mut input).map_err(|error| error.to_string())
    }

    fn whole(text: &str) -> Head {
        take(text).unwrap().expect("whole")
    }

    #[test]
    fn heads_are_read_with_either_line_end() {
        let head = whole("HTTP/1.1 200 OK\nX-One:  a b \r\nContent-Length: 5\n\nhello");
        assert_eq!(
            (head.status, head.content_length, head.close),
            (200, Some(5), false)
        );
        assert_eq!(
            (&*head.fields[0].name, &*head.fields[0].value),
            (&b"X-One"[..], &b"a b"[..])
        );
        assert!(whole("HTTP/1.0 404\r\n\r\n").close);
        assert!(whole("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n").close);
    }

    #[test]
    fn half_a_head_waits() {
        for text in [
            "",
            "HT",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nX: y\r\n",
        ] {
            assert_eq!(take(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let head =
            whole("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!((head.status, head.fields.len()), (204, 0));
        assert_eq!(whole("HTTP/1.1 101 Switching\r\n\r\n").status, 101);
    }

    #[test]
    fn nonsense_is_refused_in_the_words_of_nginx() {
        let cases = [
            ("hello", "upstream sent no valid HTTP/1.0 header"),
            (
                "HTTP/1.1 20 OK\r\n\r\n",
                "upstream sent no valid HTTP/1.0 header",
            ),
            (
                "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n",
                "upstream sent invalid header: \"X\\x20...\"",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
                "upstream sent invalid \"Content-Length\" header: \"Content-Length: 1x\"",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
                "upstream sent duplicate header line: \"Content-Length: 1\", previous value: \"Content-Length: 1\"",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                "upstream sent unknown \"Transfer-Encoding\": \"gzip\"",
            ),
        ];
        for (text, expected) in cases {
            let expected = format!("{expected} while reading response header from upstream");
            assert_eq!(take(text), Err(expected), "{text:?}");
        }
    }
}
