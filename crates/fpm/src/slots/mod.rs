//! Who may talk to FPM: the rights to a connection, the idle connections, and the line.
//!
//! Busy and idle connections together never exceed the number of slots. Generic over
//! connection and thread, free of clock and runtime, so that overload can be simulated.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::queue::{Line, Outcome, Place};

/// An open connection that nobody uses.
#[derive(Debug)]
pub(crate) struct Idle<C, W> {
    pub(crate) connection: C,
    pub(crate) since: Instant,
    /// The thread whose reactor knows the connection.
    pub(crate) worker: W,
}

/// A lane and what it uses.
#[derive(Debug, Clone, Copy)]
struct Lane {
    limit: usize,
    active: usize,
}

/// Answer to a request for a slot.
#[derive(Debug)]
pub(crate) enum Asked<C> {
    /// Here it is, with an idle connection if there was one.
    Granted(Option<C>),
    /// Stand in line; somebody who waited too long may have to be woken.
    Wait(Place, Option<Waker>),
    /// The line is full.
    Full,
}

/// What is left to do after a slot came back, outside of any lock.
#[derive(Debug)]
pub(crate) struct Released<C> {
    /// The request that got the slot.
    pub(crate) wake: Option<Waker>,
    /// A connection that nobody wants.
    pub(crate) close: Option<C>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Slots<C, W> {
    limit: usize,
    depth: usize,
    active: usize,
    lanes: Vec<Lane>,
    pub(crate) idle: VecDeque<Idle<C, W>>,
    pub(crate) line: Line<C, W>,
}

impl<C, W: Copy + Eq> Slots<C, W> {
    /// `limit` slots, all of them open to lane 0; `lanes` are the limits of lanes 1 and on.
    pub(crate) fn new(limit: usize, depth: usize, lanes: &[usize]) -> Self {
        let limit = limit.max(1);
        let general = Lane {
            limit: usize::MAX,
            active: 0,
        };
        let special = lanes.iter().map(|&limit| Lane {
            limit: limit.max(1),
            active: 0,
        });
        Self {
            limit,
            depth,
            active: 0,
            lanes: std::iter::once(general).chain(special).collect(),
            idle: VecDeque::new(),
            line: Line::new(limit.max(4)),
        }
    }

    pub(crate) fn active(&self) -> usize {
        self.active
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether every slot is taken, by a request or an idle connection.
    pub(crate) fn is_full(&self) -> bool {
        self.active + self.idle.len() >= self.limit
    }

    /// Changes the number of slots. Fewer: what is busy finishes first.
    pub(crate) fn set_limit(&mut self, limit: usize, now: Instant) -> Vec<Released<C>> {
        self.limit = limit.max(1);
        let mut released = Vec::new();
        while self.active + self.idle.len() > self.limit {
            let Some(idle) = self.idle.pop_front() else {
                break;
            };
            released.push(Released {
                wake: None,
                close: Some(idle.connection),
            });
        }
        while self.active + self.idle.len() < self.limit {
            let Some(worker) = self.line.any_worker() else {
                break;
            };
            let Ok((lane, wake)) = self.grant_from(None, worker, now) else {
                break;
            };
            self.occupy(lane);
            released.push(Released { wake, close: None });
        }
        released
    }

    /// Asks for a slot for a request of `lane` on `worker`. An unknown lane is the general one.
    pub(crate) fn ask(&mut self, worker: W, lane: usize, now: Instant) -> Asked<C> {
        let lane = self.known(lane);
        if self.has_room(lane) && !self.line.has(lane) {
            if let Some(connection) = self.take_idle(worker) {
                self.occupy(lane);
                return Asked::Granted(Some(connection));
            }
            if self.active < self.limit {
                self.occupy(lane);
                return Asked::Granted(None);
            }
        }
        let mut woken = None;
        if self.line.len() >= self.depth {
            if !self.line.is_newest_first(now) || self.depth == 0 {
                return Asked::Full;
            }
            woken = self.line.expire_oldest(now);
        }
        Asked::Wait(self.line.join(worker, lane, now), woken)
    }

    /// See [`Line::poll`].
    pub(crate) fn poll(&mut self, place: Place, cx: &mut Context<'_>) -> Poll<Outcome<C>> {
        self.line.poll(place, cx)
    }

    /// Gives a slot back, with its connection if that can be used again.
    pub(crate) fn release(
        &mut self,
        worker: W,
        lane: usize,
        connection: Option<C>,
        now: Instant,
    ) -> Released<C> {
        let lane = self.known(lane);
        self.active -= 1;
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.active -= 1;
        }
        if self.active + self.idle.len() >= self.limit {
            return Released {
                wake: None,
                close: connection,
            };
        }
        match self.grant_from(connection, worker, now) {
            Ok((lane, wake)) => {
                self.occupy(lane);
                Released { wake, close: None }
            }
            Err(None) => Released {
                wake: None,
                close: None,
            },
            Err(Some(connection)) => {
                self.idle.push_back(Idle {
                    connection,
                    since: now,
                    worker,
                });
                Released {
                    wake: None,
                    close: None,
                }
            }
        }
    }

    /// Leaves the line.
    pub(crate) fn leave(&mut self, place: Place, worker: W, now: Instant) -> Released<C> {
        match self.line.leave(place, now) {
            Some((lane, connection)) => self.release(worker, lane, connection, now),
            None => Released {
                wake: None,
                close: None,
            },
        }
    }

    /// How long it may take until a request that comes now is served.
    pub(crate) fn expected_wait(&self, now: Instant) -> Duration {
        let oldest = self.line.oldest_since(None);
        oldest.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// The idle connection used least recently, one of `worker` if there is any.
    fn take_idle(&mut self, worker: W) -> Option<C> {
        let near = self.idle.iter().position(|idle| idle.worker == worker);
        self.idle
            .remove(near.unwrap_or(0))
            .map(|idle| idle.connection)
    }

    fn grant_from(
        &mut self,
        connection: Option<C>,
        worker: W,
        now: Instant,
    ) -> Result<(usize, Option<Waker>), Option<C>> {
        let lanes = &self.lanes;
        let has_room = |lane: usize| lanes.get(lane).is_some_and(|lane| lane.active < lane.limit);
        self.line.grant(connection, worker, now, has_room)
    }

    fn occupy(&mut self, lane: usize) {
        self.active += 1;
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.active += 1;
        }
    }

    fn has_room(&self, lane: usize) -> bool {
        self.lanes
            .get(lane)
            .is_some_and(|lane| lane.active < lane.limit)
    }

    fn known(&self, lane: usize) -> usize {
        if lane < self.lanes.len() { lane } else { 0 }
    }
}

#[cfg(test)]
mod tests;
