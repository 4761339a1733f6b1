//! Encodings.

/// Compressed forms of one content.
#[derive(Debug, Default)]
pub(crate) struct Variants {}
