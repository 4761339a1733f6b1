//! Chunked bodies (RFC 9112 §7.1), as strict as nginx is.
//!
//! Source: nginx, `ngx_http_parse_chunked`.

use bytes::{Buf, BufMut as _, Bytes, BytesMut};

/// Takes a chunked body apart.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    state: State,
    /// Bytes left of the chunk at hand, or its size while that is read.
    left: u64,
    /// How many bytes trailers may have; they are dropped unread where there is no room.
    room: usize,
    /// Their lines, the empty one included.
    trailers: BytesMut,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Size,
    Extension,
    ExtensionEnd,
    Data,
    DataEnd,
    DataEndLf,
    LastExtension,
    LastExtensionEnd,
    Trailer,
    TrailerLine,
    TrailerEnd,
    Done,
}

/// What came of a look at the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Bytes),
    /// More is needed.
    Need,
    /// The last chunk and its trailers are over.
    End,
    /// Not chunked at all.
    Invalid,
    /// The trailers are larger than the room for them.
    TooBig,
}

impl Decoder {
    /// Keeps trailers of that many bytes.
    pub(crate) fn with_trailers(room: usize) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// The lines behind the last chunk.
    pub(crate) fn take_trailers(&mut self) -> Bytes {
        self.trailers.split().freeze()
    }

    /// Takes the next piece off `input`.
    pub(crate) fn take(&mut self, input: &mut BytesMut) -> Piece {
        loop {
            if self.state == State::Data {
                return self.take_data(input);
            }
            if self.state == State::Done {
                return Piece::End;
            }
            let Some(&byte) = input.first() else {
                return Piece::Need;
            };
            if self.is_behind() && self.room > 0 {
                if self.trailers.len() == self.room {
                    return Piece::TooBig;
                }
                self.trailers.put_u8(byte);
            }
            match self.step(byte) {
                Some(next) => self.state = next,
                None => return Piece::Invalid,
            }
            input.advance(1);
        }
    }

    /// Whether the last chunk is over.
    fn is_behind(&self) -> bool {
        matches!(
            self.state,
            State::Trailer | State::TrailerLine | State::TrailerEnd
        )
    }

    fn take_data(&mut self, input: &mut BytesMut) -> Piece {
        if input.is_empty() {
            return Piece::Need;
        }
        let length = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(input.len());
        self.left -= length as u64;
        if self.left == 0 {
            self.state = State::DataEnd;
        }
        Piece::Data(input.split_to(length).freeze())
    }

    fn step(&mut self, byte: u8) -> Option<State> {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        Some(match (self.state, byte) {
            (State::Start, _) => {
                self.left = digit?;
                State::Size
            }
            (State::Size, _) if digit.is_some() => {
                self.left = self.left.checked_mul(16).filter(|left| *left < 1 << 60)? + digit?;
                State::Size
            }
            (State::Size, b'\r') if self.left == 0 => State::LastExtensionEnd,
            (State::Size, b'\n') if self.left == 0 => State::Trailer,
            (State::Size, b';' | b' ' | b'\t') if self.left == 0 => State::LastExtension,
            (State::Size, b'\r') => State::ExtensionEnd,
            (State::Size | State::Extension | State::ExtensionEnd, b'\n') => State::Data,
            (State::Size, b';' | b' ' | b'\t') => State::Extension,
            (State::Extension, b'\r') => State::ExtensionEnd,
            (State::Extension, _) => State::Extension,
            (State::DataEnd, b'\r') => State::DataEndLf,
            (State::DataEnd | State::DataEndLf, b'\n') => State::Start,
            (State::LastExtension, b'\r') => State::LastExtensionEnd,
            (State::LastExtension | State::LastExtensionEnd, b'\n') => State::Trailer,
            (State::LastExtension, _) => State::LastExtension,
            (State::Trailer, b'\r') => State::TrailerEnd,
            (State::Trailer | State::TrailerEnd, b'\n') => State::Done,
            (State::Trailer, _) => State::TrailerLine,
            (State::TrailerLine, b'\n') => State::Trailer,
            (State::TrailerLine, _) => State::TrailerLine,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&str]) -> (String, Piece) {
        let (mut decoder, mut input, mut body) =
            (Decoder::default(), BytesMut::new(), String::new());
        for piece in pieces {
            input.extend_from_slice(piece.as_bytes());
            loop {
                match decoder.take(&mut input) {
                    Piece::Data(data) => body.push_str(std::str::from_utf8(&data).unwrap()),
                    Piece::Need => break,
                    end => return (body, end),
                }
            }
        }
        (body, Piece::Need)
    }

    #[test]
    fn chunks_are_joined() {
        let text = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: x\r\n\r\n";
        assert_eq!(decode(&[text]), ("hello world".to_owned(), Piece::End));
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(decode(&bytes), ("hello world".to_owned(), Piece::End));
    }

    #[test]
    fn trailers_are_kept_where_there_is_room() {
        let text = "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n";
        for (room, kept) in [
            (64, "A: b\r\nC: d\r\n\r\n"),
            (14, "A: b\r\nC: d\r\n\r\n"),
            (0, ""),
        ] {
            let (mut decoder, mut input) = (Decoder::with_trailers(room), BytesMut::from(text));
            assert_eq!(decoder.take(&mut input), Piece::Data("x".into()));
            assert_eq!(decoder.take(&mut input), Piece::End);
            assert_eq!(decoder.take_trailers(), kept);
        }
        let (mut decoder, mut input) = (Decoder::with_trailers(13), BytesMut::from(text));
        assert_eq!(decoder.take(&mut input), Piece::Data("x".into()));
        assert_eq!(decoder.take(&mut input), Piece::TooBig);
    }

    #[test]
    fn nonsense_is_seen() {
        for text in ["x\r\n", "5\r\nhelloX", "ffffffffffffffffff\r\n", "5\rx"] {
            assert_eq!(decode(&[text]).1, Piece::Invalid, "{text:?}");
        }
        assert_eq!(decode(&["5\r\nhel"]).1, Piece::Need);
    }
}
