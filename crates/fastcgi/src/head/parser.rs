//! Finds the end of the head in a stream of slices, then reads it.

use bytes::{Bytes, BytesMut};
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, EXPIRES, HeaderName, LAST_MODIFIED, LOCATION,
    REFRESH, SERVER, TRANSFER_ENCODING,
};
use http::{HeaderValue, StatusCode};

use super::field::{Fields, shown};
use super::{CgiFields, CgiHead, HeadError, HeadWarning};

/// How much of a head is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes up to and including the empty line.
    pub bytes: usize,
    /// Field lines.
    pub fields: usize,
}

impl Default for HeadLimits {
    /// 256 KiB and 1000 lines: more than any script needs, little enough to hold.
    fn default() -> Self {
        Self {
            bytes: 256 * 1024,
            fields: 1000,
        }
    }
}

/// Collects slices of `Stdout` until the head is whole.
///
/// A head that comes in one slice, the usual case, is neither copied nor searched twice.
#[derive(Debug, Default)]
pub struct HeadParser {
    limits: HeadLimits,
    /// Earlier slices, if the head did not come in one.
    seen: BytesMut,
    /// Start of the first line in `seen` that is not known to be a field line.
    line: usize,
}

impl HeadParser {
    /// A parser with limits of its own.
    #[must_use]
    pub fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            seen: BytesMut::new(),
            line: 0,
        }
    }

    /// Whether any byte came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes the next slice. Once the head is whole, it and the bytes of the body behind it
    /// are returned; the parser is then empty again.
    ///
    /// # Errors
    /// The script's fault, see [`HeadError`].
    pub fn push(&mut self, slice: Bytes) -> Result<Option<(CgiHead, Bytes)>, HeadError> {
        let mut whole = if self.seen.is_empty() {
            slice
        } else {
            self.seen.extend_from_slice(&slice);
            // The buffer is exclusive, so freezing and thawing moves no byte.
            std::mem::take(&mut self.seen).freeze()
        };
        match head_end(&whole, &mut self.line) {
            Some(end) if end > self.limits.bytes => Err(HeadError::TooBig),
            None if whole.len() >= self.limits.bytes => Err(HeadError::TooBig),
            Some(end) => {
                self.line = 0;
                let raw = whole.split_to(end);
                Ok(Some((read(raw, self.limits.fields)?, whole)))
            }
            None => {
                self.seen = whole
                    .try_into_mut()
                    .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                Ok(None)
            }
        }
    }
}

/// Length of the head at the start of `bytes`, its empty line included. `line` is where the
/// search starts and, if there is no end yet, where the next one has to.
fn head_end(bytes: &[u8], line: &mut usize) -> Option<usize> {
    loop {
        let rest = bytes.get(*line..)?;
        let length = memchr::memchr(b'\n', rest)?;
        *line += length + 1;
        if matches!(rest.get(..length), Some(b"" | b"\r")) {
            return Some(*line);
        }
    }
}

/// Room for the fields of most answers.
const USUAL: usize = 8;

fn read(raw: Bytes, limit: usize) -> Result<CgiHead, HeadError> {
    let mut fields = CgiFields::with_capacity(USUAL);
    let (mut status, mut warnings, mut content_length) = (None, Vec::new(), None);
    let (mut chunked, mut accel, mut odd_names) = (false, false, false);
    for (count, field) in Fields::new(&raw).enumerate() {
        let (name, value) = field?;
        if count >= limit {
            return Err(HeadError::TooManyFields);
        }
        let invalid = |_| HeadError::InvalidField(shown(&[name, b": ", value].concat()));
        if name.eq_ignore_ascii_case(b"status") {
            match status {
                None => status = Some(read_status(value, &raw)?),
                Some(_) => warnings.push(HeadWarning::Duplicate(shown(name))),
            }
            continue;
        }
        let parsed = HeaderName::from_bytes(name).map_err(|_| invalid(()))?;
        accel |= parsed.as_str().starts_with("x-accel-");
        odd_names |= !is_title_case(name) && parsed != CONTENT_TYPE;
        let stored =
            HeaderValue::from_maybe_shared(raw.slice_ref(value)).map_err(|_| invalid(()))?;
        match parsed {
            CONTENT_LENGTH if content_length.is_some() => {
                return Err(HeadError::Duplicate(shown(&[name, b": ", value].concat())));
            }
            CONTENT_LENGTH => content_length = Some(read_length(value)?),
            TRANSFER_ENCODING if chunked => {
                return Err(HeadError::Duplicate(shown(&[name, b": ", value].concat())));
            }
            TRANSFER_ENCODING if value.eq_ignore_ascii_case(b"chunked") => {
                // The records frame the body already; nginx drops this field too.
                chunked = true;
                continue;
            }
            TRANSFER_ENCODING => return Err(HeadError::UnknownTransferEncoding(shown(value))),
            _ => {}
        }
        if occurs_once(&parsed) && fields.contains(&parsed) {
            warnings.push(HeadWarning::Duplicate(shown(
                &[name, b": ", value].concat(),
            )));
            continue;
        }
        fields.push(parsed, stored);
    }
    if chunked && content_length.is_some() {
        return Err(HeadError::TwoLengths);
    }
    let (status, reason) = status.unwrap_or_else(|| match fields.contains(&LOCATION) {
        true => (StatusCode::FOUND, None),
        false => (StatusCode::OK, None),
    });
    Ok(CgiHead {
        status,
        reason,
        fields,
        accel,
        odd_names,
        content_length,
        warnings,
        raw,
    })
}

