//! The `Date` field of answers, written anew once a second.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `Sun, 06 Nov 1994 08:49:37 GMT`, RFC 9110 §5.6.7.
type Text = [u8; 29];

/// The date as this thread last wrote it.
#[derive(Debug)]
pub(crate) struct Date {
    second: Cell<u64>,
    text: Cell<Text>,
}

impl Default for Date {
    fn default() -> Self {
        Self {
            second: Cell::new(0),
            text: Cell::new(*b"Thu, 01 Jan 1970 00:00:00 GMT"),
        }
    }
}

impl Date {
    /// The date as it is now.
    pub(crate) fn now(&self) -> Text {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.at(since.map_or(0, |since| since.as_secs()))
    }

    fn at(&self, second: u64) -> Text {
        if self.second.replace(second) != second {
            let time = UNIX_EPOCH + Duration::from_secs(second);
            let text = httpdate::fmt_http_date(time);
            if let Ok(text) = Text::try_from(text.as_bytes()) {
                self.text.set(text);
            }
        }
        self.text.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_follows_the_clock() {
        let date = Date::default();
        assert_eq!(&date.at(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(&date.at(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&date.at(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&date.at(784_111_778), b"Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
