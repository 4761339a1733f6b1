//! Any bytes in any chunks as an answer: no panic, and the chunking changes nothing.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use portunus_fastcgi::{DecodeError, Event, ResponseDecoder};

fn run(wire: &[u8], chunk: usize) -> (Vec<u8>, Vec<u8>, bool, Option<DecodeError>) {
    let (mut decoder, mut input) = (ResponseDecoder::new(1), BytesMut::new());
    let (mut stdout, mut stderr, mut ended) = (Vec::new(), Vec::new(), false);
    let mut chunks = wire.chunks(chunk);
    loop {
        match decoder.decode(&mut input) {
            Ok(Event::Stdout(bytes)) => stdout.extend_from_slice(&bytes),
            Ok(Event::Stderr(bytes)) => stderr.extend_from_slice(&bytes),
            Ok(Event::End(_)) => ended = true,
            Ok(Event::StdoutEnd) => {}
            Ok(Event::Need) => match chunks.next() {
                Some(chunk) => input.extend_from_slice(chunk),
                None => return (stdout, stderr, ended, None),
            },
            Err(error) => return (stdout, stderr, ended, Some(error)),
        }
    }
}

fuzz_target!(|wire: (u8, &[u8])| {
    let (chunk, wire) = wire;
    assert_eq!(run(wire, usize::from(chunk) + 1), run(wire, usize::MAX));
});
