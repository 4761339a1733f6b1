//! What is written is read again; what is damaged is not.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::*;

fn record(key: &str, fields: &[(String, String)], body: &[u8]) -> Record {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let fields = fields.iter();
    Record {
        key: bytes(key),
        meta: Meta {
            valid: 1_700_000_060,
            updating: 5,
            error: 7,
            date: 1_700_000_000,
            last_modified: Some(784_111_777),
            etag: bytes("\"abc\""),
            vary: bytes("Accept-Encoding"),
        },
        variant: [7; 16],
        head: Arc::new(Head {
            reason: Bytes::from_static(b"Fine by me"),
            status: 200,
            fields: fields
                .map(|(name, value)| (bytes(name), bytes(value)))
                .collect(),
        }),
        body_len: body.len() as u64,
        memory: None,
        file: OnceLock::new(),
    }
}

fn file(record: &Record, body: &[u8]) -> Bytes {
    [&encode(record)[..], body].concat().into()
}

fn read(bytes: &Bytes) -> Option<(Box<Record>, u64)> {
    match decode(bytes, bytes.len() as u64)? {
        Start::Entry(record, start) => Some((record, start)),
        Start::Longer(_) => None,
    }
}

fn fields() -> Vec<(String, String)> {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        field("Content-Type", "text/html"),
        field("X-Empty", ""),
        field("set-cookie", "a=b: c"),
    ]
}

#[test]
fn operators_find_the_key() {
    let bytes = file(&record("httpGETlocalhost/x", &fields(), b"body"), b"body");
    let line = b"\nKEY: httpGETlocalhost/x\n";
    assert!(memchr::memmem::find(&bytes, line).is_some());
    let head = b"\nHTTP/1.1 200 Fine by me\r\nContent-Type: text/html\r\n";
    assert!(memchr::memmem::find(&bytes, head).is_some());
}

#[test]
fn a_head_without_a_reason_phrase_is_one() {
    let mut record = record("/x", &fields(), b"");
    let head = Head {
        reason: Bytes::new(),
        ..(*record.head).clone()
    };
    record.head = Arc::new(head);
    let bytes = file(&record, b"");
    let line = b"\nHTTP/1.1 200\r\n";
    assert!(memchr::memmem::find(&bytes, line).is_some());
    assert_eq!(read(&bytes).unwrap().0.head, record.head);
}

#[test]
fn the_beginning_alone_asks_for_more() {
    let bytes = file(&record("/x", &fields(), b"body"), b"body");
    let (_, start) = read(&bytes).unwrap();
    for end in 24..usize::try_from(start).unwrap() {
        match decode(&bytes.slice(..end), bytes.len() as u64) {
            Some(Start::Longer(wanted)) => assert_eq!(wanted as u64, start),
            other => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn a_revalidation_changes_the_times_alone() {
    let mut kept = record("/x", &fields(), b"body");
    let mut bytes = file(&kept, b"body").to_vec();
    kept.meta.valid += 60;
    kept.meta.date += 9;
    let at = usize::try_from(TIMES).unwrap();
    bytes[at..at + 40].copy_from_slice(&encode_times(&kept.meta));
    let (again, _) = read(&bytes.into()).unwrap();
    assert_eq!(again.meta, kept.meta);
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        key in "[ -~]{0,80}",
        fields in prop::collection::vec(("[A-Za-z-]{1,12}", "[!-~][ -~]{0,20}|"), 0..6),
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let kept = record(&key, &fields, &body);
        let bytes = file(&kept, &body);
        let (again, start) = read(&bytes).unwrap();
        prop_assert_eq!(&again.key, &kept.key);
        prop_assert_eq!(&again.meta, &kept.meta);
        prop_assert_eq!(&again.head, &kept.head);
        prop_assert_eq!(again.variant, kept.variant);
        prop_assert_eq!(&bytes[usize::try_from(start).unwrap()..], &body[..]);
    }

    /// A file that was cut, or has anything behind its end, is no entry.
    #[test]
    fn another_length_is_no_entry(cut in 1_usize..400, more in 1_usize..9) {
        let bytes = file(&record("/x", &fields(), b"body"), b"body");
        let shorter = bytes.slice(..bytes.len().saturating_sub(cut));
        prop_assert!(read(&shorter).is_none());
        let longer = [&bytes[..], &vec![b'x'; more]].concat().into();
        prop_assert!(read(&longer).is_none());
    }

    /// Nor is one whose head was damaged.
    #[test]
    fn a_damaged_head_is_no_entry(at in 0_usize..250, flip in 1_u8..=255) {
        let mut bytes = file(&record("/x", &fields(), b""), b"").to_vec();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        prop_assert!(read(&bytes.into()).is_none());
    }

    #[test]
    fn strange_bytes_are_no_entry(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes.into()).is_none());
    }
}
