//! Accepting: one task per listening socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use portunus_errno::errno_text;
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::connection::PeerAddr;
use crate::listen::{Socket, Standing};
use crate::sys::watch_readable;

/// Pause after an error that only time mends. Source: nginx, `accept_mutex_delay`.
const PAUSE: Duration = Duration::from_millis(500);
/// Connections taken from one socket before others get their turn.
const BATCH: usize = 64;

/// A connection fresh from the kernel.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) descriptor: OwnedFd,
    pub(crate) peer: PeerAddr,
    pub(crate) socket: Arc<Standing>,
}

/// Accepts until dropped.
#[derive(Debug)]
pub(crate) struct Task {
    socket: Arc<Socket>,
    /// Which of its descriptors.
    index: usize,
    task: JoinHandle<()>,
}

impl Task {
    pub(crate) fn socket(&self) -> &Arc<Socket> {
        &self.socket
    }

    /// Takes what is waiting in the accept queue, for a last time before the socket is given up.
    pub(crate) fn take_waiting(&self) -> Vec<Accepted> {
        let backlog = usize::try_from(self.socket.config.backlog)
            .unwrap_or(0)
            .saturating_add(1);
        let descriptor = self.socket.descriptors.get(self.index);
        let accept = || accept(descriptor?, &self.socket.standing).ok();
        std::iter::from_fn(accept).take(backlog).collect()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether there is room for many more connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    Roomy,
    /// Connections are being closed to make room; what is accepted too quickly would find none.
    Crowded,
}

/// Begins to accept on a descriptor of `socket`, which must have one of this `index`; each connection goes to `serve`, and
/// `make_room` is called where there are no descriptors left.
pub(crate) fn spawn(
    socket: &Arc<Socket>,
    index: usize,
    serve: impl Fn(Accepted) -> Crowd + 'static,
    make_room: impl Fn() + 'static,
) -> Task {
    let source = Arc::clone(socket);
    let task = tokio::task::spawn_local(async move {
        if let Some(descriptor) = source.descriptors.get(index) {
            let listener = watch(descriptor, &source, &make_room).await;
            let standing = Arc::clone(&source.standing);
            // The socket must be able to go.
            drop(source);
            run(&listener, &standing, serve, make_room).await;
        }
    });
    Task {
        socket: Arc::clone(socket),
        index,
        task,
    }
}

/// Registers the socket with the reactor of this thread. That takes a descriptor of its own, and there may be none just
/// now: clients wait in the queue until there is, instead of for ever.
async fn watch(descriptor: &OwnedFd, socket: &Standing, make_room: &impl Fn()) -> AsyncFd<OwnedFd> {
    let mut complaint = Complaint::default();
    loop {
        let error = match descriptor.try_clone().and_then(watch_readable) {
            Ok(listener) => return listener,
            Err(error) => error,
        };
        if complaint.due(Instant::now()).is_some() {
            let (address, error) = (&socket.address, errno_text(&error));
            tracing::error!(
                severity = "crit",
                "cannot accept on {address} yet ({error}), trying again"
            );
        }
        if is_for_want_of_descriptors(&error) {
            make_room();
        }
        sleep(PAUSE).await;
    }
}

async fn run(
    listener: &AsyncFd<OwnedFd>,
    socket: &Arc<Standing>,
    serve: impl Fn(Accepted) -> Crowd,
    make_room: impl Fn(),
) {
    let mut complaint = Complaint::default();
    loop {
        let Ok(mut ready) = listener.readable().await else {
            return;
        };
        let mut taken = 0;
        while taken < BATCH {
            match ready.try_io(|listener| Ok(accept(listener.get_ref(), socket)?)) {
                Ok(Ok(accepted)) => {
                    taken += 1;
                    if serve(accepted) == Crowd::Crowded {
                        tokio::task::yield_now().await;
                    }
                }
                Ok(Err(error)) if is_of_one_connection(&error) => taken += 1,
                Ok(Err(error)) => {
                    if complaint.due(Instant::now()).is_some() {
                        let error = errno_text(&error);
                        tracing::error!(severity = "crit", "accept4() failed ({error})");
                    }
                    if is_for_want_of_descriptors(&error) {
                        make_room();
                    }
                    sleep(PAUSE).await;
                    break;
                }
                // Nothing more is waiting.
                Err(_would_block) => break,
            }
        }
        if taken == BATCH {
            tokio::task::yield_now().await;
        }
    }
}

fn accept(descriptor: &OwnedFd, socket: &Arc<Standing>) -> rustix::io::Result<Accepted> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (descriptor, address) = acceptfrom_with(descriptor, flags)?;
    let address = address.and_then(|address| SocketAddr::try_from(address).ok());
    let peer = address.map_or(PeerAddr::Unix, PeerAddr::Inet);
    Ok(Accepted {
        descriptor,
        peer,
        socket: Arc::clone(socket),
    })
}

fn is_for_want_of_descriptors(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
}

/// The client gave up while it waited in the queue; the next one is fine.
fn is_of_one_connection(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0);
    [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::PROTO,
        Errno::PERM,
        Errno::NETDOWN,
        Errno::HOSTUNREACH,
    ]
    .iter()
    .any(|errno| errno.raw_os_error() == code)
}

/// What happens to many connections in a row is said once a second at most.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    last: Option<Instant>,
    unsaid: u64,
}

impl Complaint {
    /// It happened at `now`. How often it has since it was last said, if it is to be said.
    pub(crate) fn due(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        let is_recent = |last| now.saturating_duration_since(last) < Duration::from_secs(1);
        if self.last.is_some_and(is_recent) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_counts_what_it_keeps_to_itself() {
        let (mut complaint, start) = (Complaint::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        let said: Vec<_> = [0, 0, 999, 1000, 1001, 2500]
            .map(|millis| complaint.due(after(millis)))
            .into();
        assert_eq!(said, [Some(1), None, None, Some(3), None, Some(2)]);
    }
}
