//! Client addresses: `allow`/`deny` and `set_real_ip_from`.

use std::net::IpAddr;

use http::HeaderName;

/// An address with a prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The address; host bits are zero.
    pub address: IpAddr,
    /// Length of the prefix in bits.
    pub prefix: u8,
}

impl Network {
    /// Whether an address lies within. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix.min(32));
                let mask = u32::MAX.checked_shl(shift).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix.min(128));
                let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Whom an `allow` or `deny` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// `all`.
    All,
    /// `unix:`.
    UnixSocket,
    /// An address or a network.
    Network(Network),
}

/// One `allow` or `deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRule {
    /// Whom it names.
    pub who: Who,
    /// `allow`.
    pub allow: bool,
}

/// ngx_http_realip_module.
#[derive(Debug)]
pub struct RealIp {
    /// `set_real_ip_from`.
    pub trusted: Vec<Network>,
    /// `set_real_ip_from unix:`.
    pub trust_unix: bool,
    /// `real_ip_header`.
    pub source: RealIpSource,
    /// `real_ip_recursive`.
    pub recursive: bool,
    /// `real_ip_trust_private`: scheme and port are those that a trusted proxy tells, too.
    pub forwards: bool,
}

/// `real_ip_header`.
#[derive(Debug)]
pub enum RealIpSource {
    /// `X-Forwarded-For`, or another field with a list.
    Field(HeaderName),
    /// `proxy_protocol`.
    ProxyProtocol,
}

impl RealIp {
    /// Whether that address may tell whom it speaks for.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let private = Network {
            address: "10.0.0.0".parse().unwrap(),
            prefix: 8,
        };
        assert!(private.contains("10.200.1.1".parse().unwrap()));
        assert!(private.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!private.contains("11.0.0.1".parse().unwrap()));
        let everyone = Network {
            address: "::".parse().unwrap(),
            prefix: 0,
        };
        assert!(everyone.contains("2001:db8::1".parse().unwrap()));
        assert!(!everyone.contains("127.0.0.1".parse().unwrap()));
    }
}
