//! Any bytes in any slices as a CGI head: no panic, the same head, and only fields HTTP allows.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use portunus_fastcgi::{CgiHead, HeadError, HeadParser};

fn run(head: &[u8], slice: usize) -> Result<Option<CgiHead>, HeadError> {
    let mut parser = HeadParser::default();
    for slice in head.chunks(slice) {
        if let Some((head, _)) = parser.push(Bytes::copy_from_slice(slice))? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (slice, head) = input;
    let (whole, cut) = (run(head, usize::MAX), run(head, usize::from(slice) + 1));
    match (whole, cut) {
        (Ok(Some(whole)), Ok(Some(cut))) => {
            assert_eq!((whole.status, &whole.fields), (cut.status, &cut.fields));
            assert!((200..600).contains(&whole.status.as_u16()));
            assert!(whole.spelled().count() <= 1000);
        }
        (whole, cut) => assert_eq!(whole.err(), cut.err()),
    }
});
