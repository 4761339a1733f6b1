//! A group of servers: its members take turns, fail, are spared, and are tried again.
//!
//! Source: nginx, ngx_http_upstream_round_robin.c.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::balance::{Balance, Circle};
use crate::peer::{Health, Outcome, Peer};

/// A group of servers, shared by all threads.
#[derive(Debug)]
pub struct Group<A> {
    name: Box<str>,
    peers: Vec<Peer<A>>,
    primary: Vec<usize>,
    backup: Vec<usize>,
    balance: Balance,
    circle: Circle,
    health: Mutex<Vec<Health>>,
}

/// What one request has tried so far.
#[derive(Debug, Default)]
pub struct Tries {
    tried: Vec<usize>,
    on_backup: bool,
    /// Members that a balance finds equally good.
    pub(crate) narrowed: Vec<usize>,
}

/// Whether a failure had the server spared: nginx says `upstream server temporarily disabled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled(pub bool);

/// Some members, looked at with the lock held.
pub(crate) struct Members<'g, A> {
    pub(crate) peers: &'g [Peer<A>],
    pub(crate) health: &'g [Health],
    pub(crate) indexes: &'g [usize],
}

impl<A> Members<'_, A> {
    /// Whether this request may ask that member.
    pub(crate) fn is_free(&self, tries: &Tries, member: usize, now: Instant) -> bool {
        !tries.tried.contains(&member) && self.health[member].is_usable(&self.peers[member], now)
    }
}

