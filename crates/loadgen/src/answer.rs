//! Reading one answer from a stream of bytes (RFC 9112 §6), checking the body as it comes. No IO.

use crate::plan::Expected;
use crate::report::Outcome;

/// No head of ours is longer.
const LONGEST_HEAD: usize = 256 * 1024;

/// How the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// After so many more bytes.
    Length(u64),
    /// With a chunk of length zero.
    Chunked(Chunk),
    /// With the connection.
    Close,
}

/// Where in a chunked body we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// In a line with a length.
    Head,
    /// In data, with so many bytes to come.
    Data(u64),
    /// In the line break after data.
    DataEnd,
    /// In the trailer section.
    Trailer,
}

/// An answer on its way in.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    expected: &'a Expected,
    status: u16,
    framing: Option<Framing>,
    keep_alive: bool,
    received: u64,
    body_differs: bool,
}

/// A whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Complete {
    pub(crate) outcome: Outcome,
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(expected: &'a Expected) -> Self {
        let (status, framing, keep_alive) = (0, None, true);
        Self {
            expected,
            status,
            framing,
            keep_alive,
            received: 0,
            body_differs: false,
        }
    }

    /// Takes what it can from the buffer and tells when the answer is whole.
    pub(crate) fn take(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Complete>, Outcome> {
        if self.framing.is_none() && !self.take_head(buffer)? {
            return Ok(None);
        }
        loop {
            match self.framing {
                None => return Ok(None),
                Some(Framing::Length(0)) => return Ok(Some(self.conclude())),
                Some(Framing::Length(left)) => {
                    let taken = self.take_body(buffer, left);
                    self.framing = Some(Framing::Length(left - taken));
                    if taken == 0 {
                        return Ok(None);
                    }
                }
                Some(Framing::Close) => {
                    self.take_body(buffer, u64::MAX);
                    return Ok(None);
                }
                Some(Framing::Chunked(chunk)) => match self.take_chunk(buffer, chunk)? {
                    Some(true) => return Ok(Some(self.conclude())),
                    Some(false) => {}
                    None => return Ok(None),
                },
            }
        }
    }

    /// The connection has ended: whole, cut short, or never begun.
    pub(crate) fn end(mut self) -> Result<Complete, Outcome> {
        self.keep_alive = false;
        match self.framing {
            Some(Framing::Close) => Ok(self.conclude()),
            Some(_) => Err(Outcome::Truncated),
            None => Err(Outcome::Reset),
        }
    }

    fn take_head(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Outcome> {
        loop {
            let Some(end) = find(buffer, b"\r\n\r\n") else {
                return if buffer.len() > LONGEST_HEAD {
                    Err(Outcome::Malformed)
                } else {
                    Ok(false)
                };
            };
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end + 4);
            self.read_head(&head).ok_or(Outcome::Malformed)?;
            // An interim answer announces another one.
            if self.status >= 200 {
                return Ok(true);
            }
            self.framing = None;
        }
    }

    fn read_head(&mut self, head: &str) -> Option<()> {
        let mut lines = head.split("\r\n");
        let (version, rest) = lines.next()?.split_once(' ')?;
        self.keep_alive = version == "HTTP/1.1";
        self.status = rest.get(..3)?.parse().ok()?;
        let mut framing = Framing::Close;
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" if framing == Framing::Close => {
                    framing = Framing::Length(value.parse().ok()?);
                }
                "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => {
                    framing = Framing::Chunked(Chunk::Head);
                }
                "connection" if value.eq_ignore_ascii_case("close") => self.keep_alive = false,
                _ => {}
            }
        }
        if matches!(self.status, 204 | 304) {
            framing = Framing::Length(0);
        }
        self.framing = Some(framing);
        Some(())
    }

    /// One step within a chunked body: some(true) at the end, none when more bytes are needed.
    fn take_chunk(&mut self, buffer: &mut Vec<u8>, at: Chunk) -> Result<Option<bool>, Outcome> {
        let next = match at {
            Chunk::Data(left) => {
                let taken = self.take_body(buffer, left);
                match left - taken {
                    0 => Chunk::DataEnd,
                    _ if taken == 0 => return Ok(None),
                    left => Chunk::Data(left),
                }
            }
            Chunk::Head | Chunk::DataEnd | Chunk::Trailer => {
                let Some(end) = find(buffer, b"\r\n") else {
                    return Ok(None);
                };
                let line: Vec<u8> = buffer.drain(..end + 2).take(end).collect();
                match (at, line.is_empty()) {
                    (Chunk::DataEnd, true) => Chunk::Head,
                    (Chunk::Trailer, true) => return Ok(Some(true)),
                    (Chunk::Trailer, false) => Chunk::Trailer,
                    (Chunk::Head, false) => match chunk_length(&line).ok_or(Outcome::Malformed)? {
                        0 => Chunk::Trailer,
                        length => Chunk::Data(length),
                    },
                    _ => return Err(Outcome::Malformed),
                }
            }
        };
        self.framing = Some(Framing::Chunked(next));
        Ok(Some(false))
    }

    /// Moves at most `limit` bytes of body out of the buffer and compares them.
    fn take_body(&mut self, buffer: &mut Vec<u8>, limit: u64) -> u64 {
        let count = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if let Some(body) = &self.expected.body {
            let start = usize::try_from(self.received).unwrap_or(usize::MAX);
            let wanted = body.get(start..start.saturating_add(count));
            self.body_differs |= wanted != Some(&buffer[..count]);
        }
        buffer.drain(..count);
        self.received += count as u64;
        count as u64
    }

    fn conclude(&self) -> Complete {
        let Expected {
            status,
            length,
            body,
        } = self.expected;
        let length = body.as_ref().map(|body| body.len() as u64).or(*length);
        let outcome = if status.is_some_and(|status| status != self.status) {
            Outcome::WrongStatus
        } else if self.body_differs || length.is_some_and(|length| length != self.received) {
            Outcome::WrongBody
        } else {
            Outcome::Good
        };
        let (status, body_bytes, keep_alive) = (self.status, self.received, self.keep_alive);
        Complete {
            outcome,
            status,
            body_bytes,
            keep_alive,
        }
    }
}

