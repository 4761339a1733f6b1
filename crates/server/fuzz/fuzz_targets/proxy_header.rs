//! Any bytes in front of a connection: a header is the same however it comes, and no longer than it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_server::proxy_protocol::{ProxyHeader, find_value, parse};

fuzz_target!(|wire: &[u8]| {
    let found = parse(wire);
    if let ProxyHeader::Whole(length, addresses) = &found {
        assert_eq!(parse(&wire[..*length]), found);
        assert!((0..*length).all(|end| parse(&wire[..end]) == ProxyHeader::More));
        let values = addresses.as_ref().map(|addresses| &*addresses.values);
        let shorter = |values: &[u8], kind| {
            find_value(values, kind).is_none_or(|one| one.len() < values.len())
        };
        assert!(values.is_none_or(|values| (0..=255).all(|kind| shorter(values, kind))));
    }
});
