//! One timer for all deadlines of a connection.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::{Connection, Wait};

/// Fires at the earliest deadline of a connection.
///
/// Deadlines mostly move away from us, request by request, and a timer that is set anew costs more
/// than one that fires early and finds nothing to do. So it is only ever set to something nearer.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: Option<Instant>,
}

impl Timer {
    /// Does not fire any more before it is polled again: for a deadline so near that waking up for nothing would cost more
    /// than setting another.
    pub(crate) fn cancel(&mut self) {
        self.sleep = None;
        self.armed = None;
    }

    /// Ready when a deadline has passed, with what was being waited for.
    pub(crate) fn poll(&mut self, connection: &Connection, cx: &mut Context<'_>) -> Poll<Wait> {
        loop {
            let (read, write) = (
                connection.read_deadline.get(),
                connection.write_deadline.get(),
            );
            let nearest = match (read, write) {
                (Some(read), Some(write)) => Some(if write.0 < read.0 { write } else { read }),
                (read, write) => read.or(write),
            };
            let elapsed = self.sleep.as_ref().is_some_and(|sleep| sleep.is_elapsed());
            let fired = elapsed && self.armed.is_some();
            if fired {
                self.armed = None;
            }
            let Some((deadline, wait)) = nearest else {
                return Poll::Pending;
            };
            if self.armed.is_some_and(|armed| armed <= deadline) {
                return Poll::Pending;
            }
            if fired && Instant::now() >= deadline {
                return Poll::Ready(wait);
            }
            if self.arm(deadline, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn arm(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.armed = Some(deadline);
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(deadline);
                sleep
            }
            empty => empty.insert(Box::pin(sleep_until(deadline))),
        };
        // Whoever has used up its turn would find it pending and not set, and nobody asks it a second time.
        pin!(unconstrained(sleep.as_mut())).poll(cx)
    }
}
