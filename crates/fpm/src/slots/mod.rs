//! Who may talk to FPM: the rights to a connection, the idle connections, and the line.
//!
//! Busy and idle connections together never exceed the number of slots. Generic over
//! connection and thread, free of clock and runtime, so that overload can be simulated.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::queue::{Line, Outcome, Place, Queue};

mod attention;
mod backlog;
mod guess;
mod lending;

pub(crate) use attention::{Attention, Reply};
pub(crate) use guess::Standing;
pub(crate) use lending::LONG_WAIT;

/// How many slots there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many: the operator said so.
    Fixed(usize),
    /// FPM has so many workers. One is left to status, health and other clients, and lent when
    /// requests wait for long.
    Workers(usize),
    /// Nobody can tell; it is found out by use.
    Unknown,
}

/// An open connection that nobody uses.
#[derive(Debug)]
pub(crate) struct Idle<C, W> {
    pub(crate) connection: C,
    pub(crate) since: Instant,
    /// The thread whose reactor knows the connection.
    pub(crate) worker: W,
    /// Whether PHP is known to wait at the other end.
    pub(crate) attention: Attention,
}

/// A lane and what it uses.
#[derive(Debug, Clone, Copy)]
struct Lane {
    /// Half of the slots for `None`.
    limit: Option<usize>,
    active: usize,
}

impl Lane {
    /// Whether it may use one more of so many slots.
    fn has_room(self, slots: usize) -> bool {
        self.active < self.limit.unwrap_or(slots / 2).max(1)
    }
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
    /// A connection became idle, the last of all.
    pub(crate) is_idle: bool,
}

impl<C> Released<C> {
    fn nothing() -> Self {
        Self {
            wake: None,
            close: None,
            is_idle: false,
        }
    }

    fn wake(wake: Option<Waker>) -> Self {
        Self {
            wake,
            ..Self::nothing()
        }
    }

