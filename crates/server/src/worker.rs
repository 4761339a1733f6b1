//! What the connections of one worker thread share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;
use tokio::time::sleep;

use crate::connection::Connection;
use crate::counters::Counters;
use crate::date::Date;
use crate::listen::{ListenAddress, Listeners, Standing};
use crate::spread::Meter;

/// Size of the buffer that heads are read into; nothing of it is kept between two reads.
const SCRATCH: usize = 64 << 10;

/// How long a connection that has sent nothing yet may still do so once we are draining.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Idle connections closed at a time when there are too many. Source: nginx.
const SHED: usize = 32;

/// The state of one worker thread.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) counters: Arc<Counters>,
    pub(crate) meter: Meter,
    /// One buffer for all connections, so that an idle one needs none.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    /// Reads from clients so far; see [`crate::Exchange::arrival`].
    pub(crate) reads: Cell<u64>,
    /// The head of an answer is written here, and from here to the socket.
    pub(crate) head: RefCell<Vec<u8>>,
    /// Memory for [`crate::ReadyFields`].
    pub(crate) spare: RefCell<Vec<u8>>,
    pub(crate) date: Date,
    pub(crate) draining: Cell<bool>,
    stopped: Cell<bool>,
    /// Told when `draining` or `stopped` is set, for those that are no connections yet.
    ending: tokio::sync::Notify,
    connections: RefCell<Slab<Rc<Connection>>>,
    /// Where the sockets stand that are listened on.
    standing: RefCell<Vec<ListenAddress>>,
    /// Told when the last connection has gone.
    pub(crate) idle: tokio::sync::Notify,
}

impl Worker {
    pub(crate) fn new(counters: Arc<Counters>, meter: Meter) -> Rc<Self> {
        Rc::new(Self {
            counters,
            meter,
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            reads: Cell::new(0),
            head: RefCell::default(),
            spare: RefCell::default(),
            date: Date::default(),
            draining: Cell::new(false),
            stopped: Cell::new(false),
            ending: tokio::sync::Notify::new(),
            connections: RefCell::default(),
            standing: RefCell::default(),
            idle: tokio::sync::Notify::new(),
        })
    }

    pub(crate) fn register(&self, connection: Rc<Connection>) -> usize {
        self.connections.borrow_mut().insert(connection)
    }

    pub(crate) fn unregister(&self, key: usize) {
        let connection = self.connections.borrow_mut().try_remove(key);
        drop(connection);
    }

    /// A connection that was handed to this worker has gone.
    pub(crate) fn count_out(&self) {
        if self.counters.leave() {
            self.idle.notify_waiters();
        }
    }

    /// Ends if the last connection has gone and none is on its way: from then on nobody can hand one over.
    pub(crate) fn has_ended(&self) -> bool {
        self.counters.end()
    }

    /// These sockets are listened on from now on.
    pub(crate) fn listen_on(&self, listeners: &Listeners) {
        *self.standing.borrow_mut() = listeners.standing();
    }

    /// Whether that one is: connections of others are to go. Those that were no connections yet when it was given up
    /// have missed the order.
    pub(crate) fn listens_on(&self, socket: &Standing) -> bool {
        self.standing.borrow().contains(&socket.address)
    }

    /// Asks all connections of these listeners to go as soon as that hurts nobody.
    pub(crate) fn drain(&self, concerned: impl Fn(&Connection) -> bool) {
        for (_, connection) in self.connections.borrow().iter() {
            if concerned(connection) {
                connection.draining.set(true);
                connection.wake_driver();
            }
        }
    }

    /// Closes the oldest idle connections to make room for new ones: those between two requests, and
    /// those that have not sent anything yet.
    ///
    /// Source: nginx, `ngx_drain_connections`.
    pub(crate) fn shed(&self) {
        let connections = self.connections.borrow();
        // Those that were asked to go have not had their turn yet: more would be too many.
        if (connections.iter()).any(|(_, connection)| connection.is_being_shed()) {
            return;
        }
        let waiting = connections.iter().map(|(_, connection)| connection);
        let mut idle: Vec<_> = waiting
            .filter(|connection| connection.can_make_room())
            .collect();
        if idle.len() > SHED {
            idle.select_nth_unstable_by_key(SHED, |connection| connection.serial());
        }
        for connection in idle.into_iter().take(SHED) {
            connection.shed.set(true);
            connection.draining.set(true);
            connection.wake_driver();
        }
    }

    /// Asks all connections to go, those to come included.
    pub(crate) fn begin_to_drain(&self) {
        self.draining.set(true);
        self.ending.notify_waiters();
        self.drain(|_| true);
    }

    /// What `work`, the first word of a client, comes to; `None` where it takes longer than [`GRACE`] once the worker
    /// drains.
    pub(crate) async fn unless_draining<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let over = async {
            self.until(&self.draining).await;
            sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = over => None,
        }
    }

    /// What `work` comes to, or `None` as soon as the worker is to end at once.
    pub(crate) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.until(&self.stopped) => None,
            done = work => Some(done),
        }
    }

    async fn until(&self, over: &Cell<bool>) {
        while !over.get() {
            self.ending.notified().await;
        }
    }

    /// Whether nothing is to begin here any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Ends all connections now, those to come included: what has just been accepted is none yet.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
        self.ending.notify_waiters();
        for (_, connection) in self.connections.borrow().iter() {
            connection.stopped.set(true);
            connection.wake_driver();
        }
    }
}