impl<A> Group<A> {
    /// A group under its name.
    pub fn new(name: impl Into<Box<str>>, peers: Vec<Peer<A>>, balance: Balance) -> Self {
        let of = |backup: bool| {
            let chosen = peers
                .iter()
                .enumerate()
                .filter(move |(_, peer)| peer.backup == backup);
            chosen.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let (primary, backup) = (of(false), of(true));
        let circle = match balance {
            Balance::ConsistentHash => Circle::new(&peers, &primary),
            _ => Circle::default(),
        };
        let health = peers.iter().map(|peer| Health::new(peer.weight)).collect();
        Self {
            name: name.into(),
            peers,
            primary,
            backup,
            balance,
            circle,
            health: Mutex::new(health),
        }
    }

    /// The name of the group.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The member with that number, as [`Group::select`] gave it.
    pub fn peer(&self, member: usize) -> &Peer<A> {
        &self.peers[member]
    }

    /// All members.
    pub fn peers(&self) -> &[Peer<A>] {
        &self.peers
    }

    /// How the next member is chosen.
    pub fn balance(&self) -> Balance {
        self.balance
    }

    /// How many tries a request has: one for each member that is not `down`.
    pub fn tries(&self) -> usize {
        self.peers.iter().filter(|peer| !peer.down).count()
    }

    /// The member to ask now, which must be given back with [`Group::release`]; `None` when none is
    /// left (nginx: `no live upstreams`).
    ///
    /// `key` is what hashes go by; other balances do not look at it.
    pub fn select(&self, tries: &mut Tries, key: &[u8], now: Instant) -> Option<usize> {
        let mut health = self.lock();
        loop {
            let indexes = if tries.on_backup {
                &self.backup
            } else {
                &self.primary
            };
            let members = Members {
                peers: &self.peers,
                health: &health,
                indexes,
            };
            let found = if self.is_single() {
                let only = indexes.first().copied();
                only.filter(|&at| !self.peers[at].down && health[at].has_room(&self.peers[at]))
            } else {
                tries.narrowed.clear();
                // A group of backups is small and rarely asked: always in turn.
                let balance = if tries.on_backup {
                    Balance::RoundRobin
                } else {
                    self.balance
                };
                match members.prefer(balance, &self.circle, tries, key, now) {
                    Some(member) => Some(member),
                    None => self.in_turn(&mut health, tries, now),
                }
            };
            if let Some(member) = found {
                tries.tried.push(member);
                health[member].begin(self.peers[member].fail_timeout, now);
                return Some(member);
            }
            if tries.on_backup || self.backup.is_empty() {
                return None;
            }
            tries.on_backup = true;
        }
    }

    /// Gives a member back.
    pub fn release(&self, member: usize, outcome: Outcome, now: Instant) -> Disabled {
        let alone = self.is_single();
        let peer = &self.peers[member];
        Disabled(self.lock()[member].end(peer, outcome, alone, now))
    }

    /// Smooth weighted round robin.
    fn in_turn(&self, health: &mut [Health], tries: &Tries, now: Instant) -> Option<usize> {
        let indexes = if tries.on_backup {
            &self.backup
        } else {
            &self.primary
        };
        let (mut best, mut total) = (None, 0);
        for &member in indexes {
            let peer = &self.peers[member];
            let narrowed = tries.narrowed.is_empty() || tries.narrowed.contains(&member);
            if !narrowed || tries.tried.contains(&member) || !health[member].is_usable(peer, now) {
                continue;
            }
            total += health[member].weigh(peer.weight);
            let weight = health[member].current_weight();
            if best.is_none_or(|(_, most)| weight > most) {
                best = Some((member, weight));
            }
        }
        let (member, _) = best?;
        health[member].chosen(total);
        Some(member)
    }

    /// One member and no backup: there is nobody else, so failures do not count.
    fn is_single(&self) -> bool {
        self.peers.len() == 1
    }

    /// No critical section can panic half-way, so a poisoned state is still whole.
    fn lock(&self) -> MutexGuard<'_, Vec<Health>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer(name: &'static str, weight: u32) -> Peer<&'static str> {
        Peer {
            weight,
            ..Peer::new(name)
        }
    }

    fn asked(group: &Group<&'static str>, times: usize, now: Instant) -> String {
        let one = |_| {
            let member = group.select(&mut Tries::default(), b"", now).unwrap();
            group.release(member, Outcome::Served, now);
            group.peer(member).address
        };
        (0..times).map(one).collect()
    }

    #[test]
    fn turns_are_smooth_by_weight() {
        let group = Group::new(
            "g",
            vec![peer("a", 5), peer("b", 1), peer("c", 1)],
            Balance::RoundRobin,
        );
        assert_eq!(asked(&group, 7, Instant::now()), "aabacaa");
    }

    #[test]
    fn a_failed_member_is_spared_for_a_while() {
        let now = Instant::now();
        let group = Group::new("g", vec![peer("a", 1), peer("b", 1)], Balance::RoundRobin);
        let first = group.select(&mut Tries::default(), b"", now).unwrap();
        assert_eq!(group.release(first, Outcome::Failed, now), Disabled(true));
        assert_eq!(asked(&group, 3, now), "bbb");
        let later = now + Duration::from_secs(11);
        assert!(asked(&group, 4, later).contains('a'));
    }

    #[test]
    fn backups_are_asked_last() {
        let now = Instant::now();
        let spare = Peer {
            backup: true,
            ..peer("s", 1)
        };
        let group = Group::new("g", vec![peer("a", 1), spare], Balance::RoundRobin);
        assert_eq!(asked(&group, 2, now), "aa");
        let mut tries = Tries::default();
        let first = group.select(&mut tries, b"", now).unwrap();
        group.release(first, Outcome::Failed, now);
        let second = group.select(&mut tries, b"", now).unwrap();
        assert_eq!(group.peer(second).address, "s");
        group.release(second, Outcome::Failed, now);
        assert_eq!(group.select(&mut tries, b"", now), None);
    }

    #[test]
    fn a_lone_member_is_always_asked() {
        let now = Instant::now();
        let group = Group::new("g", vec![peer("a", 1)], Balance::RoundRobin);
        for _ in 0..3 {
            let member = group.select(&mut Tries::default(), b"", now).unwrap();
            group.release(member, Outcome::Failed, now);
        }
    }

    #[test]
    fn down_and_full_members_are_left_out() {
        let now = Instant::now();
        let down = Peer {
            down: true,
            ..peer("d", 1)
        };
        let small = Peer {
            max_conns: 1,
            ..peer("s", 1)
        };
        let group = Group::new("g", vec![down, small, peer("a", 1)], Balance::RoundRobin);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(group.select(&mut Tries::default(), b"", now).unwrap());
        }
        let names: String = held
            .iter()
            .map(|&member| group.peer(member).address)
            .collect();
        assert_eq!(names, "saa");
        assert_eq!(group.tries(), 2);
    }

    #[test]
    fn the_least_busy_is_asked() {
        let now = Instant::now();
        let group = Group::new("g", vec![peer("a", 1), peer("b", 1)], Balance::LeastConn);
        let select = || group.select(&mut Tries::default(), b"", now).unwrap();
        let (one, two) = (select(), select());
        assert_ne!(one, two);
        group.release(two, Outcome::Served, now);
        assert_eq!(select(), two);
    }

    #[test]
    fn keys_stick_to_members() {
        let now = Instant::now();
        for balance in [Balance::Hash, Balance::ConsistentHash, Balance::IpHash] {
            let group = Group::new(
                "g",
                vec![peer("a:1", 1), peer("b:1", 2), peer("c:1", 1)],
                balance,
            );
            let select = |key: &[u8]| {
                let member = group.select(&mut Tries::default(), key, now).unwrap();
                group.release(member, Outcome::Served, now);
                member
            };
            let keys: Vec<[u8; 4]> = (0..32).map(|n| [10, n, 7, 1]).collect();
            let found: Vec<_> = keys.iter().map(|key| select(key)).collect();
            let again: Vec<_> = keys.iter().map(|key| select(key)).collect();
            assert_eq!(found, again);
            assert!(
                (0..3).all(|member| found.contains(&member)),
                "{balance:?}: {found:?}"
            );
        }
    }

    #[test]
    fn without_a_key_the_turn_decides() {
        let now = Instant::now();
        for balance in [Balance::Hash, Balance::ConsistentHash] {
            let group = Group::new("g", vec![peer("a", 1), peer("b", 1)], balance);
            assert_eq!(asked(&group, 4, now), "abab", "{balance:?}");
        }
    }

    #[test]
    fn chance_reaches_everybody() {
        let now = Instant::now();
        for two in [false, true] {
            let group = Group::new(
                "g",
                vec![peer("a", 1), peer("b", 1)],
                Balance::Random { two },
            );
            let names = asked(&group, 100, now);
            assert!(names.contains('a') && names.contains('b'));
        }
    }
}
