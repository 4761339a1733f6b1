//! Ways to choose a server by something else than its turn.

use std::cell::Cell;
use std::time::Instant;

use crate::group::{Members, Tries};
use crate::hash::{ADDRESS_SEED, crc32, of_address};
use crate::peer::Peer;

/// After so many misses a hash gives up and the turn decides.
const MISSES: u32 = 20;

/// Points on the circle of a consistent hash, per unit of weight.
const POINTS: usize = 160;

/// How the next server is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Balance {
    /// In turn, smoothly by weight.
    #[default]
    RoundRobin,
    /// `least_conn`: the one with the fewest connections for its weight.
    LeastConn,
    /// `ip_hash`: the key is the client's address, 4 or 16 bytes.
    IpHash,
    /// `hash KEY`.
    Hash,
    /// `hash KEY consistent`.
    ConsistentHash,
    /// `random`, or with `two`, the less busy of two.
    Random {
        /// `random two`.
        two: bool,
    },
}

/// Which members those are that a key leads to, for [`Balance::ConsistentHash`].
#[derive(Debug, Default)]
pub(crate) struct Circle {
    points: Vec<(u32, usize)>,
}

impl Circle {
    /// Source: nginx, `ngx_http_upstream_update_chash`.
    pub(crate) fn new<A>(peers: &[Peer<A>], members: &[usize]) -> Self {
        let mut points = Vec::new();
        for &member in members {
            let Some(peer) = peers.get(member) else {
                continue;
            };
            let (host, port) = split_server(peer.server.as_bytes());
            let mut last = 0_u32;
            for _ in 0..usize::try_from(peer.weight)
                .unwrap_or(1)
                .saturating_mul(POINTS)
            {
                last = crc32(&[host, b"\0", port, &last.to_le_bytes()]);
                points.push((last, member));
            }
        }
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        Self { points }
    }

    /// Members in the order in which the circle meets them from a hash on.
    fn from(&self, hash: u32) -> impl Iterator<Item = usize> {
        let at = self.points.partition_point(|point| point.0 < hash);
        let (before, after) = self.points.split_at(at);
        after.iter().chain(before).map(|point| point.1)
    }
}

fn split_server(server: &[u8]) -> (&[u8], &[u8]) {
    if let Some(path) = server.strip_prefix(b"unix:") {
        return (path, b"");
    }
    match server.iter().rposition(|byte| !byte.is_ascii_digit()) {
        Some(at) if server[at] == b':' => (&server[..at], &server[at + 1..]),
        _ => (server, b""),
    }
}

impl<A> Members<'_, A> {
    /// The member that the balance prefers; `None` where the turn decides.
    pub(crate) fn prefer(
        &self,
        balance: Balance,
        circle: &Circle,
        tries: &mut Tries,
        key: &[u8],
        now: Instant,
    ) -> Option<usize> {
        match balance {
            Balance::RoundRobin => None,
            // Source: nginx, `ngx_http_upstream_get_hash_peer`: what has no key sticks to nobody.
            Balance::Hash | Balance::ConsistentHash if key.is_empty() => None,
            Balance::LeastConn => self.least_busy(tries, now),
            Balance::IpHash => {
                let mut hash = ADDRESS_SEED;
                self.by_hash(tries, now, |_| {
                    hash = of_address(hash, key);
                    hash
                })
            }
            Balance::Hash => {
                let mut sum = 0_u32;
                self.by_hash(tries, now, |round| {
                    let again = round.to_string();
                    let again: &[u8] = if round == 0 { b"" } else { again.as_bytes() };
                    sum = sum.wrapping_add((crc32(&[again, key]) >> 16) & 0x7fff);
                    sum
                })
            }
            Balance::ConsistentHash => {
                let found = circle.from(crc32(&[key]));
                found
                    .take(POINTS * 64)
                    .find(|&member| self.is_free(tries, member, now))
            }
            Balance::Random { two } => self.by_chance(two, tries, now),
        }
    }

    /// Source: nginx, `ngx_http_upstream_get_ip_hash_peer`, `ngx_http_upstream_get_hash_peer`.
    fn by_hash(
        &self,
        tries: &mut Tries,
        now: Instant,
        mut next: impl FnMut(u32) -> u32,
    ) -> Option<usize> {
        let total: u32 = self
            .indexes
            .iter()
            .map(|&member| self.peers[member].weight)
            .sum();
        for round in 0..=MISSES {
            let mut rest = next(round).checked_rem(total)?;
            let member = self.indexes.iter().copied().find(|&member| {
                let weight = self.peers[member].weight;
                let found = rest < weight;
                rest = rest.saturating_sub(weight);
                found
            })?;
            if self.is_free(tries, member, now) {
                return Some(member);
            }
        }
        None
    }

    /// The member with the fewest connections for its weight, if it is the only one.
    ///
    /// Source: nginx, `ngx_http_upstream_get_least_conn_peer`: among equals the turn decides.
    fn least_busy(&self, tries: &mut Tries, now: Instant) -> Option<usize> {
        let load = |member: usize| {
            (
                u64::from(self.health[member].connections),
                u64::from(self.peers[member].weight),
            )
        };
        let free = || {
            self.indexes
                .iter()
                .copied()
                .filter(|&member| self.is_free(tries, member, now))
        };
        let less = |one: usize, other: usize| {
            let ((a, weight_a), (b, weight_b)) = (load(one), load(other));
            a * weight_b < b * weight_a
        };
        let best = free().reduce(|best, member| if less(member, best) { member } else { best })?;
        let equals: Vec<_> = free().filter(|&member| !less(best, member)).collect();
        match equals[..] {
            [only] => Some(only),
            _ => {
                tries.narrowed = equals;
                None
            }
        }
    }

    fn by_chance(&self, two: bool, tries: &Tries, now: Instant) -> Option<usize> {
        let total: u32 = self
            .indexes
            .iter()
            .map(|&member| self.peers[member].weight)
            .sum();
        let draw = || {
            let mut rest = chance().checked_rem(total)?;
            self.indexes.iter().copied().find(|&member| {
                let weight = self.peers[member].weight;
                let found = rest < weight;
                rest = rest.saturating_sub(weight);
                found
            })
        };
        let mut draws = (0..=MISSES)
            .filter_map(|_| draw())
            .filter(|&member| self.is_free(tries, member, now));
        let first = draws.next()?;
        if !two {
            return Some(first);
        }
        let Some(second) = draws.find(|&member| member != first) else {
            return Some(first);
        };
        let load = |member: usize, other: usize| {
            u64::from(self.health[member].connections) * u64::from(self.peers[other].weight)
        };
        let better = load(second, first) < load(first, second);
        Some(if better { second } else { first })
    }
}

/// A number that nobody has to be unable to guess (xorshift, seeded per thread).
fn chance() -> u32 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(seed());
    }
    STATE.with(|state| {
        let mut x = state.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        u32::try_from(x >> 32).unwrap_or(u32::MAX)
    })
}

fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0) | 1
}
