//! What the last match captured.

use pcre2::bytes::CaptureLocations;
use portunus_uri_path::{Escape, escape};
use smallvec::SmallVec;

use super::{Regex, Slot};

/// Start and end in the subject; empty for a group that took no part.
type Span = (u32, u32);

/// The groups of the last regular expression that matched: `$1` to `$9`, and named ones.
///
/// One per request, reused from match to match. It keeps a copy of the subject, since a `rewrite`
/// changes the URI while its captures live on.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    subject: Vec<u8>,
    /// Groups from 1 on.
    spans: SmallVec<[Span; 9]>,
    /// Named groups that the caller has not yet taken.
    named: SmallVec<[(Slot, Span); 2]>,
}

impl Captures {
    /// Captures nothing yet.
    pub fn new() -> Captures {
        Captures::default()
    }

    /// What group `number` (from 1) captured; empty if it took no part or there is none.
    pub fn group(&self, number: usize) -> &[u8] {
        let span = number.checked_sub(1).and_then(|at| self.spans.get(at));
        span.map_or(&[], |&span| self.bytes(span))
    }

    /// Appends what group `number` captured (for `Variables::append_capture`).
    pub fn append(&self, number: u8, out: &mut Vec<u8>) {
        out.extend_from_slice(self.group(usize::from(number)));
    }

    /// Appends what group `number` captured, escaped as an argument if the request's URI
    /// `has_escapes` (for `Variables::append_capture_escaped`).
    ///
    /// nginx: `ngx_http_script_copy_capture_code`.
    pub fn append_escaped(&self, number: u8, has_escapes: bool, out: &mut Vec<u8>) {
        let group = self.group(usize::from(number));
        if has_escapes {
            escape(Escape::Args, group, out);
        } else {
            out.extend_from_slice(group);
        }
    }

    /// Whether the last match had no groups, or there was none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Whether matches have set named groups since [`Self::take_named`].
    #[inline]
    pub fn has_named(&self) -> bool {
        !self.named.is_empty()
    }

    /// Calls `store` with each named group that matches have set since the last call.
    ///
    /// To be called after every search that may have matched an expression with named groups.
    pub fn take_named(&mut self, mut store: impl FnMut(Slot, &[u8])) {
        for &(slot, span) in &self.named {
            store(slot, self.bytes(span));
        }
        self.named.clear();
    }

    /// Forgets all groups.
    pub fn clear(&mut self) {
        self.spans.clear();
    }

    fn bytes(&self, (start, end): Span) -> &[u8] {
        self.subject
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// Stores the groups of a match of `regex` on `subject`.
    pub(super) fn record(&mut self, regex: &Regex, subject: &[u8], found: &CaptureLocations) {
        if self.subject != subject {
            // Named groups of another subject that nobody has taken cannot be kept.
            self.named.clear();
            self.subject.clear();
            self.subject.extend_from_slice(subject);
        }
        let span = |group| match found.get(group) {
            Some((start, end)) => (position(start), position(end)),
            None => (0, 0),
        };
        self.spans.clear();
        self.spans.extend((1..=regex.groups).map(span));
        for named in &regex.names {
            if let Some(slot) = named.slot {
                self.named.push((slot, span(named.group)));
            }
        }
    }
}

/// Subjects are far shorter than 4 GiB; beyond that a group is empty.
fn position(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
