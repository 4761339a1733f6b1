//! Whether the worker behind an idle connection has come back for the next request.
//!
//! `fastcgi_finish_request()` ends an answer for us and not for PHP: the worker goes on, and a request
//! sent to it waits for as long as that takes. Nothing on the wire tells such an end from another. But
//! `FCGI_GET_VALUES` is answered at once by a worker that waits for a request, and late by one that does
//! not. So an idle connection is asked that way, and not used while it owes the answer: it counts as busy,
//! for its worker is. Until many workers in a row have been prompt, no connection is used unasked. From then
//! on a busy pool asks hardly anybody: each question costs a wake-up, a fourth of what a page costs us.
//! One late answer, and all are asked again for long.
//!
//! Only PHP-FPM is asked, and what is known to be one.

use std::time::{Duration, Instant};

/// After so many prompt answers in a row the next is expected to be prompt, too.
const TRUST: u32 = 32;

/// After so many, once one was late: work that one request in a hundred leaves behind must not be
/// forgotten between two of them.
const TRUST_AGAIN: u32 = 1024;

/// A worker that answers later than that was at work, if exchanges take less time than that. A busy
/// machine makes others late, but less.
const LATE: Duration = Duration::from_millis(10);

/// However long exchanges take, this is late.
const TOO_LATE: Duration = Duration::from_secs(1);

/// Where all are prompt, a connection is asked only once it has been idle for so long.
const UNHURRIED: Duration = Duration::from_millis(10);

/// One of so many connections is asked before a request that waits gets it, however prompt all were.
const SAMPLE: u32 = 64;

/// So many connections in a row that ended instead of answering: this FPM does not know the question.
const USELESS: u32 = 8;

/// So many, if it has answered before: another has taken its place that does not. Fewer may have ended with their
/// workers, of which a restart catches any number at the question.
const USELESS_SINCE: u32 = 1024;

/// What is known of the worker behind an idle connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attention {
    /// Nothing; when it is to be asked, if ever.
    Unknown(Option<Instant>),
    /// It was asked then, and owes the answer.
    Asked(Instant),
    /// It has owed the answer for so long that it must be at work.
    Late(Instant),
    /// It waits for a request.
    Sure,
}

/// What a worker says that was asked whether it waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// That it does.
    Waits,
    /// Nothing for a while: it is still at work.
    Late,
    /// Nothing any more: the connection has ended, or been given up.
    Gone,
}

/// What is known of all workers of an FPM.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    asks: bool,
    /// Prompt answers in a row.
    prompt: u32,
    was_late: bool,
    handed: u32,
    /// How long exchanges take of late.
    took: Duration,
    useless: u32,
    has_answered: bool,
}

impl Watch {
    /// The other end is PHP-FPM.
    pub(crate) fn meet_fpm(&mut self) {
        self.asks = self.is_worth_asking();
    }

    fn is_worth_asking(&self) -> bool {
        let enough = match self.has_answered {
            true => USELESS_SINCE,
            false => USELESS,
        };
        self.useless < enough
    }

    /// Whether the other end is not known to be PHP-FPM, or not to be asked.
    pub(crate) fn is_blind(&self) -> bool {
        !self.asks
    }

    /// Whether a worker that was not asked may well be still at work.
    pub(crate) fn is_wary(&self) -> bool {
        let enough = match self.was_late {
            true => TRUST_AGAIN,
            false => TRUST,
        };
        self.asks && self.prompt < enough
    }

    /// When a connection that is idle from now on is asked.
    pub(crate) fn ask_at(&self, now: Instant) -> Option<Instant> {
        let delay = match self.is_wary() {
            true => Duration::ZERO,
            false => UNHURRIED,
        };
        self.asks.then(|| now + delay)
    }

    /// An exchange ended that took so long, and its connection is about to come back.
    pub(crate) fn ended(&mut self, took: Duration) {
        self.took = (self.took * 7 + took) / 8;
    }

    /// How long exchanges take of late.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// From when on an answer is late. What a worker does for no longer than an exchange takes costs the
    /// next request no more than its place in the line does.
    pub(crate) fn late_after(&self) -> Duration {
        self.took.clamp(LATE, TOO_LATE)
    }

    /// Whether the connection that comes back may go straight to a request that waits.
    pub(crate) fn may_hand_over(&mut self) -> bool {
        if !self.asks {
            return true;
        }
        self.handed = self.handed.wrapping_add(1);
        let sampled = self.handed.is_multiple_of(SAMPLE);
        !self.is_wary() && !sampled
    }

    /// A worker was asked, and this came of it so long `after`.
    pub(crate) fn note(&mut self, reply: Reply, after: Duration) {
        match reply {
            Reply::Waits => self.answered(after),
            Reply::Late => self.late(),
            Reply::Gone => self.lost(),
        }
    }

    fn late(&mut self) {
        self.prompt = 0;
        self.was_late = true;
    }

    fn answered(&mut self, after: Duration) {
        self.useless = 0;
        self.has_answered = true;
        match after < self.late_after() {
            true => self.prompt = self.prompt.saturating_add(1),
            false => self.late(),
        }
    }

    fn lost(&mut self) {
        self.useless = self.useless.saturating_add(1);
        self.asks &= self.is_worth_asking();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(answers: u32) -> Watch {
        let mut watch = Watch::default();
        watch.meet_fpm();
        (0..answers).for_each(|_| watch.answered(Duration::ZERO));
        watch
    }

    #[test]
    fn only_fpm_is_asked() {
        let now = Instant::now();
        assert_eq!(Watch::default().ask_at(now), None);
        assert!(Watch::default().may_hand_over());
        assert_eq!(watch(0).ask_at(now), Some(now));
    }

    #[test]
    fn who_is_late_is_not_trusted_for_a_while() {
        let (mut watch, now) = (watch(TRUST), Instant::now());
        assert_eq!(watch.ask_at(now), Some(now + UNHURRIED));
        let handed = (0..2 * SAMPLE).filter(|_| watch.may_hand_over());
        assert_eq!(handed.count() as u32, 2 * SAMPLE - 2);
        watch.answered(LATE);
        assert!(watch.is_wary() && !watch.may_hand_over());
        assert_eq!(watch.ask_at(now), Some(now));
        (0..TRUST).for_each(|_| watch.answered(Duration::ZERO));
        assert!(watch.is_wary(), "not so soon again");
        (TRUST..TRUST_AGAIN).for_each(|_| watch.answered(Duration::ZERO));
        assert!(!watch.is_wary() && watch.may_hand_over());
    }

    #[test]
    fn what_is_late_depends_on_how_long_exchanges_take() {
        let mut watch = watch(TRUST);
        (0..100).for_each(|_| watch.ended(LATE * 3));
        watch.answered(LATE * 2);
        assert!(!watch.is_wary());
        watch.answered(LATE * 3);
        assert!(watch.is_wary());
    }

    #[test]
    fn who_hangs_up_is_asked_no_more() {
        let mut watch = watch(0);
        (0..USELESS).for_each(|_| watch.lost());
        watch.meet_fpm();
        assert_eq!(watch.ask_at(Instant::now()), None);
    }

    #[test]
    fn who_has_answered_before_is_asked_after_its_restart() {
        let mut watch = watch(1);
        (1..USELESS_SINCE).for_each(|_| watch.lost());
        assert!(!watch.is_blind());
        watch.answered(Duration::ZERO);
        (1..USELESS_SINCE).for_each(|_| watch.lost());
        assert!(!watch.is_blind(), "not in a row");
        watch.lost();
        watch.meet_fpm();
        assert!(watch.is_blind(), "that is another, and does not answer");
    }
}
