//! `FCGI_ABORT_REQUEST` (FastCGI 1.0 §5.4).

use bytes::BufMut;

use super::header::{Header, RecordType};

/// Asks the application to stop. PHP-FPM does not understand it; closing the
/// connection is the only cancel there. Kept for peers that do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abort;

impl Abort {
    /// Appends the record, a header without content.
    pub fn encode(self, request_id: u16, out: &mut impl BufMut) {
        out.put_slice(&Header::new(RecordType::AbortRequest, request_id, 0).to_bytes());
    }
}
