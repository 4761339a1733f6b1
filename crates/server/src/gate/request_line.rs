//! The first line of a head, read as nginx reads it.

use std::ops::Range;

use super::{Refusal, validate_host};

/// Where the parts of a request line are, as offsets into the head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestLine {
    /// The line without its end.
    pub(crate) whole: Range<usize>,
    pub(crate) method: Range<usize>,
    /// The target from the path on, fragment included: nginx's `$request_uri`. Empty for an
    /// absolute form without a path.
    pub(crate) target: Range<usize>,
    /// Host and port of an absolute form.
    pub(crate) authority: Option<Range<usize>>,
    /// 9, 1000, 1001 …: nginx's `http_version`.
    pub(crate) version: u16,
}

/// The method as far as it has come is none: reason enough to refuse before the line is whole.
pub(crate) fn check_method_so_far(line: &[u8]) -> Result<(), Refusal> {
    let method = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    if method.iter().all(|&byte| is_method_byte(byte)) {
        Ok(())
    } else {
        Err(Refusal::bad("client sent invalid method"))
    }
}

pub(crate) const fn is_method_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-')
}

impl RequestLine {
    /// Reads the line at `start..end` of `head`, its end mark not included.
    ///
    /// Source: nginx, `ngx_http_parse_request_line`.
    pub(crate) fn parse(head: &[u8], start: usize, end: usize) -> Result<Self, Refusal> {
        let mut cursor = Cursor {
            bytes: &head[..end],
            at: start,
        };
        let method_end = start + cursor.take_while(is_method_byte).len();
        if method_end == start || cursor.next() != Some(b' ') {
            return Err(Refusal::bad("client sent invalid method"));
        }
        let mut line = Self {
            whole: start..end,
            method: start..method_end,
            ..Self::default()
        };
        cursor.skip_spaces();
        if &head[line.method.clone()] == b"CONNECT" {
            line.parse_connect(&mut cursor)?;
        } else {
            line.parse_target(&mut cursor)?;
        }
        line.version = parse_version(&mut cursor)?;
        Ok(line)
    }

    fn parse_target(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
        if cursor.peek() != Some(b'/') {
            self.parse_absolute(cursor)?;
        }
        let start = cursor.at;
        for &byte in cursor.rest() {
            match TARGET[usize::from(byte)] {
                Byte::Target => {}
                Byte::Space => break,
                Byte::Control => return Err(invalid()),
            }
            cursor.at += 1;
        }
        self.target = start..cursor.at;
        Ok(())
    }

    /// `http://host:port`, before the path of an absolute form. RFC 9112 §3.2.2.
    fn parse_absolute(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
        let scheme =
            cursor.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !cursor.take(b"://") {
            return Err(invalid());
        }
        let start = cursor.at;
        let authority = cursor.take_while(|b| !matches!(b, b'/' | b'?' | b' '));
        if cursor.peek().is_none() {
            return Err(invalid());
        }
        self.authority = Some(start..cursor.at);
        if !is_plain_authority(authority) {
            return Err(invalid());
        }
        match validate_host(authority) {
            Some(_) => Ok(()),
            None => Err(Refusal::bad("client sent invalid host in request line")),
        }
    }

    /// `host:port`, the only form that CONNECT has. RFC 9112 §3.2.3.
    ///
    /// Differs: nginx 1.22 knows other forms only, so that the right one is a 400 and a path a 405; since it has learned
    /// this one it is the other way round, as here.
    fn parse_connect(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
        let start = cursor.at;
        let authority = cursor.take_while(|b| b != b' ');
        let port = validate_host(authority).and_then(|(_, port)| port);
        if port.is_none() || !is_plain_authority(authority) {
            return Err(invalid());
        }
        self.authority = Some(start..cursor.at);
        Ok(())
    }
}

/// In a request line nginx takes letters, digits, `.` and `-` only, beside literals in brackets.
fn is_plain_authority(authority: &[u8]) -> bool {
    authority.first() == Some(&b'[')
        || authority
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':'))
}

fn invalid() -> Refusal {
    Refusal::bad("client sent invalid request")
}

/// What follows the target: nothing (HTTP/0.9), or spaces and `HTTP/1.x`.
fn parse_version(cursor: &mut Cursor<'_>) -> Result<u16, Refusal> {
    cursor.skip_spaces();
    if cursor.rest().is_empty() {
        return Ok(9);
    }
    if !cursor.take(b"HTTP/") {
        return Err(invalid());
    }
    let major = cursor.take_while(|b| b.is_ascii_digit());
    match major {
        [b'1'] => {}
        [b'1'..=b'9', ..] => return Err(Refusal::new(505, "client sent invalid version")),
        _ => return Err(invalid()),
    }
    if !cursor.take(b".") {
        return Err(invalid());
    }
    let minor = cursor.take_while(|b| b.is_ascii_digit());
    cursor.skip_spaces();
    if !(1..=3).contains(&minor.len()) || !cursor.rest().is_empty() {
        return Err(invalid());
    }
    Ok(minor
        .iter()
        .fold(0, |n, digit| n * 10 + u16::from(digit - b'0'))
        + 1000)
}

/// How a byte of a target is to be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Byte {
    Target,
    Space,
    Control,
}

static TARGET: [Byte; 256] = target_table();

const fn target_table() -> [Byte; 256] {
    let mut table = [Byte::Target; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte {
            0x20 => Byte::Space,
            0..0x20 | 0x7f => Byte::Control,
            _ => Byte::Target,
        };
        byte += 1;
    }
    table
}

/// A place in a line.
struct Cursor<'h> {
    bytes: &'h [u8],
    at: usize,
}

impl<'h> Cursor<'h> {
    fn rest(&self) -> &'h [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn take(&mut self, expected: &[u8]) -> bool {
        let found = self.rest().starts_with(expected);
        self.at += if found { expected.len() } else { 0 };
        found
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'h [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&b| !wanted(b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_spaces(&mut self) {
        self.take_while(|byte| byte == b' ');
    }
}
