//! Whether the thread is woken for the next request of a connection; see [`crate::coalesce`].

use std::task::Context;

use tokio::time::Instant;

use super::Http1;
use crate::coalesce::{HOLD, look_later};
use crate::connection::{Exchange, Wait};
use crate::handler::ConnectionHandler;

/// What a connection that waits for its next request does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// The thread is woken for it.
    Off,
    /// It need not be.
    Due,
    /// It is not, for now.
    On,
}

impl Hold {
    /// After this request, which came after an answer that had been written `before`.
    pub(super) fn after(exchange: &Exchange, before: Option<Instant>) -> Self {
        let lined_up = exchange.connection().lined_up.take();
        // It may have been held itself.
        let came_at_once = before.is_some_and(|before| exchange.started_at() < before + 2 * HOLD);
        match lined_up && came_at_once {
            true => Self::Due,
            false => Self::Off,
        }
    }
}

impl<H: ConnectionHandler> Http1<H> {
    /// Whether the thread is not to be woken for what is to come, but looks when it is awake.
    pub(super) fn holds(&mut self, cx: &Context<'_>) -> bool {
        let connection = &self.connection;
        let (Hold::Due | Hold::On, Some(kept)) = (self.hold, self.kept) else {
            return false;
        };
        if self.reading.has_begun()
            || connection.draining.get()
            || connection.worker.meter.has_surplus()
            || !connection.transport.quieten()
        {
            self.let_go();
            return false;
        }
        let begins = self.is_just_answered().then_some(kept.since);
        if let Some(now) = begins {
            self.hold = Hold::On;
            connection.read_deadline.set(Some((now + HOLD, Wait::Held)));
        }
        look_later(cx.waker(), begins);
        true
    }

    /// Whether the answer has gone out a moment ago: what the client has to say to that will take a while.
    pub(super) fn is_just_answered(&self) -> bool {
        self.hold == Hold::Due
    }

    /// From now on the thread is woken as ever.
    pub(super) fn let_go(&mut self) {
        if std::mem::replace(&mut self.hold, Hold::Off) == Hold::On {
            self.connection.read_deadline.set(None);
            self.timer.cancel();
        }
    }
}
