//! `set_real_ip_from`: a trusted proxy says for whom it speaks.
//!
//! Source: nginx, ngx_http_realip_module, `ngx_http_get_forwarded_addr`.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use http::{HeaderMap, HeaderName};

use crate::config::{RealIp, RealIpSource, Site};
use crate::context::{Client, Context, Forwarded};

/// Replaces the client's address where the peer is trusted.
pub(crate) fn apply(cx: &mut Context, site: &Site) {
    let Some(rules) = cx.location_in(site).real_ip.clone() else {
        return;
    };
    let peer = cx.peer();
    let trusted = match peer.address {
        Some(address) => rules.trusts(address),
        None => rules.trust_unix,
    };
    if !trusted {
        return;
    }
    let found = match &rules.source {
        RealIpSource::ProxyProtocol => {
            let exchange = Rc::clone(&cx.exchange);
            exchange
                .connection()
                .proxied()
                .map(|proxied| client(proxied.source))
        }
        RealIpSource::Field(name) => from_field(&rules, cx.exchange.fields(), name),
    };
    if let Some(found) = found {
        cx.client = found;
    }
    if rules.forwards {
        cx.forwarded = told_by(cx.exchange.fields());
    }
}

/// How the client came to the proxy: what the last hop, which is the trusted one, says of it. A proxy that
/// tells no port is on that of its scheme.
fn told_by(fields: &HeaderMap) -> Forwarded {
    let last = |name: &str| {
        let value = fields.get_all(name).iter().next_back()?;
        let last = value.to_str().ok()?.rsplit(',').next()?;
        Some(last.trim().to_ascii_lowercase())
    };
    let tls = last("x-forwarded-proto").and_then(|scheme| match &*scheme {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    });
    let port = last("x-forwarded-port").and_then(|port| port.parse().ok());
    let usual = tls.map(|tls| if tls { 443 } else { 80 });
    Forwarded {
        tls,
        port: port.filter(|port| *port != 0).or(usual),
    }
}

/// The same by the rules of the location, unless the address has been replaced before.
pub(super) fn apply_in_location(cx: &mut Context, site: &Site) {
    if cx.subrequest.is_none() && cx.client == cx.peer() {
        apply(cx, site);
    }
}

/// The address that a chain of trusted proxies speaks for.
pub(crate) fn forwarded(cx: &Context, rules: &RealIp, address: Option<IpAddr>) -> Option<IpAddr> {
    let trusted = address.is_some_and(|address| rules.trusts(address));
    let found = match &rules.source {
        RealIpSource::Field(name) if trusted => from_field(rules, cx.exchange.fields(), name),
        _ => None,
    };
    found.map_or(address, |found| found.address)
}

fn client(address: SocketAddr) -> Client {
    let port = Some(address.port()).filter(|port| *port != 0);
    Client {
        address: Some(address.ip()),
        port,
    }
}

/// Several lines make one list of this field only; of any other the first counts.
fn from_field(rules: &RealIp, fields: &HeaderMap, name: &HeaderName) -> Option<Client> {
    static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    let values = fields.get_all(name).iter();
    let most = match *name == FORWARDED_FOR {
        true => usize::MAX,
        false => 1,
    };
    let list: Vec<&[u8]> = values.map(http::HeaderValue::as_bytes).take(most).collect();
    from_list(rules, &list)
}

/// The last address of the list; with `real_ip_recursive` the last that is not trusted itself. What is no
/// address ends it, and so does nothing where there should be one.
fn from_list(rules: &RealIp, fields: &[&[u8]]) -> Option<Client> {
    let parts = |byte: &u8| matches!(byte, b',' | b' ' | b'\t');
    let mut found = None;
    for field in fields.iter().rev() {
        let mut rest = Some(*field);
        while let Some(list) = rest {
            let Some(end) = list.iter().rposition(|byte| !parts(byte)) else {
                return found;
            };
            let list = list.get(..=end).unwrap_or_default();
            let start = list.iter().rposition(parts);
            let text = list.get(start.map_or(0, |at| at + 1)..).unwrap_or_default();
            let Some(address) = parse(text) else {
                return found;
            };
            found = Some(address);
            let goes_on = rules.recursive && address.address.is_some_and(|ip| rules.trusts(ip));
            if !goes_on {
                return found;
            }
            rest = start.and_then(|at| list.get(..at));
        }
    }
    found
}

/// An address, with or without a port.
fn parse(text: &[u8]) -> Option<Client> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(client(address));
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let address: IpAddr = bare.parse().ok()?;
    Some(Client {
        address: Some(address),
        port: None,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;
    use crate::config::Network;

    fn rules(recursive: bool) -> RealIp {
        let network = Network {
            address: "10.0.0.0".parse().unwrap(),
            prefix: 8,
        };
        let source = RealIpSource::Field(HeaderName::from_static("x-forwarded-for"));
        RealIp {
            trusted: vec![network],
            trust_unix: false,
            forwards: false,
            source,
            recursive,
        }
    }

    fn found(recursive: bool, list: &[&[u8]]) -> Option<String> {
        Some(from_list(&rules(recursive), list)?.address?.to_string())
    }

    #[test]
    fn the_trusted_hop_tells_scheme_and_port() {
        for (scheme, port, found) in [
            ("https", "", (Some(true), Some(443))),
            ("http", "", (Some(false), Some(80))),
            ("https", "8443", (Some(true), Some(8443))),
            ("http, https", "80, 443", (Some(true), Some(443))),
            ("WSS", "0", (Some(true), Some(443))),
            ("gopher", "70", (None, Some(70))),
            ("", "", (None, None)),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert("x-forwarded-proto", scheme.parse().unwrap());
            fields.insert("x-forwarded-port", port.parse().unwrap());
            let told = told_by(&fields);
            assert_eq!((told.tls, told.port), found, "{scheme} {port}");
        }
    }

    #[test]
    fn the_last_hop_counts_unless_it_is_trusted_and_recursive() {
        assert_eq!(
            found(false, &[b"1.1.1.1, 10.0.0.9"]).as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(
            found(true, &[b"1.1.1.1, 10.0.0.9"]).as_deref(),
            Some("1.1.1.1")
        );
        assert_eq!(
            found(true, &[b"9.9.9.9", b"1.1.1.1,10.0.0.9"]).as_deref(),
            Some("1.1.1.1")
        );
        assert_eq!(
            found(true, &[b"10.0.0.8, 10.0.0.9"]).as_deref(),
            Some("10.0.0.8")
        );
        assert_eq!(
            found(true, &[b"junk, 10.0.0.9"]).as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(found(false, &[b"junk"]), None);
    }

    #[test]
    fn nothing_ends_the_list() {
        for (list, last, first) in [
            (&[&b"9.9.9.9"[..], b""][..], None, None),
            (&[b"9.9.9.9", b" , "], None, None),
            (
                &[b"9.9.9.9", b", 10.0.0.9"],
                Some("10.0.0.9"),
                Some("10.0.0.9"),
            ),
            (
                &[b"9.9.9.9", b"", b"10.0.0.9"],
                Some("10.0.0.9"),
                Some("10.0.0.9"),
            ),
            (
                &[b"1.1.1.1 , ,10.0.0.9, "],
                Some("10.0.0.9"),
                Some("1.1.1.1"),
            ),
        ] {
            assert_eq!(found(false, list).as_deref(), last, "{list:?}");
            assert_eq!(found(true, list).as_deref(), first, "{list:?}");
        }
    }
}
