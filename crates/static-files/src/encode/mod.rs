//! The codecs: whole bodies at a good level, and streams that can be flushed. Pure: bytes in, bytes out.

mod decoder;
mod stream;

use std::io::{self, Write as _};

pub use self::decoder::Gunzip;
pub use self::stream::{Encoder, EncoderOptions};

use crate::encoding::Coding;

/// Up to here brotli's best level takes less than half a second.
const SMALL: usize = 256 << 10;

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
        Coding::Zstd => zstd::bulk::compress(data, if small { 19 } else { 15 }),
        Coding::Brotli => {
            let quality = if small { 11 } else { 9 };
            let mut out = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut out, 64 << 10, quality, 22);
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
