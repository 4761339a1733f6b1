//! Variables that follow from others by a rule: `geo` and `split_clients`.

use std::net::{IpAddr, Ipv4Addr};

use super::{Network, RealIp, Template};

/// One `geo`: from an address to a value.
#[derive(Debug)]
pub struct Geo {
    /// What holds the address; `None` for the client's own.
    pub source: Option<Template>,
    /// `proxy`: trusted to say in `X-Forwarded-For` for whom they speak.
    pub proxies: Option<RealIp>,
    /// Networks with their values, the longest prefix first.
    pub networks: Vec<(Network, Box<[u8]>)>,
    /// With `ranges`: both ends included, in order; the last that fits counts.
    pub ranges: Vec<(Ipv4Addr, Ipv4Addr, Option<Box<[u8]>>)>,
    /// The value of other addresses.
    pub default: Box<[u8]>,
}

impl Geo {
    /// The value of an address.
    ///
    /// Source: nginx, ngx_http_geo_module.
    #[must_use]
    pub fn value(&self, address: Option<IpAddr>) -> &[u8] {
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return &self.default;
        };
        if let (IpAddr::V4(address), false) = (address, self.ranges.is_empty()) {
            let holds =
                |(first, last, _): &&(Ipv4Addr, Ipv4Addr, _)| (*first..=*last).contains(&address);
            let found = self.ranges.iter().rfind(holds);
            return found
                .and_then(|(_, _, value)| value.as_deref())
                .unwrap_or(&self.default);
        }
        let found = self
            .networks
            .iter()
            .find(|(network, _)| network.contains(address));
        found.map_or(&*self.default, |(_, value)| value)
    }
}

/// One `split_clients`.
#[derive(Debug)]
pub struct Split {
    /// What is hashed.
    pub source: Template,
    /// Values, each with the first hash that is no longer its; `None` for all the rest.
    pub parts: Vec<(Option<u32>, Box<[u8]>)>,
}

impl Split {
    /// The bounds of shares in hundredths of a percent.
    ///
    /// Source: nginx, `ngx_conf_split_clients_block`.
    #[must_use]
    pub fn bounds(shares: &[Option<u32>]) -> Vec<Option<u32>> {
        let mut last = 0_u32;
        let bound = |share: &Option<u32>| {
            share.map(|share| {
                let width = u64::from(share) * u64::from(u32::MAX) / 10_000;
                last = last.wrapping_add(u32::try_from(width).unwrap_or(u32::MAX));
                last
            })
        };
        shares.iter().map(bound).collect()
    }

    /// The value for a source, if any share takes it.
    #[must_use]
    pub fn value(&self, source: &[u8]) -> Option<&[u8]> {
        let hash = murmur2(source);
        let found = self
            .parts
            .iter()
            .find(|(bound, _)| bound.is_none_or(|bound| hash < bound));
        found.map(|(_, value)| &**value)
    }
}

/// MurmurHash2 with seed 0, as nginx has it.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        let mut k = word
            .iter()
            .rev()
            .fold(0, |k, byte| k << 8 | u32::from(*byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest
            .iter()
            .rev()
            .fold(0, |k, byte| k << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8) -> Network {
        let address = address.parse().unwrap();
        Network { address, prefix }
    }

    #[test]
    fn the_longest_network_counts() {
        let geo = Geo {
            source: None,
            proxies: None,
            networks: vec![
                (network("10.1.0.0", 16), b"near".as_slice().into()),
                (network("10.0.0.0", 8), b"far".as_slice().into()),
            ],
            ranges: Vec::new(),
            default: b"none".as_slice().into(),
        };
        assert_eq!(geo.value("10.1.2.3".parse().ok()), b"near");
        assert_eq!(geo.value("10.2.2.3".parse().ok()), b"far");
        assert_eq!(geo.value("11.2.2.3".parse().ok()), b"none");
        assert_eq!(geo.value(None), b"none");
    }

    #[test]
    fn later_ranges_cover_earlier_ones() {
        let at = |last: u8| Ipv4Addr::new(10, 0, 0, last);
        let geo = Geo {
            source: None,
            proxies: None,
            networks: Vec::new(),
            ranges: vec![
                (at(1), at(9), Some(b"all".as_slice().into())),
                (at(4), at(5), None),
            ],
            default: Box::default(),
        };
        assert_eq!(geo.value(Some(at(3).into())), b"all");
        assert_eq!(geo.value(Some(at(4).into())), b"");
        assert_eq!(geo.value(Some(at(10).into())), b"");
    }

    #[test]
    fn hashes_are_nginx_own() {
        assert_eq!(murmur2(b""), 0);
        assert_eq!(
            Split::bounds(&[Some(5_000), Some(5_000), None]),
            [Some(0x7fff_ffff), Some(0xffff_fffe), None]
        );
    }
}
