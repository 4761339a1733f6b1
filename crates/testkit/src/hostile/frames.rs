//! Frames of HTTP/2 as they stand on the wire, written without asking whether they make sense.
//!
//! Source: RFC 9113 §4 and §6, RFC 7541.

/// What a connection begins with. RFC 9113 §3.4.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `END_STREAM` of DATA and HEADERS, `ACK` of SETTINGS and PING.
pub const END_STREAM: u8 = 0x1;
/// `END_HEADERS` of HEADERS and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;

/// The kinds of frames. RFC 9113 §6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// §6.1
    Data = 0,
    /// §6.2
    Headers = 1,
    /// §6.3
    Priority = 2,
    /// §6.4
    RstStream = 3,
    /// §6.5
    Settings = 4,
    /// §6.7
    Ping = 6,
    /// §6.8
    GoAway = 7,
    /// §6.9
    WindowUpdate = 8,
    /// §6.10
    Continuation = 9,
}

/// Appends one frame.
///
/// # Panics
/// If the payload does not fit the length field.
pub fn put_frame(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a payload of a frame");
    let [zero, length @ ..] = length.to_be_bytes();
    assert_eq!(zero, 0, "a payload has 24 bits of length");
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind as u8, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A field block that asks for something: indexed and literal fields, nothing stored, no Huffman.
#[must_use]
pub fn request_block(method: &str, authority: &str, path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    put_literal(&mut block, b":method", method.as_bytes());
    // `:scheme: http` of the static table. RFC 7541 §A.
    block.push(0x86);
    put_literal(&mut block, b":authority", authority.as_bytes());
    put_literal(&mut block, b":path", path.as_bytes());
    block
}

/// A field without indexing, its name spelled out. RFC 7541 §6.2.2.
pub fn put_literal(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    block.push(0);
    for text in [name, value] {
        put_length(block, text.len());
        block.extend_from_slice(text);
    }
}

/// An integer with a prefix of 7 bits. RFC 7541 §5.1.
fn put_length(block: &mut Vec<u8>, mut length: usize) {
    let low = |value: usize| u8::try_from(value & 0x7f).expect("seven bits");
    if length < 127 {
        block.push(low(length));
        return;
    }
    block.push(127);
    length -= 127;
    while length >= 128 {
        block.push(low(length) | 0x80);
        length >>= 7;
    }
    block.push(low(length));
}

/// Takes the first whole frame off the front of what has been received: its kind as a number, its
/// flags, its stream and its payload.
pub fn take_frame(received: &mut Vec<u8>) -> Option<(u8, u8, u32, Vec<u8>)> {
    let [high, middle, low, kind, flags, stream @ ..] = *received.first_chunk::<9>()?;
    let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    let payload = received.get(9..9 + length)?.to_vec();
    received.drain(..9 + length);
    Some((kind, flags, u32::from_be_bytes(stream), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_lengths_are_as_the_standards_show_them() {
        let mut out = Vec::new();
        put_frame(&mut out, Kind::Ping, END_STREAM, 1, b"12345678");
        assert_eq!(out, *b"\x00\x00\x08\x06\x01\x00\x00\x00\x0112345678");
        out.push(0);
        let taken = take_frame(&mut out);
        assert_eq!(taken, Some((6, END_STREAM, 1, b"12345678".to_vec())));
        assert_eq!((take_frame(&mut out), out), (None, vec![0]));
        let mut block = Vec::new();
        // RFC 7541 §C.1.2: 1337 with a prefix of 5 bits is 31, 154, 10; with 7 bits 127, 186, 9.
        put_length(&mut block, 1337);
        assert_eq!(block, [127, 186, 9]);
    }
}
