//! One small task per pool and thread, for everything that happens while no request runs: idle
//! connections that FPM closes, that get too old or whose worker has to show that it is back, and waits
//! that take too long.
//!
//! It sleeps until something is due. Requests only look whether it will wake early enough,
//! so a busy pool arms no timer per request.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::task::coop;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::pool::{Shared, State, settle};
use crate::slots::{self, Attention, Released, Reply};

/// The keeper looks no more often than that.
const TICK: Duration = Duration::from_millis(1);

/// How long a worker may owe its attention. A script that goes on for longer loses its connection, which
/// it does not need any more; its worker is then busy without us.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keepers of a pool.
#[derive(Debug, Default)]
pub(crate) struct Seats(Vec<Seat>);

#[derive(Debug)]
struct Seat {
    worker: Id,
    /// None until the task has run.
    waker: Option<Waker>,
    /// When it will look again.
    armed: Option<Instant>,
}

impl Seats {
    pub(crate) fn wake_all(&mut self) {
        self.0
            .iter_mut()
            .filter_map(|seat| seat.waker.take())
            .for_each(Waker::wake);
    }

    fn of(&mut self, worker: Id) -> Option<&mut Seat> {
        self.0.iter_mut().find(|seat| seat.worker == worker)
    }
}

impl State {
    /// Has the keeper of `worker` told when FPM hangs up on the connection that just became idle.
    pub(crate) fn watch_newest_idle(&mut self, worker: Id) {
        // Without a keeper yet, it will look at all of them when it starts.
        let Some(waker) = self.seats.of(worker).and_then(|seat| seat.waker.clone()) else {
            return;
        };
        if let Some(idle) = self.slots.idle.back_mut()
            && idle
                .connection
                .poll_stale(&mut Context::from_waker(&waker))
                .is_ready()
        {
            waker.wake();
        }
    }
}