/// Whether each part of a name begins with a capital and goes on without.
fn is_title_case(name: &[u8]) -> bool {
    let mut begins = true;
    name.iter().all(|byte| {
        let wrong = match begins {
            true => byte.is_ascii_lowercase(),
            false => byte.is_ascii_uppercase(),
        };
        begins = *byte == b'-';
        !wrong
    })
}

/// `Status: 404 Not Found` (RFC 3875 §6.3.3). Differs: nginx takes any three digits and
/// passes 000 or 999 on; HTTP has no such status, and hyper could not write it.
fn read_status(value: &[u8], raw: &Bytes) -> Result<(StatusCode, Option<Bytes>), HeadError> {
    let invalid = || HeadError::InvalidStatus(shown(value));
    let (digits, rest) = value.split_at_checked(3).ok_or_else(invalid)?;
    // One separator ends the number; what stands behind it is the phrase, blanks too.
    let reason = rest.get(1..).unwrap_or_default();
    let status = StatusCode::from_bytes(digits).map_err(|_| invalid())?;
    let separated = rest
        .first()
        .is_none_or(|&byte| byte == b' ' || byte == b'\t');
    let printable = reason
        .iter()
        .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if !(200..600).contains(&status.as_u16()) || !separated || !printable {
        return Err(invalid());
    }
    Ok((status, (!reason.is_empty()).then(|| raw.slice_ref(reason))))
}

fn read_length(value: &[u8]) -> Result<u64, HeadError> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse().ok());
    // nginx's off_t is signed, and so are the lengths of files we may put this into.
    number
        .filter(|&length| length <= i64::MAX as u64)
        .ok_or_else(|| HeadError::InvalidContentLength(shown(value)))
}

