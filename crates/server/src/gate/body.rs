//! Where a request body ends: by length, or by chunks.

use bytes::{Buf, Bytes, BytesMut};

/// How much of a request body is still to come, and how it is marked.
#[derive(Debug, Default)]
pub(crate) enum Framing {
    /// Nothing more: no body, or all of it has been read.
    #[default]
    Done,
    /// This many bytes. Never zero.
    Length(u64),
    /// Chunks, up to and including the trailer.
    Chunked(Chunked),
    /// The client broke the framing; nothing after it can be trusted.
    Broken,
}

/// What [`Framing::take`] made of the bytes at hand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Bytes of the body.
    Data(Bytes),
    /// Nothing can be said without more bytes from the wire.
    More,
    /// The body has ended; what is left in the buffer is the next request.
    End,
    /// The framing is broken.
    Broken,
}

impl Framing {
    pub(crate) fn new(length: Option<u64>, chunked: bool) -> Self {
        match length {
            _ if chunked => Self::Chunked(Chunked::default()),
            None | Some(0) => Self::Done,
            Some(length) => Self::Length(length),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes what belongs to the body off the front of `buffer`.
    pub(crate) fn take(&mut self, buffer: &mut BytesMut) -> Taken {
        let taken = match self {
            Self::Done => Taken::End,
            Self::Broken => Taken::Broken,
            Self::Length(left) => take_length(left, buffer),
            Self::Chunked(chunked) => chunked.take(buffer),
        };
        match (&taken, &self) {
            (Taken::End, _) | (_, Self::Length(0)) => *self = Self::Done,
            (Taken::Broken, _) => *self = Self::Broken,
            _ => {}
        }
        taken
    }

    /// Bytes that are known to be still to come on the wire, to size a buffer.
    pub(crate) fn expected(&self) -> u64 {
        match self {
            Self::Done | Self::Broken => 0,
            Self::Length(left) => *left,
            Self::Chunked(chunked) => chunked.left.saturating_add(7),
        }
    }
}

fn take_length(left: &mut u64, buffer: &mut BytesMut) -> Taken {
    if buffer.is_empty() {
        return Taken::More;
    }
    let length = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    *left -= length as u64;
    Taken::Data(buffer.split_to(length).freeze())
}

/// The chunked coding, read as strictly as nginx does: CRLF everywhere, no bare LF.
///
/// Differs: nginx skips whatever stands behind a size or in a trailer; here it must have the form
/// of extensions and fields, since another server may see the end of the body there.
///
/// Source: nginx, `ngx_http_parse_chunked`; RFC 9112 §7.1, §7.1.1, §7.1.2.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of the current chunk still to come; its size while that is being read.
    left: u64,
    /// Bytes of extensions and trailers so far: nothing that is thrown away may be endless.
    overhead: usize,
}

/// Extensions and trailers of one body together may be this long.
const MAX_OVERHEAD: usize = 64 << 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Size,
    /// Spaces behind a size, which may stand before a `;` only.
    Blank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerName,
    TrailerField,
    TrailerFieldLf,
    LastLf,
    End,
}

impl Chunked {
    fn take(&mut self, buffer: &mut BytesMut) -> Taken {
        loop {
            if self.state == State::Data {
                match take_length(&mut self.left, buffer) {
                    Taken::Data(data) => {
                        if self.left == 0 {
                            self.state = State::DataCr;
                        }
                        return Taken::Data(data);
                    }
                    other => return other,
                }
            }
            let Some(&byte) = buffer.first() else {
                return Taken::More;
            };
            buffer.advance(1);
            match self.step(byte) {
                Some(State::End) => return Taken::End,
                Some(state) => self.state = state,
                None => return Taken::Broken,
            }
        }
    }

    /// The state after one more byte of framing; `None` when it may not stand there.
    fn step(&mut self, byte: u8) -> Option<State> {
        use State::{
            Blank, Data, DataCr, DataLf, End, Extension, LastLf, Size, SizeLf, Start, Trailer,
            TrailerField, TrailerFieldLf, TrailerName,
        };
        match (self.state, byte) {
            (Start, _) => {
                self.left = hex(byte)?;
                Some(Size)
            }
            (Size | Blank | Extension, b'\r') => Some(SizeLf),
            (Size | Blank, b';') => self.extra(Extension),
            (Size | Blank, b' ' | b'\t') => self.extra(Blank),
            (Size, _) => {
                self.left = self.left.checked_mul(16)?.checked_add(hex(byte)?)?;
                (self.left <= i64::MAX as u64).then_some(Size)
            }
            (Extension, _) if !is_control(byte) => self.extra(Extension),
            (SizeLf, b'\n') => Some(if self.left == 0 { Trailer } else { Data }),
            (DataCr, b'\r') => Some(DataLf),
            (DataLf, b'\n') => Some(Start),
            (Trailer, b'\r') => Some(LastLf),
            (Trailer | TrailerName, _) if is_tchar(byte) => self.extra(TrailerName),
            (TrailerName, b':') => self.extra(TrailerField),
            (TrailerField, b'\r') => Some(TrailerFieldLf),
            (TrailerField, _) if !is_control(byte) => self.extra(TrailerField),
            (TrailerFieldLf, b'\n') => Some(Trailer),
            (LastLf, b'\n') => Some(End),
            _ => None,
        }
    }

