//! What one worker thread remembers: a hash table over slots, emptied by a clock hand.

use std::ffi::{CStr, CString};
use std::hash::BuildHasher;
use std::rc::Rc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::budget::{Budget, Charge};
use super::entry::Entry;
use super::options::{DisableSymlinks, OpenOptions};
use crate::error::OpenError;

/// Memory of a slot beside the body: entry, header values, path, table.
const OVERHEAD: usize = 640;

/// Descriptors of files in memory that a worker keeps, at most: a deleted file frees its blocks only when it is closed.
pub(super) const KEPT_OPEN: usize = 64;

/// What is remembered of a path.
#[derive(Clone)]
pub(super) enum Known {
    File(Rc<Entry>),
    Directory,
    Failed(OpenError),
}

pub(super) struct Slot {
    hash: u64,
    pub(super) path: CString,
    pub(super) known: Known,
    /// Milliseconds of the coarse clock when the file system was last asked under `open_file_cache`; 0 for never.
    pub(super) checked: u64,
    pub(super) uses: u32,
    /// [`Moment::now`](super::Moment::now) of the last look that found the file unchanged; 0 for none.
    pub(super) looked: u64,
    /// The links were looked at in this way.
    pub(super) symlinks: (DisableSymlinks, usize),
    /// Asked for since the hand last passed.
    referenced: bool,
    /// Not asked for since the last [`Local::drop_idle`].
    idle: bool,
    charge: Charge,
}

impl Slot {
    fn body(&self) -> usize {
        match &self.known {
            Known::File(entry) => entry.in_memory().map_or(0, bytes::Bytes::len),
            Known::Directory | Known::Failed(_) => 0,
        }
    }

    fn is_open(&self) -> bool {
        matches!(&self.known, Known::File(entry) if entry.file().is_some())
    }
}

/// One worker's entries.
#[derive(Default)]
pub(super) struct Local {
    hasher: DefaultHashBuilder,
    table: HashTable<u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    hand: usize,
    /// Slots that keep their file open.
    open: usize,
    /// Bytes of the budget that this worker's entries hold, shared bodies included.
    held: usize,
    pub(super) seen_pressure: u64,
}

impl Local {
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many files are kept open.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    #[cfg(test)]
    fn held(&self) -> usize {
        self.held
    }

    /// Finds a path and marks it as asked for.
    pub(super) fn find(&mut self, path: &[u8]) -> Option<&mut Slot> {
        let hash = self.hasher.hash_one(path);
        let slots = &self.slots;
        let at = *self.table.find(hash, |&at| names(slots, at, path))?;
        let slot = self.slots.get_mut(at as usize)?.as_mut()?;
        slot.referenced = true;
        slot.idle = false;
        Some(slot)
    }

    /// Remembers `known` under `path` in place of what was there. Nothing happens if the budget has no room.
    pub(super) fn insert(
        &mut self,
        path: &CStr,
        known: Known,
        options: &OpenOptions,
        checked: u64,
        room: (&std::sync::Arc<Budget>, usize),
    ) {
        let (budget, max_entries) = room;
        let uses = self.remove(path.to_bytes()).map_or(1, |old| old.uses);
        while self.len() >= max_entries.max(1) && self.evict_one() {}
        let overhead = OVERHEAD + path.count_bytes();
        let charge = loop {
            match budget.charge(overhead) {
                Some(charge) => break charge,
                None if self.evict_one() => {}
                None => return budget.press(),
            }
        };
        let hash = self.hasher.hash_one(path.to_bytes());
        let slot = Slot {
            hash,
            path: path.to_owned(),
            known,
            checked,
            uses,
            looked: 0,
            symlinks: (options.symlinks, options.from),
            referenced: false,
            idle: false,
            charge,
        };
        self.held += slot.body() + slot.charge.size();
        self.open += usize::from(slot.is_open());
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.slots.get_mut(at as usize) {
            *place = Some(slot);
            let slots = &self.slots;
            self.table.insert_unique(hash, at, |&at| hash_of(slots, at));
        }
    }

