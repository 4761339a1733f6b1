//! `geo` and `split_clients`: values that depend on an address, or on a hash.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use super::{Network, RealIp, Template};
use crate::variable::Variable;

/// One `geo`: from an address to a value.
#[derive(Debug)]
pub struct Geo {
    /// The variable that holds the address; `None` is the client's own.
    pub source: Option<Variable>,
    /// `proxy`, `proxy_recursive`.
    pub proxies: Option<RealIp>,
    /// What the addresses mean, as numbers of values.
    pub table: GeoTable,
    /// `default`.
    pub default: Option<usize>,
    /// The values.
    pub values: Vec<Box<[u8]>>,
    /// `volatile`.
    pub volatile: bool,
}

/// The addresses of a `geo`.
#[derive(Debug)]
pub enum GeoTable {
    /// Networks; the narrowest counts.
    Networks(GeoNetworks),
    /// `ranges`.
    Ranges(GeoRanges),
}

impl GeoTable {
    /// The value of an address. A client without one is 255.255.255.255, as in nginx.
    #[must_use]
    pub fn find(&self, address: Option<IpAddr>) -> Option<usize> {
        let broadcast = IpAddr::V4(Ipv4Addr::BROADCAST);
        let address = address.map_or(broadcast, |address| address.to_canonical());
        match (self, address) {
            (Self::Networks(networks), address) => networks.find(address),
            (Self::Ranges(ranges), IpAddr::V4(address)) => ranges.find(address),
            (Self::Ranges(ranges), IpAddr::V6(_)) => ranges.find(Ipv4Addr::BROADCAST),
        }
    }
}

/// Networks by their length, longest first.
#[derive(Debug, Default)]
pub struct GeoNetworks {
    levels: Vec<(u8, HashMap<IpAddr, usize>)>,
}

impl GeoNetworks {
    /// Gives a network a value in place of the one it had.
    pub fn insert(&mut self, network: Network, value: usize) {
        let at = self
            .levels
            .binary_search_by(|(bits, _)| network.prefix.cmp(bits));
        let at = at.unwrap_or_else(|at| {
            self.levels.insert(at, (network.prefix, HashMap::new()));
            at
        });
        self.levels[at].1.insert(network.address, value);
    }

    /// Takes the value of exactly this network away.
    pub fn remove(&mut self, network: Network) {
        for (bits, level) in &mut self.levels {
            if *bits == network.prefix {
                level.remove(&network.address);
            }
        }
    }

    fn find(&self, address: IpAddr) -> Option<usize> {
        let found = |(bits, level): &(u8, HashMap<IpAddr, usize>)| {
            level.get(&masked(address, *bits)?).copied()
        };
        self.levels.iter().find_map(found)
    }
}

/// The network of so many bits around an address; `None` if the address has fewer.
fn masked(address: IpAddr, bits: u8) -> Option<IpAddr> {
    let bits = u32::from(bits);
    Some(match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
            Ipv4Addr::from_bits(ip.to_bits() & mask).into()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX
                .checked_shl(128_u32.checked_sub(bits)?)
                .unwrap_or(0);
            std::net::Ipv6Addr::from_bits(ip.to_bits() & mask).into()
        }
    })
}

/// Ranges that do not overlap, cut at every /16, as nginx keeps them: by their first address, the
/// last one and the value.
#[derive(Debug, Default)]
pub struct GeoRanges {
    pieces: BTreeMap<u32, (u32, usize)>,
}

impl GeoRanges {
    /// Gives a range a value in place of those that it had.
    pub fn insert(&mut self, first: Ipv4Addr, last: Ipv4Addr, value: usize) {
        for (first, last) in chunks(first, last) {
            let around = self.pieces.range(..=last).rev();
            let overlapping: Vec<_> = around
                .take_while(|(_, (end, _))| *end >= first)
                .map(|(start, piece)| (*start, *piece))
                .collect();
            for (start, (end, old)) in overlapping {
                self.pieces.remove(&start);
                if start < first {
                    self.pieces.insert(start, (first - 1, old));
                }
                if end > last {
                    self.pieces.insert(last + 1, (end, old));
                }
            }
            self.pieces.insert(first, (last, value));
        }
    }

    /// Takes the value of exactly this range away.
    pub fn remove(&mut self, first: Ipv4Addr, last: Ipv4Addr) {
        for (first, last) in chunks(first, last) {
            if self.pieces.get(&first).is_some_and(|(end, _)| *end == last) {
                self.pieces.remove(&first);
            }
        }
    }

    fn find(&self, address: Ipv4Addr) -> Option<usize> {
        let address = address.to_bits();
        let (_, (last, value)) = self.pieces.range(..=address).next_back()?;
        (*last >= address).then_some(*value)
    }
}

