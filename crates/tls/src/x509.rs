//! As much of X.509 as variables and the check of client certificates need (RFC 5280), read from
//! DER (X.690). Nothing here is trusted: every length is checked.

/// A certificate, its parts borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certificate<'a> {
    /// The whole of it.
    pub(crate) der: &'a [u8],
    /// What is signed, with its header.
    pub(crate) signed: &'a [u8],
    /// How it is signed: the content of the `AlgorithmIdentifier`.
    pub(crate) algorithm: &'a [u8],
    /// The signature.
    pub(crate) signature: &'a [u8],
    /// 1 to 3.
    pub(crate) version: u8,
    /// The number, two's complement.
    pub(crate) serial: &'a [u8],
    /// The issuer's name, with its header.
    pub(crate) issuer: &'a [u8],
    /// The holder's name, with its header.
    pub(crate) subject: &'a [u8],
    /// First second of its life, since the epoch.
    pub(crate) not_before: i64,
    /// Last second of its life.
    pub(crate) not_after: i64,
    /// The key, as a `SubjectPublicKeyInfo` with its header.
    pub(crate) key: &'a [u8],
    extensions: Option<&'a [u8]>,
}

/// One extension of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extension<'a> {
    /// The content of its object identifier.
    pub(crate) oid: &'a [u8],
    pub(crate) critical: bool,
    pub(crate) value: &'a [u8],
}

/// Reads elements one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const UTC_TIME: u8 = 0x17;

impl<'a> Der<'a> {
    /// The next element: tag, content, and the whole of it.
    pub(crate) fn any(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, after) = rest.split_at_checked(count)?;
            rest = after;
            digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit))
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some((tag, content, whole))
    }

    /// The content of the next element, which must have that tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|found| found.0 == tag)
            .map(|found| found.1)
    }

    /// The whole of the next element, which must have that tag.
    pub(crate) fn whole(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|found| found.0 == tag)
            .map(|found| found.2)
    }

    /// The content of the next element if it has that tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.0.first() == Some(&tag)).then(|| self.take(tag))?
    }

    /// The next element if it is a boolean, else `false`; `None` where it is one that DER does not
    /// know (X.690 §11.1).
    pub(crate) fn flag(&mut self) -> Option<bool> {
        if self.0.first() != Some(&BOOLEAN) {
            return Some(false);
        }
        match self.take(BOOLEAN)? {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The content of a bit string of whole bytes.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        match self.take(BIT_STRING)?.split_first()? {
            (0, bits) => Some(bits),
            _ => None,
        }
    }
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; `None` where it is none.
    pub(crate) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut outer = Der(der);
        let (_, content, der) = outer.any().filter(|found| found.0 == SEQUENCE)?;
        let mut certificate = Der(content);
        let signed = certificate.whole(SEQUENCE)?;
        let algorithm = certificate.take(SEQUENCE)?;
        let signature = certificate.bits()?;

        let mut fields = Der(Der(signed).take(SEQUENCE)?);
        let version = match fields.optional(0xa0) {
            Some(version) => Der(version).take(INTEGER)?.last()?.checked_add(1)?,
            None => 1,
        };
        let serial = fields.take(INTEGER)?;
        if fields.take(SEQUENCE)? != algorithm {
            return None;
        }
        let issuer = fields.whole(SEQUENCE)?;
        let mut validity = Der(fields.take(SEQUENCE)?);
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;
        let subject = fields.whole(SEQUENCE)?;
        let key = fields.whole(SEQUENCE)?;
        // Unique identifiers, which nobody uses.
        fields.optional(0x81);
        fields.optional(0x82);
        let extensions = match fields.optional(0xa3) {
            Some(extensions) => Some(Der(extensions).take(SEQUENCE)?),
            None => None,
        };
        Some(Self {
            der,
            signed,
            algorithm,
            signature,
            version,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            key,
            extensions,
        })
    }

    /// Its extensions; ends early where one is broken, and then yields `None` in its place.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = Option<Extension<'a>>> {
        let mut rest = Der(self.extensions.unwrap_or_default());
        std::iter::from_fn(move || {
            if rest.0.is_empty() {
                return None;
            }
            let extension = extension(&mut rest);
            if extension.is_none() {
                rest = Der(&[]);
            }
            Some(extension)
        })
    }
}

fn extension<'a>(rest: &mut Der<'a>) -> Option<Extension<'a>> {
    let mut fields = Der(rest.take(SEQUENCE)?);
    let oid = fields.take(OID)?;
    let critical = fields.flag()?;
    let value = fields.take(OCTET_STRING)?;
    Some(Extension {
        oid,
        critical,
        value,
    })
}

/// Seconds since the epoch. RFC 5280 §4.1.2.5: always `Z`, always with seconds.
pub(crate) fn time(from: &mut Der<'_>) -> Option<i64> {
    let (tag, text, _) = from.any()?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = digits(year)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        0x18 => {
            let (year, rest) = text.split_at_checked(4)?;
            (digits(year)?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 {
        return None;
    }
    let part = |at: usize| rest.get(at..at + 2).and_then(digits);
    let (month, day) = (part(0)?, part(2)?);
    let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn digits(text: &str) -> Option<i64> {
    (text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days since the epoch of a date in the Gregorian calendar, the year taken to begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A moment as OpenSSL prints it: `Nov 28 11:32:00 2026 GMT`.
pub(crate) fn print_time(seconds: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (day_number, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = day_number + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = era * 400 + year + i64::from(month <= 1);
    let name = MONTHS[usize::try_from(month).unwrap_or_default()];
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{name} {day:2} {hour:02}:{minute:02}:{second:02} {year} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_printed() {
        let mut utc = vec![UTC_TIME, 13];
        utc.extend_from_slice(b"261128113200Z");
        let seconds = time(&mut Der(&utc)).unwrap();
        assert_eq!(seconds, 1_795_865_520);
        assert_eq!(print_time(seconds), "Nov 28 11:32:00 2026 GMT");
        assert_eq!(print_time(951_782_400), "Feb 29 00:00:00 2000 GMT");
        assert_eq!(print_time(0), "Jan  1 00:00:00 1970 GMT");
        assert_eq!(time(&mut Der(b"\x17\x0d261328113200Z")), None);
    }

    #[test]
    fn lengths_are_checked() {
        assert!(Der(b"\x30\x05ab").any().is_none());
        assert!(Der(b"\x30\x84\xff\xff\xff\xff").any().is_none());
        assert!(Der(b"\x30\x80").any().is_none());
        assert!(Der(b"\x30").any().is_none());
        let mut two = Der(b"\x02\x01\x07\x02\x81\x01\x08");
        assert_eq!(two.take(INTEGER), Some(&[7][..]));
        assert_eq!(two.take(INTEGER), Some(&[8][..]));
        assert!(two.any().is_none());
        assert!(Certificate::parse(b"\x30\x03\x30\x01\x00").is_none());
    }
}
