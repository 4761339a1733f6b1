//! Name-value pairs (FastCGI 1.0 §3.4).

use std::ops::Range;

use bytes::BufMut;

use super::header::RecordType;
use super::stream::{self, CHUNK};

/// Pairs in their wire form, in the order they were pushed.
///
/// Names and values are bytes: PHP takes what comes, UTF-8 or not, and of
/// duplicate names the last one. The bytes are not yet cut into records;
/// [`encode_pairs`] does that, so the same pairs serve a second try under
/// another request id.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Params {
    bytes: Vec<u8>,
}

impl Params {
    /// No pairs, with room for `bytes` of wire form.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
        }
    }

    /// Pairs that go on in `buffer`, so that its memory is used again. What it holds is dropped.
    #[must_use]
    pub fn reuse(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { bytes: buffer }
    }

    /// Appends one pair. Lengths are four bytes wide from 128 on; a part longer than
    /// 2³¹−1 bytes cannot be written and is cut there.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let (name, value) = (cut(name), cut(value));
        self.bytes.reserve(name.len() + value.len() + 8);
        push_length(&mut self.bytes, name.len());
        push_length(&mut self.bytes, value.len());
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
    }

    /// Appends pairs that are in their wire form already.
    pub fn push_wire(&mut self, pairs: &[u8]) {
        self.bytes.extend_from_slice(pairs);
    }

    /// Appends a field of the request under the name by which a script knows it: `HTTP_` and the field's name in
    /// upper case, with `_` for `-` (RFC 3875 §4.1.18).
    pub fn push_field(&mut self, name: &[u8], value: &[u8]) {
        const PREFIX: &[u8] = b"HTTP_";
        let name = name.get(..MAX_LENGTH - PREFIX.len()).unwrap_or(name);
        let value = cut(value);
        self.bytes
            .reserve(PREFIX.len() + name.len() + value.len() + 8);
        push_length(&mut self.bytes, PREFIX.len() + name.len());
        push_length(&mut self.bytes, value.len());
        self.bytes.extend_from_slice(PREFIX);
        self.bytes.extend(name.iter().map(|byte| match byte {
            b'-' => b'_',
            other => other.to_ascii_uppercase(),
        }));
        self.bytes.extend_from_slice(value);
    }

    /// Appends one pair whose value `write` appends to the buffer, so that it is built where it
    /// is sent from. An empty value is dropped, its name with it, unless `keep_empty`. Where the
    /// value is in [`Self::as_bytes`], if it was kept.
    pub fn push_written(
        &mut self,
        name: ParamName<'_>,
        keep_empty: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Range<usize>> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name.0);
        let value_at = self.bytes.len();
        write(&mut self.bytes);
        self.bytes.truncate(value_at + MAX_LENGTH);
        let length = self.bytes.len().saturating_sub(value_at);
        if length == 0 && !keep_empty {
            self.bytes.truncate(start);
            return None;
        }
        let length_at = start + name.value_length_at();
        match (u8::try_from(length), self.bytes.get_mut(length_at)) {
            (Ok(short @ ..0x80), Some(place)) => *place = short,
            _ => drop(
                self.bytes
                    .splice(length_at..=length_at, long_length(length)),
            ),
        }
        let end = self.bytes.len();
        Some(end - length..end)
    }

    /// The wire form so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The wire form, to send or to use again.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Appends the stream of `pairs`, which are in their wire form, and its end.
///
/// Records are cut between pairs: PHP reads each record by itself and hangs up on a pair that goes on in the next one
/// (PHP, `main/fastcgi.c`, `fcgi_read_request`). Only a pair that no record could hold is cut, as §3.4 allows.
pub fn encode_pairs(request_id: u16, pairs: &[u8], out: &mut impl BufMut) {
    let mut rest = pairs;
    while rest.len() > CHUNK {
        let (record, later) = rest.split_at(whole_pairs(rest));
        stream::encode(RecordType::Params, request_id, record, out);
        rest = later;
    }
    stream::encode_all(RecordType::Params, request_id, rest, out);
}

