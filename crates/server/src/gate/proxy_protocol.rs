//! The header that a proxy in front of us puts before everything else.
//!
//! Source: <https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>, versions 1 and 2.

use std::net::{IpAddr, SocketAddr};

use crate::connection::ProxiedAddresses;

/// What the first bytes of a connection are.
#[derive(Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// Not whole yet.
    More,
    /// A header of this length, with the addresses if it names any.
    Whole(usize, Option<ProxiedAddresses>),
    /// No header.
    Broken,
}

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;
/// Longest header, in bytes. Source: nginx, `NGX_PROXY_PROTOCOL_MAX_HEADER`.
pub(crate) const LONGEST_HEADER: usize = 4096;

/// Reads the header at the front of `bytes`.
#[must_use]
pub fn parse(bytes: &[u8]) -> ProxyHeader {
    let begins = |with: &[u8]| {
        let length = bytes.len().min(with.len());
        bytes[..length] == with[..length]
    };
    if begins(SIGNATURE) {
        parse_binary(bytes)
    } else if begins(b"PROXY ") {
        parse_text(bytes)
    } else {
        ProxyHeader::Broken
    }
}

fn parse_text(bytes: &[u8]) -> ProxyHeader {
    let Some(end) = bytes
        .iter()
        .take(LONGEST_LINE)
        .position(|&byte| byte == b'\n')
    else {
        let whole = bytes.len() >= LONGEST_LINE;
        return if whole {
            ProxyHeader::Broken
        } else {
            ProxyHeader::More
        };
    };
    let line = bytes[..end]
        .strip_suffix(b"\r")
        .and_then(|line| std::str::from_utf8(line).ok());
    let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => ProxyHeader::Whole(end + 1, None),
        [
            "PROXY",
            family @ ("TCP4" | "TCP6"),
            source,
            destination,
            from,
            to,
        ] => {
            let address = |ip: &str, port: &str| -> Option<SocketAddr> {
                let ip: IpAddr = ip.parse().ok()?;
                (ip.is_ipv4() == (family == "TCP4")).then_some(())?;
                Some(SocketAddr::new(ip, port.parse().ok()?))
            };
            match (address(source, from), address(destination, to)) {
                (Some(source), Some(destination)) => ProxyHeader::Whole(
                    end + 1,
                    Some(ProxiedAddresses {
                        source,
                        destination,
                        values: Box::default(),
                    }),
                ),
                _ => ProxyHeader::Broken,
            }
        }
        _ => ProxyHeader::Broken,
    }
}

fn parse_binary(bytes: &[u8]) -> ProxyHeader {
    let Some(&[version_and_command, family, high, low]) =
        bytes.get(12..16).and_then(|fixed| fixed.first_chunk::<4>())
    else {
        return ProxyHeader::More;
    };
    if version_and_command >> 4 != 2 {
        return ProxyHeader::Broken;
    }
    let end = 16 + usize::from(u16::from_be_bytes([high, low]));
    if end > LONGEST_HEADER {
        return ProxyHeader::Broken;
    }
    let Some(block) = bytes.get(16..end) else {
        return ProxyHeader::More;
    };
    match (version_and_command & 15, family) {
        (0, _) => ProxyHeader::Whole(end, None),
        (1, 0x11) => addresses::<4>(block, end),
        (1, 0x21) => addresses::<16>(block, end),
        // Unix sockets, datagrams, and what is not specified: a header without addresses for us.
        (1, _) => ProxyHeader::Whole(end, None),
        _ => ProxyHeader::Broken,
    }
}

