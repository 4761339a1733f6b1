//! Decoding and normalising in one pass (nginx: `ngx_http_parse_complex_uri`).

use crate::TargetError;

/// A path after decoding and normalising.
pub(crate) struct Normalised {
    pub(crate) path: Vec<u8>,
    /// How much of the input the path took; `?`, `#` or nothing follows.
    pub(crate) consumed: usize,
    pub(crate) extension: Option<usize>,
    pub(crate) has_escapes: bool,
}

/// What the bytes since the last slash are so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    /// Nothing: the path ends in a slash.
    Empty,
    Dot,
    DotDot,
    /// Something that stays.
    Named,
}

struct Builder {
    path: Vec<u8>,
    segment: Segment,
    extension: Option<usize>,
    merge_slashes: bool,
}

/// Decodes and normalises `raw` up to its `?`, `#` or end. An empty path becomes `/`.
pub(crate) fn normalise(raw: &[u8], merge_slashes: bool) -> Result<Normalised, TargetError> {
    let mut builder = Builder {
        path: Vec::with_capacity(raw.len() + 1),
        segment: Segment::Named,
        extension: None,
        merge_slashes,
    };
    if raw.first() != Some(&b'/') {
        builder.path.push(b'/');
    }
    let mut has_escapes = false;
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        match byte {
            b'?' | b'#' => break,
            b'%' => {
                has_escapes = true;
                builder.take_decoded(decode(raw.get(at + 1..at + 3))?)?;
                at += 3;
            }
            _ => {
                has_escapes |= byte == b'+';
                builder.take(byte)?;
                at += 1;
            }
        }
    }
    builder.finish()?;
    let Builder {
        path, extension, ..
    } = builder;
    Ok(Normalised {
        path,
        consumed: at,
        extension,
        has_escapes,
    })
}

/// The byte that two hexadecimal digits stand for.
fn decode(digits: Option<&[u8]>) -> Result<u8, TargetError> {
    let Some(&[high, low]) = digits else {
        return Err(TargetError::BadEscape);
    };
    match (hex_value(high), hex_value(low)) {
        (Some(0), Some(0)) => Err(TargetError::Nul),
        (Some(high), Some(low)) => Ok(high << 4 | low),
        _ => Err(TargetError::BadEscape),
    }
}

pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl Builder {
    /// Takes a byte that was escaped: it means the same as if it had not been, but for the three
    /// that would have ended the path or begun an escape.
    fn take_decoded(&mut self, byte: u8) -> Result<(), TargetError> {
        if matches!(byte, b'%' | b'#' | b'?') {
            self.path.push(byte);
            self.segment = Segment::Named;
            return Ok(());
        }
        self.take(byte)
    }

    fn take(&mut self, byte: u8) -> Result<(), TargetError> {
        match (byte, self.segment) {
            (b'/', segment) => return self.end_segment(segment),
            (b'.', Segment::Empty) => self.segment = Segment::Dot,
            (b'.', Segment::Dot) => self.segment = Segment::DotDot,
            (b'.', Segment::Named) => self.extension = Some(self.path.len() + 1),
            _ => self.segment = Segment::Named,
        }
        self.path.push(byte);
        Ok(())
    }

    fn end_segment(&mut self, segment: Segment) -> Result<(), TargetError> {
        match segment {
            Segment::Named => {
                self.extension = None;
                self.path.push(b'/');
            }
            Segment::Empty if self.merge_slashes => {}
            Segment::Empty => self.path.push(b'/'),
            Segment::Dot | Segment::DotDot => self.drop_dots(segment)?,
        }
        self.segment = Segment::Empty;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TargetError> {
        self.drop_dots(self.segment)
    }

    /// Removes a trailing `.`, or a trailing `..` with the segment before it.
    fn drop_dots(&mut self, segment: Segment) -> Result<(), TargetError> {
        match segment {
            Segment::Dot => {
                self.path.pop();
            }
            Segment::DotDot => {
                self.path
                    .truncate(self.path.len().saturating_sub(b"/..".len()));
                let parent = memchr::memrchr(b'/', &self.path).ok_or(TargetError::AboveRoot)?;
                self.path.truncate(parent + 1);
            }
            Segment::Empty | Segment::Named => {}
        }
        Ok(())
    }
}
