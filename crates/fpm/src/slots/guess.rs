//! How many workers FPM has, guessed from what its connections do, where nobody can tell.
//!
//! A worker serves one connection. So every open connection over which an answer came is a worker
//! for certain: it is *proven*. A fresh connection without an answer is a *probe*; one that gets
//! none while proven connections give many waits in the backlog of FPM's socket, and no worker is
//! free for it.
//!
//! The guess starts at [`START`]. While every slot is taken and no probe is out, it grows by a
//! quarter; when a probe waits in the backlog, it falls to what is proven, and after a while one
//! more is tried.

use std::time::{Duration, Instant};

/// `pm.max_children` of PHP-FPM as it comes.
const START: usize = 5;

/// Where nothing is ever proven, because no connection is kept, the guess ends here.
const UNPROVEN: usize = 128;

/// A probe that has waited for less says nothing.
const EARLY: Duration = Duration::from_millis(50);

/// How long the guess stays down at first; twice as long each further time.
const HOLD: Duration = Duration::from_secs(5);
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// What a lease knows of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none, or nobody guesses.
    Unknown,
    /// It is fresh.
    Probe(u64),
    /// A worker has answered over it.
    Proven,
}

#[derive(Debug)]
struct Probe {
    number: u64,
    since: Instant,
    /// Answers over proven connections before it.
    answers: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Guess {
    limit: usize,
    probes: Vec<Probe>,
    next: u64,
    /// Proven connections in use.
    busy: usize,
    /// Answers over proven connections.
    answers: u64,
    /// First answers since the guess last grew.
    firsts: usize,
    held_until: Option<Instant>,
    hold: Duration,
}

impl Guess {
    pub(crate) fn new() -> Self {
        Self {
            limit: START,
            probes: Vec::new(),
            next: 0,
            busy: 0,
            answers: 0,
            firsts: 0,
            held_until: None,
            hold: HOLD,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// A lease came with a connection that was idle.
    pub(crate) fn adopted(&mut self) -> Standing {
        self.busy += 1;
        Standing::Proven
    }

    /// A lease opened a connection.
    pub(crate) fn opened(&mut self, now: Instant) -> Standing {
        let number = self.next;
        self.next += 1;
        let (since, answers) = (now, self.answers);
        self.probes.push(Probe {
            number,
            since,
            answers,
        });
        Standing::Probe(number)
    }

    /// The lease gave its connection up, or back.
    pub(crate) fn forget(&mut self, standing: Standing) {
        match standing {
            Standing::Unknown => {}
            Standing::Probe(number) => self.probes.retain(|probe| probe.number != number),
            Standing::Proven => self.busy = self.busy.saturating_sub(1),
        }
    }

    /// An answer begins. `idle` connections are open beside those in use; `saturated`: every slot
    /// is taken, and somebody waits.
    pub(crate) fn answered(
        &mut self,
        standing: Standing,
        idle: usize,
        saturated: bool,
        now: Instant,
    ) -> Standing {
        if self.held_until.is_some_and(|until| now >= until) {
            self.held_until = None;
            self.limit += 1;
        }
        match standing {
            Standing::Unknown => return standing,
            Standing::Probe(_) => {
                let kept_before = self.busy + idle > 0;
                self.forget(standing);
                self.busy += 1;
                self.firsts += 1;
                if saturated && self.held_until.is_none() {
                    self.grow(kept_before);
                }
            }
            Standing::Proven => {
                self.answers += 1;
                if saturated && self.held_until.is_none() && self.is_stuck(idle, now) {
                    self.limit = (self.busy + idle).max(1);
                    self.held_until = Some(now + self.hold);
                    self.hold = (self.hold * 2).min(LONGEST_HOLD);
                }
            }
        }
        Standing::Proven
    }

    fn grow(&mut self, kept: bool) {
        if self.probes.is_empty() {
            self.limit += (self.limit / 4).max(1);
            self.firsts = 0;
        } else if !kept && self.firsts >= self.limit && self.limit < UNPROVEN {
            self.limit += 1;
            self.firsts = 0;
        }
    }

    fn is_stuck(&self, idle: usize, now: Instant) -> bool {
        let many = 2 * (self.busy + idle) as u64 + 8;
        self.probes.iter().any(|probe| {
            self.answers - probe.answers >= many
                && now.saturating_duration_since(probe.since) >= EARLY
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FPM with so many workers and always work for them: each round, every connection that a
    /// worker holds gives an answer. Returns the guess after each round.
    fn rounds(workers: usize, count: usize) -> Vec<usize> {
        let (mut guess, mut now) = (Guess::new(), Instant::now());
        let mut open: Vec<Standing> = Vec::new();
        let round = |_| {
            now += Duration::from_millis(100);
            while open.len() < guess.limit() {
                open.push(guess.opened(now));
            }
            for standing in open.iter_mut().take(workers) {
                *standing = guess.answered(*standing, 0, true, now);
            }
            guess.limit()
        };
        (0..count).map(round).collect()
    }

    #[test]
    fn few_workers_are_found_soon() {
        let guesses = rounds(4, 30);
        assert!(guesses.iter().all(|&guess| guess <= START), "{guesses:?}");
        assert_eq!(guesses.last(), Some(&4), "{guesses:?}");
    }

    #[test]
    fn many_workers_are_all_used() {
        let guesses = rounds(50, 30);
        assert!(guesses[14] >= 50, "{guesses:?}");
        assert_eq!(guesses.last(), Some(&50), "{guesses:?}");
    }

    #[test]
    fn a_worker_more_is_found_later() {
        let (mut guess, mut now) = (Guess::new(), Instant::now());
        let stuck = guess.opened(now);
        let mut proven: Vec<_> = (0..4).map(|_| guess.adopted()).collect();
        for _ in 0..10 {
            now += Duration::from_millis(100);
            for standing in &mut proven {
                *standing = guess.answered(*standing, 0, true, now);
            }
        }
        assert_eq!(guess.limit(), 4);
        guess.answered(stuck, 0, true, now + HOLD);
        assert!(guess.limit() > 4);
    }
}