/// Two addresses of `N` bytes and two ports.
fn addresses<const N: usize>(block: &[u8], end: usize) -> ProxyHeader
where
    IpAddr: From<[u8; N]>,
{
    let port = |at: usize| {
        let bytes = block.get(at..at + 2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    let address = |at: usize, port_at: usize| {
        let ip = IpAddr::from(*block.get(at..)?.first_chunk::<N>()?);
        Some(SocketAddr::new(ip, port(port_at)?))
    };
    match (address(0, 2 * N), address(N, 2 * N + 2)) {
        (Some(source), Some(destination)) => ProxyHeader::Whole(
            end,
            Some(ProxiedAddresses {
                source,
                destination,
                values: block.get(2 * N + 4..).unwrap_or_default().into(),
            }),
        ),
        _ => ProxyHeader::Broken,
    }
}

/// The first value of a type among those of a header, or of a value that has values in it; `None` as
/// well where one before it is broken.
#[must_use]
pub fn find_value(mut values: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        let (&[kind, high, low], rest) = values.split_first_chunk::<3>()?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, after) = rest.split_at_checked(length)?;
        if kind == wanted {
            return Some(value);
        }
        values = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(source: &str, destination: &str) -> Option<ProxiedAddresses> {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        Some(ProxiedAddresses {
            source,
            destination,
            values: Box::default(),
        })
    }

    #[test]
    fn version_one() {
        let cases: &[(&str, ProxyHeader)] = &[
            (
                "PROXY TCP4 1.2.3.4 5.6.7.8 90 80\r\nGET",
                ProxyHeader::Whole(34, at("1.2.3.4:90", "5.6.7.8:80")),
            ),
            (
                "PROXY TCP6 ::1 ::2 9 8\r\n",
                ProxyHeader::Whole(24, at("[::1]:9", "[::2]:8")),
            ),
            ("PROXY UNKNOWN\r\n", ProxyHeader::Whole(15, None)),
            (
                "PROXY UNKNOWN ffff::1 ::2 1 2\r\n",
                ProxyHeader::Whole(31, None),
            ),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 90 80\n", ProxyHeader::Broken),
            ("PROXY TCP4 ::1 ::2 90 80\r\n", ProxyHeader::Broken),
            (
                "PROXY TCP4 1.2.3.4 5.6.7.8 65536 80\r\n",
                ProxyHeader::Broken,
            ),
            ("GET / HTTP/1.1\r\n", ProxyHeader::Broken),
            ("PRO", ProxyHeader::More),
            ("PROXY TCP4 1.2", ProxyHeader::More),
        ];
        for (input, expected) in cases {
            assert_eq!(parse(input.as_bytes()), *expected, "{input:?}");
        }
        assert_eq!(
            parse(&[b"PROXY ".as_slice(), &[b'x'; 101]].concat()),
            ProxyHeader::Broken
        );
    }

    #[test]
    fn version_two() {
        let header = |command: u8, family: u8, block: &[u8]| {
            let length = u16::try_from(block.len()).unwrap().to_be_bytes();
            [SIGNATURE.as_slice(), &[command, family], &length, block].concat()
        };
        let block = [1, 2, 3, 4, 5, 6, 7, 8, 0, 90, 0, 80, 0xAA];
        let with_values = |addresses: ProxiedAddresses| ProxiedAddresses {
            values: [0xAA].into(),
            ..addresses
        };
        let addresses = at("1.2.3.4:90", "5.6.7.8:80").map(with_values);
        let expected = ProxyHeader::Whole(29, addresses);
        assert_eq!(parse(&header(0x21, 0x11, &block)), expected);
        assert_eq!(parse(&header(0x20, 0, &[])), ProxyHeader::Whole(16, None));
        assert_eq!(parse(&header(0x21, 0x11, &block[..8])), ProxyHeader::Broken);
        assert_eq!(parse(&header(0x31, 0x11, &block)), ProxyHeader::Broken);
        assert_eq!(parse(&header(0x21, 0x11, &block)[..28]), ProxyHeader::More);
        let longest = header(0x20, 0, &[0; LONGEST_HEADER - 16]);
        assert_eq!(parse(&longest), ProxyHeader::Whole(longest.len(), None));
        let longer = header(0x20, 0, &[0; LONGEST_HEADER - 15]);
        assert_eq!(parse(&longer), ProxyHeader::Broken);
        assert_eq!(
            parse(&longer[..16]),
            ProxyHeader::Broken,
            "nothing of it is kept"
        );
    }

    #[test]
    fn values_are_found_until_one_is_broken() {
        let values = b"\x01\x00\x02h2\x02\x00\x00\x02\x00\x01x\x05\x00\x09short";
        assert_eq!(find_value(values, 1), Some(&b"h2"[..]));
        assert_eq!(find_value(values, 2), Some(&b""[..]));
        assert_eq!(find_value(values, 5), None);
        assert_eq!(find_value(values, 6), None);
        assert_eq!(find_value(b"\x01\x00", 1), None);
    }
}
