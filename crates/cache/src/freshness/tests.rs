//! The rules, one by one and against each other.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;
const PAST: &str = "Thu, 01 Jan 1970 00:00:01 GMT";
const FUTURE: &str = "Thu, 31 Dec 2037 23:55:55 GMT";

fn read(fields: &[(&str, &str)]) -> Verdict {
    read_without(Ignored::default(), fields)
}

fn read_without(ignored: Ignored, fields: &[(&str, &str)]) -> Verdict {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    Freshness::of(NOW, ignored, fields)
}

fn for_seconds(fields: &[(&str, &str)]) -> Option<i64> {
    let verdict = read(fields);
    assert!(verdict.storable, "{fields:?}");
    verdict.valid.map(|valid| valid - NOW)
}

#[test]
fn a_head_that_says_nothing_leaves_it_to_the_operator() {
    assert_eq!(for_seconds(&[("Content-Type", "text/html")]), None);
    assert_eq!(for_seconds(&[("Cache-Control", "public")]), None);
}

#[test]
fn times_are_found() {
    assert_eq!(for_seconds(&[("Cache-Control", "max-age=60")]), Some(60));
    assert_eq!(
        for_seconds(&[("cache-control", "public, Max-Age=60;x")]),
        Some(60)
    );
    let both = [("Cache-Control", "max-age=1, s-maxage=10")];
    assert_eq!(for_seconds(&both), Some(10));
    assert_eq!(for_seconds(&[("X-Accel-Expires", "60")]), Some(60));
    assert_eq!(for_seconds(&[("X-Accel-Expires", "@60")]), Some(60 - NOW));
    assert!(for_seconds(&[("Expires", FUTURE)]).is_some_and(|seconds| seconds > 0));
    let huge = [("Cache-Control", "max-age=9223372036854775808")];
    assert_eq!(read(&huge).valid, Some(i64::MAX));
}

#[test]
fn some_heads_forbid_it() {
    for fields in [
        &[("Set-Cookie", "laravel_session=x")][..],
        &[("Cache-Control", "no-cache")],
        &[("Cache-Control", "No-Store")],
        &[("Cache-Control", "private, max-age=60")],
        &[("Cache-Control", "max-age=0")],
        &[("Cache-Control", "max-age=")],
        &[("Cache-Control", "max-age=x")],
        &[("Cache-Control", "max-age=60, stale-if-error=x")],
        &[
            ("Cache-Control", "no-cache"),
            ("Cache-Control", "max-age=60"),
        ],
        &[("X-Accel-Expires", "0"), ("Cache-Control", "max-age=60")],
        &[("Cache-Control", "max-age=60"), ("X-Accel-Expires", "0")],
        &[("Expires", PAST)],
        &[("Expires", "0")],
        &[("Expires", FUTURE), ("Cache-Control", "no-cache")],
        &[("Vary", "*")],
        &[("Vary", "Accept-Encoding"), ("Vary", "*")],
        &[
            ("Expires", PAST),
            ("Cache-Control", "max-age=60"),
            ("Set-Cookie", "a"),
        ],
    ] {
        assert!(!read(fields).storable, "{fields:?}");
    }
}

#[test]
fn what_comes_from_elsewhere_overrides_expires() {
    let control = ("Cache-Control", "max-age=60");
    assert_eq!(for_seconds(&[control, ("Expires", PAST)]), Some(60));
    assert_eq!(for_seconds(&[("Expires", PAST), control]), Some(60));
}

#[test]
fn the_second_of_a_kind_is_ignored() {
    let twice = [("X-Accel-Expires", "60"), ("X-Accel-Expires", "0")];
    assert_eq!(for_seconds(&twice), Some(60));
}

#[test]
fn extensions_are_read_beside_x_accel_expires() {
    let extension = ("Cache-Control", "stale-while-revalidate=5, max-age=9");
    for fields in [
        [extension, ("X-Accel-Expires", "60")],
        [("X-Accel-Expires", "60"), extension],
    ] {
        let verdict = read(&fields);
        assert_eq!((verdict.updating, verdict.error), (5, 5), "{fields:?}");
        assert_eq!(verdict.valid, Some(NOW + 60));
    }
    let both = read(&[(
        "Cache-Control",
        "max-age=1, stale-while-revalidate=5, stale-if-error=7",
    )]);
    assert_eq!((both.updating, both.error), (5, 7));
}

