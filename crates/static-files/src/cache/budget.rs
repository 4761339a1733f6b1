//! One memory budget for the process, shared by caches that know nothing of each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;

/// How much memory cached bodies may take, over all workers.
///
/// A worker that finds no room raises the pressure; each worker that sees a new pressure gives back what exceeds
/// its fair share, at its next look-up. So an early worker cannot starve a late one.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
    pressure: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
            pressure: AtomicU64::new(0),
        })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether `size` more bytes would fit, as things stand.
    pub(crate) fn has_room(&self, size: u64) -> bool {
        (self.chargeable().saturating_sub(self.used()) as u64) >= size
    }

    pub(crate) fn pressure(&self) -> u64 {
        self.pressure.load(Ordering::Relaxed)
    }

    /// Asks the other workers for room.
    pub(crate) fn press(&self) {
        self.pressure.fetch_add(1, Ordering::Relaxed);
    }

    /// What may be charged: of each 16 bytes one is left to the allocator, for sizes that it rounds up and pages that are
    /// in use in part.
    fn chargeable(&self) -> usize {
        self.limit - self.limit / 16
    }

    /// Takes `size` bytes out of the budget until the charge is dropped.
    pub(crate) fn charge(self: &Arc<Self>, size: usize) -> Option<Charge> {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(size)
                    .filter(|&sum| sum <= self.chargeable())
            })
            .ok()
            .map(|_| Charge {
                budget: Arc::clone(self),
                size,
            })
    }
}

/// A part of the budget, held.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    size: usize,
}

impl Charge {
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Bytes that hold their charge as long as anybody holds them, an answer under way included.
pub(crate) fn charged(data: Vec<u8>, charge: Charge) -> Bytes {
    Bytes::from_owner(Charged {
        data,
        _charge: charge,
    })
}

struct Charged {
    data: Vec<u8>,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_flight_stay_charged() {
        let budget = Budget::new(10);
        let charge = budget.charge(8).expect("room for 8");
        let cached = charged(vec![0; 8], charge);
        let sent = cached.clone();
        drop(cached);
        assert_eq!(budget.used(), 8);
        assert!(budget.charge(3).is_none());
        drop(sent);
        assert_eq!(budget.used(), 0);
        assert!(budget.charge(10).is_some());
    }
}
