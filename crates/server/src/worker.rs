//! What the connections of one worker thread share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use slab::Slab;

use crate::connection::Connection;
use crate::counters::Counters;

/// Size of the buffer that heads are read into; nothing of it is kept between two reads.
const SCRATCH: usize = 64 << 10;

/// The state of one worker thread.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) counters: Arc<Counters>,
    /// One buffer for all connections, so that an idle one needs none.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    pub(crate) draining: Cell<bool>,
    connections: RefCell<Slab<Rc<Connection>>>,
    /// Told when the last connection has gone.
    pub(crate) idle: tokio::sync::Notify,
}

impl Worker {
    pub(crate) fn new(counters: Arc<Counters>) -> Rc<Self> {
        Rc::new(Self {
            counters,
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            draining: Cell::new(false),
            connections: RefCell::default(),
            idle: tokio::sync::Notify::new(),
        })
    }

    pub(crate) fn register(&self, connection: Rc<Connection>) -> usize {
        self.connections.borrow_mut().insert(connection)
    }

    pub(crate) fn unregister(&self, key: usize) {
        let mut connections = self.connections.borrow_mut();
        let connection = connections.try_remove(key);
        let empty = connections.is_empty();
        drop(connections);
        drop(connection);
        if empty {
            self.idle.notify_waiters();
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.connections.borrow().is_empty()
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

    /// Ends all connections now.
    pub(crate) fn stop(&self) {
        for (_, connection) in self.connections.borrow().iter() {
            connection.stopped.set(true);
            connection.wake_driver();
        }
    }
}
