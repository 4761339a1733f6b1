//! `FCGI_GET_VALUES` and its result (FastCGI 1.0 §4.1).

use bytes::BufMut;

use super::header::{Header, MAX_CONTENT, NULL_REQUEST_ID, RecordType};
use super::params::Params;

/// Asks for the application's limits. PHP-FPM answers `FCGI_MPXS_CONNS=0`
/// and nothing else, so this cannot size a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetValues;

impl GetValues {
    /// Most connections the application accepts.
    pub const MAX_CONNS: &'static [u8] = b"FCGI_MAX_CONNS";
    /// Most requests the application serves at once.
    pub const MAX_REQS: &'static [u8] = b"FCGI_MAX_REQS";
    /// Whether connections carry several requests at once.
    pub const MPXS_CONNS: &'static [u8] = b"FCGI_MPXS_CONNS";

    /// Appends a question for `names`. Names that do not fit one record are left out.
    pub fn encode<'a>(self, names: impl IntoIterator<Item = &'a [u8]>, out: &mut impl BufMut) {
        let mut pairs = Params::default();
        for name in names {
            if pairs.as_bytes().len() + name.len() + 8 <= MAX_CONTENT {
                pairs.push(name, b"");
            }
        }
        let length = u16::try_from(pairs.as_bytes().len()).unwrap_or(u16::MAX);
        out.put_slice(&Header::new(RecordType::GetValues, NULL_REQUEST_ID, length).to_bytes());
        out.put_slice(pairs.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_with_empty_values_on_the_null_request() {
        let mut out = Vec::new();
        GetValues.encode([GetValues::MPXS_CONNS], &mut out);
        assert_eq!(&out[..8], [1, 9, 0, 0, 0, 17, 0, 0]);
        assert_eq!(&out[8..], b"\x0f\x00FCGI_MPXS_CONNS");
    }
}