#[test]
fn several_varies_are_one() {
    let verdict = read(&[("Vary", "Accept-Encoding"), ("Vary", "Foo")]);
    assert_eq!(verdict.vary, "Accept-Encoding, Foo");
    assert!(!read(&[("Vary", &"x".repeat(129))]).storable);
}

#[test]
fn ignored_fields_say_nothing() {
    let all = Ignored {
        accel_expires: true,
        expires: true,
        cache_control: true,
        set_cookie: true,
        vary: true,
    };
    let verdict = read_without(
        all,
        &[
            ("Set-Cookie", "a"),
            ("Cache-Control", "no-store"),
            ("Expires", PAST),
            ("X-Accel-Expires", "0"),
            ("Vary", "*"),
        ],
    );
    assert!(verdict.storable);
    assert_eq!((verdict.valid, verdict.vary.len()), (None, 0));
}

fn any_field() -> impl Strategy<Value = (&'static str, String)> {
    let value = prop_oneof![
        "[ -~]{0,24}",
        Just("no-cache".to_owned()),
        (0_u64..99).prop_map(|n| format!("max-age={n}")),
        (0_u64..99).prop_map(|n| format!("s-maxage={n}, stale-if-error=3")),
        (0_u64..99).prop_map(|n| n.to_string()),
        (0_u64..99).prop_map(|n| format!("@{n}")),
        Just(PAST.to_owned()),
        Just(FUTURE.to_owned()),
        Just("*".to_owned()),
    ];
    let name = prop_oneof![
        Just("Cache-Control"),
        Just("Expires"),
        Just("X-Accel-Expires"),
        Just("Vary"),
        Just("X-Other"),
    ];
    (name, value)
}

fn borrowed(fields: &[(&'static str, String)]) -> Vec<(&'static str, &'static str)> {
    // The cases are few and small.
    let leak = |text: &String| &*text.clone().leak();
    fields
        .iter()
        .map(|(name, value)| (*name, leak(value)))
        .collect()
}

proptest! {
    /// A cookie is for one client, whatever else is said.
    #[test]
    fn a_cookie_always_forbids(fields in prop::collection::vec(any_field(), 0..6), at in 0_usize..6) {
        let mut fields = borrowed(&fields);
        fields.insert(at.min(fields.len()), ("Set-Cookie", "a=b"));
        prop_assert!(!read(&fields).storable);
    }

    /// `X-Accel-Expires` rules over `Expires` and what `Cache-Control` says of the time, wherever
    /// they stand.
    #[test]
    fn accel_expires_rules(
        seconds in 1_i64..1000,
        age in 0_u64..99,
        order in Just(vec![0, 1, 2]).prop_shuffle(),
        word in prop_oneof![Just("no-cache"), Just("no-store"), Just("private"), Just("public")],
    ) {
        let (seconds_text, control) = (seconds.to_string(), format!("{word}, max-age={age}"));
        let fields = [
            ("X-Accel-Expires", &*seconds_text),
            ("Cache-Control", &*control),
            ("Expires", PAST),
        ];
        let shuffled: Vec<_> = order.iter().map(|at| fields[*at]).collect();
        let verdict = read(&shuffled);
        prop_assert!(verdict.storable, "{:?}", shuffled);
        prop_assert_eq!(verdict.valid, Some(NOW + seconds));
    }

    /// Nothing that a head may hold makes it storable once it is ruled out by `X-Accel-Expires: 0`.
    #[test]
    fn accel_expires_of_nothing_always_forbids(fields in prop::collection::vec(any_field(), 0..5)) {
        let mut fields = borrowed(&fields);
        fields.insert(0, ("X-Accel-Expires", "0"));
        prop_assert!(!read(&fields).storable);
    }

    /// What is ignored might as well not be there.
    #[test]
    fn ignored_is_absent(fields in prop::collection::vec(any_field(), 0..6)) {
        let ignored = Ignored { cache_control: true, ..Ignored::default() };
        let fields = borrowed(&fields);
        let without: Vec<_> = fields.iter().copied().filter(|(name, _)| *name != "Cache-Control").collect();
        prop_assert_eq!(read_without(ignored, &fields), read(&without));
    }

    /// No value makes it fail.
    #[test]
    fn any_bytes_are_read(value in prop::collection::vec(any::<u8>(), 0..64)) {
        for name in ["Cache-Control", "Expires", "X-Accel-Expires", "Vary", "Set-Cookie"] {
            let _ = Freshness::of(NOW, Ignored::default(), [(name.as_bytes(), &value[..])]);
        }
    }
}
