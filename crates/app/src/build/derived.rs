//! `geo` and `split_clients` blocks.

use portunus_conf::typed::{GeoEntry, SplitClients};
use portunus_conf::{Directive, Scope, d, typed};
use portunus_handler::{Geo, Network, RealIp, RealIpSource, Split, Template};

use super::Builder;

impl Builder<'_> {
    pub(super) fn geos(&mut self, http: Scope<'_>) -> Vec<Geo> {
        let directives: Vec<_> = http.own(d::GEO).collect();
        let geos = directives.into_iter().map(|directive| self.geo(directive));
        geos.collect()
    }

    fn geo(&mut self, directive: &Directive) -> Geo {
        let mut geo = Geo {
            source: None,
            proxies: None,
            networks: Vec::new(),
            ranges: Vec::new(),
            default: Box::default(),
        };
        // Faults have been reported by `conf`.
        let Ok(parsed) = typed::Geo::parse(directive) else {
            return geo;
        };
        if let (Some(_), Some(word)) = (parsed.source, directive.args.first()) {
            geo.source = Some(self.template(directive, word));
        }
        if !parsed.proxies.is_empty() {
            geo.proxies = Some(RealIp {
                trusted: parsed.proxies.iter().map(network).collect(),
                trust_unix: false,
                source: RealIpSource::Field(http::HeaderName::from_static("x-forwarded-for")),
                recursive: parsed.proxy_recursive,
            });
        }
        if let Some(word) = parsed.default {
            geo.default = word.as_bytes().into();
        }
        for entry in &parsed.entries {
            add(&mut geo, entry);
        }
        (geo.networks).sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix));
        geo
    }

    pub(super) fn splits(&mut self, http: Scope<'_>) -> Vec<Split> {
        let directives: Vec<_> = http.own(d::SPLIT_CLIENTS).collect();
        let splits = directives
            .into_iter()
            .map(|directive| self.split(directive));
        splits.collect()
    }

    fn split(&mut self, directive: &Directive) -> Split {
        let Ok(parsed) = SplitClients::parse(directive) else {
            let source = Template::literal(&b""[..]);
            return Split {
                source,
                parts: Vec::new(),
            };
        };
        let shares: Vec<_> = parsed.parts.iter().map(|(share, _)| *share).collect();
        let values = parsed.parts.iter().map(|(_, word)| word.as_bytes().into());
        Split {
            source: self.template(directive, parsed.source),
            parts: Split::bounds(&shares).into_iter().zip(values).collect(),
        }
    }
}

fn add(geo: &mut Geo, entry: &GeoEntry<'_>) {
    match entry {
        GeoEntry::Network(net, value) => {
            let net = network(net);
            geo.networks.retain(|(known, _)| *known != net);
            geo.networks.push((net, value.as_bytes().into()));
        }
        GeoEntry::DeleteNetwork(net) => {
            let net = network(net);
            geo.networks.retain(|(known, _)| *known != net);
        }
        GeoEntry::Range(first, last, value) => {
            geo.ranges
                .push((*first, *last, Some(value.as_bytes().into())));
        }
        GeoEntry::DeleteRange(first, last) => geo.ranges.push((*first, *last, None)),
    }
}

fn network(network: &portunus_conf::Network) -> Network {
    Network {
        address: network.address,
        prefix: network.bits,
    }
}
