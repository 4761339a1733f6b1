//! Requests that may be waiting in the backlog of FPM's socket, behind connections of ours.
//!
//! A fresh connection is taken by a worker that has none. There may be none for long, though there are slots: with
//! `pm = dynamic` FPM starts one worker more a second, and others may hold its workers. Meanwhile the connections that
//! workers have would serve one request after the other, and those in the backlog none. So for each request that has
//! not been heard of for long on its fresh connection, one connection is closed once its request is done: its worker
//! goes back to `accept`, where whoever waits the longest has its turn. If it was PHP that took so long, that costs a
//! connection.

use std::time::{Duration, Instant};

/// A request that has waited for less, or for less than some exchanges take, says nothing.
const EARLY: Duration = Duration::from_millis(50);

/// However long exchanges take, this is long.
const LONG: Duration = Duration::from_millis(200);

/// Whose turn did not come all the same is owed another after so long.
const AGAIN: Duration = Duration::from_millis(250);

/// A request on a fresh connection, and when it is owed a turn.
#[derive(Debug)]
struct Unheard {
    number: u64,
    due: Instant,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// The one that has waited the longest is in front.
    unheard: Vec<Unheard>,
    next: u64,
}

impl Backlog {
    /// A request goes out over a fresh connection, where exchanges take so long. Its number here.
    pub(crate) fn enter(&mut self, took: Duration, now: Instant) -> u64 {
        let number = self.next;
        self.next += 1;
        let due = now + (took * 3).clamp(EARLY, LONG);
        self.unheard.push(Unheard { number, due });
        number
    }

    /// The answer of the one with this number begins, or it is given up.
    pub(crate) fn leave(&mut self, number: Option<u64>) {
        if number.is_some() {
            self.unheard
                .retain(|unheard| Some(unheard.number) != number);
        }
    }

    /// Whether a worker that becomes free now is owed to one of them, which then has had its turn.
    pub(crate) fn takes_turn(&mut self, now: Instant) -> bool {
        let mut due = self.unheard.iter_mut().filter(|unheard| unheard.due <= now);
        let Some(first) = due.next() else {
            return false;
        };
        first.due = now + AGAIN;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_owed_a_turn_and_later_another() {
        let (mut backlog, start) = (Backlog::default(), Instant::now());
        let [first, _second] = [0; 2].map(|_| backlog.enter(Duration::ZERO, start));
        assert!(!backlog.takes_turn(start));
        let late = start + EARLY;
        let turns = (0..3).map(|_| backlog.takes_turn(late));
        assert_eq!(turns.collect::<Vec<_>>(), [true, true, false]);
        backlog.leave(Some(first));
        assert!(!backlog.takes_turn(late));
        let turns = (0..2).map(|_| backlog.takes_turn(late + AGAIN));
        assert_eq!(turns.collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn what_is_long_depends_on_how_long_exchanges_take() {
        let start = Instant::now();
        for (took, due) in [(1, 50), (30, 90), (1000, 200)] {
            let mut backlog = Backlog::default();
            backlog.enter(Duration::from_millis(took), start);
            assert!(!backlog.takes_turn(start + Duration::from_millis(due - 1)));
            assert!(backlog.takes_turn(start + Duration::from_millis(due)));
        }
    }
}
