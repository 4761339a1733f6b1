//! Where the lines of a text begin, so that an offset becomes a line by binary search.

/// The line starts of one text. Lines are numbered from 1, as nginx numbers them: the number of
/// line feeds before the offset, plus one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    /// Offset of the first byte of each line; the first entry is 0.
    starts: Vec<u32>,
    /// Length of the text.
    end: u32,
}

impl LineIndex {
    /// Indexes a text. Bytes beyond 4 GiB belong to the last line.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let after = memchr::memchr_iter(b'\n', text).map_while(|at| u32::try_from(at + 1).ok());
        Self {
            starts: std::iter::once(0).chain(after).collect(),
            end: u32::try_from(text.len()).unwrap_or(u32::MAX),
        }
    }

    /// The line, from 1, in which the byte at `offset` stands.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// Offset of the first byte of a line (from 1); the end of the text for a line it has not.
    #[must_use]
    pub fn start(&self, line: u32) -> u32 {
        let index = (line as usize).saturating_sub(1);
        self.starts.get(index).copied().unwrap_or(self.end)
    }

    /// How many lines there are; a text that ends with a line feed has an empty last line.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_lies_in_the_line_after_as_many_line_feeds() {
        let index = LineIndex::new(b"ab\n\ncd\n");
        let lines: Vec<u32> = (0..=7).map(|offset| index.line(offset)).collect();
        assert_eq!(lines, [1, 1, 1, 2, 3, 3, 3, 4]);
        assert_eq!((index.start(3), index.start(4), index.start(9)), (4, 7, 7));
        assert_eq!(index.count(), 4);
    }
}
