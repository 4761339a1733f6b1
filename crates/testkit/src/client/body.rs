//! Bodies: by length, in chunks, up to the end of the connection, or none.

use std::time::Instant;

use super::{Connection, Framing, Head, Response};
use crate::error::Error;

impl Connection {
    pub(super) fn read_body(
        &mut self,
        head: Head,
        interim: Vec<Head>,
        method: &str,
        deadline: Instant,
    ) -> Result<Response, Error> {
        let framing = decide_framing(&head, method)?;
        let (mut body, mut trailers) = (Vec::new(), Vec::new());
        match framing {
            Framing::None => {}
            Framing::Length => {
                let length = content_length(&head)?.unwrap_or(0);
                self.need(length, "reading a body", deadline)?;
                body = self.take(length);
            }
            Framing::Close => body = self.read_to_end()?,
            Framing::Chunked => {
                self.read_chunks(&mut body, deadline)?;
                trailers = self.read_fields(deadline)?;
            }
        }
        Ok(Response {
            head,
            interim,
            framing,
            body,
            trailers,
        })
    }

    /// RFC 9112 §7.1, without extensions.
    fn read_chunks(&mut self, body: &mut Vec<u8>, deadline: Instant) -> Result<(), Error> {
        loop {
            let line = self.take_line("reading a chunk's size", deadline)?;
            let digits = std::str::from_utf8(&line).ok();
            let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let size = digits.and_then(|digits| usize::from_str_radix(digits, 16).ok());
            let Some(size) = size else {
                return Err(Error::Malformed {
                    reason: "not a chunk's size",
                    received: line,
                });
            };
            if size == 0 {
                return Ok(());
            }
            self.need(size.saturating_add(2), "reading a chunk", deadline)?;
            body.append(&mut self.take(size));
            let end = self.take(2);
            if end != b"\r\n" {
                return Err(Error::Malformed {
                    reason: "a chunk beyond its size",
                    received: end,
                });
            }
        }
    }
}

/// RFC 9112 §6.3.
fn decide_framing(head: &Head, method: &str) -> Result<Framing, Error> {
    let codings: Vec<&[u8]> = head.values("Transfer-Encoding").collect();
    let length = content_length(head)?;
    let has_no_body = method == "HEAD" || matches!(head.status, 101 | 204 | 304);
    match (codings.as_slice(), length) {
        _ if has_no_body => Ok(Framing::None),
        ([], Some(_)) => Ok(Framing::Length),
        ([], None) => Ok(Framing::Close),
        ([b"chunked"], None) => Ok(Framing::Chunked),
        _ => Err(malformed("the framing is contradictory or unknown", head)),
    }
}

fn content_length(head: &Head) -> Result<Option<usize>, Error> {
    let values: Vec<&[u8]> = head.values("Content-Length").collect();
    match values.as_slice() {
        [] => Ok(None),
        [value] => {
            let digits = std::str::from_utf8(value).ok();
            let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let length = digits.and_then(|digits| digits.parse().ok());
            length
                .map(Some)
                .ok_or_else(|| malformed("not a length", head))
        }
        _ => Err(malformed("more than one length", head)),
    }
}

fn malformed(reason: &'static str, head: &Head) -> Error {
    Error::Malformed {
        reason,
        received: format!("{head:?}").into_bytes(),
    }
}
