//! Any bytes as requests and as name-value pairs: no panic, and an end.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use portunus_fastcgi::{Pairs, RequestDecoder, RequestEvent};

fuzz_target!(|wire: &[u8]| {
    let (mut decoder, mut input) = (RequestDecoder::default(), BytesMut::from(wire));
    while !matches!(decoder.decode(&mut input), Ok(RequestEvent::Need) | Err(_)) {}
    assert!(Pairs::new(wire).count() <= wire.len());
});
