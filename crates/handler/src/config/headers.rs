//! `add_header`, `add_trailer` and `expires`.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use super::Template;

/// What ngx_http_headers_module does to an answer's head.
#[derive(Debug, Default)]
pub struct HeaderRules {
    /// `add_header`, in order.
    pub added: Vec<AddedHeader>,
    /// `add_trailer`, in order.
    pub trailers: Vec<AddedHeader>,
    /// `expires`.
    pub expires: Option<Expires>,
}

impl HeaderRules {
    /// Whether they do the same to each answer with a file, and nothing to what else its head says.
    pub(super) fn are_fixed(&self) -> bool {
        let timeless = match &self.expires {
            Some(Expires::Fixed(at)) => {
                matches!(at, ExpiresAt::Off | ExpiresAt::Epoch | ExpiresAt::Max)
            }
            Some(Expires::Dynamic(_)) => false,
            None => true,
        };
        timeless && self.trailers.is_empty() && self.added.iter().all(AddedHeader::is_fixed_and_new)
    }
}

/// One `add_header` directive.
#[derive(Debug)]
pub struct AddedHeader {
    /// The field's name.
    pub name: HeaderName,
    /// The name as the operator spells it.
    pub spelled: Box<[u8]>,
    /// The value.
    pub value: Template,
    /// The value where it is the same for every request.
    pub fixed: Option<HeaderValue>,
    /// `always`: on every status.
    pub always: bool,
}

impl AddedHeader {
    /// It has one value, and no other part of the server says or reads a field of that name.
    fn is_fixed_and_new(&self) -> bool {
        const SPOKEN_FOR: [HeaderName; 12] = [
            header::ACCEPT_RANGES,
            header::CONNECTION,
            header::CONTENT_ENCODING,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::CONTENT_TYPE,
            header::DATE,
            header::ETAG,
            header::LAST_MODIFIED,
            header::SERVER,
            header::TRANSFER_ENCODING,
            HeaderName::from_static("keep-alive"),
        ];
        self.fixed.is_some() && !SPOKEN_FOR.contains(&self.name)
    }
}

/// `expires`.
#[derive(Debug)]
pub enum Expires {
    /// One rule for all.
    Fixed(ExpiresAt),
    /// The value comes from variables (usually a `map`) and is read for each answer.
    Dynamic(Template),
}

/// When an answer expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiresAt {
    /// `off`.
    Off,
    /// `epoch`: already.
    Epoch,
    /// `max`: in ten years.
    Max,
    /// So long after now; before now if `negative`.
    AfterAccess {
        /// Distance.
        offset: Duration,
        /// In the past.
        negative: bool,
    },
    /// So long after the file's last modification.
    AfterModification {
        /// Distance.
        offset: Duration,
        /// Before it.
        negative: bool,
    },
    /// `@15h30m`: at that time of day, in seconds since midnight.
    Daily(u32),
}

impl ExpiresAt {
    /// Reads the arguments of `expires`, joined by a blank.
    ///
    /// Source: nginx, `ngx_http_parse_expires`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "off" => return Some(Self::Off),
            "epoch" => return Some(Self::Epoch),
            "max" => return Some(Self::Max),
            _ => {}
        }
        if let Some(time) = text.strip_prefix("modified ") {
            let (offset, negative) = signed_time(time.trim())?;
            return Some(Self::AfterModification { offset, negative });
        }
        if let Some(time) = text.strip_prefix('@') {
            let seconds = seconds(time)?;
            return u32::try_from(seconds)
                .ok()
                .filter(|s| *s <= 86_400)
                .map(Self::Daily);
        }
        let (offset, negative) = signed_time(text.trim())?;
        Some(Self::AfterAccess { offset, negative })
    }
}

fn signed_time(text: &str) -> Option<(Duration, bool)> {
    let (text, negative) = match text.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    Some((Duration::from_secs(seconds(text)?), negative))
}

/// `1h30m`, `90`, `2d`: units from years down to seconds, each at most once.
fn seconds(text: &str) -> Option<u64> {
    const UNITS: [(char, u64); 7] = [
        ('y', 31_536_000),
        ('M', 2_592_000),
        ('w', 604_800),
        ('d', 86_400),
        ('h', 3_600),
        ('m', 60),
        ('s', 1),
    ];
    let (mut total, mut number, mut from) = (0_u64, None::<u64>, 0);
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            let digits = number
                .unwrap_or(0)
                .checked_mul(10)?
                .checked_add(u64::from(digit))?;
            number = Some(digits);
            continue;
        }
        if character == ' ' {
            continue;
        }
        let at = UNITS[from..]
            .iter()
            .position(|(unit, _)| *unit == character)?
            + from;
        total = total.checked_add(number.take()?.checked_mul(UNITS[at].1)?)?;
        from = at + 1;
    }
    match number {
        Some(rest) => total.checked_add(rest),
        None if text.is_empty() => None,
        None => Some(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let after = |seconds, negative| {
            Some(ExpiresAt::AfterAccess {
                offset: Duration::from_secs(seconds),
                negative,
            })
        };
        assert_eq!(ExpiresAt::parse("30d"), after(2_592_000, false));
        assert_eq!(ExpiresAt::parse("-1"), after(1, true));
        assert_eq!(ExpiresAt::parse("1h30m"), after(5_400, false));
        assert_eq!(ExpiresAt::parse("@15h30m"), Some(ExpiresAt::Daily(55_800)));
        let modified = ExpiresAt::parse("modified +24h");
        let day = Duration::from_secs(86_400);
        let expected = ExpiresAt::AfterModification {
            offset: day,
            negative: false,
        };
        assert_eq!(modified, Some(expected));
        assert_eq!(ExpiresAt::parse("soon"), None);
        assert_eq!(ExpiresAt::parse(""), None);
    }
}
