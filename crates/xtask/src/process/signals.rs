//! Signals, sent and caught: the one place of this crate that talks to the system without the standard library.

#![allow(
    unsafe_code,
    reason = "the standard library can neither send nor catch a signal"
)]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The signals we send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    /// Stop soon.
    Term,
    /// Stop gracefully (PHP-FPM, nginx, Portunus).
    Quit,
    /// Stop now.
    Kill,
}

impl Signal {
    fn number(self) -> libc::c_int {
        match self {
            Self::Term => libc::SIGTERM,
            Self::Quit => libc::SIGQUIT,
            Self::Kill => libc::SIGKILL,
        }
    }

    /// Sends the signal to one process. A process that is gone already is no error.
    pub(crate) fn send_to_process(self, pid: u32) -> io::Result<()> {
        self.send(i64::from(pid))
    }

    /// Sends the signal to every process of a group. An empty group is no error.
    pub(crate) fn send_to_group(self, leader: u32) -> io::Result<()> {
        self.send(-i64::from(leader))
    }

    fn send(self, target: i64) -> io::Result<()> {
        let target = libc::pid_t::try_from(target).map_err(io::Error::other)?;
        // 0 and ±1 would reach ourselves or everybody.
        if target.unsigned_abs() <= 1 {
            return Err(io::Error::other("refusing to signal pid 0 or 1"));
        }
        // SAFETY: kill takes two integers and touches no memory of ours.
        let result = unsafe { libc::kill(target, self.number()) };
        match io::Error::last_os_error() {
            error if result != 0 && error.raw_os_error() != Some(libc::ESRCH) => Err(error),
            _ => Ok(()),
        }
    }
}

/// From now on SIGINT and SIGTERM do not end us but are told by [`interrupted`].
pub(crate) fn watch_for_interrupts() {
    let handler = note_interrupt as extern "C" fn(libc::c_int);
    for number in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores to an atomic, which is allowed in a signal handler, and lives as long as the program.
        unsafe { libc::signal(number, handler as libc::sighandler_t) };
    }
}

/// Whether Ctrl-C was pressed or SIGTERM came since [`watch_for_interrupts`].
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

extern "C" fn note_interrupt(_: libc::c_int) {
    INTERRUPTED.store(true, Ordering::Relaxed);
}
