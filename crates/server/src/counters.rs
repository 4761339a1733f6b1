//! The figures of `stub_status`: each worker keeps its own, readers add them up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What a worker counts. Only its own thread writes, but for `active`, which whoever hands a connection over raises.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Connections, or [`ENDED`].
    active: AtomicUsize,
    pub(crate) accepted: AtomicU64,
    pub(crate) handled: AtomicU64,
    pub(crate) requests: AtomicU64,
    reading: AtomicUsize,
    writing: AtomicUsize,
}

/// What a connection is busy with, as `stub_status` sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// Idle: between requests, or nothing has come yet.
    #[default]
    Waiting,
    /// Taking in a request head.
    Reading,
    /// From a whole head to the last byte of the answer.
    Writing,
}

/// The worker has ended and takes no more connections.
const ENDED: usize = 1 << (usize::BITS - 1);

impl Counters {
    /// Counts in a connection that is to be handed to the worker; `false` where that has ended.
    pub(crate) fn enter(&self) -> bool {
        let has_ended = self.active.fetch_add(1, Relaxed) & ENDED != 0;
        if has_ended {
            self.active.fetch_sub(1, Relaxed);
        }
        !has_ended
    }

    /// Counts one out; whether it was the last.
    pub(crate) fn leave(&self) -> bool {
        self.active.fetch_sub(1, Relaxed) == 1
    }

    /// Ends the worker if it has no connection and none is on its way; whether it has ended.
    pub(crate) fn end(&self) -> bool {
        let ended = self.active.compare_exchange(0, ENDED, Relaxed, Relaxed);
        ended.is_ok()
    }

    /// Connections that the worker has, or that are on their way to it.
    pub(crate) fn active(&self) -> usize {
        match self.active.load(Relaxed) {
            active if active & ENDED != 0 => 0,
            active => active,
        }
    }

    /// A connection goes from one activity to another.
    pub(crate) fn shift(&self, from: Activity, to: Activity) {
        if from != to {
            if let Some(cell) = self.cell(from) {
                cell.store(cell.load(Relaxed).wrapping_sub(1), Relaxed);
            }
            if let Some(cell) = self.cell(to) {
                cell.store(cell.load(Relaxed) + 1, Relaxed);
            }
        }
    }

    /// Whether so few of the connections that a worker may have are free that idle ones must go.
    ///
    /// Source: nginx, `ngx_drain_connections`.
    pub(crate) fn is_crowded(&self, limit: usize) -> bool {
        self.active() * 16 > limit * 15
    }

    /// One more of something that only this thread counts.
    pub(crate) fn bump(cell: &AtomicU64) {
        cell.store(cell.load(Relaxed) + 1, Relaxed);
    }

    fn cell(&self, activity: Activity) -> Option<&AtomicUsize> {
        match activity {
            Activity::Waiting => None,
            Activity::Reading => Some(&self.reading),
            Activity::Writing => Some(&self.writing),
        }
    }

    pub(crate) fn add_to(&self, sum: &mut Stats) {
        sum.active += self.active();
        sum.accepted += self.accepted.load(Relaxed);
        sum.handled += self.handled.load(Relaxed);
        sum.requests += self.requests.load(Relaxed);
        sum.reading += self.reading.load(Relaxed);
        sum.writing += self.writing.load(Relaxed);
    }
}

/// A reading of all counters. Source: nginx, `ngx_http_stub_status_module`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections open now.
    pub active: usize,
    /// Connections accepted since start.
    pub accepted: u64,
    /// Connections served; fewer than accepted when there were too many at once.
    pub handled: u64,
    /// Requests since start.
    pub requests: u64,
    /// Connections whose request head is being read.
    pub reading: usize,
    /// Connections from a whole head to the end of the answer.
    pub writing: usize,
}

impl Stats {
    /// Connections that are idle.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.active.saturating_sub(self.reading + self.writing)
    }
}
