//! The host a client names (nginx: `ngx_http_validate_host`).

use std::borrow::Cow;

/// A host name that passed the check: lower case, without port and trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    /// The name, or the IP literal with its brackets; never empty.
    pub name: Cow<'a, [u8]>,
    /// The port behind it, if one is given that is not zero.
    pub port: Option<u16>,
}

/// A host that cannot be one; the client's fault, answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid host")]
pub struct InvalidHost;

impl<'a> Host<'a> {
    /// Checks and normalises the value of `Host`, `:authority`, or the authority of a target.
    ///
    /// # Errors
    ///
    /// If it is empty, holds a byte that no host may hold, two dots in a row, an unclosed bracket,
    /// or a port that is no number up to 65535.
    pub fn parse(raw: &'a [u8]) -> Result<Host<'a>, InvalidHost> {
        let (name, port) = split_port(raw)?;
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() {
            return Err(InvalidHost);
        }
        let name = if name.iter().any(u8::is_ascii_uppercase) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        };
        Ok(Host { name, port })
    }
}

/// Splits `name:port` or `[literal]:port` and checks both for their bytes.
fn split_port(raw: &[u8]) -> Result<(&[u8], Option<u16>), InvalidHost> {
    let name_length = if raw.first() == Some(&b'[') {
        let inner = name_length(&raw[1..], b':')?;
        if raw.get(inner + 1) != Some(&b']') {
            return Err(InvalidHost);
        }
        inner + 2
    } else {
        name_length(raw, b'%')?
    };
    let (name, rest) = raw.split_at(name_length);
    match rest.split_first() {
        None => Ok((name, None)),
        Some((b':', port)) => Ok((name, parse_port(port)?)),
        Some(_) => Err(InvalidHost),
    }
}

/// How many of the first bytes may stand in a name, or are `also`; two dots in a row may not.
fn name_length(bytes: &[u8], also: u8) -> Result<usize, InvalidHost> {
    let mut after_dot = false;
    for (at, &byte) in bytes.iter().enumerate() {
        if !NAME_BYTES[usize::from(byte)] && byte != also {
            return Ok(at);
        }
        if after_dot && byte == b'.' {
            return Err(InvalidHost);
        }
        after_dot = byte == b'.';
    }
    Ok(bytes.len())
}

fn parse_port(digits: &[u8]) -> Result<Option<u16>, InvalidHost> {
    let mut port = 0_u16;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return Err(InvalidHost);
        }
        let tens = port.checked_mul(10).ok_or(InvalidHost)?;
        port = tens
            .checked_add(u16::from(digit - b'0'))
            .ok_or(InvalidHost)?;
    }
    Ok((port != 0).then_some(port))
}

/// Unreserved bytes and sub-delims (RFC 3986 §3.2.2).
static NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-._~!$&'()*+,;=";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::{Host, InvalidHost};

    #[test]
    fn normalises_as_nginx_does() {
        for (raw, name, port) in [
            ("example.com", "example.com", None),
            ("Example.COM:8080", "example.com", Some(8080)),
            ("example.com.", "example.com", None),
            ("example.com.:80", "example.com", Some(80)),
            ("a:", "a", None),
            ("a:0", "a", None),
            ("a:65535", "a", Some(65535)),
            ("a:00080", "a", Some(80)),
            (".a", ".a", None),
            ("a_b~!$&'()*+,;=%20", "a_b~!$&'()*+,;=%20", None),
            ("[::1]", "[::1]", None),
            ("[FE80::1.2]:443", "[fe80::1.2]", Some(443)),
            ("[]", "[]", None),
            ("[.]", "[.]", None),
        ] {
            let host = Host::parse(raw.as_bytes()).unwrap();
            assert_eq!((&*host.name, host.port), (name.as_bytes(), port), "{raw}");
        }
    }

    #[test]
    fn refuses_what_nginx_refuses() {
        for raw in [
            "", ".", ":80", ".:80", "a..b", "a..", "a b", "a/b", "a@b", "a?b", "a\\b", "a\0", "ä",
            "a:b", "a:65536", "a:99999", "a:80:80", "a:-1", "[::1", "[::1]x", "[::1]80", "[a%b]",
            "[a..b]", "a[b]", "::1",
        ] {
            assert_eq!(Host::parse(raw.as_bytes()), Err(InvalidHost), "{raw:?}");
        }
    }
}
