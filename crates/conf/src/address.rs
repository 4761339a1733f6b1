//! Addresses as nginx writes them: `host:port`, `[::1]:80`, `unix:/path`, networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use crate::value::parse_number;

/// Where a peer or a listener is. nginx: `ngx_url_t`, as `ngx_parse_url` fills it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address<'a> {
    /// A Unix socket.
    Unix(&'a [u8]),
    /// A numeric address.
    Ip(SocketAddr),
    /// A name that has to be looked up, or the name of an `upstream` block.
    Name(&'a [u8], u16),
}

/// An address with all that was written around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url<'a> {
    /// The address.
    pub address: Address<'a>,
    /// The host as written.
    pub host: &'a [u8],
    /// Whether a port was written.
    pub has_port: bool,
    /// What follows host and port, beginning with `/` or `?`; empty unless asked for.
    pub uri: &'a [u8],
    /// Last port of a range, if one was written.
    pub last_port: Option<u16>,
}

/// What may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// `listen`: a port alone, `*`, a range of ports.
    Listen,
    /// A peer: host and port.
    Peer,
    /// A peer with a path behind it.
    PeerWithUri,
}

/// Reads an address. nginx: `ngx_parse_url`, whose words the error is.
pub(crate) fn parse_url(text: &[u8], form: Form, port: u16) -> Result<Url<'_>, &'static str> {
    if text
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"unix:"))
    {
        return parse_unix(text.get(5..).unwrap_or_default(), form);
    }
    if text.first() == Some(&b'[') {
        parse_ipv6(text, form, port)
    } else {
        parse_inet(text, form, port)
    }
}

fn parse_unix(rest: &[u8], form: Form) -> Result<Url<'_>, &'static str> {
    let colon = rest
        .iter()
        .position(|byte| *byte == b':')
        .filter(|_| form == Form::PeerWithUri);
    let (path, uri) = match colon {
        Some(at) => (
            rest.get(..at).unwrap_or_default(),
            rest.get(at + 1..).unwrap_or_default(),
        ),
        None => (rest, &b""[..]),
    };
    if path.is_empty() {
        return Err("no path in the unix domain socket");
    }
    // sizeof(sun_path), the terminating zero included.
    if path.len() + 1 > 108 {
        return Err("too long path in the unix domain socket");
    }
    Ok(Url {
        address: Address::Unix(path),
        host: path,
        has_port: false,
        uri,
        last_port: None,
    })
}

/// Splits off what begins with one of the bytes.
fn split_uri<'a>(
    text: &'a [u8],
    at: &[u8],
    form: Form,
) -> Result<(&'a [u8], &'a [u8]), &'static str> {
    match text.iter().position(|byte| at.contains(byte)) {
        Some(_) if form != Form::PeerWithUri => Err("invalid host"),
        Some(at) => Ok(text.split_at(at)),
        None => Ok((text, b"")),
    }
}

fn parse_inet(text: &[u8], form: Form, default: u16) -> Result<Url<'_>, &'static str> {
    let (authority, uri) = split_uri(text, b"/?", form)?;
    let colon = authority.iter().position(|byte| *byte == b':');
    let (host, ports) = match colon {
        Some(at) => {
            let ports = parse_ports(authority.get(at + 1..).unwrap_or_default(), form)?;
            (authority.get(..at).unwrap_or_default(), Some(ports))
        }
        None if form == Form::Listen && uri.is_empty() => {
            if let Some(ports) = parse_port_alone(authority)? {
                return Ok(at(
                    Ipv4Addr::UNSPECIFIED.into(),
                    authority,
                    Some(ports),
                    default,
                    uri,
                ));
            }
            (authority, None)
        }
        None => (authority, None),
    };
    if host.is_empty() {
        return Err("no host");
    }
    if form == Form::Listen && host == b"*" {
        return Ok(at(Ipv4Addr::UNSPECIFIED.into(), host, ports, default, uri));
    }
    if let Some(ip) = parse_ipv4(host) {
        return Ok(at(ip.into(), host, ports, default, uri));
    }
    let (port, last_port) = ports.unwrap_or((default, None));
    let address = Address::Name(host, port);
    Ok(Url {
        address,
        host,
        has_port: ports.is_some(),
        uri,
        last_port,
    })
}

fn at<'a>(
    ip: IpAddr,
    host: &'a [u8],
    ports: Option<(u16, Option<u16>)>,
    default: u16,
    uri: &'a [u8],
) -> Url<'a> {
    let (port, last_port) = ports.unwrap_or((default, None));
    let address = Address::Ip(SocketAddr::new(ip, port));
    Url {
        address,
        host,
        has_port: ports.is_some(),
        uri,
        last_port,
    }
}

fn parse_ipv6(text: &[u8], form: Form, default: u16) -> Result<Url<'_>, &'static str> {
    let close = text
        .iter()
        .position(|byte| *byte == b']')
        .ok_or("invalid host")?;
    let (host, rest) = text.split_at(close + 1);
    let (port, uri) = split_uri(rest, b"/", form)?;
    let ports = match port.split_first() {
        None => None,
        Some((b':', port)) => Some(parse_ports(port, form)?),
        Some(_) => return Err("invalid host"),
    };
    let inner = host.get(1..close).unwrap_or_default();
    if inner.is_empty() {
        return Err("no host");
    }
    let ip = parse_ipv6_address(inner).ok_or("invalid IPv6 address")?;
    Ok(at(ip.into(), host, ports, default, uri))
}

fn port(text: &[u8]) -> Option<u16> {
    parse_number(text)
        .ok()
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port > 0)
}

