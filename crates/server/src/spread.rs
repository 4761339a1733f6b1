//! How many workers the connections are spread over: as few as bear the load.
//!
//! Two threads that share what one could do are each woken as often as the one would be, find their caches cold, and
//! pass slots of PHP's pool to and fro. So the first worker serves all, until it hardly ever has nothing to do, be it
//! that it runs or that it waits for a core; then another joins, and gets its part of the connections that are there,
//! each when it is idle between two requests. When one less would do for a while, the last one's go back the same way.
//!
//! Connections that cannot change their thread (TLS, HTTP/2), and those of `reuseport` sockets, which the kernel
//! distributes, take no part.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::Instant;

use crate::counters::Counters;

/// A worker looks at itself no more often than that, and only when a request has come.
const WINDOW: Duration = Duration::from_millis(50);

/// What a worker that has had no request for so long said of itself holds no more.
const STALE: Duration = Duration::from_millis(500);

/// Thousandths of its time in which a worker has work to do that are too much: another joins. Time that it waits for a
/// core counts, too: where the cores belong to others, two threads get twice the part of one.
const FULL: u32 = 900;

/// So many windows in a row must be full.
const FULL_WINDOWS: u32 = 2;

/// Thousandths that a worker may come to when the last one leaves.
const EASY: u32 = 700;

/// One less must have been enough for so long before the last worker leaves.
const CALM: Duration = Duration::from_secs(2);

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Spread {
    began: Instant,
    /// How many are in use, of all that there are.
    used: AtomicUsize,
    shares: Box<[Share]>,
    /// Since when one less would do, in milliseconds from `began`; [`NEVER`] while it would not.
    calm_since: AtomicU64,
}

const NEVER: u64 = u64::MAX;

/// What is known of a worker.
#[derive(Debug)]
struct Share {
    counters: Arc<Counters>,
    /// Thousandths of its time in which it had work to do.
    busy: AtomicU32,
    /// When that was, in milliseconds from the beginning.
    at: AtomicU64,
}

impl Spread {
    /// Begins with one worker; with all of them where the kernel keeps no account of threads, so that nobody could
    /// tell when another is needed.
    pub(crate) fn new(workers: impl IntoIterator<Item = Arc<Counters>>) -> Arc<Self> {
        let share = |counters| Share {
            counters,
            busy: AtomicU32::new(0),
            at: AtomicU64::new(0),
        };
        let shares: Box<[Share]> = workers.into_iter().map(share).collect();
        let used = match shares.len() > 1 && Clock::open().is_none() {
            true => shares.len(),
            false => 1,
        };
        Arc::new(Self {
            began: Instant::now(),
            used: AtomicUsize::new(used),
            shares,
            calm_since: AtomicU64::new(NEVER),
        })
    }

    /// Who gets a connection that `can_move`, or cannot; a worker may have `limit` of them.
    pub(crate) fn place(&self, can_move: bool, limit: usize) -> usize {
        let all = self.shares.len();
        if !can_move {
            return self.least_loaded(all);
        }
        let found = self.least_loaded(self.used());
        match self.shares.get(found) {
            Some(share) if !share.counters.is_crowded(limit) => found,
            _ => self.least_loaded(all),
        }
    }

    /// Who gets a connection that is to leave its worker.
    fn next_home(&self) -> usize {
        self.least_loaded(self.used())
    }

    fn least_loaded(&self, among: usize) -> usize {
        let loads = self.loads(among).enumerate();
        loads
            .min_by_key(|(_, load)| *load)
            .map_or(0, |(index, _)| index)
    }

    /// How many connections each of the first workers has.
    fn loads(&self, among: usize) -> impl Iterator<Item = usize> {
        let shares = self.shares.iter().take(among);
        shares.map(|share| share.counters.active())
    }

