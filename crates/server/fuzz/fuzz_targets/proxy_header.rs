//! Any bytes in front of a connection: a header is the same however it comes, and no longer than it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_server::proxy_protocol::{ProxyHeader, parse};

fuzz_target!(|wire: &[u8]| {
    let found = parse(wire);
    if let ProxyHeader::Whole(length, _) = found {
        assert_eq!(parse(&wire[..length]), found);
        assert!((0..length).all(|end| parse(&wire[..end]) == ProxyHeader::More));
    }
});