/// How many bytes of `wire` are whole pairs that fit into a record: the first pair at least, or all that is none.
fn whole_pairs(wire: &[u8]) -> usize {
    let mut pairs = Pairs::new(wire);
    let mut length = 0;
    while let Some(Ok(_)) = pairs.next() {
        let end = wire.len() - pairs.rest.len();
        if length > 0 && end > CHUNK {
            return length;
        }
        length = end;
    }
    match length {
        0 => wire.len(),
        length => length,
    }
}

/// The name of a pair with all that stands before its value, framed once for many requests: the length of the name,
/// room for that of a short value, which most are, and the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamName<'a>(&'a [u8]);

impl<'a> ParamName<'a> {
    /// Frames a name at the end of `wires`. Names that are used together may stand together in memory.
    pub fn frame(name: &[u8], wires: &mut Vec<u8>) {
        let name = cut(name);
        push_length(wires, name.len());
        wires.push(0);
        wires.extend_from_slice(name);
    }

    /// The name of which `wire` is all that [`Self::frame`] has appended.
    #[must_use]
    pub const fn of_wire(wire: &'a [u8]) -> Self {
        Self(wire)
    }

    /// The name itself.
    #[must_use]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0.get(self.value_length_at() + 1..).unwrap_or_default()
    }

    /// Behind the length of the name, which is wide if its first bit says so.
    fn value_length_at(self) -> usize {
        match self.0.first() {
            Some(0x80..) => 4,
            _ => 1,
        }
    }
}

/// Longest name or value the format can express.
const MAX_LENGTH: usize = 0x7fff_ffff;

fn cut(part: &[u8]) -> &[u8] {
    part.get(..MAX_LENGTH).unwrap_or(part)
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => out.extend_from_slice(&long_length(length)),
    }
}

fn long_length(length: usize) -> [u8; 4] {
    (u32::try_from(length).unwrap_or(u32::MAX) | 0x8000_0000).to_be_bytes()
}

/// The peer's pairs do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name-value pair reaches beyond the end of its stream")]
pub struct PairError;

