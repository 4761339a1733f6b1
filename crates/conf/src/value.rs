//! Numbers, sizes and times as nginx reads them (`nginx: src/core/ngx_parse.c`, `ngx_atoi`).

use std::time::Duration;

/// nginx: `NGX_MAX_INT_T_VALUE`; sizes and file sizes have the same limit.
const MAX: i64 = i64::MAX;

/// Why a value was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ValueError {
    /// Not a number; nginx's words for it.
    #[error("invalid number")]
    Number,
    /// Not a value of its kind; nginx's words for it.
    #[error("invalid value")]
    Value,
}

/// A number without sign, in decimal digits only. nginx: `ngx_atoi`.
///
/// # Errors
/// If there is no digit, another byte, or too large a number.
pub fn parse_number(text: &[u8]) -> Result<i64, ValueError> {
    let mut digits = text.iter().map(|byte| match byte {
        b'0'..=b'9' => Some(i64::from(byte - b'0')),
        _ => None,
    });
    if text.is_empty() {
        return Err(ValueError::Number);
    }
    let number = digits.try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(digit?));
    number.ok_or(ValueError::Number)
}

/// A size in bytes; `k` and `m`, in either case, scale it. nginx: `ngx_parse_size`.
///
/// # Errors
/// If it is not a number, or too large a size.
pub fn parse_size(text: &[u8]) -> Result<u64, ValueError> {
    scaled(text, &[(b'k', 10), (b'm', 20)])
}

/// A file size in bytes; `k`, `m` and `g` scale it. nginx: `ngx_parse_offset`.
///
/// # Errors
/// If it is not a number, or too large a size.
pub fn parse_offset(text: &[u8]) -> Result<u64, ValueError> {
    scaled(text, &[(b'k', 10), (b'm', 20), (b'g', 30)])
}

fn scaled(text: &[u8], units: &[(u8, u32)]) -> Result<u64, ValueError> {
    let last = text.last().map(u8::to_ascii_lowercase);
    let unit = units.iter().find(|(unit, _)| last == Some(*unit));
    let (digits, shift) = match unit {
        Some((_, shift)) => (text.get(..text.len() - 1).unwrap_or_default(), *shift),
        None => (text, 0),
    };
    let number = parse_number(digits).map_err(|_| ValueError::Value)?;
    if number > MAX >> shift {
        return Err(ValueError::Value);
    }
    u64::try_from(number << shift).map_err(|_| ValueError::Value)
}

/// A time; without a unit, seconds. Units may be combined, largest first: `1h 30m`, `1d12h`, `500ms`.
/// nginx: `ngx_parse_time` with `is_sec` unset; years and months are not known there.
///
/// # Errors
/// If it is not a time, or one of more than 2⁶³ ms.
pub fn parse_msec(text: &[u8]) -> Result<Duration, ValueError> {
    let milliseconds = time(text, Precision::Milliseconds).ok_or(ValueError::Value)?;
    Ok(Duration::from_millis(milliseconds))
}

/// A time in whole seconds; years (`y`) and months (`M`) are known, milliseconds are not.
/// nginx: `ngx_parse_time` with `is_sec` set.
///
/// # Errors
/// If it is not a time, or one of more than 2⁶³ s.
pub fn parse_sec(text: &[u8]) -> Result<Duration, ValueError> {
    let seconds = time(text, Precision::Seconds).ok_or(ValueError::Value)?;
    Ok(Duration::from_secs(seconds))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Precision {
    Seconds,
    Milliseconds,
}

/// How far down the units a time has come; the order is that of the text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Start,
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
    Last,
}

fn time(text: &[u8], precision: Precision) -> Option<u64> {
    let seconds = precision == Precision::Seconds;
    let scale = if seconds { 1 } else { 1000 };
    let mut step = if seconds { Step::Start } else { Step::Month };
    let (mut value, mut total, mut valid) = (0_i64, 0_i64, false);
    let mut rest = text;

    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if byte.is_ascii_digit() {
            value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
            valid = true;
            continue;
        }
        let milliseconds = *byte == b'm' && rest.first() == Some(&b's');
        let (next, length) = unit(*byte, milliseconds)?;
        let too_late = match next {
            // A year may only come first, seconds and spaces may not follow seconds.
            Step::Last => step >= Step::Second,
            Step::Millisecond => seconds || step >= Step::Millisecond,
            _ => step >= next,
        };
        if too_late {
            return None;
        }
        if milliseconds {
            rest = rest.get(1..)?;
        }
        step = next;
        let factor = if next == Step::Millisecond {
            1
        } else {
            length * scale
        };
        total = total.checked_add(value.checked_mul(factor)?)?;
        value = 0;
        while let Some((b' ', after)) = rest.split_first() {
            rest = after;
        }
    }

    let total = total.checked_add(value.checked_mul(scale)?)?;
    u64::try_from(total).ok().filter(|_| valid)
}

/// The unit that a letter stands for, and how many seconds it has.
fn unit(letter: u8, milliseconds: bool) -> Option<(Step, i64)> {
    const DAY: i64 = 24 * 60 * 60;
    Some(match letter {
        b'y' => (Step::Year, 365 * DAY),
        b'M' => (Step::Month, 30 * DAY),
        b'w' => (Step::Week, 7 * DAY),
        b'd' => (Step::Day, DAY),
        b'h' => (Step::Hour, 60 * 60),
        b'm' if milliseconds => (Step::Millisecond, 1),
        b'm' => (Step::Minute, 60),
        b's' => (Step::Second, 1),
        b' ' => (Step::Last, 1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_alone() {
        assert_eq!(parse_number(b"0042"), Ok(42));
        assert_eq!(parse_number(b"9223372036854775807"), Ok(i64::MAX));
        for bad in ["", "-1", "+1", "1 ", "9223372036854775808", "0x10"] {
            assert_eq!(
                parse_number(bad.as_bytes()),
                Err(ValueError::Number),
                "{bad}"
            );
        }
    }

    #[test]
    fn sizes_know_k_and_m_and_file_sizes_g_too() {
        assert_eq!(parse_size(b"8k"), Ok(8192));
        assert_eq!(parse_size(b"1M"), Ok(1 << 20));
        assert_eq!(parse_offset(b"2G"), Ok(2 << 30));
        for bad in ["", "k", "1g", "1kb", "1.5m", "-1", "9007199254740992k"] {
            assert_eq!(parse_size(bad.as_bytes()), Err(ValueError::Value), "{bad}");
        }
    }

    #[test]
    fn times_combine_units_from_large_to_small() {
        assert_eq!(parse_msec(b"1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(
            parse_msec(b"1d 2h 3m 4s 5ms"),
            Ok(Duration::from_millis(93_784_005))
        );
        assert_eq!(parse_msec(b"60"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_sec(b"1y1M"), Ok(Duration::from_secs(395 * 86_400)));
        for bad in [
            "",
            "s1m",
            "1m1h",
            "1m1m",
            "1y",
            "1M",
            "1x",
            "9223372036854775807",
        ] {
            assert_eq!(parse_msec(bad.as_bytes()), Err(ValueError::Value), "{bad}");
        }
        assert_eq!(parse_sec(b"500ms"), Err(ValueError::Value));
        // A unit without a number counts as nothing, as long as a digit stands somewhere.
        assert_eq!(parse_sec(b"m1s"), Ok(Duration::from_secs(1)));
    }
}
