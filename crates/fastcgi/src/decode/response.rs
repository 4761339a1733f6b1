//! What an application sends: `STDOUT`, `STDERR`, `END_REQUEST`.

use bytes::{Bytes, BytesMut};

use crate::record::{EndRequest, Header, RecordType};

use super::{DecodeError, expect_length, record_type, skip_padding, take_header};

/// What [`ResponseDecoder::decode`] found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Bytes of the answer, never none. A slice of the input buffer.
    Stdout(Bytes),
    /// The application closed its output stream; only [`Event::End`] may follow. PHP omits this.
    StdoutEnd,
    /// Bytes of diagnostics, never none. A slice of the input buffer.
    Stderr(Bytes),
    /// The answer is complete. Only now, and only if the peer also said
    /// [`Complete`](crate::ProtocolStatus::Complete), is it whole.
    End(EndRequest),
    /// Read more.
    Need,
}

/// What is left of a piece that PHP cuts to a multiple of eight, at most.
const REMAINDER: u16 = 7;

/// Reads one answer off a connection.
///
/// ```text
///            ┌────────────────── nothing left ───────────────────┐
///            ▼                                                   │
///        ┌────────┐ STDOUT, STDERR ┌─────────┐  all content  ┌─────────┐
///  ───▶  │ Header │ ─────────────▶ │ Content │ ────────────▶ │ Padding │
///        └────────┘                └─────────┘               └─────────┘
///            │ END_REQUEST
///            ▼
///        ┌─────────┐   8 bytes: Event::End   ┌───────┐
///        │ EndBody │ ──────────────────────▶ │ Ended │  a byte beyond its padding is an error
///        └─────────┘                         └───────┘
/// ```
///
/// Records may be cut anywhere: content is handed on as it comes, so the
/// events of two chunkings differ only in where `Stdout` and `Stderr` are cut.
/// After an error the decoder repeats nothing and promises nothing; drop the connection.
#[derive(Debug)]
pub struct ResponseDecoder {
    request_id: u16,
    state: State,
    stdout_ended: bool,
    joins: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    Content {
        kind: Stream,
        left: u16,
        padding: u8,
    },
    Padding {
        left: u8,
    },
    EndBody {
        padding: u8,
    },
    Ended {
        padding: u8,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

impl ResponseDecoder {
    /// A decoder for the answer to request `request_id`; every other id is an error.
    #[must_use]
    pub const fn new(request_id: u16) -> Self {
        Self {
            request_id,
            state: State::Header,
            stdout_ended: false,
            joins: false,
        }
    }

    /// From now on a short record is moved up behind the one before if both are at hand.
    ///
    /// PHP writes a long piece as a record of a multiple of eight bytes and one of the remainder (`fcgi_write` in
    /// `sapi/fpm/fpm/fastcgi.c`). Whoever wants the piece whole would have to copy it for up to seven bytes. Not for a
    /// head, of which it matters where in the stream it ends.
    pub const fn join_remainders(&mut self) {
        self.joins = true;
    }

    /// Whether `input` ends with the record that is decoded next. Its remainder may be on its way: whoever reads on
    /// first has both in one piece; see [`join_remainders`](Self::join_remainders).
    #[must_use]
    pub fn awaits_remainder(&self, input: &[u8]) -> bool {
        let length = |content, padding| usize::from(content) + usize::from(padding);
        let start = match self.state {
            _ if !self.joins => return false,
            State::Content {
                kind: Stream::Stdout,
                left,
                padding,
            } => return input.len() == length(left, padding),
            State::Header => 0,
            State::Padding { left } => usize::from(left),
            _ => return false,
        };
        let record = input.get(start..).and_then(|rest| rest.split_first_chunk());
        record.is_some_and(|(&header, rest)| {
            let header = Header::from_bytes(header);
            RecordType::from_number(header.kind) == Some(RecordType::Stdout)
                && rest.len() == length(header.content_length, header.padding_length)
        })
    }

    /// Takes the next event off `input`. On [`Event::Need`] all of `input` has been
    /// used but for at most seven bytes of a header or an end.
    ///
    /// # Errors
    /// When the peer breaks the protocol; see [`DecodeError`].
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Event, DecodeError> {
        loop {
            match &mut self.state {
                State::Header => {
                    let Some(header) = take_header(input)? else {
                        return Ok(Event::Need);
                    };
                    if let Some(event) = self.enter(&header)? {
                        return Ok(event);
                    }
                }
                State::Content {
                    kind,
                    left,
                    padding,
                } => {
                    let (kind, padding) = (*kind, *padding);
                    let taken = input.len().min(usize::from(*left));
                    if taken == 0 {
                        return Ok(Event::Need);
                    }
                    *left -= u16::try_from(taken).unwrap_or(*left);
                    let ends = *left == 0;
                    if ends {
                        self.state = State::Padding { left: padding };
                    }
                    let mut bytes = input.split_to(taken);
                    return Ok(match kind {
                        Stream::Stdout => {
                            if ends && self.joins {
                                self.take_remainder(&mut bytes, input, padding);
                            }
                            Event::Stdout(bytes.freeze())
                        }
                        Stream::Stderr => Event::Stderr(bytes.freeze()),
                    });
                }
                State::Padding { left } => {
                    skip_padding(input, left);
                    if *left > 0 {
                        return Ok(Event::Need);
                    }
                    self.state = State::Header;
                }
                State::EndBody { padding } => {
                    let padding = *padding;
                    if input.len() < EndRequest::BODY_LEN {
                        return Ok(Event::Need);
                    }
                    let body = input.split_to(EndRequest::BODY_LEN);
                    let Some(&body) = body.first_chunk() else {
                        return Ok(Event::Need);
                    };
                    self.state = State::Ended { padding };
                    return Ok(Event::End(EndRequest::from_bytes(body)));
                }
                State::Ended { padding } => {
                    skip_padding(input, padding);
                    return if input.is_empty() {
                        Ok(Event::Need)
                    } else {
                        Err(DecodeError::AfterEnd)
                    };
                }
            }
        }
    }

    /// The answer ended and nothing of it is outstanding, padding included. With an empty
    /// input buffer this is what makes a connection fit for another request.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        matches!(self.state, State::Ended { padding: 0 })
    }

    /// Between two records, so that a connection cut here has cut no record.
    #[must_use]
    pub const fn at_record_boundary(&self) -> bool {
        matches!(
            self.state,
            State::Header | State::Padding { left: 0 } | State::Ended { .. }
        )
    }

    /// Moves what a short record right behind `content` has up to it, if all of it is in `input`.
    fn take_remainder(&mut self, content: &mut BytesMut, input: &mut BytesMut, padding: u8) {
        let start = usize::from(padding);
        let Some(&header) = input.get(start..).and_then(|rest| rest.first_chunk()) else {
            return;
        };
        let header = Header::from_bytes(header);
        let expected = Header {
            padding_length: header.padding_length,
            ..Header::new(RecordType::Stdout, self.request_id, header.content_length)
        };
        let end = start + Header::LEN + usize::from(header.content_length);
        let is_short = (1..=REMAINDER).contains(&header.content_length);
        if header != expected || !is_short || input.len() < end {
            return;
        }
        let length = content.len();
        // They lie side by side, so nothing is copied by this.
        content.unsplit(input.split_to(end));
        content.copy_within(length + start + Header::LEN.., length);
        content.truncate(length + usize::from(header.content_length));
        self.state = State::Padding {
            left: header.padding_length,
        };
    }

    fn enter(&mut self, header: &Header) -> Result<Option<Event>, DecodeError> {
        let kind = record_type(header)?;
        let padding = header.padding_length;
        if !matches!(
            kind,
            RecordType::Stdout | RecordType::Stderr | RecordType::EndRequest
        ) {
            return Err(DecodeError::Type(header.kind));
        }
        if header.request_id != self.request_id {
            let (expected, found) = (self.request_id, header.request_id);
            return Err(DecodeError::RequestId { expected, found });
        }
        let left = header.content_length;
        match kind {
            RecordType::EndRequest => {
                expect_length(header, EndRequest::BODY_LEN)?;
                self.state = State::EndBody { padding };
            }
            RecordType::Stdout if self.stdout_ended => {
                return Err(DecodeError::AfterStdoutEnd);
            }
            RecordType::Stdout if left == 0 => {
                self.stdout_ended = true;
                self.state = State::Padding { left: padding };
                return Ok(Some(Event::StdoutEnd));
            }
            RecordType::Stdout => {
                self.state = State::Content {
                    kind: Stream::Stdout,
                    left,
                    padding,
                };
            }
            _ if left == 0 => self.state = State::Padding { left: padding },
            _ => {
                self.state = State::Content {
                    kind: Stream::Stderr,
                    left,
                    padding,
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ProtocolStatus, stream};
    use proptest::prelude::*;

    const END: EndRequest = EndRequest {
        app_status: 0,
        protocol_status: ProtocolStatus::Complete,
    };

    /// All events of `wire` fed in `sizes`, streams joined where they touch.
    fn events(
        wire: &[u8],
        mut sizes: impl Iterator<Item = usize>,
    ) -> (Vec<Event>, Option<DecodeError>) {
        let mut decoder = ResponseDecoder::new(1);
        decoder.join_remainders();
        let (mut rest, mut input, mut found) = (wire, BytesMut::new(), Vec::new());
        loop {
            match decoder.decode(&mut input) {
                Ok(Event::Need) if rest.is_empty() => return (found, None),
                Ok(Event::Need) => {
                    let (chunk, later) =
                        rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
                    input.extend_from_slice(chunk);
                    rest = later;
                }
                Ok(event) => join(&mut found, event),
                Err(error) => return (found, Some(error)),
            }
        }
    }

    fn join(found: &mut Vec<Event>, event: Event) {
        match (found.last_mut(), event) {
            (Some(Event::Stdout(old)), Event::Stdout(new))
            | (Some(Event::Stderr(old)), Event::Stderr(new)) => {
                *old = [&old[..], &new].concat().into();
            }
            (_, event) => found.push(event),
        }
    }

    fn failure(wire: &[u8]) -> Option<DecodeError> {
        events(wire, std::iter::repeat(usize::MAX)).1
    }

    #[test]
    fn breaches_are_named() {
        use DecodeError::{AfterEnd, AfterStdoutEnd, Length, RequestId, Type, Version};
        let mut ended = Vec::new();
        END.encode(1, &mut ended);
        ended.push(0);
        let closed_then_more = b"\x01\x06\0\x01\0\0\0\0\x01\x06\0\x01\0\x01\0\0x";
        for (wire, expected) in [
            (&b"H"[..], Version(b'H')),
            (b"\x02\x06\0\x01\0\x01\0\0x", Version(2)),
            (b"\x01\x05\0\x01\0\x01\0\0x", Type(5)),
            (b"\x01\x0b\0\0\0\x08\0\0", Type(11)),
            (b"\x01\xff\0\0\0\x08\0\0", Type(255)),
            (
                b"\x01\x06\0\x02\0\x01\0\0x",
                RequestId {
                    expected: 1,
                    found: 2,
                },
            ),
            (
                b"\x01\x06\x01\x01\0\x01\0\0x",
                RequestId {
                    expected: 1,
                    found: 257,
                },
            ),
            (b"\x01\x03\0\x01\0\x07\0\0", Length { kind: 3, length: 7 }),
            (closed_then_more, AfterStdoutEnd),
            (&ended, AfterEnd),
        ] {
            assert_eq!(failure(wire), Some(expected), "{wire:?}");
        }
    }

    #[test]
    fn drained_only_after_padding() {
        let mut decoder = ResponseDecoder::new(1);
        let mut input = BytesMut::from(&b"\x01\x03\0\x01\0\x08\x02\0\0\0\0\0\0\0\0\0"[..]);
        assert_eq!(decoder.decode(&mut input), Ok(Event::End(END)));
        assert!(!decoder.is_drained());
        input.extend_from_slice(b"pp");
        assert_eq!(decoder.decode(&mut input), Ok(Event::Need));
        assert!(decoder.is_drained());
    }

    #[test]
    fn content_is_not_copied() {
        let mut wire = Vec::new();
        stream::encode(RecordType::Stdout, 1, &[b'x'; 100], &mut wire);
        let mut input = BytesMut::from(&wire[..]);
        let inside = input.as_ptr_range();
        let Ok(Event::Stdout(bytes)) = ResponseDecoder::new(1).decode(&mut input) else {
            panic!("one record was sent")
        };
        assert!(inside.contains(&bytes.as_ptr()));
    }

    #[test]
    fn the_remainder_of_a_piece_comes_with_it_uncopied() {
        let mut wire = Vec::new();
        let remainder = |length, padding| padded(RecordType::Stdout, &vec![b'y'; length], padding);
        stream::encode(RecordType::Stdout, 1, &[b'x'; 104], &mut wire);
        wire.extend(remainder(7, 1));
        wire.extend(remainder(3, 5));
        wire.extend(remainder(8, 0));
        END.encode(1, &mut wire);
        let mut input = BytesMut::from(&wire[..]);
        let inside = input.as_ptr_range();
        let mut decoder = ResponseDecoder::new(1);
        decoder.join_remainders();
        let mut lengths = Vec::new();
        while let Event::Stdout(bytes) = decoder.decode(&mut input).unwrap() {
            assert!(inside.contains(&bytes.as_ptr()));
            assert!(bytes.iter().skip(104).all(|&byte| byte == b'y'));
            lengths.push(bytes.len());
        }
        assert_eq!(lengths, [111, 3, 8]);
        assert_eq!(decoder.decode(&mut input), Ok(Event::Need));
        assert!(decoder.is_drained());
    }

    #[test]
    fn the_last_record_that_is_there_may_have_a_remainder() {
        let piece = padded(RecordType::Stdout, &[b'x'; 104], 3);
        let mut wire = [&piece[..], &padded(RecordType::Stdout, b"y", 7), &piece].concat();
        END.encode(1, &mut wire);
        let mut decoder = ResponseDecoder::new(1);
        assert!(!decoder.awaits_remainder(&piece), "not in a head");
        decoder.join_remainders();
        // Of what is there, from the state that the records before have left.
        let mut awaited = Vec::new();
        let (mut input, mut decoded) = (BytesMut::new(), 0);
        for end in 1..=wire.len() {
            input.extend_from_slice(&wire[decoded + input.len()..end]);
            if decoder.awaits_remainder(&input) {
                awaited.push(end);
                while decoder.decode(&mut input).unwrap() != Event::Need {}
                decoded = end - input.len();
            }
        }
        let whole = piece.len();
        assert_eq!(awaited, [whole, whole + 16, 2 * whole + 16]);
        // Half of a record is there, the other half comes.
        let mut decoder = ResponseDecoder::new(1);
        decoder.join_remainders();
        let mut input = BytesMut::from(&piece[..50]);
        assert!(matches!(decoder.decode(&mut input), Ok(Event::Stdout(_))));
        assert!(decoder.awaits_remainder(&piece[50..]));
        assert!(!decoder.awaits_remainder(&piece[50..whole - 1]));
    }

    /// A record with padding behind its content.
    fn padded(kind: RecordType, content: &[u8], padding_length: u8) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        let header = Header {
            padding_length,
            ..Header::new(kind, 1, length)
        };
        [
            &header.to_bytes()[..],
            content,
            &vec![0; usize::from(padding_length)],
        ]
        .concat()
    }

    fn record() -> impl Strategy<Value = Vec<u8>> {
        let content = prop_oneof![
            prop::collection::vec(any::<u8>(), 1..40),
            prop::collection::vec(any::<u8>(), 1..8),
        ];
        prop_oneof![
            4 => (prop_oneof![Just(RecordType::Stdout), Just(RecordType::Stderr)], content, 0_u8..20)
                .prop_map(|(kind, content, padding)| padded(kind, &content, padding)),
            1 => any::<[u8; 8]>().prop_map(|bytes| bytes.to_vec()),
            1 => Just(Header::new(RecordType::Stdout, 1, 0).to_bytes().to_vec()),
            1 => Just({ let mut end = Vec::new(); END.encode(1, &mut end); end }),
        ]
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(
            records in prop::collection::vec(record(), 0..8),
            sizes in prop::collection::vec(1_usize..50, 1..20),
        ) {
            let wire = records.concat();
            let whole = events(&wire, std::iter::repeat(usize::MAX));
            let (found, error) = events(&wire, sizes.into_iter().cycle());
            prop_assert_eq!(&found, &whole.0);
            prop_assert_eq!(error, whole.1);
        }
    }
}