/// Reads pairs back out of their wire form. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Pairs<'a> {
    /// Pairs of a whole stream, as [`Params::as_bytes`] gives it.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn length(&mut self) -> Option<usize> {
        let (&first, rest) = self.rest.split_first()?;
        if first < 0x80 {
            self.rest = rest;
            return Some(usize::from(first));
        }
        let (&long, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        usize::try_from(u32::from_be_bytes(long) & 0x7fff_ffff).ok()
    }

    fn part(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(part)
    }

    fn pair(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let name = self.length()?;
        let value = self.length()?;
        Some((self.part(name)?, self.part(value)?))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), PairError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let pair = self.pair().ok_or(PairError);
        if pair.is_err() {
            self.rest = &[];
        }
        Some(pair)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Header;
    use proptest::prelude::*;

    /// Contents of the records that pairs with values of these lengths make, the last of which is empty.
    fn records_of(lengths: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut params = Params::default();
        for length in lengths {
            params.push(b"N", &vec![b'v'; *length]);
        }
        let mut wire = Vec::new();
        encode_pairs(1, params.as_bytes(), &mut wire);
        let (mut rest, mut records) = (&wire[..], Vec::new());
        while let Some((header, content)) = rest.split_first_chunk() {
            let header = Header::from_bytes(*header);
            assert_eq!(
                (header.kind, header.request_id),
                (RecordType::Params.number(), 1)
            );
            let (content, later) = content.split_at(usize::from(header.content_length));
            records.push(content.to_vec());
            rest = later;
        }
        assert_eq!(records.pop(), Some(Vec::new()));
        (params.into_bytes(), records)
    }

    #[test]
    fn records_are_cut_between_pairs() {
        let most = CHUNK - 6;
        for lengths in [
            &[][..],
            &[10, 20],
            &[30_000, 30_000, 30_000, 30_000, 30_000],
            &[most],
            &[most, 0],
            &[0, most],
            &[1, most, 1],
        ] {
            let (pairs, records) = records_of(lengths);
            assert_eq!(records.concat(), pairs, "{lengths:?}");
            for record in records {
                assert!(!record.is_empty());
                assert!(Pairs::new(&record).all(|pair| pair.is_ok()), "{lengths:?}");
            }
        }
    }

    #[test]
    fn a_pair_that_no_record_holds_is_cut() {
        let (pairs, records) = records_of(&[10, 100_000, 10]);
        assert_eq!(records.concat(), pairs);
        assert_eq!(
            records.iter().map(Vec::len).collect::<Vec<_>>(),
            [13, CHUNK, 100_006 - CHUNK, 13]
        );
        let mut wire = Vec::new();
        encode_pairs(1, &[0xff; CHUNK * 2], &mut wire);
        assert_eq!(
            wire.len(),
            CHUNK * 2 + 3 * 8,
            "what is no pair is sent as it is"
        );
    }

    #[test]
    fn lengths_switch_width_at_128() {
        let mut params = Params::default();
        params.push(&[b'n'; 127], &[b'v'; 128]);
        assert_eq!(&params.as_bytes()[..5], [127, 0x80, 0, 0, 128]);
    }

    fn framed(name: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        ParamName::frame(name, &mut wire);
        wire
    }

    #[test]
    fn values_written_in_place_are_values_like_others() {
        let wires = [framed(b"A"), framed(&[b'A'; 200])];
        let names = wires.each_ref().map(|wire| ParamName::of_wire(wire));
        for (length, name) in [0, 1, 127, 128, 70_000]
            .into_iter()
            .zip(names.iter().cycle())
        {
            let (mut pushed, mut written) = (Params::default(), Params::default());
            for params in [&mut pushed, &mut written] {
                params.push(b"BEFORE", b"1");
            }
            let value = vec![b'v'; length];
            pushed.push(name.as_bytes(), &value);
            written.push_written(*name, true, |out| {
                out.extend_from_slice(&value);
            });
            pushed.push_wire(b"\x01\x00Z");
            written.push(b"Z", b"");
            assert_eq!(pushed, written, "{length}");
        }
        let mut params = Params::default();
        params.push_written(names[0], false, |_| {});
        assert_eq!(params, Params::default());
    }

    #[test]
    fn fields_are_named_as_scripts_know_them() {
        let (mut fields, mut pairs) = (Params::default(), Params::default());
        let long = [b'x'; 300];
        fields.push_field(b"X-Forwarded-For", b"10.0.0.1");
        pairs.push(b"HTTP_X_FORWARDED_FOR", b"10.0.0.1");
        fields.push_field(&long, &long);
        pairs.push(&[b"HTTP_", &*long.to_ascii_uppercase()].concat(), &long);
        assert_eq!(fields, pairs);
    }

    #[test]
    fn a_pair_that_reaches_too_far_is_an_error() {
        for bad in [
            &b"\x01"[..],
            b"\x01\x01A",
            b"\x80\0\0",
            b"\x01\xff\xff\xff\xffA",
        ] {
            assert_eq!(
                Pairs::new(bad).collect::<Vec<_>>(),
                [Err(PairError)],
                "{bad:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn pairs_survive_the_wire(pairs in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..300), prop::collection::vec(any::<u8>(), 0..300)), 0..20,
        )) {
            let mut params = Params::default();
            for (name, value) in &pairs {
                params.push(name, value);
            }
            let read: Result<Vec<_>, _> = Pairs::new(params.as_bytes())
                .map(|pair| pair.map(|(name, value)| (name.to_vec(), value.to_vec())))
                .collect();
            prop_assert_eq!(read, Ok(pairs));
        }
    }
}
