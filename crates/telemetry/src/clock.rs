//! The time of day as logs print it, formatted once a second and not once a request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::local_time::{self, LocalTime};

/// One second in every spelling that nginx's variables and logs use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timestamps {
    second: u64,
    /// `$time_local`: `23/Nov/2026:06:46:34 +0000`.
    pub local: String,
    /// `$time_iso8601`: `2026-11-23T06:46:34+00:00`.
    pub iso8601: String,
    /// Prefix of an error-log line: `2026/11/23 06:46:34`.
    pub error_log: String,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Timestamps {
    fn at(second: u64) -> Self {
        let t = LocalTime::at(i64::try_from(second).unwrap_or(i64::MAX));
        let (sign, minutes) = (if t.offset < 0 { '-' } else { '+' }, t.offset.abs());
        let (zone_hours, zone_minutes) = (minutes / 60, minutes % 60);
        let month = MONTHS
            .get(usize::from(t.month).wrapping_sub(1))
            .unwrap_or(&"Jan");
        let LocalTime {
            year,
            day,
            hour,
            minute,
            second: sec,
            ..
        } = t;
        let numeric = t.month;
        Self {
            second,
            local: format!(
                "{day:02}/{month}/{year}:{hour:02}:{minute:02}:{sec:02} {sign}{zone_hours:02}{zone_minutes:02}"
            ),
            iso8601: format!(
                "{year}-{numeric:02}-{day:02}T{hour:02}:{minute:02}:{sec:02}{sign}{zone_hours:02}:{zone_minutes:02}"
            ),
            error_log: format!("{year}/{numeric:02}/{day:02} {hour:02}:{minute:02}:{sec:02}"),
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Rc<Timestamps>> = RefCell::default();
}

/// Reads the wall clock and its formatted forms.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

impl Clock {
    /// Time since the epoch.
    #[must_use]
    pub fn since_epoch() -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    /// Seconds since midnight, local time.
    #[must_use]
    pub fn second_of_day() -> u32 {
        let second = i64::try_from(Self::since_epoch().as_secs()).unwrap_or(i64::MAX);
        let t = LocalTime::at(second);
        u32::from(t.hour) * 3600 + u32::from(t.minute) * 60 + u32::from(t.second)
    }

    /// Seconds that local time is ahead of UTC.
    #[must_use]
    pub fn utc_offset() -> i64 {
        let second = i64::try_from(Self::since_epoch().as_secs()).unwrap_or(i64::MAX);
        i64::from(LocalTime::at(second).offset) * 60
    }

    /// Now, in UTC, as `strftime` has it.
    #[must_use]
    pub fn format_gmt(format: &[u8]) -> Vec<u8> {
        Self::format_gmt_at(format, Self::since_epoch().as_secs())
    }

    /// Seconds since the epoch, in UTC, as `strftime` has it.
    #[must_use]
    pub fn format_gmt_at(format: &[u8], second: u64) -> Vec<u8> {
        let second = i64::try_from(second).unwrap_or(i64::MAX);
        local_time::format(format, second, true)
    }

    /// Now, in local time, as `strftime` has it.
    #[must_use]
    pub fn format_local(format: &[u8]) -> Vec<u8> {
        let second = i64::try_from(Self::since_epoch().as_secs()).unwrap_or(i64::MAX);
        local_time::format(format, second, false)
    }

    /// The current second in all its spellings; formatted anew only when the second changed.
    #[must_use]
    pub fn timestamps() -> Rc<Timestamps> {
        let second = Self::since_epoch().as_secs();
        CURRENT.with_borrow_mut(|current| {
            if current.second != second {
                *current = Rc::new(Timestamps::at(second));
            }
            Rc::clone(current)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_strftime() {
        let date = |format: &str| {
            let date = local_time::format(format.as_bytes(), 1_795_416_394, true);
            String::from_utf8(date).unwrap()
        };
        assert_eq!(
            date("%A, %d-%b-%Y %H:%M:%S %Z"),
            "Monday, 23-Nov-2026 06:46:34 GMT"
        );
        assert_eq!(date(""), "");
        assert_eq!(date("a\0%Y"), "a");
    }

    #[test]
    fn formats_agree_on_the_second() {
        let t = Timestamps::at(1_795_416_394);
        assert_eq!(t.local.len(), "23/Nov/2026:06:46:34 +0000".len());
        assert_eq!(t.iso8601.len(), "2026-11-23T06:46:34+00:00".len());
        let clock = |text: &str| {
            text.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        assert!(clock(&t.iso8601).starts_with(&clock(&t.error_log)));
    }
}