    /// How many connections worker `index` has too many.
    fn surplus(&self, index: usize) -> usize {
        let used = self.used();
        let own = self.loads(usize::MAX).nth(index).unwrap_or(0);
        if index >= used {
            return own;
        }
        let fair = self.loads(used).sum::<usize>().div_ceil(used);
        // A few more or less are not worth a move.
        if own > fair + fair / 8 + 1 {
            own - fair
        } else {
            0
        }
    }

    /// Has so many workers in use from now on.
    #[cfg(test)]
    pub(crate) fn use_only(&self, workers: usize) {
        self.used.store(workers, Relaxed);
    }

    fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Takes note of how `busy` worker `index` was in the window that ends `now`, and whether that was too much for too
    /// long.
    fn note(&self, index: usize, busy: u32, strained: bool, now: Instant) {
        let at = self.since_beginning(now);
        if let Some(share) = self.shares.get(index) {
            share.busy.store(busy, Relaxed);
            share.at.store(at, Relaxed);
        }
        let used = self.used();
        if strained {
            self.calm_since.store(NEVER, Relaxed);
            if index < used && used < self.shares.len() {
                // Of two that say so at once, one is heard.
                let _ = self.used.compare_exchange(used, used + 1, Relaxed, Relaxed);
            }
            return;
        }
        let fewer = u32::try_from(used.saturating_sub(1)).unwrap_or(u32::MAX);
        if fewer == 0 || self.total(at) > fewer.saturating_mul(EASY) {
            self.calm_since.store(NEVER, Relaxed);
            return;
        }
        match self.calm_since.load(Relaxed) {
            NEVER => self.calm_since.store(at, Relaxed),
            since if at.saturating_sub(since) >= as_millis(CALM) => {
                self.calm_since.store(NEVER, Relaxed);
                let _ = self.used.compare_exchange(used, used - 1, Relaxed, Relaxed);
            }
            _ => {}
        }
    }

    /// How busy all workers are together.
    fn total(&self, now: u64) -> u32 {
        let fresh = |share: &&Share| now.saturating_sub(share.at.load(Relaxed)) < as_millis(STALE);
        let shares = self.shares.iter().filter(fresh);
        shares.map(|share| share.busy.load(Relaxed)).sum()
    }

    fn since_beginning(&self, now: Instant) -> u64 {
        as_millis(now.saturating_duration_since(self.began))
    }
}

fn as_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One worker's part in it.
#[derive(Debug)]
pub(crate) struct Meter {
    spread: Arc<Spread>,
    index: usize,
    clock: Option<Clock>,
    /// When it last looked, and what the clock showed.
    last: Cell<Option<(Instant, Option<Duration>)>>,
    /// Windows in a row that were full.
    full: Cell<u32>,
    /// Connections that are to leave this worker.
    surplus: Cell<usize>,
}

impl Meter {
    /// To be called on the worker's thread.
    pub(crate) fn new(spread: Arc<Spread>, index: usize) -> Self {
        // One worker has nothing to share.
        let alone = spread.shares.len() == 1;
        Self {
            spread,
            index,
            clock: if alone { None } else { Clock::open() },
            last: Cell::new(None),
            full: Cell::new(0),
            surplus: Cell::new(0),
        }
    }

    /// A request has come: it may be time for a look.
    pub(crate) fn look(&self, now: Instant) {
        let before = self.last.get();
        let is_due = |(last, _): (Instant, _)| now.saturating_duration_since(last) >= WINDOW;
        if self.spread.shares.len() == 1 || !before.is_none_or(is_due) {
            return;
        }
        let reading = self.clock.as_ref().and_then(Clock::read);
        self.last.set(Some((now, reading)));
        if let (Some((last, Some(before))), Some(reading)) = (before, reading) {
            let window = now.saturating_duration_since(last);
            self.judge(window, reading.saturating_sub(before), now);
        }
        self.surplus.set(self.spread.surplus(self.index));
    }

