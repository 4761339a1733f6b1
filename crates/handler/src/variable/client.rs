//! Values about the client: user, request id, what a PROXY protocol header said.

use std::rc::Rc;

use http::header;
use portunus_server::proxy_protocol::find_value;

use super::Variable;
use super::expand::{put, put_display};
use crate::context::Context;

impl Context {
    /// `$remote_user`: the name in `Authorization: Basic`.
    ///
    /// Source: nginx, `ngx_http_auth_basic_user`.
    pub(super) fn append_remote_user(&self, out: &mut Vec<u8>) -> bool {
        match self.basic_credentials() {
            Some((user, _)) if !user.is_empty() => put(out, &user),
            _ => false,
        }
    }

    /// User and password of `Authorization: Basic` (RFC 7617).
    pub(crate) fn basic_credentials(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let field = self.exchange.values(&header::AUTHORIZATION).next()?;
        let (scheme, encoded) = field.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let decoded = decode_base64(encoded.trim_ascii())?;
        let colon = memchr::memchr(b':', &decoded)?;
        Some((decoded[..colon].to_vec(), decoded[colon + 1..].to_vec()))
    }

    /// `$request_id`: 32 random hexadecimal digits, the same for the whole request.
    pub(super) fn append_request_id(&self, out: &mut Vec<u8>) -> bool {
        put(out, self.request_id.get_or_init(random_id).as_bytes())
    }

    /// Source: nginx, `ngx_http_v2_variable`.
    pub(super) fn http2_name(&self) -> &'static [u8] {
        let connection = self.exchange.connection();
        match (connection.is_http2(), connection.tls()) {
            (true, true) => b"h2",
            (true, false) => b"h2c",
            (false, _) => b"",
        }
    }

    pub(super) fn append_proxy_protocol(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let exchange = Rc::clone(&self.exchange);
        let Some(proxied) = exchange.connection().proxied() else {
            return false;
        };
        match variable {
            Variable::ProxyProtocolAddr => put_display(out, proxied.source.ip()),
            Variable::ProxyProtocolPort => put_display(out, proxied.source.port()),
            Variable::ProxyProtocolServerAddr => put_display(out, proxied.destination.ip()),
            _ => put_display(out, proxied.destination.port()),
        }
    }
}

/// What version 2 of the PROXY protocol says beside the addresses.
///
/// Source: nginx, `ngx_proxy_protocol_get_tlv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyValue {
    /// A value of this type.
    Plain(u8),
    /// One of this type among those on TLS.
    Tls(u8),
    /// Whether the client's certificate was good.
    TlsVerify,
}

/// The type of the value on TLS: a byte and a number, then values of its own.
const TLS: u8 = 0x20;

impl ProxyValue {
    /// The value of a name, in lower case; `None` where there is no such name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let number = |name: &str| {
            u8::from_str_radix(name.strip_prefix("0x")?.trim_start_matches('0'), 16).ok()
        };
        if let Some(name) = name.strip_prefix("ssl_") {
            let known = match name {
                "verify" => return Some(Self::TlsVerify),
                "version" => Some(0x21),
                "cn" => Some(0x22),
                "cipher" => Some(0x23),
                "sig_alg" => Some(0x24),
                "key_alg" => Some(0x25),
                other => number(other),
            };
            return known.map(Self::Tls);
        }
        let known = match name {
            "alpn" => Some(0x01),
            "authority" => Some(0x02),
            "unique_id" => Some(0x05),
            "ssl" => Some(TLS),
            "netns" => Some(0x30),
            other => number(other),
        };
        known.map(Self::Plain)
    }

    pub(super) fn append(self, values: &[u8], out: &mut Vec<u8>) -> bool {
        let on_tls = || find_value(values, TLS)?.split_first_chunk::<5>();
        let found = match self {
            Self::Plain(kind) => find_value(values, kind),
            Self::Tls(kind) => on_tls().and_then(|(_, inner)| find_value(inner, kind)),
            Self::TlsVerify => {
                let Some(([_, verify @ ..], _)) = on_tls() else {
                    return false;
                };
                return put_display(out, u32::from_be_bytes(*verify));
            }
        };
        found.is_some_and(|value| put(out, value))
    }
}

/// Random enough to tell requests apart; not a secret.
fn random_id() -> Box<str> {
    use std::hash::{BuildHasher as _, RandomState};
    let half = |salt: u64| RandomState::new().hash_one((salt, std::time::Instant::now()));
    format!("{:016x}{:016x}", half(1), half(2)).into()
}

/// RFC 4648 §4; padding may be missing.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text
        .strip_suffix(b"==")
        .or(text.strip_suffix(b"="))
        .unwrap_or(text);
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.chunks(4) {
        let mut bits = 0_u32;
        for byte in group {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - group.len());
        let bytes = bits.to_be_bytes();
        match group.len() {
            1 => return None,
            length => out.extend_from_slice(&bytes[1..length]),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        assert_eq!(
            decode_base64(b"dXNlcjpwYXNz").as_deref(),
            Some(&b"user:pass"[..])
        );
        assert_eq!(decode_base64(b"dTpw").as_deref(), Some(&b"u:p"[..]));
        assert_eq!(decode_base64(b"dTpwYQ==").as_deref(), Some(&b"u:pa"[..]));
        assert_eq!(decode_base64(b"dTpwYQ").as_deref(), Some(&b"u:pa"[..]));
        assert_eq!(decode_base64(b"d"), None);
        assert_eq!(decode_base64(b"d!=="), None);
    }

    #[test]
    fn ids_differ() {
        let (one, two) = (random_id(), random_id());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
