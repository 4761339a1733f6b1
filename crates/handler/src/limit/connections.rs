//! How many requests each key has at work: `limit_conn_zone`.
//!
//! Source: nginx, `ngx_http_limit_conn_handler`, `ngx_http_limit_conn_cleanup`.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::{shards, slot};

/// Fixed part of an entry in nginx's zone.
const FIXED: usize = 36;

/// Counters by key, bounded by the size of the zone. Keys are hashed with a secret.
pub struct ConnectionZone {
    name: Box<[u8]>,
    size: u64,
    budget: usize,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

struct Shard {
    used: usize,
    counts: HashMap<Box<[u8]>, u32, RandomState>,
}

/// Whether there was room for one more.
#[derive(Debug)]
pub(crate) enum Entered {
    Counted(Ticket),
    /// The key has as many as it may.
    Limited,
    /// The zone has no room for another key.
    Full,
}

/// The right to be at work; counted back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    zone: Arc<ConnectionZone>,
    key: Box<[u8]>,
}

impl ConnectionZone {
    /// An empty zone of `size` bytes.
    #[must_use]
    pub fn new(name: &[u8], size: u64) -> Self {
        let bytes = usize::try_from(size).unwrap_or(usize::MAX);
        let count = shards(bytes);
        let hasher = RandomState::new();
        let shard = || {
            let counts = HashMap::with_hasher(hasher.clone());
            Mutex::new(Shard { used: 0, counts })
        };
        Self {
            name: name.into(),
            size,
            budget: bytes / count,
            shards: (0..count).map(|_| shard()).collect(),
            hasher,
        }
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its size in bytes, as configured.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Counts one more for a key that may have `most`.
    pub(crate) fn enter(self: &Arc<Self>, key: &[u8], most: u32) -> Entered {
        let mut shard = self.shard(key);
        if let Some(count) = shard.counts.get_mut(key) {
            if *count >= most {
                return Entered::Limited;
            }
            *count += 1;
        } else {
            let cost = slot(FIXED, key);
            if shard.used + cost > self.budget {
                return Entered::Full;
            }
            shard.used += cost;
            shard.counts.insert(key.into(), 1);
        }
        Entered::Counted(Ticket {
            zone: Arc::clone(self),
            key: key.into(),
        })
    }

    fn leave(&self, key: &[u8]) {
        let mut shard = self.shard(key);
        let Some(count) = shard.counts.get_mut(key) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            shard.counts.remove(key);
            shard.used = shard.used.saturating_sub(slot(FIXED, key));
        }
    }

    fn shard(&self, key: &[u8]) -> std::sync::MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(key);
        // The map looks at the top and the bottom bits; the middle ones choose the shard.
        let at = usize::try_from((hash >> 32) & 0xff).unwrap_or(0) & (self.shards.len() - 1);
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.zone.leave(&self.key);
    }
}

impl fmt::Debug for ConnectionZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_ascii();
        write!(f, "ConnectionZone({name}, {} bytes)", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(entered: Entered) -> Ticket {
        match entered {
            Entered::Counted(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tickets_are_counted_by_key_and_come_back() {
        let zone = Arc::new(ConnectionZone::new(b"z", 1 << 20));
        let first = counted(zone.enter(b"a", 2));
        let _second = counted(zone.enter(b"a", 2));
        assert!(matches!(zone.enter(b"a", 2), Entered::Limited));
        let _other = counted(zone.enter(b"b", 1));
        drop(first);
        counted(zone.enter(b"a", 2));
    }

    #[test]
    fn a_full_zone_takes_no_new_key_until_one_is_gone() {
        let zone = Arc::new(ConnectionZone::new(b"z", 32 << 10));
        let held: Vec<_> = (0..512_u32)
            .map(|n| counted(zone.enter(&n.to_be_bytes(), 1)))
            .collect();
        assert!(matches!(zone.enter(b"more", 1), Entered::Full));
        drop(held);
        counted(zone.enter(b"more", 1));
        let used: usize = zone.shards.iter().map(|s| s.lock().unwrap().used).sum();
        assert_eq!(used, 0);
    }
}