    fn close(close: Option<C>) -> Self {
        Self {
            close,
            ..Self::nothing()
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Slots<C, W> {
    limit: usize,
    /// Slots beyond the limit that may be lent.
    reserve: usize,
    guess: Option<guess::Guess>,
    pub(crate) watch: attention::Watch,
    pub(crate) backlog: backlog::Backlog,
    active: usize,
    /// Of these, the ones that others need back soon.
    lent: usize,
    lanes: Vec<Lane>,
    pub(crate) idle: VecDeque<Idle<C, W>>,
    pub(crate) line: Line<C, W>,
}

impl<C, W: Copy + Eq> Slots<C, W> {
    /// Slots for lane 0, the general one.
    pub(crate) fn new(size: Size) -> Self {
        let mut slots = Self {
            limit: 1,
            reserve: 0,
            guess: None,
            watch: attention::Watch::default(),
            backlog: backlog::Backlog::default(),
            active: 0,
            lent: 0,
            lanes: Vec::new(),
            idle: VecDeque::new(),
            line: Line::new(),
        };
        slots.set_lane(0, Some(usize::MAX));
        slots.measure(size);
        slots
    }

    /// Lane number `lane` may use so many slots; half of them for `None`.
    pub(crate) fn set_lane(&mut self, lane: usize, limit: Option<usize>) {
        let empty = Lane { limit, active: 0 };
        if lane >= self.lanes.len() {
            self.lanes.resize(lane + 1, empty);
        }
        if let Some(known) = self.lanes.get_mut(lane) {
            known.limit = limit;
        }
    }

    fn measure(&mut self, size: Size) {
        self.guess = None;
        (self.limit, self.reserve) = match size {
            Size::Fixed(slots) => (slots.max(1), 0),
            Size::Workers(workers) if workers > 1 => (workers - 1, 1),
            Size::Workers(_) => (1, 0),
            Size::Unknown => {
                let guess = self.guess.insert(guess::Guess::new());
                (guess.limit(), 0)
            }
        };
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
    pub(crate) fn resize(&mut self, size: Size, now: Instant) -> Vec<Released<C>> {
        self.measure(size);
        let mut released = Vec::new();
        while self.active + self.idle.len() > self.limit {
            let Some(idle) = self.idle.pop_front() else {
                break;
            };
            released.push(Released::close(Some(idle.connection)));
        }
        self.fill(self.limit, now, &mut released);
        released
    }

    /// Grants slots to those who wait, up to `limit`.
    fn fill(&mut self, limit: usize, now: Instant, released: &mut Vec<Released<C>>) {
        while let Some(wake) = self.grant_one(limit, now) {
            released.push(Released::wake(wake));
        }
    }

    /// Grants an idle connection to one of those who wait, or a slot if fewer than `limit` are taken.
    fn grant_one(&mut self, limit: usize, now: Instant) -> Option<Option<Waker>> {
        let worker = self.line.worker_of_any(|lane| self.has_room(lane))?;
        let is_free = self.active + self.idle.len() < limit;
        let connection = self.take_idle(worker);
        if connection.is_none() && !is_free {
            return None;
        }
        let (lane, wake) = self.grant_from(connection, worker, now).ok()?;
        self.occupy(lane);
        Some(wake)
    }

    /// Whether anybody guesses how many slots there are; the methods below do nothing otherwise.
    pub(crate) fn is_guessing(&self) -> bool {
        self.guess.is_some()
    }

    /// A lease came with an idle connection.
    pub(crate) fn adopted(&mut self) -> Standing {
        let guess = self.guess.as_mut();
        guess.map_or(Standing::Unknown, guess::Guess::adopted)
    }

    /// A lease opened a connection in the place of one of that standing.
    pub(crate) fn opened(&mut self, before: Standing, now: Instant) -> Standing {
        let Some(guess) = &mut self.guess else {
            return Standing::Unknown;
        };
        guess.forget(before);
        guess.opened(now)
    }

    /// A lease's answer begins. There may then be more slots, for those who wait.
    pub(crate) fn answered(
        &mut self,
        standing: Standing,
        now: Instant,
    ) -> (Standing, Vec<Released<C>>) {
        let mut released = Vec::new();
        let saturated = self.is_full() && self.line.len() > 0;
        let Some(guess) = &mut self.guess else {
            return (Standing::Unknown, released);
        };
        let standing = guess.answered(standing, self.idle.len(), saturated, now);
        self.limit = guess.limit();
        self.fill(self.limit, now, &mut released);
        (standing, released)
    }

    /// A lease ends.
    pub(crate) fn forget(&mut self, standing: Standing) {
        if let Some(guess) = &mut self.guess {
            guess.forget(standing);
        }
    }

    /// Asks for a slot for a request of `lane` on `worker`. An unknown lane is the general one.
    pub(crate) fn ask(&mut self, worker: W, lane: usize, queue: Queue, now: Instant) -> Asked<C> {
        let lane = self.known(lane);
        let waiting = self.line.len_in(lane);
        if self.has_room(lane) && waiting == 0 {
            if let Some(connection) = self.take_idle(worker) {
                self.occupy(lane);
                return Asked::Granted(Some(connection));
            }
            if !self.is_full() {
                self.occupy(lane);
                return Asked::Granted(None);
            }
        }
        let mut woken = None;
        // Each lane has its own room in the line, or a slow one would fill it for all.
        if waiting >= queue.depth {
            if !self.line.is_newest_first(now) || queue.depth == 0 {
                return Asked::Full;
            }
            woken = self.line.expire_oldest(lane, now);
        }
        let place = self.line.join(worker, lane, queue.timeout, now);
        Asked::Wait(place, woken)
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
        if self.is_full() && !self.may_lend(now) {
            let wake = self.grant_one(self.limit, now).flatten();
            return Released {
                wake,
                ..Released::close(connection)
            };
        }
        let withheld = connection.is_some() && self.line.len() > 0 && !self.may_hand_over();
        if withheld {
            // Its worker is asked first, and may take long to answer; who can do without does not wait for that.
            let wake = self.grant_one(self.limit - 1, now).flatten();
            return self.keep(connection, Some(now), worker, now, wake);
        }
        match self.grant_from(connection, worker, now) {
            Ok((lane, wake)) => {
                self.occupy(lane);
                Released::wake(wake)
            }
            Err(connection) if self.is_full() => Released::close(connection),
            Err(connection) => {
                let ask_at = self.watch.ask_at(now);
                self.keep(connection, ask_at, worker, now, None)
            }
        }
    }

    /// A worker that is to be asked keeps the slot meanwhile, be it a lent one: closed, it would teach
    /// nothing, and a pool that is never idle would open a connection for each request for ever.
    fn keep(
        &mut self,
        connection: Option<C>,
        ask_at: Option<Instant>,
        worker: W,
        since: Instant,
        wake: Option<Waker>,
    ) -> Released<C> {
        let is_idle = connection.is_some();
        self.idle.extend(connection.map(|connection| Idle {
            connection,
            since,
            worker,
            attention: Attention::Unknown(ask_at),
        }));
        Released {
            wake,
            close: None,
            is_idle,
        }
    }

    /// Leaves the line.
    pub(crate) fn leave(&mut self, place: Place, worker: W, now: Instant) -> Released<C> {
        match self.line.leave(place, now) {
            Some((lane, connection)) => self.release(worker, lane, connection, now),
            None => Released::nothing(),
        }
    }

    /// How long it may take until a request that comes now is served.
    pub(crate) fn expected_wait(&self, now: Instant) -> Duration {
        let oldest = self.line.oldest_since(|_| true);
        oldest.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Whether a worker that was not asked may well be still at work.
    fn is_wary(&self) -> bool {
        let is_late = |idle: &Idle<C, W>| matches!(idle.attention, Attention::Late(_));
        self.watch.is_wary() || self.idle.iter().any(is_late)
    }

    /// Whether the connection that comes back may go straight to a request that waits.
    fn may_hand_over(&mut self) -> bool {
        self.watch.may_hand_over() && !self.is_wary()
    }

    /// Offers a connection whose worker has come back to those who wait; else it stays idle.
    pub(crate) fn offer(&mut self, mut idle: Idle<C, W>, now: Instant) -> Option<Released<C>> {
        match self.grant_from(Some(idle.connection), idle.worker, now) {
            Ok((lane, wake)) => {
                self.occupy(lane);
                Some(Released::wake(wake))
            }
            Err(Some(connection)) => {
                idle.connection = connection;
                self.idle.push_back(idle);
                None
            }
            Err(None) => None,
        }
    }

    /// Gives slots to those who wait, after idle connections were closed.
    pub(crate) fn refill(&mut self, now: Instant) -> Vec<Released<C>> {
        let mut released = Vec::new();
        self.fill(self.limit, now, &mut released);
        released
    }

    /// The idle connection used least recently, one of `worker` if there is any; none whose worker may
    /// still be at work.
    fn take_idle(&mut self, worker: W) -> Option<C> {
        let wary = self.is_wary();
        let fits = |idle: &Idle<C, W>| match idle.attention {
            Attention::Sure | Attention::Unknown(None) => true,
            Attention::Unknown(Some(_)) => !wary,
            Attention::Asked(_) | Attention::Late(_) => false,
        };
        let near = |idle: &Idle<C, W>| idle.worker == worker && fits(idle);
        let near = self.idle.iter().position(near);
        let at = near.or_else(|| self.idle.iter().position(fits))?;
        self.idle.remove(at).map(|idle| idle.connection)
    }

    fn grant_from(
        &mut self,
        connection: Option<C>,
        worker: W,
        now: Instant,
    ) -> Result<(usize, Option<Waker>), Option<C>> {
        let (lanes, limit) = (&self.lanes, self.limit);
        let has_room = |lane: usize| lanes.get(lane).is_some_and(|lane| lane.has_room(limit));
        self.line.grant(connection, worker, now, has_room)
    }

    fn occupy(&mut self, lane: usize) {
        self.active += 1;
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.active += 1;
        }
    }

    fn has_room(&self, lane: usize) -> bool {
        let lane = self.lanes.get(lane);
        lane.is_some_and(|lane| lane.has_room(self.limit))
    }

    fn known(&self, lane: usize) -> usize {
        if lane < self.lanes.len() { lane } else { 0 }
    }
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