    /// Whether `bytes`, the first that have come of a body, break the coding already: then the
    /// request is refused before anything is done for it. nginx sees that, too, because it reads
    /// or discards what is at hand before it answers.
    ///
    /// Differs: nginx does not look where the answer is an error without that, as a 405 for POST to a file.
    pub(crate) fn is_broken_by(mut bytes: &[u8]) -> bool {
        let mut chunked = Self::default();
        while let Some((&byte, rest)) = bytes.split_first() {
            if chunked.state == State::Data {
                let length = usize::try_from(chunked.left).unwrap_or(usize::MAX);
                let Some(rest) = bytes.get(length..) else {
                    return false;
                };
                (chunked.state, bytes) = (State::DataCr, rest);
                continue;
            }
            match chunked.step(byte) {
                Some(State::End) => return false,
                Some(state) => chunked.state = state,
                None => return true,
            }
            bytes = rest;
        }
        false
    }

    fn extra(&mut self, next: State) -> Option<State> {
        self.overhead += 1;
        (self.overhead <= MAX_OVERHEAD).then_some(next)
    }
}

/// What may stand in no field value and in no extension. RFC 9110 §5.5.
fn is_control(byte: u8) -> bool {
    byte == 0x7f || byte < 0x20 && byte != b'\t'
}

/// RFC 9110 §5.6.2.
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn hex(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes with the input cut into pieces of `step` bytes; the body and what is left over.
    fn decode(input: &[u8], step: usize) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
        let mut framing = Framing::new(None, true);
        let (mut buffer, mut body) = (BytesMut::new(), Vec::new());
        let mut pieces = input.chunks(step);
        loop {
            match framing.take(&mut buffer) {
                Taken::Data(data) => body.extend_from_slice(&data),
                Taken::End => {
                    let left: Vec<u8> = buffer.iter().chain(pieces.flatten()).copied().collect();
                    return Ok((body, left));
                }
                Taken::Broken => return Err("broken"),
                Taken::More => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => return Err("more"),
                },
            }
        }
    }

    #[test]
    fn chunked_bodies_however_they_arrive() {
        type Expected = Result<(&'static str, &'static str), &'static str>;
        let cases: &[(&str, Expected)] = &[
            ("0\r\n\r\n", Ok(("", ""))),
            ("3\r\nabc\r\n0\r\n\r\nGET", Ok(("abc", "GET"))),
            (
                "3;x=y\r\nabc\r\nA \r\n0123456789\r\n0;z\r\nT: v\r\n\r\nx",
                Ok(("abc0123456789", "x")),
            ),
            ("3\nabc\r\n0\r\n\r\n", Err("broken")),
            ("3\r\nabcd\r\n0\r\n\r\n", Err("broken")),
            ("3\r\nab\r\n0\r\n\r\n", Err("broken")),
            ("g\r\n", Err("broken")),
            ("-1\r\n", Err("broken")),
            ("\r\n", Err("broken")),
            ("ffffffffffffffff\r\n", Err("broken")),
            ("fffffffffffffffffffff\r\n", Err("broken")),
            ("3;a\nb\r\nabc\r\n", Err("broken")),
            ("0\r\nT: v\n\r\n", Err("broken")),
            ("3 ; a\r\nabc\r\n0\r\nT:\t\r\n\r\nx", Ok(("abc", "x"))),
            ("3 3\r\nabc\r\n", Err("broken")),
            ("3;a\0\r\nabc\r\n", Err("broken")),
            ("0\r\nT v\r\n\r\n", Err("broken")),
            ("0\r\n: v\r\n\r\n", Err("broken")),
            ("0\r\nT: v\r\n w\r\n\r\n", Err("broken")),
            ("3\r\nabc\r\n", Err("more")),
            ("0\r\n", Err("more")),
        ];
        for (input, expected) in cases {
            for step in [1, 2, 3, 7, 1000] {
                let expected = expected.map(|(body, left)| (body.into(), left.into()));
                assert_eq!(
                    decode(input.as_bytes(), step),
                    expected,
                    "{input:?} by {step}"
                );
            }
            let broken = *expected == Err("broken");
            assert_eq!(Chunked::is_broken_by(input.as_bytes()), broken, "{input:?}");
        }
    }

    #[test]
    fn trailers_are_not_endless() {
        let mut input = b"0\r\n".to_vec();
        input.extend(std::iter::repeat_n(&b"a: b\r\n"[..], 20_000).flatten());
        assert_eq!(decode(&input, 4096), Err("broken"));
    }

    #[test]
    fn length_leaves_the_next_request_alone() {
        let mut framing = Framing::new(Some(3), false);
        let mut buffer = BytesMut::from(&b"abcGET"[..]);
        assert_eq!(
            framing.take(&mut buffer),
            Taken::Data(Bytes::from_static(b"abc"))
        );
        assert_eq!(framing.take(&mut buffer), Taken::End);
        assert_eq!(&buffer[..], b"GET");
    }
}
