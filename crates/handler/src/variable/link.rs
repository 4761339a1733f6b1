//! `$invalid_referer`, `$secure_link`, `$secure_link_expires`.
//!
//! Source: nginx, `ngx_http_referer_variable`, `ngx_http_secure_link_variable`.

use std::rc::Rc;

use http::header;
use md5::{Digest as _, Md5};
use portunus_routing::Regex;
use portunus_telemetry::Clock;

use super::client::decode_base64;
use super::expand::put;
use crate::access::same;
use crate::config::{Referers, SecureLink};
use crate::context::Context;

/// Longest host that is looked up.
const LONGEST_HOST: usize = 256;

impl Context {
    /// `$invalid_referer`: `1`, or empty.
    pub(super) fn append_invalid_referer(&self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let Some(rules) = &self.location_in(&site).referers else {
            return true;
        };
        let referer = self.exchange.fields().get(header::REFERER);
        let valid = rules.is_empty()
            || match referer {
                None => rules.none,
                Some(referer) => self.is_valid_referer(rules, referer.as_bytes()),
            };
        valid || put(out, b"1")
    }

    fn is_valid_referer(&self, rules: &Referers, referer: &[u8]) -> bool {
        let after = |scheme: &[u8]| {
            let (begin, rest) = referer.split_at_checked(scheme.len())?;
            begin.eq_ignore_ascii_case(scheme).then_some(rest)
        };
        let long_enough = referer.len() >= "http://i.ru".len();
        let rest = after(b"http://").or_else(|| after(b"https://"));
        let Some(rest) = rest.filter(|_| long_enough) else {
            return rules.blocked;
        };
        let end = memchr::memchr2(b'/', b':', rest).unwrap_or(rest.len());
        if end > LONGEST_HOST {
            return false;
        }
        let host = rest[..end].to_ascii_lowercase();
        if let Some(path) = rules.host(&host) {
            let begin = memchr::memchr(b'/', rest).unwrap_or(rest.len());
            return path.is_none_or(|path| rest[begin..].starts_with(path));
        }
        self.any_matches(&rules.host_patterns, &host) || self.any_matches(&rules.patterns, rest)
    }

    fn any_matches(&self, patterns: &[Regex], text: &[u8]) -> bool {
        let matches = |pattern: &Regex| match pattern.is_match(text) {
            Ok(found) => found,
            Err(error) => {
                self.log_match(&error);
                false
            }
        };
        patterns.iter().any(matches)
    }

    /// `$secure_link`: with a secret the rest of the URI; else `1`, or `0` when its time is over.
    /// Without a value if the checksum is wrong.
    pub(super) fn append_secure_link(&mut self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        match self.location_in(&site).secure_link.as_deref() {
            None => false,
            Some(SecureLink::Secret(secret)) => {
                let uri = self.exchange.target();
                match link_of_secret(uri, secret) {
                    Some(link) => put(out, link),
                    None => false,
                }
            }
            Some(SecureLink::Signed { link, text }) => {
                let link = self.expand(link);
                let Some((checksum, expires)) = split_link(&link) else {
                    return false;
                };
                let Some(checksum) = decode_checksum(checksum) else {
                    return false;
                };
                let text = self.expand(text);
                if !same(&checksum, &Md5::digest(&text)) {
                    return false;
                }
                let now = Clock::since_epoch().as_secs();
                let over = expires.is_some_and(|(end, _)| end < now);
                put(out, if over { b"0" } else { b"1" })
            }
        }
    }

    /// `$secure_link_expires`.
    pub(super) fn append_secure_link_expires(&mut self, out: &mut Vec<u8>) -> bool {
        let site = Rc::clone(&self.site);
        let Some(SecureLink::Signed { link, .. }) = self.location_in(&site).secure_link.as_deref()
        else {
            return false;
        };
        let link = self.expand(link);
        match split_link(&link) {
            Some((_, Some((_, text)))) => put(out, text),
            _ => false,
        }
    }
}

/// Checksum and end of life; `None` if that is no time.
#[allow(
    clippy::type_complexity,
    reason = "a pair with an optional pair, used once"
)]
fn split_link(link: &[u8]) -> Option<(&[u8], Option<(u64, &[u8])>)> {
    let Some(comma) = memchr::memchr(b',', link) else {
        return Some((link, None));
    };
    let text = &link[comma + 1..];
    let digits = text.iter().all(u8::is_ascii_digit);
    let end: i64 = std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()?;
    let end = u64::try_from(end).ok()?;
    (end > 0).then_some((&link[..comma], Some((end, text))))
}

/// base64url of 16 bytes; what is behind padding does not count.
///
/// Source: nginx, `ngx_decode_base64url`.
fn decode_checksum(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > 24 {
        return None;
    }
    let end = memchr::memchr(b'=', text).unwrap_or(text.len());
    let letters: Option<Vec<u8>> = text[..end]
        .iter()
        .map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'+' | b'/' => None,
            other => Some(*other),
        })
        .collect();
    decode_base64(&letters?).filter(|decoded| decoded.len() == 16)
}

/// `/prefix/CHECKSUM/link`: the link, if the checksum is that of link and secret.
///
/// Source: nginx, `ngx_http_secure_link_old_variable`.
fn link_of_secret<'u>(uri: &'u [u8], secret: &[u8]) -> Option<&'u [u8]> {
    let rest = uri.get(1..)?;
    let rest = &rest[memchr::memchr(b'/', rest)? + 1..];
    let (checksum, link) = rest.split_at(memchr::memchr(b'/', rest)?);
    let link = link.get(1..).filter(|link| !link.is_empty())?;
    let mut md5 = Md5::new();
    md5.update(link);
    md5.update(secret);
    same(&decode_hex(checksum)?, &md5.finalize()).then_some(link)
}

fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_split_at_the_comma() {
        assert_eq!(split_link(b"abc"), Some((&b"abc"[..], None)));
        let dated = split_link(b"abc,2147483647");
        assert_eq!(
            dated,
            Some((&b"abc"[..], Some((2_147_483_647, &b"2147483647"[..]))))
        );
        assert_eq!(split_link(b"abc,"), None);
        assert_eq!(split_link(b"abc,0"), None);
        assert_eq!(split_link(b"abc,1x"), None);
    }

    #[test]
    fn checksums_are_base64url_of_md5() {
        assert!(decode_checksum(b"AAAAAAAAAAAAAAAAAAAAAA").is_some());
        assert!(decode_checksum(b"--__AAAAAAAAAAAAAAAAAA==").is_some());
        assert!(decode_checksum(b"++//AAAAAAAAAAAAAAAAAA").is_none());
        assert!(decode_checksum(b"AAAA").is_none());
    }

    #[test]
    fn a_secret_protects_the_rest_of_the_uri() {
        let checksum: String = Md5::digest(b"top_secret_file.htmlsecret")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let uri = format!("/p/{checksum}/top_secret_file.html");
        let link = link_of_secret(uri.as_bytes(), b"secret");
        assert_eq!(link, Some(&b"top_secret_file.html"[..]));
        assert_eq!(link_of_secret(uri.as_bytes(), b"other"), None);
        assert_eq!(link_of_secret(b"/p/short/x", b"secret"), None);
        assert_eq!(link_of_secret(b"/p", b"secret"), None);
    }
}
