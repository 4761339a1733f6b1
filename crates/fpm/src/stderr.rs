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
    /// The end of what came, where texts are looked for: one may begin in it.
    end: Vec<u8>,
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

    /// Whether the next `piece` shows one of `texts`, which may have begun in those before.
    pub(crate) fn shows(&mut self, piece: &[u8], texts: &[String]) -> bool {
        let Some(longest) = texts.iter().map(String::len).max() else {
            return false;
        };
        self.end.extend_from_slice(piece);
        let mut texts = texts.iter();
        let found = texts.any(|text| memchr::memmem::find(&self.end, text.as_bytes()).is_some());
        let past = (self.end.len() + 1).saturating_sub(longest);
        self.end.drain(..past.min(self.end.len()));
        found
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
    fn a_text_is_found_wherever_it_is_cut() {
        let texts = ["PHP Fatal".to_owned(), "x".to_owned()];
        let all = b"abc PHP FatalPHP Fata PHP Fatal";
        for size in 1..=all.len() {
            let mut stderr = Stderr::default();
            let shown = all.chunks(size).filter(|piece| stderr.shows(piece, &texts));
            let shown = shown.count();
            assert!((1..=2).contains(&shown), "{shown} in pieces of {size}");
        }
        let mut stderr = Stderr::default();
        assert!(!stderr.shows(b"PHP Fata", &texts));
        assert!(!stderr.shows(b" PHP", &texts));
        assert!(!stderr.shows(all, &[]));
    }

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
