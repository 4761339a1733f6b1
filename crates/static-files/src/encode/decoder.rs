//! `gunzip`: for clients that do not take what is stored.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

/// Decodes gzip as it comes, a bounded piece at a time.
#[derive(Debug)]
pub struct Gunzip {
    inflate: Decompress,
    ended: bool,
}

impl Default for Gunzip {
    fn default() -> Self {
        Self {
            inflate: Decompress::new_gzip(15),
            ended: false,
        }
    }
}

impl Gunzip {
    /// Takes from `input` and appends to `out` until either `input` is used up or `limit` bytes have been appended.
    /// Returns how much of `input` was taken; call again with the rest.
    ///
    /// # Errors
    /// If `input` is not gzip.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        let end = out.len().saturating_add(limit);
        let mut rest = input;
        while out.len() < end {
            if self.ended {
                // Several members in a row are one file (RFC 1952 §2.2); nginx goes on likewise.
                if rest.is_empty() {
                    break;
                }
                *self = Self::default();
            }
            let mut piece = Vec::with_capacity((end - out.len()).min(32 << 10));
            let so_far = self.inflate.total_in();
            let status = self
                .inflate
                .decompress_vec(rest, &mut piece, FlushDecompress::None)
                .map_err(io::Error::other)?;
            let taken = usize::try_from(self.inflate.total_in() - so_far).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            let idle = taken == 0 && piece.is_empty();
            let room = piece.len() < piece.capacity();
            out.append(&mut piece);
            self.ended = status == Status::StreamEnd;
            if idle || (rest.is_empty() && room && !self.ended) {
                break;
            }
        }
        Ok(input.len() - rest.len())
    }

    /// True once the stream has come to its proper end; false at the end of the input means that it was cut.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended
    }
}
