//! The eight bytes in front of every record (FastCGI 1.0 §3.3).

/// The only protocol version there is, `FCGI_VERSION_1`.
pub const VERSION: u8 = 1;

/// Request id of management records, `FCGI_NULL_REQUEST_ID`.
pub const NULL_REQUEST_ID: u16 = 0;

/// Most content bytes one record can carry: the length field has 16 bits.
pub const MAX_CONTENT: usize = 65_535;

/// Kind of a record, by its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RecordType {
    /// `FCGI_BEGIN_REQUEST`, server to application.
    BeginRequest = 1,
    /// `FCGI_ABORT_REQUEST`, server to application. PHP-FPM ignores it.
    AbortRequest = 2,
    /// `FCGI_END_REQUEST`, application to server.
    EndRequest = 3,
    /// `FCGI_PARAMS`, a stream of name-value pairs.
    Params = 4,
    /// `FCGI_STDIN`, the request body.
    Stdin = 5,
    /// `FCGI_STDOUT`, CGI head and response body.
    Stdout = 6,
    /// `FCGI_STDERR`, diagnostics.
    Stderr = 7,
    /// `FCGI_DATA`, filter role only.
    Data = 8,
    /// `FCGI_GET_VALUES`, management.
    GetValues = 9,
    /// `FCGI_GET_VALUES_RESULT`, management.
    GetValuesResult = 10,
    /// `FCGI_UNKNOWN_TYPE`, management.
    UnknownType = 11,
}

impl RecordType {
    /// The type that `number` stands for, if the specification names one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::BeginRequest,
            2 => Self::AbortRequest,
            3 => Self::EndRequest,
            4 => Self::Params,
            5 => Self::Stdin,
            6 => Self::Stdout,
            7 => Self::Stderr,
            8 => Self::Data,
            9 => Self::GetValues,
            10 => Self::GetValuesResult,
            11 => Self::UnknownType,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A record header as it stands on the wire, nothing judged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Protocol version; [`VERSION`] in everything we write.
    pub version: u8,
    /// Record type by number; see [`RecordType::from_number`].
    pub kind: u8,
    /// Request the record belongs to, 0 for management records.
    pub request_id: u16,
    /// Bytes of content that follow.
    pub content_length: u16,
    /// Bytes of padding after the content, to be ignored.
    pub padding_length: u8,
}

impl Header {
    /// Size on the wire, `FCGI_HEADER_LEN`.
    pub const LEN: usize = 8;

    /// A header without padding.
    #[must_use]
    pub const fn new(kind: RecordType, request_id: u16, content_length: u16) -> Self {
        Self {
            version: VERSION,
            kind: kind.number(),
            request_id,
            content_length,
            padding_length: 0,
        }
    }

    /// The bytes to send. The reserved byte is zero.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [id_high, id_low] = self.request_id.to_be_bytes();
        let [length_high, length_low] = self.content_length.to_be_bytes();
        let Self {
            version,
            kind,
            padding_length,
            ..
        } = self;
        [
            version,
            kind,
            id_high,
            id_low,
            length_high,
            length_low,
            padding_length,
            0,
        ]
    }

    /// Reads what [`Header::to_bytes`] wrote; the reserved byte is ignored (§3.3).
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let [
            version,
            kind,
            id_high,
            id_low,
            length_high,
            length_low,
            padding_length,
            _,
        ] = bytes;
        Self {
            version,
            kind,
            request_id: u16::from_be_bytes([id_high, id_low]),
            content_length: u16::from_be_bytes([length_high, length_low]),
            padding_length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_survives_the_wire() {
        let header = Header {
            padding_length: 5,
            ..Header::new(RecordType::Stdout, 0x1234, 0xabcd)
        };
        assert_eq!(header.to_bytes(), [1, 6, 0x12, 0x34, 0xab, 0xcd, 5, 0]);
        assert_eq!(Header::from_bytes(header.to_bytes()), header);
    }

    #[test]
    fn every_type_has_its_number() {
        for number in 0..=255 {
            let kind = RecordType::from_number(number);
            assert_eq!(kind.is_some(), (1..=11).contains(&number));
            assert!(kind.is_none_or(|kind| kind.number() == number));
        }
    }
}