/// nginx 1.23: `ngx_http_upstream_headers_in[]`, those whose handlers ignore duplicates.
fn occurs_once(name: &HeaderName) -> bool {
    const ONCE: [HeaderName; 8] = [
        CONTENT_TYPE,
        LOCATION,
        DATE,
        LAST_MODIFIED,
        ETAG,
        SERVER,
        EXPIRES,
        REFRESH,
    ];
    const ACCEL_ONCE: [&str; 3] = ["x-accel-redirect", "x-accel-expires", "x-accel-limit-rate"];
    ONCE.contains(name) || ACCEL_ONCE.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(head: &[u8]) -> Result<CgiHead, HeadError> {
        let parsed = HeadParser::default().push(Bytes::copy_from_slice(head))?;
        Ok(parsed.expect("the head is whole").0)
    }

    #[test]
    fn statuses() {
        for (head, status, reason) in [
            (&b"\n"[..], 200, None),
            (b"Status: 404 Not Found\r\n\r\n", 404, Some("Not Found")),
            (b"status:201\n\n", 201, None),
            (b"Status: 599  Odd \n\n", 599, Some(" Odd")),
            (b"Location: http://h/\n\n", 302, None),
            (b"Location: /local\n\n", 302, None),
            (
                b"Location: /local\nStatus: 201 Created\n\n",
                201,
                Some("Created"),
            ),
        ] {
            let parsed = parse(head).unwrap();
            assert_eq!(parsed.status.as_u16(), status, "{}", head.escape_ascii());
            assert_eq!(parsed.reason.as_deref(), reason.map(str::as_bytes));
        }
    }

    #[test]
    fn names_that_are_spelled_in_their_own_way_are_noted() {
        for (head, odd) in [
            (
                &b"Content-type: a\nX-Powered-By: b\nSet-Cookie: c\n\n"[..],
                false,
            ),
            (b"X-RateLimit-Limit: 1\n\n", true),
            (b"x-lower: 1\n\n", true),
            (b"ETag: 1\n\n", true),
        ] {
            assert_eq!(parse(head).unwrap().odd_names, odd);
        }
    }

    #[test]
    fn heads_that_are_refused() {
        for head in [
            &b"no colon\n\n"[..],
            b"A: 1\n folded\n\n",
            b": nameless\n\n",
            b"A B: 1\n\n",
            b"A : 1\n\n",
            b"A\x00: 1\n\n",
            b"A\xff: 1\n\n",
            b"A: 1\x002\n\n",
            b"A: 1\r2\n\n",
            b"A: 1\x7f2\n\n",
            b"A: 1\x1b[31m\n\n",
            b"Status: 99\n\n",
            b"Status: 101 Switching\n\n",
            b"Status: 600\n\n",
            b"Status: 2000\n\n",
            b"Status: 200\x01\n\n",
            b"Status: OK\n\n",
            b"Status:\n\n",
            b"Content-Length: 1\nContent-Length: 1\n\n",
            b"Content-Length: -1\n\n",
            b"Content-Length: +1\n\n",
            b"Content-Length: 1, 1\n\n",
            b"Content-Length: 9223372036854775808\n\n",
            b"Content-Length: 1\nTransfer-Encoding: chunked\n\n",
            b"Transfer-Encoding: gzip\n\n",
            b"Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n",
        ] {
            assert!(parse(head).is_err(), "{}", head.escape_ascii());
        }
    }

    #[test]
    fn fields_keep_bytes_order_and_spelling() {
        let head = b"X-PoWeReD: PHP\r\nSet-Cookie: a=1\r\nset-cookie: b=\xff\r\nServer: a\r\nServer: b\r\n\r\n";
        let parsed = parse(head).unwrap();
        let cookies: Vec<_> = parsed
            .fields
            .get_all(&http::header::SET_COOKIE)
            .map(HeaderValue::as_bytes)
            .collect();
        assert_eq!(cookies, [&b"a=1"[..], b"b=\xff"]);
        assert_eq!(parsed.fields.get(&SERVER).unwrap(), "a");
        assert_eq!(
            parsed.warnings,
            [HeadWarning::Duplicate("Server: b".into())]
        );
        assert_eq!(
            parsed.spelled().next(),
            Some((&b"X-PoWeReD"[..], &b"PHP"[..]))
        );
        assert_eq!(parsed.spelled().count(), 5);
    }

    #[test]
    fn limits_hold() {
        let mut parser = HeadParser::new(HeadLimits {
            bytes: 20,
            fields: 2,
        });
        assert!(parser.push("A: 1\n".into()).unwrap().is_none());
        assert_eq!(
            parser.push("B: 12345678901234567890".into()).unwrap_err(),
            HeadError::TooBig
        );
        let mut parser = HeadParser::new(HeadLimits {
            bytes: 200,
            fields: 2,
        });
        assert_eq!(
            parser.push("A:\nB:\nC:\n\n".into()).unwrap_err(),
            HeadError::TooManyFields
        );
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(
            head in "([A-Z][a-z]{0,5}: ?[ -~]{0,10}\r?\n){0,6}\r?\n.{0,9}",
            sizes in prop::collection::vec(1_usize..9, 1..9),
        ) {
            let whole = HeadParser::default().push(head.clone().into()).unwrap().unwrap();
            let (mut parser, mut rest) = (HeadParser::default(), head.as_bytes());
            let mut sizes = sizes.into_iter().cycle();
            let (found, mut body) = loop {
                let (slice, later) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                rest = later;
                if let Some((found, body)) = parser.push(Bytes::copy_from_slice(slice)).unwrap() {
                    break (found, body.to_vec());
                }
            };
            body.extend_from_slice(rest);
            prop_assert_eq!(found.fields, whole.0.fields);
            prop_assert_eq!(found.raw, whole.0.raw);
            prop_assert_eq!(body, whole.1);
        }
    }
}