    /// Forgets a path.
    pub(super) fn remove(&mut self, path: &[u8]) -> Option<Slot> {
        let hash = self.hasher.hash_one(path);
        let slots = &self.slots;
        let found = self
            .table
            .find_entry(hash, |&at| names(slots, at, path))
            .ok()?;
        let (at, _) = found.remove();
        self.take(at)
    }

    /// Evicts what has not been asked for since the hand last passed. False if nothing is left.
    pub(super) fn evict_one(&mut self) -> bool {
        // Twice around clears every mark, so a slot is found unless there is none.
        for _ in 0..=self.slots.len() * 2 {
            if self.table.is_empty() {
                return false;
            }
            self.hand = if self.hand + 1 < self.slots.len() {
                self.hand + 1
            } else {
                0
            };
            match self.slots.get_mut(self.hand) {
                Some(Some(slot)) if slot.referenced => slot.referenced = false,
                Some(Some(_)) => {
                    self.evict(self.hand);
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// Evicts until this worker holds at most `share` bytes.
    pub(super) fn shrink_to(&mut self, share: usize) {
        while self.held > share && self.evict_one() {}
    }

    /// Evicts what was not asked for since the last call.
    pub(super) fn drop_idle(&mut self) {
        for at in 0..self.slots.len() {
            match self.slots.get_mut(at) {
                Some(Some(slot)) if slot.idle => self.evict(at),
                Some(Some(slot)) => slot.idle = true,
                _ => {}
            }
        }
    }

    fn evict(&mut self, at: usize) {
        let Some(hash) = self
            .slots
            .get(at)
            .and_then(Option::as_ref)
            .map(|slot| slot.hash)
        else {
            return;
        };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        if let Ok(found) = self.table.find_entry(hash, |&other| other == at) {
            found.remove();
        }
        self.take(at);
    }

    fn take(&mut self, at: u32) -> Option<Slot> {
        let slot = self.slots.get_mut(at as usize)?.take()?;
        self.free.push(at);
        self.held -= slot.body() + slot.charge.size();
        self.open -= usize::from(slot.is_open());
        Some(slot)
    }
}

fn names(slots: &[Option<Slot>], at: u32, path: &[u8]) -> bool {
    slots
        .get(at as usize)
        .and_then(Option::as_ref)
        .is_some_and(|slot| slot.path.as_bytes() == path)
}

fn hash_of(slots: &[Option<Slot>], at: u32) -> u64 {
    slots
        .get(at as usize)
        .and_then(Option::as_ref)
        .map_or(0, |slot| slot.hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Call;

    fn fill(local: &mut Local, budget: &std::sync::Arc<Budget>, count: usize, max: usize) {
        let failed = OpenError::NotFound { call: Call::Open };
        for n in 0..count {
            let path = CString::new(format!("/{n}")).expect("no NUL");
            let room = (budget, max);
            local.insert(
                &path,
                Known::Failed(failed),
                &OpenOptions::default(),
                0,
                room,
            );
        }
    }

    #[test]
    fn what_is_asked_for_outlives_what_is_not() {
        let budget = Budget::new(1 << 20);
        let mut local = Local::default();
        fill(&mut local, &budget, 1, 10);
        for n in 0..100 {
            assert!(local.find(b"/0").is_some(), "after {n}");
            let path = CString::new(format!("/x{n}")).expect("no NUL");
            let options = OpenOptions::default();
            local.insert(&path, Known::Directory, &options, 0, (&budget, 10));
        }
        assert_eq!(local.len(), 10);
    }

    #[test]
    fn the_budget_bounds_entries_and_is_given_back() {
        let budget = Budget::new(OVERHEAD * 20);
        let mut local = Local::default();
        fill(&mut local, &budget, 1_000, usize::MAX);
        assert!(local.len() < 20 && local.len() > 15, "{}", local.len());
        assert_eq!(local.held(), budget.used());
        local.shrink_to(OVERHEAD * 5);
        assert!(budget.used() <= OVERHEAD * 5);
        local.drop_idle();
        local.drop_idle();
        assert_eq!((local.len(), budget.used()), (0, 0));
    }
}