/// A port, or, for `listen`, a range of them.
fn parse_ports(text: &[u8], form: Form) -> Result<(u16, Option<u16>), &'static str> {
    let dash = text
        .iter()
        .position(|byte| *byte == b'-')
        .filter(|_| form == Form::Listen);
    let (first, last) = match dash {
        Some(at) => {
            let last = port(text.get(at + 1..).unwrap_or_default()).ok_or("invalid port")?;
            (text.get(..at).unwrap_or_default(), Some(last))
        }
        None => (text, None),
    };
    let first = port(first).ok_or("invalid port")?;
    match last {
        Some(last) if first > last => Err("invalid port range"),
        _ => Ok((first, last)),
    }
}

/// `80` or `8000-8010`; `None` if it is no number, and so a name.
fn parse_port_alone(text: &[u8]) -> Result<Option<(u16, Option<u16>)>, &'static str> {
    let dash = text.iter().position(|byte| *byte == b'-');
    let (first, last) = match dash {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    };
    if parse_number(first).is_err() || last.is_some_and(|last| parse_number(last).is_err()) {
        return Ok(None);
    }
    parse_ports(text, Form::Listen).map(Some)
}

/// nginx: `ngx_inet_addr`, which takes leading zeros and empty octets, but no `255.255.255.255`.
pub(crate) fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut count = 0;
    for (index, part) in text.split(|byte| *byte == b'.').enumerate() {
        let digits = if part.is_empty() {
            Ok(0)
        } else {
            parse_number(part)
        };
        *octets.get_mut(index)? = u8::try_from(digits.ok()?).ok()?;
        count = index + 1;
    }
    (count == 4 && octets != [255; 4]).then(|| octets.into())
}

fn parse_ipv6_address(text: &[u8]) -> Option<Ipv6Addr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// The address, the bits that do not count cleared.
    pub address: IpAddr,
    /// How many bits count.
    pub bits: u8,
    /// Whether bits that do not count were set, which nginx warns of.
    pub low_bits: bool,
}

impl Network {
    /// Reads an address or a network. nginx: `ngx_ptocidr`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let slash = text.iter().position(|byte| *byte == b'/');
        let (host, mask) = text.split_at(slash.unwrap_or(text.len()));
        let address = match parse_ipv4(host) {
            Some(ip) => IpAddr::V4(ip),
            None => IpAddr::V6(parse_ipv6_address(host)?),
        };
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match mask.split_first() {
            Some((_, mask)) => u8::try_from(parse_number(mask).ok()?).ok()?,
            None => all,
        };
        if bits > all {
            return None;
        }
        let masked = mask_address(address, bits);
        Some(Self {
            address: masked,
            bits,
            low_bits: masked != address,
        })
    }

    /// The network of so many bits that an address lies in.
    pub(crate) fn around(address: IpAddr, bits: u8) -> (IpAddr, u8) {
        (mask_address(address, bits), bits)
    }

    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && mask_address(address, self.bits) == self.address
    }
}

fn mask_address(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            Ipv4Addr::from_bits(ip.to_bits() & mask).into()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            Ipv6Addr::from_bits(ip.to_bits() & mask).into()
        }
    }
}

/// Looks a name up with the system's resolver, as nginx does while it loads. Blocks.
pub(crate) fn look_up(host: &[u8], port: u16) -> Vec<SocketAddr> {
    let Ok(host) = std::str::from_utf8(host) else {
        return Vec::new();
    };
    (host, port)
        .to_socket_addrs()
        .map_or_else(|_| Vec::new(), Iterator::collect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Result<Url<'_>, &'static str> {
        parse_url(text.as_bytes(), Form::Listen, 80)
    }

    #[test]
    fn listen_takes_ports_addresses_and_both() {
        for (text, address) in [
            ("8080", "0.0.0.0:8080"),
            ("*:81", "0.0.0.0:81"),
            ("127.0.0.1", "127.0.0.1:80"),
            ("[::]:443", "[::]:443"),
            ("[::1]", "[::1]:80"),
        ] {
            let expected = Address::Ip(address.parse().unwrap());
            assert_eq!(listen(text).map(|url| url.address), Ok(expected), "{text}");
        }
        assert_eq!(listen("8000-8003").map(|url| url.last_port), Ok(Some(8003)));
        assert_eq!(
            listen("localhost").map(|url| url.address),
            Ok(Address::Name(b"localhost", 80))
        );
    }

    #[test]
    fn faults_have_nginx_s_words() {
        for (text, error) in [
            ("0", "invalid port"),
            ("99999", "invalid port"),
            ("80-70", "invalid port range"),
            ("a/b", "invalid host"),
            (":80", "no host"),
            ("[::1", "invalid host"),
            ("[]:80", "no host"),
            ("[xyz]", "invalid IPv6 address"),
            ("unix:", "no path in the unix domain socket"),
        ] {
            assert_eq!(listen(text), Err(error), "{text}");
        }
    }

    #[test]
    fn networks_clear_the_bits_that_do_not_count() {
        let network = Network::parse(b"10.1.2.3/8").unwrap();
        assert_eq!(
            (network.address, network.low_bits),
            ("10.0.0.0".parse().unwrap(), true)
        );
        assert!(network.contains("10.9.9.9".parse().unwrap()));
        assert!(!network.contains("11.0.0.1".parse().unwrap()));
        assert!(
            Network::parse(b"::/0")
                .unwrap()
                .contains("::1".parse().unwrap())
        );
        for bad in ["", "10.0.0.0/33", "10.0.0", "::1/129", "a/8", "1.2.3.4/"] {
            assert_eq!(Network::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
