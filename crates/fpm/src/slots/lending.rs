//! The slot beyond the limit, which is left to others unless a request waits for long.

use std::time::{Duration, Instant};

use super::{Released, Slots};

/// A wait from which on the slot is lent that is left to others otherwise.
pub(crate) const LONG_WAIT: Duration = Duration::from_millis(25);

impl<C, W: Copy + Eq> Slots<C, W> {
    /// Lends the reserve to a request that has waited for long.
    pub(crate) fn lend(&mut self, now: Instant) -> Vec<Released<C>> {
        let mut released = Vec::new();
        if self.may_lend(now) {
            self.fill(self.limit + self.reserve, now, &mut released);
        }
        released
    }

    /// Whether a request of `lane` would be lent something, should it wait for long.
    pub(crate) fn can_lend_to(&self, lane: usize) -> bool {
        self.can_lend() && self.has_room(self.known(lane))
    }

    /// When the request that waits the longest will have waited for long, if there is something to lend it.
    pub(crate) fn next_lend(&self) -> Option<Instant> {
        if !self.can_lend() {
            return None;
        }
        let oldest = self.line.oldest_since(|lane| self.has_room(lane));
        oldest.map(|since| since + LONG_WAIT)
    }

    fn can_lend(&self) -> bool {
        self.active + self.idle.len() < self.limit + self.reserve && self.reserve > 0
    }

    pub(super) fn may_lend(&self, now: Instant) -> bool {
        self.next_lend().is_some_and(|due| due <= now)
    }

    /// Decides whether the slot granted just now is a lent one: its connection must not be kept for
    /// long. No more are than there are slots beyond the limit, so that all others keep theirs.
    pub(crate) fn mark_lent(&mut self) -> bool {
        let is_lent = self.active + self.idle.len() > self.limit + self.lent;
        self.lent += usize::from(is_lent);
        is_lent
    }

    /// A slot that was marked as lent is about to come back.
    pub(crate) fn unmark_lent(&mut self) {
        self.lent = self.lent.saturating_sub(1);
    }
}
