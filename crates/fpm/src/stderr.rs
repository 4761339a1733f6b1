//! What PHP wrote to stderr during one request, within bounds.

use bytes::Bytes;

/// Bytes kept per request until somebody takes them. Beyond, they are only counted: a script
/// that floods stderr must not fill our memory.
const KEPT: usize = 64 * 1024;

/// Pieces as they came.
#[derive(Debug, Default)]
pub(crate) struct Stderr {
    pieces: Vec<Bytes>,
    kept: usize,
    dropped: usize,
}

impl Stderr {
    pub(crate) fn push(&mut self, mut piece: Bytes) {
        let room = KEPT - self.kept;
        self.dropped += piece.len().saturating_sub(room);
        piece.truncate(room);
        self.kept += piece.len();
        if piece.is_empty() {
            return;
        }
        // A small piece must not keep a whole read buffer alive.
        self.pieces.push(Bytes::copy_from_slice(&piece));
    }

    /// All pieces so far, the last one saying how much was dropped, if anything was.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        self.kept = 0;
        let mut pieces = std::mem::take(&mut self.pieces);
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            pieces.push(format!("... {dropped} bytes more").into());
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let mut stderr = Stderr::default();
        (0..10).for_each(|_| stderr.push(Bytes::from_static(&[b'x'; 10_000])));
        let pieces = stderr.take();
        assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), KEPT + 20);
        assert_eq!(pieces.last().unwrap(), "... 34464 bytes more");
        assert!(stderr.take().is_empty());
    }
}
