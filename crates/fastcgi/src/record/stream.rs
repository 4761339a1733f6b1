//! Streams over records: `PARAMS`, `STDIN`, `STDOUT`, `STDERR` (FastCGI 1.0 §3.3).
//!
//! A stream is any number of records with content and one without, the end.

use bytes::BufMut;

use super::header::{Header, MAX_CONTENT, RecordType};

/// Content per record when a long stream is cut: the greatest multiple of
/// eight, so that no record but the last wants padding.
pub const CHUNK: usize = MAX_CONTENT - 7;

/// Bytes that [`encode`] needs for `length` bytes of content, headers included.
#[must_use]
pub const fn encoded_len(length: usize) -> usize {
    length + length.div_ceil(CHUNK) * Header::LEN
}

/// Appends `content` as records, without the end of the stream. Nothing for no content.
pub fn encode(kind: RecordType, request_id: u16, content: &[u8], out: &mut impl BufMut) {
    for chunk in content.chunks(CHUNK) {
        let length = u16::try_from(chunk.len()).expect("a chunk is shorter than 65536 bytes");
        out.put_slice(&Header::new(kind, request_id, length).to_bytes());
        out.put_slice(chunk);
    }
}

/// Appends one record of `content`, padded to a multiple of eight bytes as §3.3
/// recommends. PHP gains nothing by it; some peers do.
///
/// Content beyond [`MAX_CONTENT`] is left to the caller; the number of bytes taken is returned.
pub fn encode_padded(
    kind: RecordType,
    request_id: u16,
    content: &[u8],
    out: &mut impl BufMut,
) -> usize {
    let taken = content.len().min(CHUNK);
    let length = u16::try_from(taken).unwrap_or(0);
    let padding_length = (8 - length % 8) as u8 % 8;
    let header = Header {
        padding_length,
        ..Header::new(kind, request_id, length)
    };
    out.put_slice(&header.to_bytes());
    out.put_slice(content.get(..taken).unwrap_or_default());
    out.put_bytes(0, usize::from(padding_length));
    taken
}

/// Appends the end of the stream, a record without content.
pub fn encode_end(kind: RecordType, request_id: u16, out: &mut impl BufMut) {
    out.put_slice(&Header::new(kind, request_id, 0).to_bytes());
}

/// Appends a whole stream: all of `content`, then its end.
pub fn encode_all(kind: RecordType, request_id: u16, content: &[u8], out: &mut impl BufMut) {
    encode(kind, request_id, content, out);
    encode_end(kind, request_id, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_content_is_cut() {
        let content = vec![7; CHUNK * 2 + 1];
        let mut out = Vec::new();
        encode(RecordType::Stdin, 1, &content, &mut out);
        assert_eq!(out.len(), encoded_len(content.len()));
        assert_eq!(out.len(), content.len() + 3 * 8);
    }

    #[test]
    fn nothing_is_only_an_end() {
        let mut out = Vec::new();
        encode_all(RecordType::Stdin, 1, b"", &mut out);
        assert_eq!(out, [1, 5, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn padding_fills_to_eight() {
        for length in 0..20 {
            let mut out = Vec::new();
            assert_eq!(
                encode_padded(RecordType::Stdin, 1, &vec![1; length], &mut out),
                length
            );
            assert_eq!(out.len() % 8, 0);
        }
    }
}
