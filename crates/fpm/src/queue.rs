//! The line of requests that wait for a slot. No clock and no runtime: time is passed in.
//!
//! Requests are served in the order they came, with two departures:
//!
//! - *Near first.* A slot that comes free on one thread goes to the longest waiting request
//!   of that thread, unless one elsewhere has waited for more than half as long again. Handing a
//!   slot over costs the wake-up of a thread and the move of a connection to its reactor, and
//!   threads whose slots differ by one or two would do it for every other request.
//! - *Newest first*, when the line stands. Under lasting overload a first-in-first-out line
//!   settles just under the patience of the clients and serves only those about to leave
//!   (measured: no good answer at all). The sign that it has come to that is that requests
//!   leave the line unserved, by themselves or because their time is up, or leave after a
//!   wait before they have their answer. From then on the newest goes first, until the line is
//!   empty or nobody has left for [`CALM`]. While everybody is patient, a long line stays fair.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use slab::Slab;

/// A request that leaves sooner than this says nothing about the line: a reload, a closed tab.
const IMPATIENT: Duration = Duration::from_millis(100);

/// Without a departure for so long, the line is first-in-first-out again.
pub(crate) const CALM: Duration = Duration::from_secs(2);

/// Waits that differ by less are the same.
const BRIEF: Duration = Duration::from_millis(5);

/// What a request says of the line: a location's word. Requests with other words stand in the same line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// So many of a lane may wait; one more is answered 503.
    pub depth: usize,
    /// Longest the request waits for a slot; then it is answered 503.
    pub timeout: Duration,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            depth: 1024,
            timeout: Duration::from_secs(10),
        }
    }
}

/// A request's place in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(usize);

/// How waiting ended.
#[derive(Debug)]
pub(crate) enum Outcome<C> {
    /// A slot, with a connection if one came with it.
    Granted(Option<C>),
    /// Time was up, or a newer request took the place in a full line.
    Expired,
}

#[derive(Debug)]
struct Waiter<C> {
    ticket: u64,
    since: Instant,
    lane: usize,
    waker: Option<Waker>,
    outcome: Option<Outcome<C>>,
}

/// Requests of one thread and lane that wait equally long, oldest in front. Entries whose ticket is not that of
/// their waiter any more are left-overs.
#[derive(Debug)]
struct Row<W> {
    worker: W,
    lane: usize,
    timeout: Duration,
    order: VecDeque<(u64, Place)>,
}