/// Makes sure that the keeper of `worker`, the calling thread, looks at `due` or before. Unlocks. A thread whose runtime has
/// ended has none.
pub(crate) fn expect(
    shared: &Arc<Shared>,
    mut state: MutexGuard<'_, State>,
    worker: Id,
    due: Instant,
) {
    let waker = match state.seats.of(worker) {
        Some(seat) if seat.armed.is_some_and(|armed| armed <= due) => return,
        Some(seat) => {
            seat.armed = Some(due);
            seat.waker.clone()
        }
        None if Handle::try_current().is_err() => return,
        None => {
            state.seats.0.push(Seat {
                worker,
                waker: None,
                armed: Some(due),
            });
            drop(state);
            // A look that ended half-way would give up the connections whose turn had not come.
            tokio::spawn(coop::unconstrained(run(Arc::downgrade(shared), worker)));
            return;
        }
    };
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Has all keepers look again: what is due, and what there is to lend, has changed without any of them.
pub(crate) fn look_again(shared: &Shared) {
    let state = shared.lock();
    let seats = state.seats.0.iter();
    let wakers: Vec<_> = seats.filter_map(|seat| seat.waker.clone()).collect();
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

/// Gives the seat up when the task ends, be it with its runtime.
struct Seated(Weak<Shared>, Id);

impl Drop for Seated {
    fn drop(&mut self) {
        let Some(shared) = self.0.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        state.seats.0.retain(|seat| seat.worker != self.1);
        // Nobody would look at them any more.
        let idle = std::mem::take(&mut state.slots.idle);
        let (left, kept) = idle.into_iter().partition(|idle| idle.worker == self.1);
        state.slots.idle = kept;
        drop(state);
        refill(&shared, left);
        look_again(&shared);
    }
}

async fn run(shared: Weak<Shared>, worker: Id) {
    let seated = Seated(shared, worker);
    let mut sleep = std::pin::pin!(tokio::time::sleep(Duration::ZERO));
    std::future::poll_fn(|cx| {
        loop {
            // Held for a moment only, or the pool would never end.
            let Some(shared) = seated.0.upgrade() else {
                return Poll::Ready(());
            };
            let Some(due) = look_after(&shared, worker, cx) else {
                return Poll::Pending;
            };
            drop(shared);
            sleep.as_mut().reset(due);
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}

/// Does what is due and returns when something will be.
fn look_after(shared: &Shared, worker: Id, cx: &mut Context<'_>) -> Option<Instant> {
    let now = Instant::now().into_std();
    let mut state = shared.lock();
    let Idle {
        closed,
        mut released,
        next,
    } = look_at_idle(&mut state, worker, now, cx);
    if !closed.is_empty() {
        drop(state);
        refill(shared, closed);
        state = shared.lock();
    }
    let expired = state.slots.line.expire(worker, now);
    released.extend(state.slots.lend(now));
    // Whoever looks lends to all.
    let waits = [state.slots.line.next_end(worker), state.slots.next_lend()];
    let wait = waits.into_iter().flatten().min();
    let wait = wait.map(|end| end.max(now + TICK));
    let due = [next, wait]
        .into_iter()
        .flatten()
        .min()
        .map(Instant::from_std);
    if let Some(seat) = state.seats.of(worker) {
        seat.waker = Some(cx.waker().clone());
        seat.armed = due;
    }
    drop(state);
    expired.into_iter().for_each(Waker::wake);
    released.into_iter().for_each(settle);
    due
}

/// Closes connections and gives their slots to those who wait. Closed outside of the lock, and before
/// anybody else connects: the workers are then free.
pub(crate) fn refill(shared: &Shared, closed: VecDeque<slots::Idle<Box<Connection>, Id>>) {
    drop(closed);
    let released = shared.lock().slots.refill(Instant::now().into_std());
    released.into_iter().for_each(settle);
}

/// What came of a look at the idle connections.
#[derive(Default)]
struct Idle {
    closed: VecDeque<slots::Idle<Box<Connection>, Id>>,
    released: Vec<Released<Box<Connection>>>,
    /// When something will be due.
    next: Option<std::time::Instant>,
}

/// Looks at each idle connection of `worker`.
fn look_at_idle(
    state: &mut State,
    worker: Id,
    now: std::time::Instant,
    cx: &mut Context<'_>,
) -> Idle {
    let mut found = Idle::default();
    for mut idle in std::mem::take(&mut state.slots.idle) {
        if idle.worker != worker {
            state.slots.idle.push_back(idle);
            continue;
        }
        let before = idle.attention;
        let Some(due) = look_at(&mut idle, state, now, cx) else {
            found.closed.push_back(idle);
            continue;
        };
        found.next = Some(found.next.map_or(due, |next| next.min(due)));
        if before != Attention::Sure && idle.attention == Attention::Sure {
            found.released.extend(state.slots.offer(idle, now));
        } else {
            state.slots.idle.push_back(idle);
        }
    }
    found
}

/// Looks at one idle connection, asks its worker for attention if it is time, and returns when the next
/// look is due; `None` if it has to be closed.
fn look_at(
    idle: &mut slots::Idle<Box<Connection>, Id>,
    state: &mut State,
    now: std::time::Instant,
    cx: &mut Context<'_>,
) -> Option<std::time::Instant> {
    if let Attention::Unknown(Some(due)) = idle.attention
        && due <= now
    {
        if idle.connection.is_stale() || !idle.connection.ask_for_attention(cx) {
            return None;
        }
        idle.attention = Attention::Asked(now);
    }
    if let Attention::Asked(asked) | Attention::Late(asked) = idle.attention {
        let watch = &mut state.slots.watch;
        let (after, late) = (now.saturating_duration_since(asked), watch.late_after());
        match idle.connection.poll_attention(cx) {
            Poll::Pending if after < late => return Some(asked + late),
            Poll::Pending if after < PATIENCE => {
                watch.note(Reply::Late, after);
                idle.attention = Attention::Late(asked);
                return Some(asked + PATIENCE);
            }
            Poll::Ready(true) => {
                watch.note(Reply::Waits, after);
                (idle.attention, idle.since) = (Attention::Sure, now);
            }
            Poll::Pending | Poll::Ready(false) => {
                watch.note(Reply::Gone, after);
                return None;
            }
        }
    }
    let close_at = idle.since + state.reuse.idle_timeout;
    if close_at <= now || idle.connection.poll_stale(cx).is_ready() {
        return None;
    }
    Some(match idle.attention {
        Attention::Unknown(Some(due)) => due.min(close_at),
        _ => close_at,
    })
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Address, PoolConfig, Reuse};
    use crate::pool::{Lease, Pool, Waiting};
    use crate::queue::Queue;
    use crate::slots::{LONG_WAIT, Size};

    fn ask(pool: &Pool, lane: usize) -> Result<Lease, Waiting<'_>> {
        let asked = pool.ask(lane, Queue::default(), Instant::now(), Waker::noop());
        asked.unwrap()
    }

    /// A place in the line; the keeper has looked since.
    async fn wait(pool: &Pool, lane: usize) -> Waiting<'_> {
        let waiting = ask(pool, lane).unwrap_err();
        tokio::task::yield_now().await;
        waiting
    }

    /// A request has come and gone, its connection is kept; the keeper has looked since.
    async fn leave_idle(pool: &Pool) {
        let lease = ask(pool, 0).unwrap();
        let connection = Connection::open(pool.config()).await.unwrap();
        lease.finish(Some(Box::new(connection)), Instant::now());
        tokio::task::yield_now().await;
    }

    fn granted(waiting: &mut Waiting<'_>) -> Option<Lease> {
        match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(lease) => lease,
            Poll::Pending => None,
        }
    }

    fn pool_of(size: Size) -> (Pool, std::net::TcpListener) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        (Pool::new(PoolConfig::new(address, size)), listener)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_nobody_took_is_looked_after() {
        let (pool, _listener) = pool_of(Size::Fixed(1));
        let lease = ask(&pool, 0).unwrap();
        let connection = Connection::open(pool.config()).await.unwrap();
        let gone = wait(&pool, 0).await;
        lease.finish(Some(Box::new(connection)), Instant::now());
        drop(gone);
        assert_eq!((pool.load().active, pool.load().idle), (0, 1));
        tokio::time::sleep(pool.reuse().idle_timeout + TICK).await;
        assert_eq!(pool.load().idle, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_are_asked_none_is_given_up() {
        const MANY: usize = 200;
        let (pool, listener) = pool_of(Size::Fixed(MANY));
        pool.meet_fpm();
        let (mut all, mut peers) = (Vec::new(), Vec::new());
        for _ in 0..MANY {
            let connection = Connection::open(pool.config()).await.unwrap();
            all.push((ask(&pool, 0).unwrap(), Box::new(connection)));
            peers.push(listener.accept().unwrap());
        }
        let now = Instant::now();
        for (lease, connection) in all {
            lease.finish(Some(connection), now);
        }
        tokio::task::yield_now().await;
        assert_eq!(pool.load().idle, MANY);
        let mut state = pool.shared.lock();
        let asked = |idle: &slots::Idle<_, _>| matches!(idle.attention, Attention::Asked(_));
        assert!(state.slots.idle.iter_mut().all(|idle| asked(idle)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lent_is_lent_again() {
        let (pool, _listener) = pool_of(Size::Workers(2));
        let _busy = ask(&pool, 0).unwrap();
        let mut first = wait(&pool, 0).await;
        tokio::time::sleep(LONG_WAIT + TICK).await;
        let lent = granted(&mut first).unwrap();
        let mut second = wait(&pool, 0).await;
        drop(lent);
        assert!(granted(&mut second).is_none(), "it has not waited for long");
        tokio::time::sleep(LONG_WAIT + TICK).await;
        assert!(granted(&mut second).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_lent_since_a_change_is_lent() {
        let (pool, _listener) = pool_of(Size::Fixed(1));
        let _busy = ask(&pool, 0).unwrap();
        let mut waiting = wait(&pool, 0).await;
        pool.learn(Size::Workers(2), pool.reuse());
        tokio::time::sleep(LONG_WAIT + TICK).await;
        assert!(granted(&mut waiting).is_some(), "there is a reserve now");

        let (pool, _listener) = pool_of(Size::Workers(2));
        pool.set_lane(1, Some(1));
        let _busy = ask(&pool, 1).unwrap();
        let mut waiting = wait(&pool, 1).await;
        pool.set_lane(1, Some(2));
        tokio::time::sleep(LONG_WAIT + TICK).await;
        assert!(granted(&mut waiting).is_some(), "its lane has room now");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_lent_since_idle_connections_were_closed_is_lent() {
        let (pool, _never_says_that_it_waits) = pool_of(Size::Workers(3));
        pool.meet_fpm();
        leave_idle(&pool).await;
        let _busy = ask(&pool, 0).unwrap();
        let mut first = wait(&pool, 0).await;
        tokio::time::sleep(LONG_WAIT + TICK).await;
        let _lent = granted(&mut first).unwrap();
        let mut second = wait(&pool, 0).await;
        assert_eq!((pool.load().active, pool.load().idle), (2, 1));
        pool.close_idle();
        tokio::time::sleep(LONG_WAIT + TICK).await;
        assert!(granted(&mut second).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_time_to_be_idle_holds_at_once() {
        let (pool, _listener) = pool_of(Size::Fixed(1));
        leave_idle(&pool).await;
        let reuse = pool.reuse();
        let idle_timeout = reuse.idle_timeout / 2;
        pool.keep_by(Reuse {
            idle_timeout,
            ..reuse
        });
        tokio::time::sleep(idle_timeout + TICK).await;
        assert_eq!(pool.load().idle, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn more_room_for_a_lane_is_used_at_once() {
        let (pool, _listener) = pool_of(Size::Fixed(3));
        pool.set_lane(1, Some(1));
        let _busy = ask(&pool, 1).unwrap();
        let (mut first, mut second) = (wait(&pool, 1).await, wait(&pool, 1).await);
        pool.set_lane(1, Some(3));
        assert!(granted(&mut first).is_some() && granted(&mut second).is_some());
    }
}
