//! Looking for an entry.
//!
//! Source: nginx, `ngx_http_file_cache_open`, `…_exists`, `…_lock`, `…_read`, `…_reopen`.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::entry::Entry;
use super::files::{self, Found};
use super::ticket::Ticket;
use super::{Moment, Zone};
use crate::index::{Lock, Node};
use crate::key::Key;
use crate::record::Record;
use crate::vary::variant;

/// What a request wants.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The value of `proxy_cache_key`.
    pub key: Bytes,
    /// `proxy_cache_min_uses`.
    pub min_uses: u32,
    /// `proxy_cache_lock`: after how long another one may try (`proxy_cache_lock_age`).
    pub lock: Option<Duration>,
    /// Whether the request still waits for a lock.
    pub patient: bool,
    /// Whether it has asked before, and waited.
    pub again: bool,
    /// Its fields, for `Vary`.
    pub fields: &'a HeaderMap,
    /// The time.
    pub now: Moment,
}

/// What was found.
#[derive(Debug)]
pub enum Opened {
    /// A fresh answer.
    Hit(Entry),
    /// An answer that is out of date.
    Stale(Stale),
    /// An error that is remembered: its status.
    Failed(u16),
    /// Nothing; what comes may be stored.
    Fill(Ticket),
    /// Nothing, and what comes is not to be stored: asked for too seldom, or the lock took too long,
    /// or the zone is full of entries in use.
    Scarce,
    /// Somebody else is filling it.
    Locked(Locked),
}

/// An answer that is out of date.
#[derive(Debug)]
pub struct Stale {
    /// The answer.
    pub entry: Entry,
    /// The right to renew it; dropped, the next request gets it.
    pub ticket: Ticket,
    /// Somebody else is renewing it.
    pub updating: bool,
    /// The answer says itself that it is good enough while it is being renewed.
    pub while_updating: bool,
    /// The answer says itself that it is good enough if it cannot be renewed.
    pub if_error: bool,
}

/// The way of a request that waits: ask again when told, or at that moment.
pub struct Locked {
    /// Ends when the lock is free.
    pub told: OwnedNotified,
    /// From then on another one may try.
    pub until: Instant,
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// What the index says before any file is looked at.
enum Known {
    Failed(u16),
    Scarce,
    /// Look for a file, with what is known of it.
    Look(Option<Arc<Record>>),
    /// There is no entry; whether one may be stored.
    None {
        may_store: bool,
    },
}

/// A name under which an entry is looked for.
#[derive(Clone, Copy)]
struct Name {
    main: Key,
    key: Key,
}

impl Name {
    fn is_secondary(&self) -> bool {
        self.main != self.key
    }
}

impl Zone {
    /// Looks for an entry.
    pub fn open(self: &Arc<Self>, ask: &Ask<'_>) -> Opened {
        let main = Key::of(&ask.key);
        let mut name = Name { main, key: main };
        loop {
            let (known, may_store) = match self.known(&name.key, ask) {
                Known::Failed(status) => return Opened::Failed(status),
                Known::Scarce => return Opened::Scarce,
                Known::None { may_store } => return self.nothing(name, ask, may_store),
                Known::Look(known) => (known, true),
            };
            let Some(entry) = self.fetch(&name.key, ask, known.as_ref()) else {
                return self.nothing(name, ask, may_store);
            };
            if !entry.record.meta.vary.is_empty() {
                let wanted = variant(&main, &entry.record.meta.vary, ask.fields);
                if wanted.0 != entry.record.variant {
                    if name.is_secondary() {
                        tracing::error!("cache file {:?} has incorrect vary hash", name.key);
                        return self.nothing(name, ask, true);
                    }
                    name.key = wanted;
                    continue;
                }
            }
            if entry.record.meta.valid >= ask.now.wall {
                return Opened::Hit(entry);
            }
            return self.stale(name, ask, entry);
        }
    }

    /// The right to store an answer without having looked for one (`proxy_cache_bypass`); `None` if
    /// the zone is full of entries in use.
    pub fn create(self: &Arc<Self>, ask: &Ask<'_>) -> Option<Ticket> {
        let main = Key::of(&ask.key);
        let name = Name { main, key: main };
        self.known(&main, ask);
        self.ticket(name, ask, |_| None)
    }

