//! Cases compared with nginx by hand, and properties against a slow model.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const MODIFIED: i64 = 784_111_777;
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
const FACTS: Facts<'static> = Facts {
    etag: Some(b"\"2ebc98a1-64\""),
    last_modified: Some(MODIFIED),
    length: Some(100),
};

fn request(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, &str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a field value"),
        )
    };
    fields.iter().map(field).collect()
}

fn status(facts: &Facts<'_>, fields: &[(&'static str, &str)], options: &ConditionalOptions) -> u16 {
    match decide(facts, &request(fields), options) {
        Outcome::Full { .. } => 200,
        Outcome::Single(_) | Outcome::Multi(_) => 206,
        Outcome::NotModified => 304,
        Outcome::PreconditionFailed => 412,
        Outcome::RangeNotSatisfiable => 416,
    }
}

#[test]
fn preconditions_are_judged_in_the_order_of_the_rfc() {
    const IMS: &str = "if-modified-since";
    const IUS: &str = "if-unmodified-since";
    const IM: &str = "if-match";
    const INM: &str = "if-none-match";
    const TAG: &str = "\"2ebc98a1-64\"";
    let cases: &[(&[(&'static str, &str)], u16)] = &[
        (&[], 200),
        (&[(IMS, DATE)], 304),
        (&[(IMS, EARLIER)], 200),
        (&[(IMS, LATER)], 200),
        (&[(IMS, "garbage")], 200),
        (&[(INM, TAG)], 304),
        (&[(INM, "W/\"2ebc98a1-64\"")], 304),
        (&[(INM, "\"a\", \"2ebc98a1-64\"")], 304),
        (&[(INM, "\"a\" ,  \"2ebc98a1-64\"  , \"b\"")], 304),
        (&[(INM, "*")], 304),
        (&[(INM, "\"other\"")], 200),
        (&[(INM, "\"2ebc98a1-6\"")], 200),
        (&[(INM, "\"2ebc98a1-64\"x")], 200),
        (&[(INM, "\"other\""), (IMS, DATE)], 200),
        (&[(INM, TAG), (IMS, EARLIER)], 304),
        (&[(INM, TAG), (IMS, DATE)], 304),
        (&[(IUS, DATE)], 200),
        (&[(IUS, EARLIER)], 412),
        (&[(IUS, LATER)], 200),
        (&[(IUS, "garbage")], 412),
        (&[(IM, TAG)], 200),
        (&[(IM, "*")], 200),
        (&[(IM, "W/\"2ebc98a1-64\"")], 412),
        (&[(IM, "\"other\"")], 412),
        (&[(IM, TAG), (IUS, EARLIER)], 200),
        (&[(IM, "\"other\""), (IUS, LATER)], 412),
        (&[(IM, "\"other\""), (INM, TAG)], 412),
        (&[(IM, TAG), (INM, TAG)], 304),
        (&[("range", "bytes=0-9"), (INM, TAG)], 304),
    ];
    for (fields, expected) in cases {
        assert_eq!(
            status(&FACTS, fields, &Default::default()),
            *expected,
            "{fields:?}"
        );
    }
}

#[test]
fn a_weak_tag_of_ours_matches_weakly_only() {
    let facts = Facts {
        etag: Some(b"W/\"a\""),
        ..FACTS
    };
    let options = ConditionalOptions::default();
    assert_eq!(status(&facts, &[("if-none-match", "\"a\"")], &options), 304);
    assert_eq!(status(&facts, &[("if-match", "\"a\"")], &options), 412);
    assert_eq!(status(&facts, &[("if-match", "W/\"a\"")], &options), 200);
}

#[test]
fn if_modified_since_obeys_its_directive() {
    let with = |if_modified_since, date| {
        let options = ConditionalOptions {
            if_modified_since,
            ..Default::default()
        };
        status(&FACTS, &[("if-modified-since", date)], &options)
    };
    assert_eq!(with(IfModifiedSince::Before, LATER), 304);
    assert_eq!(with(IfModifiedSince::Before, EARLIER), 200);
    assert_eq!(with(IfModifiedSince::Before, "garbage"), 200);
    assert_eq!(with(IfModifiedSince::Off, DATE), 200);
}

#[test]
fn if_range_wants_the_very_same() {
    let with = |if_range: &str| {
        let fields = [("range", "bytes=0-9"), ("if-range", if_range)];
        status(&FACTS, &fields, &Default::default())
    };
    assert_eq!(with("\"2ebc98a1-64\""), 206);
    assert_eq!(with("W/\"2ebc98a1-64\""), 200);
    assert_eq!(with("\"x\""), 200);
    assert_eq!(with(DATE), 206);
    assert_eq!(with(EARLIER), 200);
    assert_eq!(with(LATER), 200);
    assert_eq!(with("garbage"), 200);
}

#[test]
fn nothing_to_compare_with_means_no_match() {
    let none = Facts {
        length: Some(100),
        ..Facts::default()
    };
    let options = ConditionalOptions::default();
    assert_eq!(status(&none, &[("if-none-match", "\"a\"")], &options), 200);
    assert_eq!(status(&none, &[("if-match", "\"a\"")], &options), 412);
    assert_eq!(status(&none, &[("if-match", "*")], &options), 200);
    assert_eq!(
        status(&none, &[("if-unmodified-since", DATE)], &options),
        412
    );
    assert_eq!(
        status(
            &none,
            &[("range", "bytes=1-2"), ("if-range", DATE)],
            &options
        ),
        200
    );
}

#[test]
fn accept_ranges_is_said_where_ranges_are_possible() {
    let none = HeaderMap::new();
    let with = |options: &ConditionalOptions| decide(&FACTS, &none, options);
    let options = ConditionalOptions::default();
    assert_eq!(
        with(&options),
        Outcome::Full {
            accept_ranges: true
        }
    );
    let off = ConditionalOptions {
        max_ranges: Some(0),
        ..options
    };
    assert_eq!(
        with(&off),
        Outcome::Full {
            accept_ranges: false
        }
    );
    let unfit = ConditionalOptions {
        ranges: false,
        ..options
    };
    assert_eq!(
        with(&unfit),
        Outcome::Full {
            accept_ranges: false
        }
    );
}

fn one(start: u64, end: u64) -> RangeSet {
    RangeSet::One(ByteRange { start, end })
}

#[test]
fn ranges_are_read_as_nginx_reads_them() {
    let many = |ranges: &[(u64, u64)]| {
        RangeSet::Many(
            ranges
                .iter()
                .map(|&(start, end)| ByteRange { start, end })
                .collect(),
        )
    };
    let cases = [
        ("bytes=0-9", one(0, 10)),
        ("BYTES=0-9", one(0, 10)),
        ("bytes= 0 - 9 ", one(0, 10)),
        ("bytes=9-", one(9, 100)),
        ("bytes=-10", one(90, 100)),
        ("bytes=-1000", one(0, 100)),
        ("bytes=0-1000", one(0, 100)),
        ("bytes=99-99", one(99, 100)),
        ("bytes=100-", RangeSet::Unsatisfiable),
        ("bytes=-0", RangeSet::Unsatisfiable),
        ("bytes=5-4", RangeSet::Unsatisfiable),
        ("bytes=a", RangeSet::Unsatisfiable),
        ("bytes=1", RangeSet::Unsatisfiable),
        ("bytes=1-2x", RangeSet::Unsatisfiable),
        ("bytes=0-9,", RangeSet::Unsatisfiable),
        ("bytes=0-9223372036854775808", RangeSet::Unsatisfiable),
        ("bytes=0-9223372036854775807", one(0, 100)),
        ("bytes=", RangeSet::Whole),
        ("lines=0-9", RangeSet::Whole),
        ("bytes=0-0,-1", many(&[(0, 1), (99, 100)])),
        ("bytes=0-0, 200-300", one(0, 1)),
        ("bytes=200-300,0-0", one(0, 1)),
        ("bytes=0-99,0-0", RangeSet::Whole),
        ("bytes=0-49,50-99", many(&[(0, 50), (50, 100)])),
        ("bytes=10-19,15-24", many(&[(10, 20), (15, 25)])),
    ];
    for (field, expected) in cases {
        assert_eq!(
            parse_ranges(field.as_bytes(), 100, None),
            expected,
            "{field}"
        );
    }
}

#[test]
fn an_empty_body_has_no_ranges() {
    assert_eq!(parse_ranges(b"bytes=0-0", 0, None), RangeSet::Whole);
    assert_eq!(parse_ranges(b"bytes=-1", 0, None), RangeSet::Whole);
    assert_eq!(parse_ranges(b"bytes=1-1", 0, None), RangeSet::Unsatisfiable);
}

#[test]
fn max_ranges_bounds_the_parts() {
    assert!(matches!(
        parse_ranges(b"bytes=0-0,2-2", 100, Some(2)),
        RangeSet::Many(_)
    ));
    assert_eq!(
        parse_ranges(b"bytes=0-0,2-2", 100, Some(1)),
        RangeSet::Whole
    );
    assert_eq!(parse_ranges(b"bytes=0-0", 100, Some(1)), one(0, 1));
    // Not set: nginx reckons 256 bytes for each part and grants 4096.
    let parts = |count: usize| format!("bytes={}", vec!["0-0"; count].join(","));
    assert!(matches!(
        parse_ranges(parts(16).as_bytes(), 100, None),
        RangeSet::Many(_)
    ));
    assert_eq!(
        parse_ranges(parts(17).as_bytes(), 100, None),
        RangeSet::Whole
    );
    assert!(matches!(
        parse_ranges(parts(90).as_bytes(), 100, Some(90)),
        RangeSet::Many(_)
    ));
}

/// A range as a slow reader would understand it: the set of positions.
fn positions(first: Option<u64>, last: Option<u64>, length: u64) -> Vec<u64> {
    (0..length)
        .filter(|&at| match (first, last) {
            (Some(first), Some(last)) => first <= at && at <= last,
            (Some(first), None) => first <= at,
            (None, Some(suffix)) => at + suffix >= length,
            (None, None) => false,
        })
        .collect()
}

fn written(first: Option<u64>, last: Option<u64>) -> String {
    let text = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    format!("{}-{}", text(first), text(last))
}

/// RFC 9110 §13.2.2, step by step: what each field says by itself, none if it is not there.
fn steps(im: Option<bool>, ius: Option<bool>, inm: Option<bool>, ims: Option<bool>) -> u16 {
    match (im, ius) {
        (Some(false), _) | (None, Some(false)) => return 412,
        _ => {}
    }
    match (inm, ims) {
        (Some(false), _) | (None, Some(false)) => 304,
        _ => 200,
    }
}

proptest! {
    #[test]
    fn preconditions_agree_with_the_steps_of_the_rfc(
        im in proptest::option::of(any::<bool>()),
        ius in proptest::option::of(any::<bool>()),
        inm in proptest::option::of(any::<bool>()),
        ims in proptest::option::of(any::<bool>()),
    ) {
        let tag = |ours: bool| if ours { "\"2ebc98a1-64\"" } else { "\"other\"" };
        let fields: Vec<(&'static str, &str)> = [
            im.map(|holds| ("if-match", tag(holds))),
            ius.map(|holds| ("if-unmodified-since", if holds { LATER } else { EARLIER })),
            inm.map(|holds| ("if-none-match", tag(!holds))),
            ims.map(|holds| ("if-modified-since", if holds { EARLIER } else { DATE })),
        ]
        .into_iter()
        .flatten()
        .collect();
        let judged = status(&FACTS, &fields, &ConditionalOptions::default());
        prop_assert_eq!(judged, steps(im, ius, inm, ims), "{:?}", fields);
    }

    #[test]
    fn ranges_select_what_the_model_selects(
        length in 1_u64..60,
        specs in proptest::collection::vec((proptest::option::of(0_u64..70), 0_u64..70, any::<bool>()), 1..4),
    ) {
        let specs: Vec<_> = specs
            .into_iter()
            .map(|(first, last, open)| (first, (first.is_none() || !open).then_some(last)))
            .collect();
        let field: Vec<_> = specs.iter().map(|&(first, last)| written(first, last)).collect();
        let wanted: Vec<_> = specs
            .iter()
            .map(|&(first, last)| positions(first, last, length))
            .collect();
        let started_empty = specs.iter().zip(&wanted).any(|(spec, wanted)| spec.0 == Some(0) && wanted.is_empty());
        prop_assume!(!started_empty);
        let wanted: Vec<_> = wanted.into_iter().filter(|wanted| !wanted.is_empty()).collect();
        let sum: usize = wanted.iter().map(Vec::len).sum();
        let got = parse_ranges(format!("bytes={}", field.join(", ")).as_bytes(), length, None);
        let spread = |range: &ByteRange| (range.start..range.end).collect::<Vec<_>>();
        match got {
            RangeSet::Unsatisfiable => prop_assert!(wanted.is_empty()),
            RangeSet::Whole => prop_assert!(sum as u64 > length),
            RangeSet::One(range) => prop_assert_eq!(vec![spread(&range)], wanted),
            RangeSet::Many(ranges) => {
                prop_assert_eq!(ranges.iter().map(spread).collect::<Vec<_>>(), wanted);
                prop_assert!(sum as u64 <= length);
            }
        }
    }

    #[test]
    fn no_field_breaks_the_bounds(field in "(bytes=)?[0-9, -]{0,30}", length in 0_u64..1000, max in proptest::option::of(0_u32..5)) {
        let ranges = match parse_ranges(field.as_bytes(), length, max) {
            RangeSet::One(range) => vec![range],
            RangeSet::Many(ranges) => ranges.to_vec(),
            _ => vec![],
        };
        for range in &ranges {
            prop_assert!(range.start < range.end && range.end <= length);
        }
        if ranges.len() > 1 {
            prop_assert!(ranges.iter().map(ByteRange::len).sum::<u64>() <= length);
            prop_assert!(max.is_none_or(|max| ranges.len() as u64 <= u64::from(max)));
        }
    }
}
