//! `geo` and `split_clients` blocks.

use std::net::IpAddr;

use http::HeaderName;
use portunus_conf::typed::{Geo as Parsed, GeoEntry, SplitClients};
use portunus_conf::{Directive, Scope, Word, d};
use portunus_handler::{
    Geo, GeoNetworks, GeoRanges, GeoTable, Network, RealIp, RealIpSource, Split, Template,
};

use super::Builder;

impl Builder<'_> {
    pub(super) fn geos(&mut self, http: Scope<'_>) -> Vec<Geo> {
        let blocks: Vec<_> = http.own(d::GEO).collect();
        let geo = |directive| self.geo(directive);
        blocks.into_iter().filter_map(geo).collect()
    }

    fn geo(&mut self, directive: &Directive) -> Option<Geo> {
        let parsed = Parsed::parse(directive).ok()?;
        let source = match &parsed.source {
            None => None,
            Some(name) => match self.names.resolve(name.bytes) {
                Some(variable) => Some(variable),
                None => {
                    let text = name.bytes.escape_ascii();
                    let message = format!("unknown \"{text}\" variable");
                    self.refuse_value(directive, name.word, &message);
                    None
                }
            },
        };
        let mut values = Values::default();
        let default = parsed.default.map(|value| values.add(value));
        let table = if parsed.ranges {
            GeoTable::Ranges(ranges(&parsed, &mut values))
        } else {
            GeoTable::Networks(networks(&parsed, &mut values))
        };
        Some(Geo {
            source,
            proxies: proxies(&parsed),
            table,
            default,
            values: values.0,
            volatile: parsed.volatile,
        })
    }

    pub(super) fn splits(&mut self, http: Scope<'_>) -> Vec<Split> {
        let blocks: Vec<_> = http.own(d::SPLIT_CLIENTS).collect();
        let split = |directive| self.split(directive);
        blocks.into_iter().map(split).collect()
    }

    /// Source: nginx, `ngx_conf_split_clients_block`.
    fn split(&mut self, directive: &Directive) -> Split {
        let Ok(parsed) = SplitClients::parse(directive) else {
            let source = Template::literal(&b""[..]);
            let parts = Vec::new();
            return Split { source, parts };
        };
        let (mut sum, mut below) = (0, 0_u64);
        let parts = parsed.parts.iter().map(|(share, value)| {
            sum += share.unwrap_or_default();
            // Shares are rounded down; the one that fills the whole has what is left.
            let share = share.filter(|_| sum < 10_000);
            let below = share.map(|share| {
                below += u64::from(share) * u64::from(u32::MAX) / 10_000;
                u32::try_from(below).unwrap_or(u32::MAX)
            });
            (below, value.as_bytes().into())
        });
        let parts = parts.collect();
        let source = self.template(directive, parsed.source);
        Split { source, parts }
    }
}

/// Values, each once.
#[derive(Default)]
struct Values(Vec<Box<[u8]>>);

impl Values {
    fn add(&mut self, word: &Word) -> usize {
        let known = self.0.last().is_some_and(|last| **last == *word.as_bytes());
        if !known {
            self.0.push(word.as_bytes().into());
        }
        self.0.len() - 1
    }
}

fn networks(parsed: &Parsed<'_>, values: &mut Values) -> GeoNetworks {
    let mut networks = GeoNetworks::default();
    for entry in &parsed.entries {
        match entry {
            GeoEntry::Network(network, value) => {
                networks.insert(network_of(*network), values.add(value));
            }
            GeoEntry::DeleteNetwork(network) => networks.remove(network_of(*network)),
            GeoEntry::Range(..) | GeoEntry::DeleteRange(..) => {}
        }
    }
    networks
}

fn ranges(parsed: &Parsed<'_>, values: &mut Values) -> GeoRanges {
    let mut ranges = GeoRanges::default();
    for entry in &parsed.entries {
        match entry {
            GeoEntry::Range(first, last, value) => ranges.insert(*first, *last, values.add(value)),
            GeoEntry::DeleteRange(first, last) => ranges.remove(*first, *last),
            GeoEntry::Network(..) | GeoEntry::DeleteNetwork(_) => {}
        }
    }
    ranges
}

fn proxies(parsed: &Parsed<'_>) -> Option<RealIp> {
    (!parsed.proxies.is_empty()).then(|| RealIp {
        trusted: parsed.proxies.iter().copied().map(network_of).collect(),
        trust_unix: false,
        source: RealIpSource::Field(HeaderName::from_static("x-forwarded-for")),
        recursive: parsed.proxy_recursive,
        forwards: false,
    })
}

fn network_of(network: portunus_conf::Network) -> Network {
    let address: IpAddr = network.address;
    Network {
        address,
        prefix: network.bits,
    }
}
