//! How the workers share the processors with PHP.
//!
//! FPM writes a larger answer in three pieces, each of which wakes a worker. Scheduled as usual, the worker may take the
//! processor from the very child that is writing, and finds one piece at a time; that child, its caches lost, waits for
//! its next turn. As `SCHED_BATCH` the worker runs when a child has come to a pause, and finds several pieces and
//! requests at once: 1.8 wake-ups for a page of Laravel instead of 2.7, and a tenth less of our time. What else it serves
//! waits, too, where all processors are busy: a file a quarter of a millisecond longer. Where one is idle there is no
//! difference.

use portunus_conf::{Config, d};
use portunus_errno::errno_text;

use crate::build::Pools;
use crate::sys;

/// `worker_scheduling`, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheduling {
    /// A worker that wakes may interrupt whoever runs.
    Normal,
    /// It waits for its turn.
    Batch {
        /// The operator asked for it by name, and hears when it cannot be had.
        wanted: bool,
    },
}

impl Scheduling {
    /// What the configuration says, given the FPMs that it names.
    pub(crate) fn of(config: &Config, pools: &Pools) -> Self {
        match config.main().enumeration(d::WORKER_SCHEDULING) {
            "batch" => Self::Batch { wanted: true },
            "normal" => Self::Normal,
            _ if pools.any_here() => Self::Batch { wanted: false },
            _ => Self::Normal,
        }
    }

    /// Puts it on the calling thread.
    pub(crate) fn put_on(self) {
        let Self::Batch { wanted } = self else {
            return;
        };
        match sys::schedule_as_batch() {
            Err(error) if wanted => {
                let error = errno_text(&error);
                tracing::warn!(
                    "sched_setscheduler(SCHED_BATCH) failed ({error}), worker_scheduling is normal"
                );
            }
            Err(_) | Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> String {
        // The 41st field of proc(5), `/proc/PID/stat`; the second, in brackets, has a space in it where there is one
        // in the thread's name.
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        fields.split(' ').nth(38).unwrap().to_owned()
    }

    #[test]
    fn a_thread_becomes_what_was_decided_and_no_other_does() {
        let before = policy();
        let of_thread = |scheduling: Scheduling| {
            let thread = std::thread::spawn(move || {
                scheduling.put_on();
                policy()
            });
            thread.join().unwrap()
        };
        assert_eq!(of_thread(Scheduling::Normal), before);
        // SCHED_BATCH is 3 in linux/sched.h; who was started as something else stays that.
        let batch = if before == "0" { "3" } else { before.as_str() };
        assert_eq!(of_thread(Scheduling::Batch { wanted: true }), batch);
        assert_eq!(policy(), before);
    }
}
