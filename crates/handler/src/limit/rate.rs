//! How often each key may ask: the leaky buckets of `limit_req_zone`.
//!
//! Source: nginx, `ngx_http_limit_req_lookup`, `ngx_http_limit_req_account`,
//! `ngx_http_limit_req_expire`.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hashbrown::HashTable;

use super::{shards, slot};

/// Fixed part of an entry in nginx's zone.
const FIXED: usize = 80;

/// An entry that has been idle for so long, in ms, makes room for another.
const IDLE: u64 = 60_000;

/// No entry.
const NONE: u32 = u32::MAX;

/// Buckets by key, bounded by the size of the zone: the one longest unused goes first. Keys are
/// hashed with a secret, so that nobody can make them collide.
pub struct RateZone {
    name: Box<[u8]>,
    size: u64,
    born: Instant,
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

/// What a request finds. Excess is in thousandths of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Over the burst; nothing was counted.
    Busy { excess: u64 },
    /// Counted.
    Counted { excess: u64 },
    /// Would pass; other limits come first.
    Pending,
}

#[derive(Debug)]
struct Bucket {
    key: Box<[u8]>,
    hash: u64,
    last: u64,
    excess: u64,
    newer: u32,
    older: u32,
}

impl RateZone {
    /// An empty zone of `size` bytes.
    #[must_use]
    pub fn new(name: &[u8], size: u64) -> Self {
        let bytes = usize::try_from(size).unwrap_or(usize::MAX);
        let count = shards(bytes);
        Self {
            name: name.into(),
            size,
            born: Instant::now(),
            hasher: RandomState::new(),
            shards: (0..count)
                .map(|_| Mutex::new(Shard::new(bytes / count)))
                .collect(),
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

    /// Milliseconds on the clock of this zone.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a request of this key is within rate (per 1000 s) and burst (thousandths); with
    /// `count` it is counted if so.
    pub(crate) fn look(&self, key: &[u8], rate: u64, burst: u64, count: bool, now: u64) -> Seen {
        let hash = self.hasher.hash_one(key);
        let mut shard = self.shard(hash);
        let Some(at) = shard.find(hash, key) else {
            if !count {
                return Seen::Pending;
            }
            shard.insert(key, hash, rate, now);
            return Seen::Counted { excess: 0 };
        };
        shard.touch(at);
        let bucket = shard.bucket(at);
        let excess = bucket.excess_at(rate, now);
        if excess > burst {
            return Seen::Busy { excess };
        }
        if !count {
            return Seen::Pending;
        }
        bucket.excess = excess;
        bucket.last = bucket.last.max(now);
        Seen::Counted { excess }
    }

    /// Counts a request that [`Seen::Pending`] let through; gives the excess.
    pub(crate) fn count(&self, key: &[u8], rate: u64, now: u64) -> u64 {
        match self.look(key, rate, u64::MAX, true, now) {
            Seen::Counted { excess } => excess,
            Seen::Busy { .. } | Seen::Pending => 0,
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        let at = usize::try_from((hash >> 32) & 0xff).unwrap_or(0) & (self.shards.len() - 1);
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RateZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.escape_ascii();
        write!(f, "RateZone({name}, {} bytes)", self.size)
    }
}

impl Bucket {
    /// What one more request would make the excess. The time since the last one counts against
    /// the new one, too, so a key that is slower than the rate has none.
    fn excess_at(&self, rate: u64, now: u64) -> u64 {
        let since = now.saturating_sub(self.last);
        (self.excess + 1000).saturating_sub(drained(rate, since))
    }

    /// What is left of the excess.
    fn left_at(&self, rate: u64, now: u64) -> u64 {
        self.excess
            .saturating_sub(drained(rate, now.saturating_sub(self.last)))
    }
}

fn drained(rate: u64, ms: u64) -> u64 {
    rate.saturating_mul(ms) / 1000
}

/// A table of entries that are linked from the newest to the oldest.
#[derive(Debug)]
struct Shard {
    budget: usize,
    used: usize,
    table: HashTable<u32>,
    buckets: Vec<Bucket>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
}

impl Shard {
    fn new(budget: usize) -> Self {
        Self {
            budget,
            used: 0,
            table: HashTable::new(),
            buckets: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
        }
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let same = |at: &u32| *self.buckets[index(*at)].key == *key;
        self.table.find(hash, same).copied()
    }

    fn bucket(&mut self, at: u32) -> &mut Bucket {
        &mut self.buckets[index(at)]
    }

    fn insert(&mut self, key: &[u8], hash: u64, rate: u64, now: u64) {
        self.expire(rate, now, false);
        let cost = slot(FIXED, key);
        while self.used + cost > self.budget && self.oldest != NONE {
            self.expire(rate, now, true);
        }
        self.used += cost;
        let bucket = Bucket {
            key: key.into(),
            hash,
            last: now,
            excess: 0,
            newer: NONE,
            older: NONE,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.buckets[index(at)] = bucket;
                at
            }
            None => {
                self.buckets.push(bucket);
                u32::try_from(self.buckets.len() - 1).unwrap_or(NONE)
            }
        };
        let buckets = &self.buckets;
        self.table
            .insert_unique(hash, at, |at| buckets[index(*at)].hash);
        self.link(at);
    }

    /// Makes an entry the newest.
    fn touch(&mut self, at: u32) {
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
    }

    fn link(&mut self, at: u32) {
        let next = self.newest;
        let bucket = self.bucket(at);
        (bucket.newer, bucket.older) = (NONE, next);
        match next {
            NONE => self.oldest = at,
            next => self.bucket(next).newer = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let Bucket { newer, older, .. } = *self.bucket(at);
        match newer {
            NONE => self.newest = older,
            newer => self.bucket(newer).older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.bucket(older).newer = newer,
        }
    }

    /// Removes up to two entries that are idle and empty; before them the oldest one, if forced.
    fn expire(&mut self, rate: u64, now: u64, forced: bool) {
        if forced && self.oldest != NONE {
            self.remove(self.oldest);
        }
        for _ in 0..2 {
            let at = self.oldest;
            if at == NONE {
                return;
            }
            let bucket = self.bucket(at);
            if now.saturating_sub(bucket.last) < IDLE || bucket.left_at(rate, now) > 0 {
                return;
            }
            self.remove(at);
        }
    }

    fn remove(&mut self, at: u32) {
        self.unlink(at);
        let bucket = self.bucket(at);
        let hash = bucket.hash;
        let key = std::mem::take(&mut bucket.key);
        self.used = self.used.saturating_sub(slot(FIXED, &key));
        if let Ok(entry) = self.table.find_entry(hash, |other| *other == at) {
            entry.remove();
        }
        self.free.push(at);
    }
}

fn index(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One request a second.
    const RATE: u64 = 1000;

    #[test]
    fn a_bucket_fills_and_drains() {
        let zone = RateZone::new(b"z", 1 << 20);
        let look = |now| zone.look(b"k", RATE, 1000, true, now);
        assert_eq!(look(0), Seen::Counted { excess: 0 });
        assert_eq!(look(0), Seen::Counted { excess: 1000 });
        assert_eq!(look(0), Seen::Busy { excess: 2000 });
        assert_eq!(look(500), Seen::Busy { excess: 1500 });
        assert_eq!(look(1000), Seen::Counted { excess: 1000 });
        assert_eq!(look(60_000), Seen::Counted { excess: 0 });
    }

    #[test]
    fn looking_counts_nothing() {
        let zone = RateZone::new(b"z", 1 << 20);
        assert_eq!(zone.look(b"k", RATE, 0, false, 0), Seen::Pending);
        assert_eq!(zone.look(b"k", RATE, 0, false, 0), Seen::Pending);
        assert_eq!(zone.count(b"k", RATE, 0), 0);
        assert_eq!(zone.count(b"k", RATE, 100), 900);
        assert_eq!(
            zone.look(b"k", RATE, 0, false, 100),
            Seen::Busy { excess: 1900 }
        );
    }

    #[test]
    fn keys_do_not_share_a_bucket() {
        let zone = RateZone::new(b"z", 1 << 20);
        assert_eq!(zone.count(b"a", RATE, 0), 0);
        assert_eq!(zone.count(b"b", RATE, 0), 0);
        assert_eq!(zone.count(b"a", RATE, 0), 1000);
    }

    #[test]
    fn memory_is_bounded_and_the_longest_unused_goes_first() {
        let zone = RateZone::new(b"z", 32 << 10);
        let fits = (32_u32 << 10) / 128;
        for n in 0..fits {
            zone.count(&n.to_be_bytes(), RATE, 1);
        }
        // The first is used again, so the second is the oldest when another one comes.
        assert_eq!(zone.count(&0_u32.to_be_bytes(), RATE, 1), 1000);
        zone.count(b"new", RATE, 1);
        assert_eq!(zone.count(&0_u32.to_be_bytes(), RATE, 1), 2000);
        assert_eq!(zone.count(&1_u32.to_be_bytes(), RATE, 1), 0);
        for n in 0..10_000_u32 {
            zone.count(&n.to_le_bytes(), RATE, 2);
        }
        let shard = zone.shards[0].lock().unwrap();
        assert!(shard.used <= shard.budget);
        assert_eq!(shard.table.len() + shard.free.len(), shard.buckets.len());
        assert!(shard.buckets.len() <= index(fits));
    }

    #[test]
    fn idle_entries_make_room() {
        let zone = RateZone::new(b"z", 32 << 10);
        zone.count(b"a", RATE, 0);
        zone.count(b"b", RATE, 0);
        zone.count(b"c", RATE, 70_000);
        assert_eq!(zone.shards[0].lock().unwrap().table.len(), 1);
    }
}
