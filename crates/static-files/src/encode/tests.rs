//! What is encoded comes back, whole or flushed bit by bit.

use std::io::Read as _;

use proptest::prelude::*;

use super::*;

const ALL: [Coding; 3] = [Coding::Gzip, Coding::Zstd, Coding::Brotli];

fn decode(coding: Coding, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match coding {
        Coding::Gzip => flate2::read::GzDecoder::new(data).read_to_end(&mut out)?,
        Coding::Zstd => zstd::stream::read::Decoder::new(data)?.read_to_end(&mut out)?,
        Coding::Brotli => brotli::Decompressor::new(data, 4096).read_to_end(&mut out)?,
    };
    Ok(out)
}

fn text(len: usize) -> Vec<u8> {
    (0..len)
        .map(|n| b"the quick brown fox; "[(n * n / 7) % 21])
        .collect()
}

#[test]
fn the_best_form_is_small_and_true() {
    for coding in ALL {
        for size in [0, 1, 1_000, 100_000] {
            let data = text(size);
            let small = best(coding, &data).expect("memory");
            assert_eq!(
                decode(coding, &small).expect("well formed"),
                data,
                "{coding:?} {size}"
            );
            assert!(
                size < 1_000 || small.len() < size / 2,
                "{coding:?} {size}: {}",
                small.len()
            );
        }
    }
}

#[test]
fn a_flush_gives_out_all_that_was_taken_in() {
    for coding in ALL {
        let mut encoder = Encoder::new(coding, EncoderOptions::new(coding), None).expect("memory");
        let mut out = Vec::new();
        encoder.push(b"first", &mut out).expect("memory");
        encoder.flush(&mut out).expect("memory");
        assert!(
            decode_prefix(coding, &out).starts_with(b"first"),
            "{coding:?}"
        );
        encoder.push(b"second", &mut out).expect("memory");
        encoder.finish(&mut out).expect("memory");
        assert_eq!(
            decode(coding, &out).expect("well formed"),
            b"firstsecond",
            "{coding:?}"
        );
    }
}

/// What a client can read of a stream that is not yet at its end.
fn decode_prefix(coding: Coding, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut byte = [0; 1];
    let mut reader: Box<dyn io::Read + '_> = match coding {
        Coding::Gzip => Box::new(flate2::read::GzDecoder::new(data)),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(data).expect("a frame")),
        Coding::Brotli => Box::new(brotli::Decompressor::new(data, 4096)),
    };
    while let Ok(1) = reader.read(&mut byte) {
        out.push(byte[0]);
    }
    out
}

#[test]
fn gunzip_reads_members_in_bounded_pieces_and_notices_a_cut() {
    let data = text(300_000);
    let mut file = best(Coding::Gzip, &data).expect("memory");
    file.extend(best(Coding::Gzip, b"tail").expect("memory"));
    let mut gunzip = Gunzip::default();
    let (mut out, mut rest) = (Vec::new(), &file[..]);
    loop {
        let before = out.len();
        let taken = gunzip.push(rest, &mut out, 1_000).expect("gzip");
        assert!(out.len() - before <= 1_000);
        rest = &rest[taken..];
        if rest.is_empty() && out.len() == before {
            break;
        }
    }
    assert!(gunzip.is_complete());
    assert_eq!(out, [&data[..], b"tail"].concat());

    // Small ones, as many as a file in memory may hold.
    let members = best(Coding::Gzip, b"").expect("memory").repeat(10_000);
    let (mut gunzip, mut out) = (Gunzip::default(), Vec::new());
    let taken = gunzip.push(&members, &mut out, usize::MAX).expect("gzip");
    assert_eq!((taken, out.len()), (members.len(), 0));
    assert!(gunzip.is_complete());

    let mut cut = Gunzip::default();
    cut.push(&file[..100], &mut Vec::new(), usize::MAX)
        .expect("gzip so far");
    assert!(!cut.is_complete());
    assert!(
        Gunzip::default()
            .push(b"not gzip at all", &mut Vec::new(), 100)
            .is_err()
    );
}

proptest! {
    #[test]
    fn pieces_come_back_whole(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..2_000), 0..6),
        known in any::<bool>(),
    ) {
        let data = pieces.concat();
        for coding in ALL {
            let length = known.then_some(data.len() as u64);
            let mut encoder = Encoder::new(coding, EncoderOptions::new(coding), length).expect("memory");
            let mut out = Vec::new();
            for piece in &pieces {
                encoder.push(piece, &mut out).expect("memory");
            }
            encoder.finish(&mut out).expect("memory");
            prop_assert_eq!(&decode(coding, &out).expect("well formed"), &data);
        }
    }
}
