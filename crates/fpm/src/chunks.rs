//! Pieces of a body that is all here. The usual body has one.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces in order. One piece costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    first: Option<Bytes>,
    more: VecDeque<Bytes>,
    len: usize,
    pub(crate) overrun: bool,
}

impl Chunks {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.len += bytes.len();
        match &mut self.first {
            None => self.first = Some(bytes),
            Some(_) => self.more.push_back(bytes),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let bytes = self.first.take().or_else(|| self.more.pop_front())?;
        self.len -= bytes.len();
        Some(bytes)
    }

    pub(crate) fn take_joined(&mut self) -> Bytes {
        let first = self.first.take().unwrap_or_default();
        if self.more.is_empty() {
            self.len = 0;
            return first;
        }
        let mut joined = BytesMut::with_capacity(std::mem::take(&mut self.len));
        joined.extend_from_slice(&first);
        self.more
            .drain(..)
            .for_each(|piece| joined.extend_from_slice(&piece));
        joined.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_in_order_or_as_one() {
        let make = || {
            let mut chunks = Chunks::default();
            ["a", "bc", "d"]
                .into_iter()
                .for_each(|piece| chunks.push(piece.into()));
            chunks
        };
        assert_eq!(make().len(), 4);
        assert_eq!(make().take_joined(), "abcd");
        let mut chunks = make();
        assert_eq!(
            std::iter::from_fn(|| chunks.pop()).collect::<Vec<_>>(),
            ["a", "bc", "d"]
        );
        assert_eq!(chunks.len(), 0);
    }
}