fn chunk_length(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    u64::from_str_radix(text.split(';').next()?.trim(), 16).ok()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds an answer in pieces of `step` bytes, then ends the connection.
    fn read(text: &str, expected: &Expected, step: usize) -> Result<Complete, Outcome> {
        let mut answer = Answer::new(expected);
        let mut buffer = Vec::new();
        for piece in text.as_bytes().chunks(step) {
            buffer.extend_from_slice(piece);
            if let Some(complete) = answer.take(&mut buffer)? {
                return Ok(complete);
            }
        }
        answer.end()
    }

    fn outcome(text: &str, expected: &Expected) -> Outcome {
        let results = [1, 3, 1_000].map(|step| read(text, expected, step).map(|c| c.outcome));
        assert!(
            results.iter().all(|result| *result == results[0]),
            "{results:?}"
        );
        results[0].unwrap_or_else(|outcome| outcome)
    }

    #[test]
    fn all_framings_are_read_in_pieces_of_any_size() {
        let expected = Expected {
            status: Some(200),
            length: None,
            body: Some((*b"abcde").into()),
        };
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n",
            "HTTP/1.0 200 OK\r\n\r\nabcde",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        ] {
            assert_eq!(outcome(text, &expected), Outcome::Good, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let expected = Expected {
            status: Some(200),
            length: Some(5),
            body: None,
        };
        let cases = [
            (
                "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",
                Outcome::WrongStatus,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
                Outcome::WrongBody,
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                Outcome::Truncated,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
                Outcome::Truncated,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                Outcome::Malformed,
            ),
            ("", Outcome::Reset),
        ];
        for (text, wanted) in cases {
            assert_eq!(outcome(text, &expected), wanted, "{text}");
        }
    }

    #[test]
    fn another_body_of_the_same_length_is_wrong() {
        let expected = Expected {
            status: None,
            length: None,
            body: Some((*b"abcde").into()),
        };
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabXde";
        assert_eq!(outcome(text, &expected), Outcome::WrongBody);
    }
}
