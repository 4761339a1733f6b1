//! Any Accept-Encoding field: what is picked was offered and is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_static_files::encoding::{Coding, accepts, negotiate};

fuzz_target!(|field: &[u8]| {
    let offered = [Coding::Brotli, Coding::Zstd, Coding::Gzip];
    let best = offered.iter().map(|&coding| accepts(field, coding)).max();
    match negotiate(field, offered) {
        Some(coding) => assert_eq!(Some(accepts(field, coding)), best),
        None => assert_eq!(best, Some(0)),
    }
});
