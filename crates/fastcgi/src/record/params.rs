//! Name-value pairs (FastCGI 1.0 §3.4).

/// Pairs in their wire form, in the order they were pushed.
///
/// Names and values are bytes: PHP takes what comes, UTF-8 or not, and of
/// duplicate names the last one. The bytes are not yet cut into records;
/// [`stream::encode_all`](super::stream::encode_all) does that, so the same
/// pairs serve a second try under another request id.
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

    /// Appends one pair whose value `write` appends to the buffer, so that it is built where it
    /// is sent from. An empty value is dropped, its name with it, unless `keep_empty`.
    pub fn push_written(
        &mut self,
        name: &[u8],
        keep_empty: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let (name, start) = (cut(name), self.bytes.len());
        push_length(&mut self.bytes, name.len());
        let length_at = self.bytes.len();
        // Room for the length of a short value; most are.
        self.bytes.push(0);
        self.bytes.extend_from_slice(name);
        let value_at = self.bytes.len();
        write(&mut self.bytes);
        self.bytes.truncate(value_at + MAX_LENGTH);
        let length = self.bytes.len().saturating_sub(value_at);
        if length == 0 && !keep_empty {
            self.bytes.truncate(start);
            return;
        }
        match (u8::try_from(length), self.bytes.get_mut(length_at)) {
            (Ok(short @ ..0x80), Some(place)) => *place = short,
            _ => {
                let mut long = Vec::with_capacity(4);
                push_length(&mut long, length);
                self.bytes.splice(length_at..=length_at, long);
            }
        }
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

/// Longest name or value the format can express.
const MAX_LENGTH: usize = 0x7fff_ffff;

fn cut(part: &[u8]) -> &[u8] {
    part.get(..MAX_LENGTH).unwrap_or(part)
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let long = u32::try_from(length).unwrap_or(u32::MAX) | 0x8000_0000;
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
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
    use proptest::prelude::*;

    #[test]
    fn lengths_switch_width_at_128() {
        let mut params = Params::default();
        params.push(&[b'n'; 127], &[b'v'; 128]);
        assert_eq!(&params.as_bytes()[..5], [127, 0x80, 0, 0, 128]);
    }

    #[test]
    fn values_written_in_place_are_values_like_others() {
        for length in [0, 1, 127, 128, 70_000] {
            let (mut pushed, mut written) = (Params::default(), Params::default());
            for params in [&mut pushed, &mut written] {
                params.push(b"BEFORE", b"1");
            }
            let value = vec![b'v'; length];
            pushed.push(b"A", &value);
            written.push_written(b"A", true, |out| out.extend_from_slice(&value));
            pushed.push_wire(b"\x01\x00Z");
            written.push(b"Z", b"");
            assert_eq!(pushed, written, "{length}");
        }
        let mut params = Params::default();
        params.push_written(b"A", false, |_| {});
        assert_eq!(params, Params::default());
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