impl<W> Row<W> {
    /// Who came then or before has waited for long enough.
    fn limit(&self, now: Instant) -> Option<Instant> {
        now.checked_sub(self.timeout)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Line<C, W> {
    waiters: Slab<Waiter<C>>,
    rows: Vec<Row<W>>,
    next_ticket: u64,
    waiting: usize,
    /// How many of them are of each lane.
    waiting_in: Vec<usize>,
    last_departure: Option<Instant>,
}

impl<C, W: Copy + Eq> Line<C, W> {
    pub(crate) fn new() -> Self {
        Self {
            waiters: Slab::new(),
            rows: Vec::new(),
            next_ticket: 0,
            waiting: 0,
            waiting_in: Vec::new(),
            last_departure: None,
        }
    }

    /// Requests that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// Requests of `lane` that wait.
    pub(crate) fn len_in(&self, lane: usize) -> usize {
        self.waiting_in.get(lane).copied().unwrap_or(0)
    }

    pub(crate) fn is_newest_first(&self, now: Instant) -> bool {
        self.last_departure
            .is_some_and(|last| now.saturating_duration_since(last) < CALM)
    }

    /// Stands at the end of the line.
    pub(crate) fn join(
        &mut self,
        worker: W,
        lane: usize,
        timeout: Duration,
        now: Instant,
    ) -> Place {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        if lane >= self.waiting_in.len() {
            self.waiting_in.resize(lane + 1, 0);
        }
        if let Some(waiting) = self.waiting_in.get_mut(lane) {
            *waiting += 1;
        }
        let waiter = Waiter {
            ticket,
            since: now,
            lane,
            waker: None,
            outcome: None,
        };
        let place = Place(self.waiters.insert(waiter));
        let same =
            |row: &&mut Row<W>| (row.worker, row.lane, row.timeout) == (worker, lane, timeout);
        match self.rows.iter_mut().find(same) {
            Some(row) => row.order.push_back((ticket, place)),
            None => self.rows.push(Row {
                worker,
                lane,
                timeout,
                order: VecDeque::from([(ticket, place)]),
            }),
        }
        place
    }

    /// Waits at `place`; once ready, the place is given up.
    pub(crate) fn poll(&mut self, place: Place, cx: &mut Context<'_>) -> Poll<Outcome<C>> {
        let Some(waiter) = self.waiters.get_mut(place.0) else {
            return Poll::Pending;
        };
        if let Some(outcome) = waiter.outcome.take() {
            self.waiters.remove(place.0);
            return Poll::Ready(outcome);
        }
        match &mut waiter.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            empty => *empty = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Leaves the line unserved. What had been granted meanwhile is given back, with its lane.
    pub(crate) fn leave(&mut self, place: Place, now: Instant) -> Option<(usize, Option<C>)> {
        let waiter = self.waiters.try_remove(place.0)?;
        match waiter.outcome {
            Some(Outcome::Granted(connection)) => Some((waiter.lane, connection)),
            Some(Outcome::Expired) => None,
            None => {
                self.departed(waiter.lane, waiter.since, now);
                None
            }
        }
    }

    /// A thread on which somebody waits whose lane has room.
    pub(crate) fn worker_of_any(&self, has_room: impl Fn(usize) -> bool) -> Option<W> {
        self.rows
            .iter()
            .find(|row| has_room(row.lane) && self.oldest(row).is_some())
            .map(|row| row.worker)
    }

    /// Gives a slot that came free on `worker` to whoever is next among the lanes with room.
    /// The receiver's lane and waker are returned, or the connection if nobody waits.
    pub(crate) fn grant(
        &mut self,
        connection: Option<C>,
        worker: W,
        now: Instant,
        has_room: impl Fn(usize) -> bool,
    ) -> Result<(usize, Option<Waker>), Option<C>> {
        let Some(place) = self.next(worker, now, has_room) else {
            return Err(connection);
        };
        let Some(waiter) = self.waiters.get_mut(place.0) else {
            return Err(connection);
        };
        waiter.outcome = Some(Outcome::Granted(connection));
        let (lane, waker) = (waiter.lane, waiter.waker.take());
        self.one_less(lane);
        Ok((lane, waker))
    }

    /// Ends the wait of those on `worker` whose time is up; returns whom to wake.
    pub(crate) fn expire(&mut self, worker: W, now: Instant) -> Vec<Waker> {
        let mut woken = Vec::new();
        for row in 0..self.rows.len() {
            while let Some(place) = self.rows.get(row).and_then(|row| {
                let limit = row.limit(now).filter(|_| row.worker == worker)?;
                let (place, since) = self.oldest(row)?;
                (since <= limit).then_some(place)
            }) {
                woken.extend(self.expire_one(place, now));
            }
            self.trim(row);
        }
        woken
    }

    /// When the time of somebody on `worker` is up.
    pub(crate) fn next_end(&self, worker: W) -> Option<Instant> {
        let rows = self.rows.iter().filter(|row| row.worker == worker);
        rows.filter_map(|row| Some(self.oldest(row)?.1 + row.timeout))
            .min()
    }

    /// Makes room for a newer request of `lane` by ending the longest wait in it.
    pub(crate) fn expire_oldest(&mut self, lane: usize, now: Instant) -> Option<Waker> {
        let oldest = self
            .rows
            .iter()
            .filter(|row| row.lane == lane)
            .filter_map(|row| self.oldest(row))
            .min_by_key(|(_, since)| *since);
        oldest.and_then(|(place, _)| self.expire_one(place, now))
    }

    /// When the longest waiting request of these lanes came.
    pub(crate) fn oldest_since(&self, of: impl Fn(usize) -> bool) -> Option<Instant> {
        let rows = self.rows.iter().filter(|row| of(row.lane));
        let oldest = rows.filter_map(|row| self.oldest(row));
        oldest.map(|(_, since)| since).min()
    }

    fn expire_one(&mut self, place: Place, now: Instant) -> Option<Waker> {
        let waiter = self.waiters.get_mut(place.0)?;
        waiter.outcome = Some(Outcome::Expired);
        let (waker, lane, since) = (waiter.waker.take(), waiter.lane, waiter.since);
        self.departed(lane, since, now);
        waker
    }

    /// Hears that a request, served after `waited`, left before it had its answer.
    pub(crate) fn abandoned(&mut self, waited: Duration, now: Instant) {
        if waited >= IMPATIENT {
            self.last_departure = Some(now);
        }
    }

    fn one_less(&mut self, lane: usize) {
        self.waiting -= 1;
        if let Some(waiting) = self.waiting_in.get_mut(lane) {
            *waiting -= 1;
        }
    }

    fn departed(&mut self, lane: usize, since: Instant, now: Instant) {
        self.one_less(lane);
        self.abandoned(now.saturating_duration_since(since), now);
        if self.waiting == 0 {
            self.rows.iter_mut().for_each(|row| row.order.clear());
        }
    }

    /// Chooses who is next and takes it off its row.
    fn next(&mut self, worker: W, now: Instant, has_room: impl Fn(usize) -> bool) -> Option<Place> {
        if self.waiting == 0 {
            self.last_departure = None;
            return None;
        }
        let newest_first = self.is_newest_first(now);
        // Smaller is sooner.
        let rank = |ticket: u64| {
            if newest_first {
                u64::MAX - ticket
            } else {
                ticket
            }
        };
        let (mut first, mut near) = (None, None);
        for index in 0..self.rows.len() {
            self.trim(index);
            let Some(row) = self.rows.get(index).filter(|row| has_room(row.lane)) else {
                continue;
            };
            let end = if newest_first {
                row.order.back()
            } else {
                row.order.front()
            };
            let Some(&(ticket, place)) = end else {
                continue;
            };
            let candidate = Some((rank(ticket), index, place));
            first = earlier(first, candidate);
            if row.worker == worker {
                near = earlier(near, candidate);
            }
        }
        let (_, foremost, best) = first?;
        let index = near
            .filter(|&(_, _, place)| self.are_alike(place, best, now))
            .map_or(foremost, |(_, index, _)| index);
        let row = self.rows.get_mut(index)?;
        let taken = if newest_first {
            row.order.pop_back()
        } else {
            row.order.pop_front()
        };
        taken.map(|(_, place)| place)
    }

    /// Whether two requests have waited for about as long.
    fn are_alike(&self, one: Place, other: Place, now: Instant) -> bool {
        let wait = |place: Place| {
            let since = self.waiters.get(place.0).map_or(now, |waiter| waiter.since);
            now.saturating_duration_since(since)
        };
        let (one, other) = (wait(one), wait(other));
        one.max(other) <= one.min(other) * 3 / 2 + BRIEF
    }

    /// Drops left-overs from both ends of a row, and all of them when there are many.
    fn trim(&mut self, index: usize) {
        let (waiters, waiting) = (&self.waiters, self.waiting);
        let Some(row) = self.rows.get_mut(index) else {
            return;
        };
        while row
            .order
            .front()
            .is_some_and(|&entry| !is_waiting(waiters, entry))
        {
            row.order.pop_front();
        }
        while row
            .order
            .back()
            .is_some_and(|&entry| !is_waiting(waiters, entry))
        {
            row.order.pop_back();
        }
        if row.order.len() > 2 * waiting + 16 {
            row.order.retain(|&entry| is_waiting(waiters, entry));
        }
    }

    fn oldest(&self, row: &Row<W>) -> Option<(Place, Instant)> {
        let &(_, place) = row
            .order
            .iter()
            .find(|&&entry| is_waiting(&self.waiters, entry))?;
        self.waiters
            .get(place.0)
            .map(|waiter| (place, waiter.since))
    }
}

fn is_waiting<C>(waiters: &Slab<Waiter<C>>, (ticket, place): (u64, Place)) -> bool {
    waiters
        .get(place.0)
        .is_some_and(|waiter| waiter.ticket == ticket && waiter.outcome.is_none())
}

fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