    /// Notes the use of a name; what is known of it.
    fn known(&self, key: &Key, ask: &Ask<'_>) -> Known {
        let expire = self.shared.expire(ask.now.wall);
        let mut index = self.shared.index();
        let cold = index.cold;
        let Some(number) = index.find(key) else {
            let (number, gone) = index.insert(*key);
            let Some(number) = number else {
                return Known::Scarce;
            };
            index.touch(number, expire);
            drop(index);
            self.discard(gone);
            return match (cold, ask.min_uses > 1) {
                (true, _) => Known::Look(None),
                (false, true) => Known::Scarce,
                (false, false) => Known::None { may_store: true },
            };
        };
        index.touch(number, expire);
        let node = index.get(number);
        node.uses = node.uses.saturating_add(u32::from(!ask.again));
        if let Some(error) = node.error {
            if error.valid >= ask.now.wall {
                return Known::Failed(error.status);
            }
            node.error = None;
        }
        if node.exists || cold {
            return Known::Look(node.record().cloned());
        }
        if node.uses >= ask.min_uses {
            return Known::None { may_store: true };
        }
        Known::Scarce
    }

    /// Looks for the file of an entry, and notes what was found.
    fn fetch(&self, key: &Key, ask: &Ask<'_>, known: Option<&Arc<Record>>) -> Option<Entry> {
        let path = self.shared.layout.file(key);
        let found = files::find(&path, &ask.key, known).unwrap_or_else(|error| {
            tracing::error!("cache file \"{}\" cannot be read: {error}", path.display());
            Found::Nothing
        });
        if let Found::Known(entry) = found {
            return Some(entry);
        }
        let mut index = self.shared.index();
        let number = index.find(key);
        // Another request may have stored one meanwhile.
        let unchanged = number.filter(|number| match (index.get(*number).record(), known) {
            (Some(now), Some(known)) => Arc::ptr_eq(now, known),
            (now, known) => now.is_none() && known.is_none(),
        });
        let Found::Read(entry) = found else {
            if let Some(number) = unchanged {
                index.clear(number);
            }
            return None;
        };
        if let Some(number) = unchanged {
            let occupied = entry.record.file.get().map_or(0, |filed| filed.occupied);
            index.put(number, Arc::clone(&entry.record), occupied);
        }
        Some(entry)
    }

    /// There is no entry: the request may make one, or waits for whoever is making it.
    fn nothing(self: &Arc<Self>, name: Name, ask: &Ask<'_>, may_store: bool) -> Opened {
        let uses = |node: &Node| node.uses >= ask.min_uses;
        let mut enough = may_store;
        let mut locked = None;
        let ticket = self.ticket(name, ask, |node| {
            enough &= uses(node);
            let age = ask.lock.filter(|_| enough)?;
            match node.lock {
                Some(lock) if lock.until > ask.now.now => {
                    let waiting = node.waiting.get_or_insert_with(|| Arc::new(Notify::new()));
                    locked = Some(Locked {
                        told: Arc::clone(waiting).notified_owned(),
                        until: lock.until,
                    });
                    None
                }
                _ => Some(ask.now.now + age),
            }
        });
        match (locked, ticket) {
            (Some(locked), _) if ask.patient => Opened::Locked(locked),
            (None, Some(ticket)) if enough => Opened::Fill(ticket),
            _ => Opened::Scarce,
        }
    }

    /// There is an entry that is out of date: the first request that comes is to renew it.
    fn stale(self: &Arc<Self>, name: Name, ask: &Ask<'_>, entry: Entry) -> Opened {
        let mut updating = false;
        let ticket = self.ticket(name, ask, |node| {
            updating = node.lock.is_some();
            // A lock on an old entry has no age: whoever holds it has not given up.
            (!updating).then_some(ask.now.now)
        });
        let Some(ticket) = ticket else {
            return Opened::Scarce;
        };
        let meta = &entry.record.meta;
        let within = |seconds: u64| {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
            meta.valid.saturating_add(seconds) >= ask.now.wall
        };
        Opened::Stale(Stale {
            updating,
            while_updating: within(meta.updating),
            if_error: within(meta.error),
            entry,
            ticket,
        })
    }

    /// Makes a ticket, with the lock if `lock` gives it an end.
    fn ticket(
        self: &Arc<Self>,
        name: Name,
        ask: &Ask<'_>,
        lock: impl FnOnce(&mut Node) -> Option<Instant>,
    ) -> Option<Ticket> {
        let mut index = self.shared.index();
        let number = match index.find(&name.key) {
            Some(number) => number,
            None => {
                let (number, gone) = index.insert(name.key);
                let number = number?;
                let expire = self.shared.expire(ask.now.wall);
                index.touch(number, expire);
                drop(index);
                self.discard(gone);
                index = self.shared.index();
                index.find(&name.key).filter(|known| *known == number)?
            }
        };
        let node = index.get(number);
        node.users += 1;
        let serial = lock(node).map(|until| {
            let serial = self.serial();
            node.lock = Some(Lock { serial, until });
            serial
        });
        Some(Ticket {
            zone: Arc::clone(self),
            text: ask.key.clone(),
            main: name.main,
            key: name.key,
            serial,
            once: ask.min_uses <= 1,
        })
    }
}
