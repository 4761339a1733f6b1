//! The directives of `Cache-Control` that matter to a shared store, found as nginx finds them: by
//! their text anywhere in the value, whatever stands around.

use memchr::memchr_iter;

/// A value of `Cache-Control`.
pub(super) struct Directives<'v>(pub(super) &'v [u8]);

/// What a directive with a number says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// It is not there.
    Unsaid,
    /// It is there, and no number.
    Nonsense,
    /// So long; more than fits is as long as can be.
    Seconds(u64),
}

impl Directives<'_> {
    /// Whether the answer is for one client only, or not to be kept.
    pub(super) fn forbid(&self) -> bool {
        let words: [&[u8]; 3] = [b"no-cache", b"no-store", b"private"];
        words.iter().any(|word| self.after(word).is_some())
    }

    /// `s-maxage`, or else `max-age`.
    pub(super) fn lifetime(&self) -> Lifetime {
        match self.seconds(b"s-maxage=") {
            Lifetime::Unsaid => self.seconds(b"max-age="),
            said => said,
        }
    }

    /// The number behind a directive.
    pub(super) fn seconds(&self, directive: &[u8]) -> Lifetime {
        let Some(text) = self.after(directive) else {
            return Lifetime::Unsaid;
        };
        let mut seconds = 0_u64;
        for byte in text {
            match byte {
                b',' | b';' | b' ' => break,
                b'0'..=b'9' => {
                    let digit = u64::from(byte - b'0');
                    let longer = seconds
                        .checked_mul(10)
                        .and_then(|ten| ten.checked_add(digit));
                    let Some(longer) = longer else {
                        return Lifetime::Seconds(u64::MAX);
                    };
                    seconds = longer;
                }
                _ => return Lifetime::Nonsense,
            }
        }
        Lifetime::Seconds(seconds)
    }

    /// What stands behind a text, written in any case.
    fn after(&self, text: &[u8]) -> Option<&[u8]> {
        let (first, value) = (*text.first()?, self.0);
        let upper = first.to_ascii_uppercase();
        let mut starts = memchr_iter(first, value).chain(memchr_iter(upper, value));
        let fits = |at: &usize| {
            let there = value.get(*at..at + text.len());
            there.is_some_and(|there| there.eq_ignore_ascii_case(text))
        };
        // Both cases give their places in order; the earlier one of the two rules.
        let found = starts.by_ref().filter(fits).min()?;
        value.get(found + text.len()..)
    }
}