    /// A window of that length is over, in which there was work to do for so long.
    fn judge(&self, window: Duration, worked: Duration, now: Instant) {
        let thousandths = worked.as_micros() * 1000 / window.as_micros().max(1);
        let busy = u32::try_from(thousandths).unwrap_or(u32::MAX);
        let full = if busy > FULL { self.full.get() + 1 } else { 0 };
        let strained = full >= FULL_WINDOWS;
        self.full.set(if strained { 0 } else { full });
        self.spread.note(self.index, busy, strained, now);
    }

    /// Whether a connection that is idle just now is to leave this worker.
    pub(crate) fn has_surplus(&self) -> bool {
        self.surplus.get() > 0
    }

    /// One of them leaves; for whom.
    pub(crate) fn send_off(&self) -> usize {
        self.surplus.set(self.surplus.get().saturating_sub(1));
        self.spread.next_home()
    }
}

/// The kernel's account of the thread that opened it.
///
/// Source: Linux, `Documentation/scheduler/sched-stats.rst`, `/proc/<pid>/schedstat`.
#[derive(Debug)]
struct Clock(File);

impl Clock {
    fn open() -> Option<Self> {
        let clock = Self(File::open("/proc/thread-self/schedstat").ok()?);
        clock.read().is_some().then_some(clock)
    }

    /// For how long the thread ran, or could have run and had no core.
    fn read(&self) -> Option<Duration> {
        let mut text = [0; 64];
        let length = self.0.read_at(&mut text, 0).ok()?;
        parse(text.get(..length)?)
    }
}

/// The sum of the first two numbers, of nanoseconds; a third one counts something.
fn parse(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let (ran, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some(Duration::from_nanos(ran) + Duration::from_nanos(waited))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(active: &[usize]) -> Arc<Spread> {
        let counters = active.iter().map(|&count| {
            let counters = Counters::default();
            for _ in 0..count {
                assert!(counters.enter());
            }
            Arc::new(counters)
        });
        let spread = Spread::new(counters);
        spread.use_only(1);
        spread
    }

    #[test]
    fn the_account_of_a_thread_is_read() {
        assert_eq!(parse(b"12345 67 8\n"), Some(Duration::from_nanos(12_412)));
        assert_eq!(parse(b"12345\n"), None);
        assert_eq!(parse(b"\xff"), None);
    }

    #[test]
    fn another_worker_joins_when_it_is_needed_and_leaves_when_it_is_not() {
        let (spread, mut now) = (spread(&[64, 0, 0]), Instant::now());
        spread.note(0, 700, false, now);
        assert_eq!((spread.used(), spread.surplus(0)), (1, 0));
        spread.note(0, 900, true, now);
        assert_eq!((spread.used(), spread.surplus(0)), (2, 32));
        assert_eq!(spread.next_home(), 1);
        spread.note(2, 900, true, now);
        assert_eq!(
            spread.used(),
            2,
            "one that is not in use has nothing to ask for"
        );
        // Together they need more than one may have.
        spread.note(1, 450, false, now);
        for _ in 0..10 {
            now += CALM;
            spread.note(1, 450, false, now);
            spread.note(0, 450, false, now);
        }
        assert_eq!(spread.used(), 2);
        // Now they do not, for long enough.
        spread.note(0, 100, false, now);
        spread.note(1, 100, false, now + CALM / 2);
        assert_eq!(spread.used(), 2);
        spread.note(0, 100, false, now + CALM);
        assert_eq!((spread.used(), spread.surplus(1)), (1, 0));
        assert_eq!(spread.surplus(0), 0);
    }

    #[test]
    fn who_has_left_gives_all_connections_away() {
        let spread = spread(&[10, 7]);
        assert_eq!(spread.surplus(1), 7);
        spread.use_only(2);
        assert_eq!(
            (spread.surplus(0), spread.surplus(1)),
            (0, 0),
            "alike enough"
        );
    }

    #[test]
    fn a_connection_is_placed_where_there_is_room() {
        let spread = spread(&[50, 0]);
        assert_eq!(spread.place(true, 512), 0);
        assert_eq!(spread.place(false, 512), 1, "it could not move later");
        assert_eq!(spread.place(true, 50), 1, "the first is full");
    }
}
