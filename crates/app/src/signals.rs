//! Signals to the running server, and the duties of a process with number 1.

use std::time::Duration;

use rustix::process::{Pid, WaitOptions, getpid, wait};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The streams of all signals that mean something.
///
/// Differs: nginx takes `USR2` to start another binary beside itself and `WINCH` to end the workers
/// of the old one; there is one process here, and a container is replaced whole, so both are noted
/// and ignored.
pub(crate) struct Signals {
    hup: Stream,
    usr1: Stream,
    usr2: Stream,
    winch: Stream,
    quit: Stream,
    term: Stream,
    int: Stream,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Reload,
    Reopen,
    Drain,
    Stop,
    /// nginx would do something, and we do not.
    Ignored,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
            usr2: signal(SignalKind::user_defined2())?,
            winch: signal(SignalKind::window_change())?,
            quit: signal(SignalKind::quit())?,
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one, which is noted in nginx's words; nothing is lost when this is dropped while it
    /// waits.
    pub(crate) async fn next(&mut self) -> Event {
        let (number, name, event) = tokio::select! {
            _ = self.hup.recv() => (1, "SIGHUP", Event::Reload),
            _ = self.usr1.recv() => (10, "SIGUSR1", Event::Reopen),
            _ = self.usr2.recv() => (12, "SIGUSR2", Event::Ignored),
            _ = self.winch.recv() => (28, "SIGWINCH", Event::Ignored),
            _ = self.quit.recv() => (3, "SIGQUIT", Event::Drain),
            _ = self.term.recv() => (15, "SIGTERM", Event::Drain),
            _ = self.int.recv() => (2, "SIGINT", Event::Stop),
        };
        let ignored = match event {
            Event::Ignored => ", ignored: there is one process here, and no other binary",
            _ => "",
        };
        tracing::info!("signal {number} ({name}) received{ignored}");
        event
    }
}

/// The duty of the process with number 1: what has lost its parent becomes its child, and stays in
/// the table of processes until it asks for it. Whoever waits for a process of our own does so as
/// soon as it ends, so what is still there a little later has nobody else.
pub(crate) async fn reap_orphans() {
    const LATER: Duration = Duration::from_secs(1);
    if getpid() != Pid::INIT {
        return;
    }
    let Ok(mut ended) = signal(SignalKind::child()) else {
        return;
    };
    while ended.recv().await.is_some() {
        tokio::time::sleep(LATER).await;
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
}
