//! Streaming encoders for answers that come bit by bit.

use std::io::{self, Write as _};

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::encoding::Coding;

/// Up to here levels 10 and 11 of brotli take no more memory than level 6 does.
const SMALL: u64 = 32 << 10;

/// Parameters of an encoder.
#[derive(Clone, Copy, Debug)]
pub struct EncoderOptions {
    /// `gzip_comp_level` (1 to 9), `brotli_comp_level` (0 to 11), `zstd_comp_level` (1 to 19).
    pub level: u32,
    /// Window as a power of two: `gzip_window` (9 to 15), `brotli_window` (10 to 24).
    pub window_bits: u8,
}

impl EncoderOptions {
    /// The defaults of the directives.
    #[must_use]
    pub fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self {
                level: 1,
                window_bits: 15,
            },
            Coding::Zstd => Self {
                level: 3,
                window_bits: 21,
            },
            Coding::Brotli => Self {
                level: 4,
                window_bits: 19,
            },
        }
    }
}

/// Encodes a body as it comes. Output is appended to the vector that each call is given.
pub struct Encoder(Inner);

enum Inner {
    Gzip { deflate: Compress },
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Inner::Gzip { .. } => "Encoder(gzip)",
            Inner::Zstd(_) => "Encoder(zstd)",
            Inner::Brotli(_) => "Encoder(br)",
        })
    }
}

impl Encoder {
    /// An encoder for one body. `length`, if known, keeps the codec from taking more memory than the body needs.
    ///
    /// # Errors
    /// If the codec runs out of memory.
    pub fn new(coding: Coding, options: EncoderOptions, length: Option<u64>) -> io::Result<Self> {
        let EncoderOptions { level, window_bits } = options;
        Ok(Self(match coding {
            Coding::Gzip => {
                let level = Compression::new(level.clamp(1, 9));
                let bits = fitting(window_bits.clamp(9, 15), 9, length);
                Inner::Gzip {
                    deflate: Compress::new_gzip(level, bits),
                }
            }
            Coding::Zstd => {
                let level = i32::try_from(level.clamp(1, 19)).unwrap_or(3);
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level)?;
                // RFC 9659: no client need take a window above 8 MiB.
                encoder.window_log(u32::from(fitting(window_bits.clamp(10, 23), 10, length)))?;
                Inner::Zstd(encoder)
            }
            Coding::Brotli => {
                let level = brotli_level(level, length);
                let bits = fitting(window_bits.clamp(10, 24), 10, length);
                let bits = u32::from(brotli_window(level, bits));
                let writer = brotli::CompressorWriter::new(Vec::new(), 4 << 10, level, bits);
                Inner::Brotli(Box::new(writer))
            }
        }))
    }

    /// Takes in `input`.
    ///
    /// # Errors
    /// If the codec fails, which it does only for want of memory.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.0 {
            Inner::Gzip { deflate } => run(deflate, input, FlushCompress::None, out)?,
            Inner::Zstd(encoder) => {
                encoder.write_all(input)?;
                out.append(encoder.get_mut());
            }
            Inner::Brotli(encoder) => {
                encoder.write_all(input)?;
                out.append(encoder.get_mut());
            }
        }
        Ok(())
    }

    /// Gives out all that was taken in, so that the client can read it now.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.0 {
            Inner::Gzip { deflate } => run(deflate, &[], FlushCompress::Sync, out)?,
            Inner::Zstd(encoder) => {
                encoder.flush()?;
                out.append(encoder.get_mut());
            }
            Inner::Brotli(encoder) => {
                encoder.flush()?;
                out.append(encoder.get_mut());
            }
        }
        Ok(())
    }

    /// Ends the body. A body that was cut must not be ended: drop the encoder instead.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(self, out: &mut Vec<u8>) -> io::Result<()> {
        match self.0 {
            Inner::Gzip { mut deflate } => run(&mut deflate, &[], FlushCompress::Finish, out)?,
            Inner::Zstd(encoder) => out.append(&mut encoder.finish()?),
            Inner::Brotli(encoder) => out.append(&mut encoder.into_inner()),
        }
        Ok(())
    }
}

/// Brotli's best level for an answer on its way, of which many may be at once.
///
/// Differs: where ngx_brotli takes 8 to 32 MiB for an answer, here 4 MiB have to do, with the default window. The tables of levels 7 to 9 are
/// of that size whatever the window is and however short the body; those of 10 and 11 grow with the body, and so may
/// be had where it is known to be small.
fn brotli_level(level: u32, length: Option<u64>) -> u32 {
    match (level, length) {
        (10.., Some(..=SMALL)) => level.min(11),
        _ => level.min(6),
    }
}

/// A window that brotli's encoder has small tables for. At levels 5 to 9 it takes 32 MiB for a window of less than 17
/// bits, and clears it each time: 1.2 MiB for 17 bits at level 5, 2.2 at 6, 8 at 7, 16 at 8.
pub(super) fn brotli_window(level: u32, bits: u8) -> u8 {
    const LEAST: u8 = 17;
    if (5..=9).contains(&level) {
        bits.max(LEAST)
    } else {
        bits
    }
}

/// The smallest window that holds a body of this length.
pub(super) fn fitting(bits: u8, least: u8, length: Option<u64>) -> u8 {
    let Some(length) = length else {
        return bits;
    };
    let needed = u64::BITS - length.saturating_add(262).leading_zeros();
    bits.min(u8::try_from(needed).unwrap_or(bits)).max(least)
}

fn run(
    deflate: &mut Compress,
    mut input: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    loop {
        if out.capacity() - out.len() < 64 {
            out.reserve((input.len() / 2).max(4 << 10));
        }
        let before = deflate.total_in();
        let status = deflate
            .compress_vec(input, out, flush)
            .map_err(io::Error::other)?;
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(usize::MAX);
        input = input.get(taken..).unwrap_or_default();
        let full = out.len() == out.capacity();
        match status {
            Status::StreamEnd => return Ok(()),
            _ if full || !input.is_empty() || flush == FlushCompress::Finish => {}
            _ => return Ok(()),
        }
    }
}
