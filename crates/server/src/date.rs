//! The `Date` field of answers, written anew once a second.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, RFC 9110 §5.6.7.
type Text = [u8; 29];

/// The date as this thread last wrote it.
#[derive(Debug)]
pub(crate) struct Date {
    text: Cell<Text>,
    /// When the second that it names is over; a clock that is set shows that late.
    until: Cell<Option<Instant>>,
}

impl Default for Date {
    fn default() -> Self {
        Self {
            text: Cell::new(*b"Thu, 01 Jan 1970 00:00:00 GMT"),
            until: Cell::new(None),
        }
    }
}

impl Date {
    /// The date at this moment, which must not be long ago.
    pub(crate) fn at(&self, now: Instant) -> Text {
        if self.until.get().is_none_or(|until| now >= until) {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            self.write(since.unwrap_or_default(), Instant::now());
        }
        self.text.get()
    }

    /// Names the second that is so long after 1970, which is now.
    #[cold]
    fn write(&self, since: Duration, now: Instant) {
        let second = Duration::from_secs(since.as_secs());
        let text = httpdate::fmt_http_date(UNIX_EPOCH + second);
        if let Ok(text) = Text::try_from(text.as_bytes()) {
            self.text.set(text);
        }
        let over = Duration::from_secs(1) - (since - second);
        self.until.set(Some(now + over));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_follows_the_clock() {
        let (date, start) = (Date::default(), Instant::now());
        date.write(Duration::ZERO, start);
        assert_eq!(&date.at(start), b"Thu, 01 Jan 1970 00:00:00 GMT");
        date.write(Duration::from_millis(784_111_777_400), start);
        let later = |millis| date.at(start + Duration::from_millis(millis));
        assert_eq!(&later(0), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&later(599), b"Sun, 06 Nov 1994 08:49:37 GMT");
        let over = later(600);
        assert_ne!(&over, b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(later(601), over);
    }
}
