//! Dates as HTTP writes them: nginx's tolerant reader and its writer.
//!
//! nginx's reader looks only where it must (`ngx_parse_http_time`), so `XYZ, 06 Nov 1994 08:49:37` is a date to it.
//! Conditional answers depend on that, hence a reader of our own.

/// Calendar fields of a moment, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year, four digits in every date that HTTP can write.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Day of the week, 0 = Sunday.
    pub weekday: u8,
}

/// Month names as dates spell them.
pub(crate) const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// The end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

impl Civil {
    /// The calendar fields of `seconds` since 1970. Moments before 1970 become 1970, those after 9999 its last second, as
    /// in `ngx_gmtime`.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        let seconds = seconds.clamp(0, LAST_SECOND);
        let days = seconds / 86_400;
        let of_day = seconds % 86_400;
        // Days from March 1 of year 0, so that a leap day ends its year.
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let of_era = shifted % 146_097;
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let small = |value: i64| u8::try_from(value).unwrap_or(0);
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: small(month),
            day: small(day),
            hour: small(of_day / 3_600),
            minute: small(of_day % 3_600 / 60),
            second: small(of_day % 60),
            weekday: small((days + 4) % 7),
        }
    }

    /// The three-letter name of the month.
    #[must_use]
    pub fn month_name(&self) -> &'static str {
        MONTHS
            .get(usize::from(self.month).wrapping_sub(1))
            .copied()
            .unwrap_or("Jan")
    }
}

/// Writes `seconds` since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
#[must_use]
pub fn format(seconds: i64) -> String {
    let date = Civil::from_unix(seconds);
    let weekday = WEEKDAYS
        .get(usize::from(date.weekday))
        .copied()
        .unwrap_or("Sun");
    let Civil {
        year,
        day,
        hour,
        minute,
        second,
        ..
    } = date;
    let month = date.month_name();
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Reads a date as nginx does (`ngx_parse_http_time`): RFC 822, RFC 850 and C's `asctime` forms, the name of the day
/// unread. `None` where nginx gives up.
#[must_use]
pub fn parse(value: &[u8]) -> Option<i64> {
    let mut at = Cursor {
        bytes: value,
        at: 0,
    };
    let asctime = at.skip_weekday();
    // nginx asks for 18 bytes here; no date is shorter.
    if at.left() < 18 {
        return None;
    }
    let (day, month, year);
    let clock;
    if asctime {
        month = at.month()?;
        at.expect(|_| true)?;
        at.eat(b' ');
        day = at.day_of_asctime()?;
        if at.left() < 14 {
            return None;
        }
        at.expect(|byte| byte == b' ')?;
        clock = at.clock()?;
        at.expect(|byte| byte == b' ')?;
        year = at.number(4)?;
    } else {
        day = at.number(2)?;
        let separator = at.expect(|byte| byte == b' ' || byte == b'-')?;
        if separator == b' ' && at.left() < 17 {
            return None;
        }
        month = at.month()?;
        at.expect(|byte| byte == separator)?;
        year = if separator == b' ' {
            at.number(4)?
        } else {
            let short = at.number(2)?;
            short + if short < 70 { 2000 } else { 1900 }
        };
        at.expect(|byte| byte == b' ')?;
        clock = at.clock()?;
    }
    if !day_exists(day, month, year) {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + clock)
}

/// nginx's check: 29 February in leap years only, no day past the month's last; day 0 passes there and here.
fn day_exists(day: i64, month: i64, year: i64) -> bool {
    let last = match month {
        2 if day == 29 => {
            return year & 3 == 0 && (year % 100 != 0 || year % 400 == 0);
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    day <= last
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let shifted = month - 2;
    let (month, year) = if shifted <= 0 {
        (shifted + 12, year - 1)
    } else {
        (shifted, year)
    };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + 367 * month / 12
        - 30
        + day
        - 1
        - 719_527
        + 31
        + 28
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn eat(&mut self, wanted: u8) {
        if self.peek(0) == wanted {
            self.at += 1;
        }
    }

    fn expect(&mut self, wanted: impl Fn(u8) -> bool) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        wanted(byte).then_some(byte)
    }

    /// Passes the name of the day. True if a space ended it: then this is `asctime`'s form.
    fn skip_weekday(&mut self) -> bool {
        let end = self
            .bytes
            .iter()
            .position(|&byte| byte == b',' || byte == b' ');
        let asctime = end.is_some_and(|end| self.bytes.get(end) == Some(&b' '));
        self.at = end.map_or(self.bytes.len(), |end| end + 1);
        while self.peek(0) == b' ' {
            self.at += 1;
        }
        asctime
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let mut value = 0;
        for _ in 0..digits {
            value = value * 10 + i64::from(self.expect(|byte| byte.is_ascii_digit())? - b'0');
        }
        Some(value)
    }

    fn day_of_asctime(&mut self) -> Option<i64> {
        let first = self.number(1)?;
        if self.peek(0) == b' ' {
            return Some(first);
        }
        Some(first * 10 + self.number(1)?)
    }

    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.expect(|byte| byte == b':')?;
        let minute = self.number(2)?;
        self.expect(|byte| byte == b':')?;
        let second = self.number(2)?;
        (hour <= 23 && minute <= 59 && second <= 59).then_some(hour * 3_600 + minute * 60 + second)
    }

    /// Month 1 to 12, told by as few letters as nginx looks at.
    fn month(&mut self) -> Option<i64> {
        let month = match (self.peek(0), self.peek(1), self.peek(2)) {
            (b'J', b'a', _) => 1,
            (b'J', _, b'n') => 6,
            (b'J', ..) => 7,
            (b'F', ..) => 2,
            (b'M', _, b'r') => 3,
            (b'M', ..) => 5,
            (b'A', b'p', _) => 4,
            (b'A', ..) => 8,
            (b'S', ..) => 9,
            (b'O', ..) => 10,
            (b'N', ..) => 11,
            (b'D', ..) => 12,
            _ => return None,
        };
        self.at += 3;
        Some(month)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_three_forms_are_read() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "XYZ, 06 Nov 1994 08:49:37",
            "Sun,06 Nov 1994 08:49:37",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn what_nginx_refuses_is_refused() {
        for text in [
            "",
            "foo",
            "Sun, 06 Nov 1994",
            "Sun, 06 Xov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06-Nov 94 08:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_a_date_cannot_say_is_the_first_or_the_last() {
        assert_eq!(format(-5), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(format(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        for late in [LAST_SECOND, LAST_SECOND + 1, i64::MAX] {
            assert_eq!(format(late), "Fri, 31 Dec 9999 23:59:59 GMT");
        }
    }

    proptest! {
        #[test]
        fn written_dates_are_read_back(seconds in 0_i64..253_402_300_800) {
            prop_assert_eq!(parse(format(seconds).as_bytes()), Some(seconds));
        }

        #[test]
        fn nothing_makes_it_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes);
        }
    }
}
