//! `gzip`, `brotli`, `zstd` and their kin.

use portunus_static_files::encode::EncoderOptions;
use portunus_static_files::encoding::{Coding, CompressionRules, StaticMode};

/// What a location does about content codings.
#[derive(Debug)]
pub struct Encoding {
    /// Which answers are compressed, and for whom.
    pub rules: CompressionRules,
    /// `gzip_static`, `brotli_static`, `zstd_static`.
    pub precompressed: Box<[(Coding, StaticMode)]>,
    /// `gunzip`.
    pub gunzip: bool,
    /// How answers are compressed that are not kept.
    pub options: EncoderSet,
}

/// Parameters of each encoder.
#[derive(Debug, Clone, Copy)]
pub struct EncoderSet {
    /// `gzip_comp_level`, `gzip_window`.
    pub gzip: EncoderOptions,
    /// `brotli_comp_level`, `brotli_window`.
    pub brotli: EncoderOptions,
    /// `zstd_comp_level`.
    pub zstd: EncoderOptions,
}

impl EncoderSet {
    /// Those of one coding.
    #[must_use]
    pub fn of(&self, coding: Coding) -> EncoderOptions {
        match coding {
            Coding::Gzip => self.gzip,
            Coding::Brotli => self.brotli,
            Coding::Zstd => self.zstd,
        }
    }
}
