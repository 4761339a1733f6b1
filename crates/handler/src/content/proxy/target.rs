//! Where a request goes: a fixed URL, or one that variables make.
//!
//! Source: nginx, `ngx_http_proxy_eval`, `ngx_http_proxy_set_vars`, `ngx_http_upstream_init_request`.

use std::sync::Arc;

use portunus_proxy::Address;
use portunus_upstream::{Balance, Group, Peer};

use crate::config::{Proxy, ProxyGroup, ProxyTarget, ProxyUrl, Site};
use crate::context::Context;

/// What a request that is passed on knows of where it goes.
#[derive(Debug)]
pub(crate) struct Proxied {
    pub(crate) url: ProxyUrl,
    /// The URL's own path rules: variables made it.
    pub(crate) whole_uri: bool,
}

/// Notes the URL, for `$proxy_host`, `$proxy_port` and the key of a stored answer.
pub(super) fn note(cx: &mut Context, proxy: &Proxy) -> Result<(), u16> {
    url(cx, proxy).map(drop)
}

/// The URL of a request; for one that variables made, its text.
fn url<'p>(cx: &mut Context, proxy: &'p Proxy) -> Result<Target<'p>, u16> {
    let template = match &proxy.target {
        ProxyTarget::Fixed(url, group) => {
            let url = url.clone();
            cx.proxied = Some(Box::new(Proxied {
                url,
                whole_uri: false,
            }));
            return Ok(Target::Known(group));
        }
        ProxyTarget::Dynamic(template) => template,
    };
    let text = cx.expand(template);
    let Some((secure, rest)) = strip_scheme(&text) else {
        let text = text.escape_ascii();
        cx.log_error(format_args!("invalid URL prefix in \"{text}\""));
        return Err(500);
    };
    let Some(parts) = Parts::parse(rest, secure) else {
        let rest = rest.escape_ascii();
        cx.log_error(format_args!("invalid host in upstream \"{rest}\""));
        return Err(500);
    };
    let url = parts.url();
    let whole_uri = !url.uri.is_empty();
    cx.proxied = Some(Box::new(Proxied { url, whole_uri }));
    Ok(Target::Text(text))
}

/// Where a URL leads.
enum Target<'p> {
    Known(&'p Arc<ProxyGroup>),
    Text(Vec<u8>),
}

/// Finds the servers, and notes the URL.
pub(super) async fn resolve(
    cx: &mut Context,
    site: &Site,
    proxy: &Proxy,
) -> Result<Arc<ProxyGroup>, u16> {
    let text = match url(cx, proxy)? {
        Target::Known(group) => return Ok(Arc::clone(group)),
        Target::Text(text) => text,
    };
    let parts = strip_scheme(&text).and_then(|(secure, rest)| Parts::parse(rest, secure));
    let parts = parts.ok_or(500_u16)?;
    if let Some(group) = site.proxy_groups.get(&*parts.host.to_ascii_lowercase()) {
        return Ok(Arc::clone(group));
    }
    look_up(cx, &parts).await
}

/// Whether the scheme is `https`, and what follows it.
fn strip_scheme(text: &[u8]) -> Option<(bool, &[u8])> {
    let behind = |scheme: &[u8]| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let secure = behind(b"https://").map(|rest| (true, rest));
    secure.or_else(|| Some((false, behind(b"http://")?)))
}

/// A URL behind its scheme.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'t> {
    host: &'t [u8],
    port: Option<u16>,
    uri: &'t [u8],
    unix: bool,
    secure: bool,
}

