//! Idle connections of a group, kept for the next request (`keepalive`).
//!
//! Each thread keeps its own, as each worker process of nginx does: a connection belongs to the
//! reactor of the thread that opened it.
//!
//! Source: nginx, ngx_http_upstream_keepalive_module.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::address::Address;
use crate::connection::Connection;
use crate::security::Security;

/// The rules of a group's idle connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepaliveConfig {
    /// `keepalive`: how many a thread keeps; 0 keeps none.
    pub connections: usize,
    /// `keepalive_requests`: how many requests one serves.
    pub requests: u64,
    /// `keepalive_time`: how long one is used.
    pub time: Duration,
    /// `keepalive_timeout`: how long one stays idle.
    pub timeout: Duration,
}

impl Default for KeepaliveConfig {
    /// nginx's defaults.
    fn default() -> Self {
        Self {
            connections: 32,
            requests: 1000,
            time: Duration::from_secs(3600),
            timeout: Duration::from_secs(60),
        }
    }
}

/// A store of idle connections; its number tells it from others.
#[derive(Debug)]
pub struct Keepalive {
    id: u64,
    config: KeepaliveConfig,
}

type Slot = Rc<RefCell<Option<Connection>>>;

#[derive(Debug)]
struct Idle {
    slot: Slot,
    address: Address,
    security: Option<Security>,
    watch: JoinHandle<()>,
}

thread_local! {
    static IDLE: RefCell<HashMap<u64, Vec<Idle>>> = RefCell::default();
}

impl Keepalive {
    /// An empty store.
    #[must_use]
    pub fn new(config: KeepaliveConfig) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { id, config }
    }

    /// An idle connection to that address, encrypted just so; the one used last.
    #[must_use]
    pub fn take(&self, address: &Address, security: Option<&Security>) -> Option<Connection> {
        IDLE.with_borrow_mut(|stores| {
            let store = stores.get_mut(&self.id)?;
            let fits = |idle: &Idle| idle.address == *address && idle.security.as_ref() == security;
            while let Some(at) = store.iter().rposition(fits) {
                let idle = store.remove(at);
                idle.watch.abort();
                if let Some(connection) = idle.slot.borrow_mut().take() {
                    return Some(connection);
                }
            }
            None
        })
    }

    /// Keeps a connection on which nothing is left, if the rules allow it.
    pub(crate) fn put(&self, connection: Connection) {
        let config = &self.config;
        let worn =
            connection.requests >= config.requests || connection.opened.elapsed() > config.time;
        if worn || config.connections == 0 || !connection.input.is_empty() {
            return;
        }
        let address = connection.address().clone();
        let security = connection.security().cloned();
        let slot: Slot = Rc::new(RefCell::new(Some(connection)));
        let watch = tokio::task::spawn_local(watch(self.id, Rc::clone(&slot), config.timeout));
        IDLE.with_borrow_mut(|stores| {
            let store = stores.entry(self.id).or_default();
            if store.len() >= config.connections {
                // The one that has been idle for longest.
                store.remove(0).watch.abort();
            }
            store.push(Idle {
                slot,
                address,
                security,
                watch,
            });
        });
    }
}

/// Closes an idle connection when its time is up, or when anything at all happens on it: the server
/// has closed it, or has sent what nobody asked for.
async fn watch(store: u64, slot: Slot, timeout: Duration) {
    let stirs = poll_fn(|cx| match slot.borrow_mut().as_mut() {
        Some(connection) => connection.poll_fill(cx).map(drop),
        None => Poll::Ready(()),
    });
    // Either way it is of no use any more.
    let _ = tokio::time::timeout(timeout, stirs).await;
    slot.borrow_mut().take();
    IDLE.with_borrow_mut(|stores| {
        if let Some(idle) = stores.get_mut(&store) {
            idle.retain(|idle| !Rc::ptr_eq(&idle.slot, &slot));
            if idle.is_empty() {
                stores.remove(&store);
            }
        }
    });
}

impl Drop for Keepalive {
    /// The configuration that knew it is gone; connections of other threads end by their time-out.
    fn drop(&mut self) {
        // At the end of a thread there may be no store left; then there is nothing to close either.
        let _ = IDLE.try_with(|stores| {
            if let Ok(mut stores) = stores.try_borrow_mut() {
                for idle in stores.remove(&self.id).into_iter().flatten() {
                    idle.watch.abort();
                }
            }
        });
    }
}
