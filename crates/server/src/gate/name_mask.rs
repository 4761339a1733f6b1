//! Which field names may have come, in one word: most that are asked for have not.

/// A bit for each of 64 kinds of names. A name whose bit is not set has surely not come; one whose bit is
/// set may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameMask(u64);

impl NameMask {
    /// Takes in a name that has come.
    pub(crate) fn add(&mut self, name: &[u8]) {
        self.0 |= bit(name);
    }

    /// Whether a name may be among those that have come.
    #[inline]
    pub(crate) fn may_hold(self, name: &[u8]) -> bool {
        self.0 & bit(name) != 0
    }
}

impl<'n> FromIterator<&'n [u8]> for NameMask {
    fn from_iter<I: IntoIterator<Item = &'n [u8]>>(names: I) -> Self {
        let bits = names.into_iter().fold(0, |bits, name| bits | bit(name));
        Self(bits)
    }
}

/// The kind of a name, the same in either case. Of the factors that were tried, five keeps what browsers send
/// and what we ask for apart best.
#[inline]
fn bit(name: &[u8]) -> u64 {
    let first = name.first().map_or(0, |first| usize::from(first | 0x20));
    1 << ((first * 5 + name.len()) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_has_come_is_held_in_any_case() {
        for name in [
            "a",
            "Host",
            "x-y",
            "_z",
            "~",
            "[",
            "@",
            "{",
            "IF-NONE-MATCH",
        ] {
            let mut mask = NameMask::default();
            assert!(!mask.may_hold(name.as_bytes()), "{name}");
            mask.add(name.as_bytes());
            for same in [name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                assert!(mask.may_hold(same.as_bytes()), "{name} {same}");
            }
        }
    }

    #[test]
    fn what_browsers_do_not_send_is_mostly_told_apart() {
        let sent = "host user-agent accept accept-encoding accept-language connection cookie referer \
                    sec-fetch-dest sec-fetch-mode sec-fetch-site upgrade-insecure-requests";
        let mask: NameMask = sent.split(' ').map(str::as_bytes).collect();
        for name in [
            "range",
            "if-range",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
            "authorization",
            "upgrade",
            "via",
        ] {
            assert!(!mask.may_hold(name.as_bytes()), "{name}");
        }
    }
}
