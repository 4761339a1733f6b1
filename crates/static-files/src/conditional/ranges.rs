//! The `Range` field, read as nginx reads it (`ngx_http_range_parse`; RFC 9110 §14.2).

use std::io::Write as _;

use http::HeaderValue;
use smallvec::SmallVec;

/// Bytes `start` to `end`, the latter excluded; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

impl ByteRange {
    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Never, if it came from a request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// `Content-Range: bytes 0-99/1000`.
    #[must_use]
    pub fn content_range(&self, length: u64) -> HeaderValue {
        let mut text = Vec::with_capacity(48);
        let last = self.end.saturating_sub(1);
        write!(text, "bytes {}-{last}/{length}", self.start).expect("a Vec takes all");
        HeaderValue::try_from(text).expect("digits and punctuation")
    }

    /// `Content-Range: bytes */1000`, with 416.
    #[must_use]
    pub fn unsatisfied(length: u64) -> HeaderValue {
        HeaderValue::try_from(format!("bytes */{length}")).expect("digits and punctuation")
    }
}

/// What a `Range` field asks of a body of known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeSet {
    /// Send everything: no byte range, too many, or more than there is.
    Whole,
    /// 416.
    Unsatisfiable,
    /// One range.
    One(ByteRange),
    /// Several, in the client's order, perhaps overlapping, in sum no more than the body.
    Many(SmallVec<[ByteRange; 4]>),
}

/// The largest number that nginx takes (`NGX_MAX_OFF_T_VALUE`).
const MAX: u64 = i64::MAX as u64;
/// What nginx reckons a part costs beside its bytes, and what it grants in all, where `max_ranges` is not set.
const PART_COST: u64 = 256;
const ALLOWANCE: u64 = 4_096;

/// Reads a `Range` field for a body of `length` bytes. `max` is `max_ranges`, none if not set.
#[must_use]
pub fn parse_ranges(value: &[u8], length: u64, max: Option<u32>) -> RangeSet {
    // nginx: at least one byte after the unit.
    let Some((unit, specs)) = value
        .split_at_checked(6)
        .filter(|(_, specs)| !specs.is_empty())
    else {
        return RangeSet::Whole;
    };
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return RangeSet::Whole;
    }
    let mut reader = Reader {
        bytes: specs,
        at: 0,
    };
    let mut ranges: SmallVec<[ByteRange; 4]> = SmallVec::new();
    let mut sum = 0_u64;
    loop {
        let Some((start, end)) = reader.spec(length) else {
            return RangeSet::Unsatisfiable;
        };
        if start < end {
            ranges.push(ByteRange { start, end });
            sum = match sum.checked_add(end - start) {
                Some(sum) if sum <= MAX => sum,
                _ => return RangeSet::Unsatisfiable,
            };
            if max.is_some_and(|max| ranges.len() as u64 > u64::from(max)) {
                return RangeSet::Whole;
            }
        } else if start == 0 {
            return RangeSet::Whole;
        }
        if !reader.eat(b',') {
            break;
        }
    }
    judge(ranges, sum, length, max)
}

fn judge(ranges: SmallVec<[ByteRange; 4]>, sum: u64, length: u64, max: Option<u32>) -> RangeSet {
    match ranges.as_slice() {
        [] => RangeSet::Unsatisfiable,
        &[one] => RangeSet::One(one),
        _ if sum > length => RangeSet::Whole,
        many if max.is_none() && sum + many.len() as u64 * PART_COST > length + ALLOWANCE => {
            RangeSet::Whole
        }
        _ => RangeSet::Many(ranges),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_spaces(&mut self) {
        while self.eat(b' ') {}
    }

    fn at_end_of_spec(&self) -> bool {
        matches!(self.peek(), None | Some(b','))
    }

    /// One `first-last`, `first-` or `-suffix`, as start and end, the latter excluded and cut to `length`; start is not
    /// below end if the range lies outside. `None` if it is no range.
    fn spec(&mut self, length: u64) -> Option<(u64, u64)> {
        self.skip_spaces();
        if self.eat(b'-') {
            let suffix = self.number()?;
            self.end_of_spec()?;
            return Some((length.saturating_sub(suffix), length));
        }
        let start = self.number()?;
        self.skip_spaces();
        if !self.eat(b'-') {
            return None;
        }
        self.skip_spaces();
        if self.at_end_of_spec() {
            return Some((start, length));
        }
        let last = self.number()?;
        self.end_of_spec()?;
        Some((start, last.saturating_add(1).min(length)))
    }

    fn end_of_spec(&mut self) -> Option<()> {
        self.skip_spaces();
        self.at_end_of_spec().then_some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = value
                .unwrap_or(0_u64)
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            value = Some(next).filter(|&next| next <= MAX);
            value?;
            self.at += 1;
        }
        value
    }
}
