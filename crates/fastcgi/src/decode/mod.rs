//! Records in, events out: [`ResponseDecoder`] for us, [`RequestDecoder`] for scripted peers.

mod request;
mod response;

pub use request::{RequestDecoder, RequestEvent};
pub use response::{Event, ResponseDecoder};

use crate::record::{Header, RecordType, VERSION};

use bytes::{Buf, BytesMut};

/// The peer broke the protocol. All variants are the peer's fault; the
/// connection is of no further use. Messages are nginx's where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not FastCGI 1, or not FastCGI at all.
    #[error("upstream sent unsupported FastCGI protocol version: {0}")]
    Version(u8),
    /// A type that has no business in this direction.
    #[error("upstream sent invalid FastCGI record type: {0}")]
    Type(u8),
    /// A record of another request than ours.
    #[error("upstream sent unexpected FastCGI request id: {found} instead of {expected}")]
    RequestId {
        /// Ours.
        expected: u16,
        /// The one in the record.
        found: u16,
    },
    /// A record whose type fixes its length has another.
    #[error("upstream sent FastCGI record type {kind} with invalid length: {length}")]
    Length {
        /// Record type by number.
        kind: u8,
        /// Content length in its header.
        length: u16,
    },
    /// Content on a stream that had been closed.
    #[error("upstream sent data after closing FastCGI stdout")]
    AfterStdoutEnd,
    /// Bytes behind `END_REQUEST`: they belong to nobody.
    #[error("upstream sent data after FastCGI end request")]
    AfterEnd,
    /// Records of a request that was not begun, or begun twice (server side only).
    #[error("FastCGI record type {0} out of order")]
    OutOfOrder(u8),
}

/// Takes a header off `input`, if it is all there. The version is judged as soon as one byte is.
fn take_header(input: &mut BytesMut) -> Result<Option<Header>, DecodeError> {
    match input.first() {
        Some(&version) if version != VERSION => return Err(DecodeError::Version(version)),
        _ => {}
    }
    let Some(&bytes) = input.first_chunk::<{ Header::LEN }>() else {
        return Ok(None);
    };
    input.advance(Header::LEN);
    Ok(Some(Header::from_bytes(bytes)))
}

/// Drops up to `left` bytes of padding; what is still owed remains in `left`.
fn skip_padding(input: &mut BytesMut, left: &mut u8) {
    let skipped = input.len().min(usize::from(*left));
    input.advance(skipped);
    *left -= u8::try_from(skipped).unwrap_or(*left);
}

/// `header` must have the length that its type fixes.
fn expect_length(header: &Header, length: usize) -> Result<(), DecodeError> {
    if usize::from(header.content_length) == length {
        return Ok(());
    }
    Err(DecodeError::Length {
        kind: header.kind,
        length: header.content_length,
    })
}

/// The type of `header`, or the error for a number without one.
fn record_type(header: &Header) -> Result<RecordType, DecodeError> {
    RecordType::from_number(header.kind).ok_or(DecodeError::Type(header.kind))
}