impl<'t> Parts<'t> {
    fn parse(text: &'t [u8], secure: bool) -> Option<Self> {
        if let Some(rest) = text.strip_prefix(b"unix:") {
            let colon = memchr::memchr(b':', rest).unwrap_or(rest.len());
            let uri = rest.get(colon + 1..).unwrap_or_default();
            let host = &rest[..colon];
            return (!host.is_empty()).then_some(Self {
                host,
                port: None,
                uri,
                unix: true,
                secure,
            });
        }
        let end = text
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        let (authority, uri) = text.split_at(end.unwrap_or(text.len()));
        let colon = match authority.first() {
            Some(b'[') => memchr::memchr(b']', authority)? + 1,
            _ => memchr::memchr(b':', authority).unwrap_or(authority.len()),
        };
        let (host, port) = authority.split_at(colon);
        let port = match port.strip_prefix(b":") {
            None if !port.is_empty() => return None,
            None => None,
            Some(digits) => Some(
                std::str::from_utf8(digits)
                    .ok()?
                    .parse()
                    .ok()
                    .filter(|port| *port > 0)?,
            ),
        };
        (!host.is_empty()).then_some(Self {
            host,
            port,
            uri,
            unix: false,
            secure,
        })
    }

    fn default_port(&self) -> u16 {
        if self.secure { 443 } else { 80 }
    }

    fn url(&self) -> ProxyUrl {
        let uri: Box<[u8]> = match self.uri.first() {
            Some(b'?') => [b"/", self.uri].concat().into(),
            _ => self.uri.into(),
        };
        let (host, port): (Vec<u8>, Vec<u8>) = match (self.unix, self.port) {
            (true, _) => (b"localhost".to_vec(), Vec::new()),
            (_, port) if port.is_none_or(|port| port == self.default_port()) => {
                let port = self.default_port().to_string();
                (self.host.to_vec(), port.into_bytes())
            }
            (_, port) => {
                let port = port.unwrap_or_default();
                let port = port.to_string().into_bytes();
                ([self.host, b":", &port].concat(), port)
            }
        };
        let (host, port) = (host.into(), port.into());
        ProxyUrl {
            secure: self.secure,
            host,
            port,
            uri,
            prefix: 0,
        }
    }
}

/// The addresses of a host that is in no `upstream`.
///
/// Differs: nginx asks the name servers of `resolver`, and fails without them; here the system is
/// asked.
async fn look_up(cx: &Context, parts: &Parts<'_>) -> Result<Arc<ProxyGroup>, u16> {
    let host = String::from_utf8_lossy(parts.host).into_owned();
    let port = parts.port.unwrap_or_else(|| parts.default_port());
    let addresses: Vec<Address> = if parts.unix {
        vec![Address::Unix(host.clone().into())]
    } else {
        match tokio::net::lookup_host(format!("{host}:{port}")).await {
            Ok(found) => found.map(Address::Tcp).collect(),
            Err(_) => Vec::new(),
        }
    };
    if addresses.is_empty() {
        cx.log_error(format_args!(
            "{host} could not be resolved (3: Host not found)"
        ));
        return Err(502);
    }
    let peers = addresses.into_iter().map(Peer::new).collect();
    let group = Group::new(host, peers, Balance::RoundRobin);
    Ok(Arc::new(ProxyGroup {
        group,
        key: None,
        keepalive: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let parse = |text: &'static str| {
            let secure = text.starts_with("[::1]:443");
            Parts::parse(text.as_bytes(), secure).map(|parts| parts.url())
        };
        let shown = |text| {
            let url = parse(text).expect(text);
            let part = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (part(&url.host), part(&url.port), part(&url.uri))
        };
        let expect = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(shown("a"), expect("a", "80", ""));
        assert_eq!(shown("a:8080/x?y"), expect("a:8080", "8080", "/x?y"));
        assert_eq!(shown("a:80?y"), expect("a", "80", "/?y"));
        assert_eq!(shown("[::1]:81/"), expect("[::1]:81", "81", "/"));
        assert_eq!(shown("[::1]:443/"), expect("[::1]", "443", "/"));
        assert_eq!(shown("unix:/s:/x"), expect("localhost", "", "/x"));
        for bad in ["", ":80", "a:0", "a:b", "unix:"] {
            assert!(Parts::parse(bad.as_bytes(), false).is_none(), "{bad}");
        }
        assert_eq!(strip_scheme(b"HTTPS://a/"), Some((true, &b"a/"[..])));
        assert_eq!(strip_scheme(b"http://a/"), Some((false, &b"a/"[..])));
        assert_eq!(strip_scheme(b"ftp://a/"), None);
    }
}
