//! What a web server sends: for the scripted peers of our tests, and for fuzzing our encoders.

use bytes::{Bytes, BytesMut};

use crate::record::{BeginRequest, Header, RecordType};

use super::{DecodeError, expect_length, record_type, skip_padding, take_header};

/// What [`RequestDecoder::decode`] found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEvent {
    /// A request opens.
    Begin {
        /// The id all its records bear.
        request_id: u16,
        /// Role and flags.
        begin: BeginRequest,
    },
    /// Bytes of the name-value stream, cut anywhere.
    Params(Bytes),
    /// All pairs were sent.
    ParamsEnd,
    /// Bytes of the request body, cut anywhere.
    Stdin(Bytes),
    /// The whole body was sent.
    StdinEnd,
    /// The server lost interest.
    Abort,
    /// A question for limits; the content is name-value pairs.
    GetValues(Bytes),
    /// Read more.
    Need,
}

/// Reads requests off a connection, one after the other, never two at once.
#[derive(Debug, Default)]
pub struct RequestDecoder {
    state: State,
    request_id: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Header,
    Content {
        kind: RecordType,
        left: u16,
        padding: u8,
    },
    Whole {
        kind: RecordType,
        length: u16,
        padding: u8,
    },
    Padding {
        left: u8,
    },
}

impl RequestDecoder {
    /// Takes the next event off `input`.
    ///
    /// # Errors
    /// When the server breaks the protocol.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<RequestEvent, DecodeError> {
        loop {
            match &mut self.state {
                State::Header => {
                    let Some(header) = take_header(input)? else {
                        return Ok(RequestEvent::Need);
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
                        return Ok(RequestEvent::Need);
                    }
                    *left -= u16::try_from(taken).unwrap_or(*left);
                    if *left == 0 {
                        self.state = State::Padding { left: padding };
                    }
                    let bytes = input.split_to(taken).freeze();
                    return Ok(match kind {
                        RecordType::Params => RequestEvent::Params(bytes),
                        _ => RequestEvent::Stdin(bytes),
                    });
                }
                State::Whole {
                    kind,
                    length,
                    padding,
                } => {
                    let (kind, length, padding) = (*kind, usize::from(*length), *padding);
                    if input.len() < length {
                        return Ok(RequestEvent::Need);
                    }
                    self.state = State::Padding { left: padding };
                    return Ok(self.whole(kind, input.split_to(length).freeze()));
                }
                State::Padding { left } => {
                    skip_padding(input, left);
                    if *left > 0 {
                        return Ok(RequestEvent::Need);
                    }
                    self.state = State::Header;
                }
            }
        }
    }

    /// The request was answered; another may begin on this connection.
    pub fn finish(&mut self) {
        self.request_id = None;
    }

    fn enter(&mut self, header: &Header) -> Result<Option<RequestEvent>, DecodeError> {
        use RecordType::{AbortRequest, BeginRequest as Begin, GetValues, Params, Stdin};

        let kind = record_type(header)?;
        let (left, padding) = (header.content_length, header.padding_length);
        match (kind, self.request_id) {
            (Begin, None) => {
                expect_length(header, BeginRequest::BODY_LEN)?;
                self.request_id = Some(header.request_id);
                self.state = State::Whole {
                    kind,
                    length: left,
                    padding,
                };
                return Ok(None);
            }
            (GetValues, _) => {
                self.state = State::Whole {
                    kind,
                    length: left,
                    padding,
                };
                return Ok(None);
            }
            (Params | Stdin | AbortRequest, Some(expected)) if header.request_id != expected => {
                return Err(DecodeError::RequestId {
                    expected,
                    found: header.request_id,
                });
            }
            (Params | Stdin | AbortRequest, Some(_)) => {}
            (Begin | Params | Stdin | AbortRequest, _) => {
                return Err(DecodeError::OutOfOrder(header.kind));
            }
            _ => return Err(DecodeError::Type(header.kind)),
        }
        if left > 0 {
            self.state = State::Content {
                kind,
                left,
                padding,
            };
            return Ok(None);
        }
        self.state = State::Padding { left: padding };
        Ok(Some(match kind {
            Params => RequestEvent::ParamsEnd,
            Stdin => RequestEvent::StdinEnd,
            _ => RequestEvent::Abort,
        }))
    }

    fn whole(&self, kind: RecordType, content: Bytes) -> RequestEvent {
        match (kind, content.first_chunk(), self.request_id) {
            (RecordType::BeginRequest, Some(&body), Some(request_id)) => RequestEvent::Begin {
                request_id,
                begin: BeginRequest::from_bytes(body),
            },
            _ => RequestEvent::GetValues(content),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Params, stream};

    #[test]
    fn reads_what_the_encoders_write() {
        let mut params = Params::default();
        params.push(b"A", b"\xff");
        let mut wire = Vec::new();
        BeginRequest::responder(true).encode(9, &mut wire);
        stream::encode_all(RecordType::Params, 9, params.as_bytes(), &mut wire);
        stream::encode_padded(RecordType::Stdin, 9, b"body", &mut wire);
        stream::encode_end(RecordType::Stdin, 9, &mut wire);

        let (mut decoder, mut input) = (RequestDecoder::default(), BytesMut::from(&wire[..]));
        let mut next = || decoder.decode(&mut input).unwrap();
        assert_eq!(
            next(),
            RequestEvent::Begin {
                request_id: 9,
                begin: BeginRequest::responder(true)
            }
        );
        assert_eq!(
            next(),
            RequestEvent::Params(Bytes::copy_from_slice(params.as_bytes()))
        );
        assert_eq!(next(), RequestEvent::ParamsEnd);
        assert_eq!(next(), RequestEvent::Stdin("body".into()));
        assert_eq!(next(), RequestEvent::StdinEnd);
        assert_eq!(next(), RequestEvent::Need);
    }

    #[test]
    fn order_is_kept() {
        for (wire, expected) in [
            (&b"\x01\x05\0\x01\0\0\0\0"[..], DecodeError::OutOfOrder(5)),
            (b"\x01\x06\0\x01\0\0\0\0", DecodeError::Type(6)),
            (
                b"\x01\x01\0\x01\0\x09\0\0",
                DecodeError::Length { kind: 1, length: 9 },
            ),
        ] {
            let mut decoder = RequestDecoder::default();
            assert_eq!(decoder.decode(&mut BytesMut::from(wire)), Err(expected));
        }
    }
}