/// The parts of a range in each /16.
fn chunks(first: Ipv4Addr, last: Ipv4Addr) -> impl Iterator<Item = (u32, u32)> {
    let (first, last) = (first.to_bits(), last.to_bits());
    (first >> 16..=last >> 16).map(move |high| {
        let start = high << 16;
        (first.max(start), last.min(start | 0xffff))
    })
}

/// One `split_clients`.
#[derive(Debug)]
pub struct Split {
    /// What is hashed.
    pub source: Template,
    /// Values with the hash below which they hold; `None` for the rest.
    pub parts: Vec<(Option<u32>, Box<[u8]>)>,
}

impl Split {
    /// The value for a text.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> &[u8] {
        let hash = murmur(text);
        let holds = |(below, _): &&(Option<u32>, _)| below.is_none_or(|below| hash < below);
        self.parts
            .iter()
            .find(holds)
            .map_or(b"", |(_, value)| value)
    }
}

/// MurmurHash2 with seed 0.
///
/// Source: nginx, `ngx_murmur_hash2`.
fn murmur(data: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let mut hash = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(MIX);
        k = (k ^ k >> 24).wrapping_mul(MIX);
        hash = hash.wrapping_mul(MIX) ^ k;
    }
    for (number, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * number);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(MIX);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(MIX);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str, prefix: u8) -> Network {
        let address = text.parse().unwrap();
        Network { address, prefix }
    }

    fn find(table: &GeoTable, address: &str) -> Option<usize> {
        table.find(Some(address.parse().unwrap()))
    }

    #[test]
    fn the_narrowest_network_counts() {
        let mut networks = GeoNetworks::default();
        networks.insert(network("0.0.0.0", 0), 0);
        networks.insert(network("1.2.0.0", 16), 1);
        networks.insert(network("1.2.3.0", 24), 2);
        networks.insert(network("2001:db8::", 32), 3);
        networks.insert(network("255.255.255.255", 32), 4);
        let mut table = GeoTable::Networks(networks);
        assert_eq!(find(&table, "1.2.3.4"), Some(2));
        assert_eq!(find(&table, "::ffff:1.2.9.9"), Some(1));
        assert_eq!(find(&table, "9.9.9.9"), Some(0));
        assert_eq!(find(&table, "2001:db8::1"), Some(3));
        assert_eq!(find(&table, "2001:db9::1"), None);
        assert_eq!(table.find(None), Some(4));
        let GeoTable::Networks(networks) = &mut table else {
            unreachable!()
        };
        networks.remove(network("1.2.3.0", 24));
        assert_eq!(find(&table, "1.2.3.4"), Some(1));
    }

    #[test]
    fn later_ranges_cut_earlier_ones() {
        let mut ranges = GeoRanges::default();
        let ip = |text: &str| text.parse().unwrap();
        ranges.insert(ip("127.0.0.0"), ip("127.1.0.255"), 1);
        ranges.insert(ip("127.0.0.1"), ip("127.0.0.2"), 2);
        ranges.insert(ip("127.0.0.1"), ip("127.0.0.1"), 3);
        let table = GeoTable::Ranges(ranges);
        for (address, value) in [
            ("127.0.0.0", Some(1)),
            ("127.0.0.1", Some(3)),
            ("127.0.0.2", Some(2)),
            ("127.0.0.3", Some(1)),
            ("127.1.0.255", Some(1)),
            ("127.1.1.0", None),
            ("126.255.255.255", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(find(&table, address), value, "{address}");
        }
        let GeoTable::Ranges(mut ranges) = table else {
            unreachable!()
        };
        ranges.remove(ip("127.0.0.1"), ip("127.0.0.1"));
        ranges.remove(ip("127.0.0.2"), ip("127.0.0.3"));
        let table = GeoTable::Ranges(ranges);
        assert_eq!(find(&table, "127.0.0.1"), None);
        assert_eq!(find(&table, "127.0.0.2"), Some(2));
    }

    #[test]
    fn clients_are_split_by_murmur() {
        assert_eq!(murmur(b""), 0);
        assert_eq!(murmur(b"a"), 0x9268_5f5e);
        assert_eq!(murmur(b"hello"), 0xe561_29cb);
        let split = Split {
            source: Template::literal(&b""[..]),
            parts: vec![
                (Some(0x9268_5f5e), b"one"[..].into()),
                (None, b"two"[..].into()),
            ],
        };
        assert_eq!(split.find(b""), b"one");
        assert_eq!(split.find(b"a"), b"two");
    }
}
