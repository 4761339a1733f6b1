//! `FCGI_END_REQUEST` (FastCGI 1.0 §5.5).

use bytes::BufMut;

use super::header::{Header, RecordType};

/// How the application took the request, apart from what the script said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProtocolStatus {
    /// `FCGI_REQUEST_COMPLETE`: the normal end.
    Complete,
    /// `FCGI_CANT_MPX_CONN`: one request per connection only.
    CannotMultiplex,
    /// `FCGI_OVERLOADED`: out of some resource, try later.
    Overloaded,
    /// `FCGI_UNKNOWN_ROLE`: the role is not served here.
    UnknownRole,
    /// A number the specification does not name.
    Other(u8),
}

impl ProtocolStatus {
    /// From the number on the wire.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Complete,
            1 => Self::CannotMultiplex,
            2 => Self::Overloaded,
            3 => Self::UnknownRole,
            other => Self::Other(other),
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::CannotMultiplex => 1,
            Self::Overloaded => 2,
            Self::UnknownRole => 3,
            Self::Other(number) => number,
        }
    }
}

/// Closes a request: everything of the answer has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndRequest {
    /// The script's exit status.
    pub app_status: u32,
    /// Whether the request was served at all.
    pub protocol_status: ProtocolStatus,
}

impl EndRequest {
    /// Bytes of the body, without the header.
    pub const BODY_LEN: usize = 8;

    /// Appends header and body, 16 bytes.
    pub fn encode(self, request_id: u16, out: &mut impl BufMut) {
        const LENGTH: u16 = EndRequest::BODY_LEN as u16;
        out.put_slice(&Header::new(RecordType::EndRequest, request_id, LENGTH).to_bytes());
        out.put_u32(self.app_status);
        out.put_u8(self.protocol_status.number());
        out.put_bytes(0, 3);
    }

    /// Reads a body; reserved bytes are ignored.
    #[must_use]
    pub const fn from_bytes(body: [u8; Self::BODY_LEN]) -> Self {
        let [a, b, c, d, status, ..] = body;
        Self {
            app_status: u32::from_be_bytes([a, b, c, d]),
            protocol_status: ProtocolStatus::from_number(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_numbers_agree() {
        for number in 0..=255 {
            assert_eq!(ProtocolStatus::from_number(number).number(), number);
        }
    }

    #[test]
    fn end_survives_the_wire() {
        let end = EndRequest {
            app_status: 255,
            protocol_status: ProtocolStatus::Overloaded,
        };
        let mut out = Vec::new();
        end.encode(1, &mut out);
        assert_eq!(
            EndRequest::from_bytes(out.split_off(8).try_into().unwrap()),
            end
        );
    }
}
