//! One small task per pool and thread, for everything that happens while no request runs:
//! idle connections that FPM closes or that get too old, and waits that take too long.
//!
//! It sleeps until something is due. Requests only look whether it will wake early enough,
//! so a busy pool arms no timer per request.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Id;
use tokio::time::Instant;

use crate::pool::{Shared, State, settle};
use crate::slots::LONG_WAIT;

/// The keeper looks no more often than that.
const TICK: Duration = Duration::from_millis(1);

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

/// Makes sure that the keeper of `worker`, the calling thread, looks at `due` or before.
pub(crate) fn expect(shared: &Arc<Shared>, worker: Id, due: Instant) {
    let mut state = shared.lock();
    let waker = match state.seats.of(worker) {
        Some(seat) if seat.armed.is_some_and(|armed| armed <= due) => return,
        Some(seat) => {
            seat.armed = Some(due);
            seat.waker.clone()
        }
        None => {
            state.seats.0.push(Seat {
                worker,
                waker: None,
                armed: Some(due),
            });
            drop(state);
            tokio::spawn(run(Arc::downgrade(shared), worker));
            return;
        }
    };
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Gives the seat up when the task ends, be it with its runtime.
struct Seated(Weak<Shared>, Id);

impl Drop for Seated {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.lock().seats.0.retain(|seat| seat.worker != self.1);
        }
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
    let queue_timeout = shared.config.queue_timeout;
    let now = Instant::now().into_std();
    let mut closed = Vec::new();
    let mut state = shared.lock();
    let idle_timeout = state.reuse.idle_timeout;
    let idle = std::mem::take(&mut state.slots.idle);
    let mut next = None;
    for mut idle in idle {
        if idle.worker != worker {
            state.slots.idle.push_back(idle);
        } else if now.saturating_duration_since(idle.since) >= idle_timeout
            || idle.connection.poll_stale(cx).is_ready()
        {
            closed.push(idle);
        } else {
            next = next.or(Some(idle.since + idle_timeout));
            state.slots.idle.push_back(idle);
        }
    }
    let expired = now
        .checked_sub(queue_timeout)
        .map(|limit| state.slots.line.expire(worker, limit, now))
        .unwrap_or_default();
    let lent = state.slots.lend(now);
    let wait = match state.slots.can_lend() {
        true => LONG_WAIT.min(queue_timeout),
        false => queue_timeout,
    };
    let oldest = state
        .slots
        .line
        .oldest_since(Some(worker))
        .map(|since| (since + wait).max(now + TICK));
    let due = [next, oldest]
        .into_iter()
        .flatten()
        .min()
        .map(Instant::from_std);
    if let Some(seat) = state.seats.of(worker) {
        seat.waker = Some(cx.waker().clone());
        seat.armed = due;
    }
    drop(state);
    drop(closed);
    expired.into_iter().for_each(Waker::wake);
    lent.into_iter().for_each(settle);
    due
}
