//! Lines of a head, one by one, and the little grammar of a field line.

use super::HeadError;

use bytes::Bytes;

/// Longest piece of an offending line that an error carries.
const SHOWN: usize = 200;

/// Field lines of a complete head, up to the empty line.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn new(head: &'a [u8]) -> Self {
        Self { rest: head }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), HeadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = memchr::memchr(b'\n', self.rest)?;
        let (line, rest) = self.rest.split_at_checked(end + 1)?;
        self.rest = rest;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            self.rest = &[];
            return None;
        }
        Some(split(line).ok_or_else(|| HeadError::InvalidField(shown(line))))
    }
}

/// Name and value of a line. A line that begins with white space (obs-fold) has no valid
/// name and fails here, as it does in nginx; RFC 9112 §5.2 wants it refused or joined.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, rest) = line.split_at_checked(colon)?;
    let value = rest.strip_prefix(b":")?.trim_ascii();
    (!name.is_empty()).then_some((name, value))
}

/// What an error shows of `bytes`.
pub(super) fn shown(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes.get(..SHOWN).unwrap_or(bytes))
}
