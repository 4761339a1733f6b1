//! `allow`, `deny`, `set_real_ip_from`.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderName;
use portunus_conf::{Scope, d};
use portunus_handler::{AccessRule, Network, RealIp, RealIpSource, Who};

use super::Builder;

/// Networks that no public client can speak from (`real_ip_trust_private`).
pub(crate) const PRIVATE: &[&str] = &[
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "::1/128",
];

impl Builder<'_> {
    /// `allow` and `deny` of a level, in order; the nearest level that has any of the two counts.
    pub(super) fn access_rules(&mut self, scope: Scope<'_>) -> Arc<[AccessRule]> {
        let has_rules = |level: &Scope<'_>| level.set_here(d::ALLOW) || level.set_here(d::DENY);
        let Some(level) = scope.levels().find(has_rules) else {
            return Arc::default();
        };
        let mut rules = Vec::new();
        for (row, directive, _) in level.directives() {
            if row != d::ALLOW && row != d::DENY {
                continue;
            }
            let Some(word) = directive.args.first() else {
                continue;
            };
            let who = match word.as_bytes() {
                b"all" => Some(Who::All),
                b"unix:" => Some(Who::UnixSocket),
                _ => word.as_str().and_then(parse_network).map(Who::Network),
            };
            match who {
                Some(who) => rules.push(AccessRule {
                    who,
                    allow: row == d::ALLOW,
                }),
                None => {
                    let text = word.message_text();
                    self.error_at(directive, word, format!("invalid parameter \"{text}\""));
                }
            }
        }
        rules.into()
    }

    /// `set_real_ip_from` and its kin.
    pub(super) fn real_ip(&mut self, scope: Scope<'_>) -> Option<Arc<RealIp>> {
        let mut trusted = Vec::new();
        let mut trust_unix = false;
        for directive in scope.all(d::SET_REAL_IP_FROM) {
            let Some(word) = directive.args.first() else {
                continue;
            };
            match word.as_str() {
                Some("unix:") => trust_unix = true,
                Some(text) => trusted.extend(self.real_ip_sources(directive, word, text)),
                None => {}
            }
        }
        let forwards = scope.flag(d::REAL_IP_TRUST_PRIVATE);
        if forwards {
            trusted.extend(PRIVATE.iter().filter_map(|text| parse_network(text)));
            trust_unix = true;
        }
        if trusted.is_empty() && !trust_unix {
            return None;
        }
        let source = match scope.text(d::REAL_IP_HEADER) {
            _ if forwards && scope.find(d::REAL_IP_HEADER).is_none() => {
                RealIpSource::Field(HeaderName::from_static("x-forwarded-for"))
            }
            Some(b"proxy_protocol") => RealIpSource::ProxyProtocol,
            Some(name) => RealIpSource::Field(HeaderName::from_bytes(name).ok()?),
            None => RealIpSource::Field(HeaderName::from_static("x-real-ip")),
        };
        let recursive = match scope.find(d::REAL_IP_RECURSIVE) {
            None => forwards,
            Some(_) => scope.flag(d::REAL_IP_RECURSIVE),
        };
        Some(Arc::new(RealIp {
            trusted,
            trust_unix,
            source,
            recursive,
            forwards,
        }))
    }

    fn real_ip_sources(
        &mut self,
        directive: &portunus_conf::Directive,
        word: &portunus_conf::Word,
        text: &str,
    ) -> Vec<Network> {
        if let Some(network) = parse_network(text) {
            return vec![network];
        }
        use std::net::ToSocketAddrs as _;
        match (text, 0).to_socket_addrs() {
            Ok(found) => found.map(|address| host_network(address.ip())).collect(),
            Err(_) => {
                self.error_at(
                    directive,
                    word,
                    format!("host not found in set_real_ip_from \"{text}\""),
                );
                Vec::new()
            }
        }
    }
}

/// `ADDRESS` or `ADDRESS/BITS`.
fn parse_network(text: &str) -> Option<Network> {
    let Some((address, bits)) = text.split_once('/') else {
        return text.parse().ok().map(host_network);
    };
    let address: IpAddr = address.parse().ok()?;
    let prefix: u8 = bits.parse().ok()?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= widest).then_some(Network { address, prefix })
}

fn host_network(address: IpAddr) -> Network {
    Network {
        address,
        prefix: if address.is_ipv4() { 32 } else { 128 },
    }
}
