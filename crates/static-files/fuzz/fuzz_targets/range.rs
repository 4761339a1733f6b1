//! Any Range field: ranges lie within the body and in sum are no more than it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_static_files::conditional::{ByteRange, RangeSet, parse_ranges};

fuzz_target!(|input: (&[u8], u64, Option<u32>)| {
    let (field, length, max) = input;
    let ranges = match parse_ranges(field, length, max) {
        RangeSet::One(range) => vec![range],
        RangeSet::Many(ranges) => ranges.to_vec(),
        _ => return,
    };
    assert!(
        ranges
            .iter()
            .all(|range| range.start < range.end && range.end <= length)
    );
    assert!(ranges.iter().map(ByteRange::len).sum::<u64>() <= length);
});
