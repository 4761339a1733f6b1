//! Lines are locations, the last is the URI: what the slow model finds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_routing::{Captures, Locations, model};

fuzz_target!(|text: &[u8]| {
    let end = text.iter().rposition(|&b| b == b'\n').unwrap_or(0);
    let (lines, uri) = text.split_at(end);
    let Ok(arranged) = Locations::new(model::read(lines)) else {
        return;
    };
    let found = arranged.find(uri, &mut Captures::new());
    assert_eq!(found, Ok(model::find(&model::read(lines), uri)));
});
