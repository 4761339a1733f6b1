//! The codecs: whole bodies at a good level, and streams that can be flushed. Pure: bytes in, bytes out.
//!
//! # Figures
//!
//! A style sheet of 100 KB, CPU time (`benches/static_files.rs`, group `codec`):
//!
//! | codec | level | ms | bytes |
//! |---|---|---|---|
//! | zlib-rs | 1 | 0.48 | 40,293 |
//! | zlib-rs | 6 | 2.7 | 25,919 |
//! | zlib-rs | 9 | 3.5 | 24,525 |
//! | libdeflate | 1 | 0.40 | 30,661 |
//! | libdeflate | 6 | 2.1 | 24,891 |
//! | libdeflate | 12 | 22 | 22,903 |
//! | zstd, stream | 1 / 3 | 0.39 / 0.61 | 27,440 / 26,906 |
//! | zstd | 19 | 68 | 22,405 |
//! | brotli, stream | 1 / 4 | 2.1 / 3.4 | 29,097 / 26,344 |
//! | brotli | 11 | 195 | 21,858 |
//!
//! libdeflate is smaller and faster at each level, but takes a body whole: it makes the forms that are kept ([`best`]).
//! zlib-rs streams and flushes, and needs no C: it serves dynamic answers.
//!
//! Memory of an encoder, which no budget counts: zlib 0.3 MiB; zstd at level 3 0.9 MiB; brotli up to level 4 0.7,
//! at 5 and 6 1.2 and 2.2, at 7 to 9 8 to 32, at 11 1.5 for a small body. `tests/memory.rs` holds them to it.

mod decoder;
mod stream;

use std::io::{self, Write as _};

use zstd::zstd_safe::CParameter;

pub use self::decoder::Gunzip;
pub use self::stream::{Encoder, EncoderOptions};

use crate::encoding::Coding;

/// Up to here brotli's best level takes less than half a second, and 13 MiB.
const SMALL: usize = 256 << 10;
/// The window for larger bodies, as a power of two, and the size of zstd's tables: the levels that are good for them
/// would take 32 to 64 MiB otherwise.
const LARGE_BITS: u8 = 20;

/// Compresses a body once and for all: as small as is reasonable, slow as it may be.
///
/// # Errors
/// If the codec runs out of memory.
pub fn best(coding: Coding, data: &[u8]) -> io::Result<Vec<u8>> {
    let small = data.len() <= SMALL;
    match coding {
        Coding::Gzip => {
            let level = libdeflater::CompressionLvl::best();
            let mut compressor = libdeflater::Compressor::new(level);
            let mut out = vec![0; compressor.gzip_compress_bound(data.len())];
            let len = compressor
                .gzip_compress(data, &mut out)
                .map_err(io::Error::other)?;
            out.truncate(len);
            out.shrink_to_fit();
            Ok(out)
        }
        Coding::Zstd if small => zstd::bulk::compress(data, 19),
        Coding::Zstd => {
            let mut compressor = zstd::bulk::Compressor::new(15)?;
            let bits = u32::from(LARGE_BITS);
            compressor.set_parameter(CParameter::WindowLog(bits))?;
            compressor.set_parameter(CParameter::ChainLog(bits))?;
            compressor.set_parameter(CParameter::HashLog(bits))?;
            compressor.compress(data)
        }
        Coding::Brotli => {
            // From 8 on its tables alone take 16 and 32 MiB.
            let quality = if small { 11 } else { 7 };
            let mut out = Vec::new();
            // The encoder takes eight times its window in memory, whatever little it is given.
            let window = stream::fitting(LARGE_BITS, 10, Some(data.len() as u64));
            let window = u32::from(stream::brotli_window(quality, window));
            let mut writer = brotli::CompressorWriter::new(&mut out, 64 << 10, quality, window);
            writer.write_all(data)?;
            writer.flush()?;
            drop(writer);
            out.shrink_to_fit();
            Ok(out)
        }
    }
}

#[cfg(test)]
mod tests;
