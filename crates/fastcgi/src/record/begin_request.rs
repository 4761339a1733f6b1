//! `FCGI_BEGIN_REQUEST` (FastCGI 1.0 §5.1).

use bytes::BufMut;

use super::header::{Header, RecordType};

/// What the application is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Role {
    /// Answer an HTTP request; the only role PHP knows.
    Responder = 1,
    /// Decide whether a request is allowed.
    Authorizer = 2,
    /// Transform a file.
    Filter = 3,
}

/// Opens a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeginRequest {
    /// Role by number; see [`Role`].
    pub role: u16,
    /// `FCGI_KEEP_CONN`: the application leaves the connection open afterwards.
    pub keep_conn: bool,
}

impl BeginRequest {
    /// Bytes of the body, without the header.
    pub const BODY_LEN: usize = 8;

    const KEEP_CONN: u8 = 1;

    /// The request every web server sends.
    #[must_use]
    pub const fn responder(keep_conn: bool) -> Self {
        Self {
            role: Role::Responder as u16,
            keep_conn,
        }
    }

    /// Appends header and body, 16 bytes.
    pub fn encode(self, request_id: u16, out: &mut impl BufMut) {
        const LENGTH: u16 = BeginRequest::BODY_LEN as u16;
        out.put_slice(&Header::new(RecordType::BeginRequest, request_id, LENGTH).to_bytes());
        out.put_u16(self.role);
        out.put_u8(if self.keep_conn { Self::KEEP_CONN } else { 0 });
        out.put_bytes(0, 5);
    }

    /// Reads a body; reserved bytes and unknown flags are ignored.
    #[must_use]
    pub const fn from_bytes(body: [u8; Self::BODY_LEN]) -> Self {
        let [role_high, role_low, flags, ..] = body;
        Self {
            role: u16::from_be_bytes([role_high, role_low]),
            keep_conn: flags & Self::KEEP_CONN != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bytes_as_the_specification_draws_them() {
        let mut out = Vec::new();
        BeginRequest::responder(true).encode(7, &mut out);
        assert_eq!(out, [1, 1, 0, 7, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
        let body = out.split_off(8).try_into().unwrap();
        assert_eq!(
            BeginRequest::from_bytes(body),
            BeginRequest::responder(true)
        );
    }
}
